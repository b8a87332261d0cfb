"""SingleHDR's four steps: each learns from its true input, and a run becomes a model."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
fabric_module = pytest.importorskip("lightning_fabric")

from rawtool.errors import ConfigError  # noqa: E402 - after the checks
from rawtool.runtime.catalog import read_model  # noqa: E402
from rawtool.training.configs import SingleHdrConfig  # noqa: E402
from rawtool.training.data import Draw  # noqa: E402
from rawtool.training.recipes import singlehdr  # noqa: E402
from rawtool.training.settings import StageConfig, stages_of  # noqa: E402
from rawtool.training.step_data import StepStream  # noqa: E402
from rawtool.vocabulary import GlobalPass, Task  # noqa: E402

SHORT = StageConfig(minutes=10.0, crop=64, batch=1, rate=1e-3, steps=1)
CONFIG = SingleHdrConfig(
    width=0.0625, workers=0, dequantise=SHORT, linearise=SHORT, hallucinate=SHORT, refine=SHORT
)


class Says(torch.nn.Module):
    """A network that gives one answer, whatever it is asked."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, _picture):
        return self.answer


@pytest.fixture(scope="module")
def batch(workshop):
    return next(iter(StepStream(workshop, Draw(64, 2, 1.0), seed=1)))


def test_every_loss_is_least_at_the_truth(batch):
    behind_clipping = torch.where(batch.clipped < 1.0, 0.0, batch.truth - batch.clipped)
    answers = {
        "dequantise": (batch.encoded, batch.encoded + 0.05),
        "linearise": (batch.curve, batch.curve**2),
        "refine": (batch.truth, batch.truth.sqrt()),
    }

    for name, (right, wrong) in answers.items():
        assert singlehdr.LOSSES[name](Says(right), batch) < 0.1 * singlehdr.LOSSES[name](Says(wrong), batch)
    loss = singlehdr.LOSSES["hallucinate"]
    assert loss(Says(behind_clipping), batch) < loss(Says(torch.zeros_like(batch.truth)), batch)


def test_what_was_clipped_in_the_scene_itself_does_not_count(batch):
    unknown = replace(batch, known=torch.zeros_like(batch.known))

    assert singlehdr.refine_loss(Says(batch.truth * 0.1), unknown) == 0


def test_a_basis_that_is_none_is_told_by_its_name(tmp_path):
    table = tmp_path / "curves.txt"
    table.write_text("B =\n0 1\n", encoding="utf-8")

    assert singlehdr.read_basis("") is None
    with pytest.raises(ConfigError, match=r"curves\.txt: this is no table of response curves"):
        singlehdr.read_basis(str(table))
    with pytest.raises(ConfigError, match=r"name an invemor\.txt"):
        singlehdr.read_basis(str(tmp_path / "missing.txt"))


@pytest.mark.slow
def test_a_run_of_four_steps_becomes_a_model(workshop, tmp_path):
    fabric = fabric_module.Fabric(accelerator="cpu")
    run, out = tmp_path / "run", tmp_path / "models" / "singlehdr"
    run.mkdir()

    for name in stages_of(CONFIG):
        assert singlehdr.train_step(name, CONFIG, workshop, fabric, run, resume=False).step == 1
    singlehdr.export(CONFIG, run, out)

    card = read_model(out).card(Task.HDR)
    assert (card.global_pass, card.vector_size, card.halo) == (GlobalPass.THUMBNAIL, 1024, 448)


def test_without_the_first_steps_there_is_nothing_to_refine(tmp_path):
    with pytest.raises(ConfigError):
        singlehdr.assembled(CONFIG, tmp_path)
