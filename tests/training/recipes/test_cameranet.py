"""The three steps of CameraNet: what they minimise, and what each leaves for the next."""

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from lightning_fabric import Fabric  # noqa: E402 - after the checks

from rawtool.errors import ConfigError  # noqa: E402
from rawtool.nets.cameranet_s import root_encode  # noqa: E402
from rawtool.nets.eightbit import RANGE  # noqa: E402
from rawtool.training import losses  # noqa: E402
from rawtool.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from rawtool.training.configs import CAMERANET_PAPER, CameraNetConfig  # noqa: E402
from rawtool.training.data import EnhanceBatch, JointBatch, RestoreBatch  # noqa: E402
from rawtool.training.recipes import cameranet  # noqa: E402
from rawtool.training.settings import StageConfig  # noqa: E402
from rawtool.vocabulary import Task  # noqa: E402

TINY = StageConfig(1e6, 32, 2, 1e-3, steps=2)
CONFIG = CameraNetConfig(
    workers=0,
    crops_per_frame=1,
    validate_every_s=1e6,
    restore=TINY,
    enhance=TINY,
    joint=replace(TINY, rate=1e-4),
)


@pytest.fixture(scope="module")
def run(workshop, tmp_path_factory):
    """All three steps, two batches each."""
    folder = tmp_path_factory.mktemp("run")
    fabric = Fabric(accelerator="cpu", devices=1)
    for name in cameranet.STAGES:
        cameranet.train_step(name, CONFIG, workshop, fabric, folder, resume=False)
    return folder


def joint_batch():
    torch.manual_seed(1)
    picture, truth = torch.rand(2, 4, 8, 8), torch.rand(2, 3, 8, 8)
    return JointBatch(
        picture, torch.rand(2, 8), torch.rand(2, 3, 4, 4), truth, torch.ones(2, 3), torch.ones(2),
        torch.rand(2, 3, 4, 4), torch.rand(2, 3, 8, 8),
    )  # fmt: skip


class Answer(torch.nn.Module):
    """Gives what it was told, whatever it sees."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, *inputs):
        return self.value


@pytest.mark.parametrize("kind", ["encoded", "paper"])
def test_a_perfect_restoration_costs_nothing(kind):
    batch = joint_batch().restore()
    light = 2 * batch.neutral

    loss = cameranet.restore_loss(Answer((root_encode(batch.truth), light)), batch, kind)

    # The angle and the root are held off 0, where their slopes are infinite.
    floor = 0.5 * losses.RMS_FLOOR**0.5 if kind == "encoded" else 0.0
    assert floor <= loss.item() < floor + cameranet.ILLUMINANT_WEIGHT * 2e-3 + 1e-5


def test_a_wrong_light_costs_its_angle():
    batch = joint_batch().restore()
    east = torch.tensor([[1.0, 0.0, 0.0]]).expand(2, 3)
    code = root_encode(batch.truth)

    costs = [cameranet.restore_loss(Answer((code, light)), batch, "encoded").item() for light in (east, None)]

    assert costs[0] - costs[1] == pytest.approx(0.02 * math.acos(3**-0.5), abs=1e-6)


def test_the_papers_loss_is_l1_and_log_l1_of_light():
    batch = joint_batch().restore()
    found = torch.clamp(batch.truth + 0.1, max=1.0)

    loss = cameranet.restore_loss(Answer((root_encode(found), None)), batch, "paper")

    logs = torch.log(found + 1e-3) - torch.log(batch.truth + 1e-3)
    expected = (found - batch.truth).abs().mean() + logs.abs().mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-3)


def test_the_finishing_loss_is_l1_and_half_of_the_differences():
    truth = torch.zeros(1, 3, 4, 4)
    found = truth.clone()
    found[..., 2:] = 0.3

    loss = cameranet.enhance_loss(Answer(found), EnhanceBatch(truth, truth, truth))

    assert loss.item() == pytest.approx(0.15 + 0.5 * 0.1)


@pytest.mark.parametrize("balance", [0.0, 0.3, 1.0])
def test_the_joint_loss_balances_both(balance):
    batch = replace(joint_batch(), finished=0.1 + 0.6 * torch.rand(2, 3, 8, 8))
    code, finished = root_encode(batch.truth) + 0.1, batch.finished + 0.2

    found = cameranet.joint_loss(Answer((code, finished)), batch, "encoded", balance).item()

    raw = batch.restore()
    restoration = cameranet.restore_loss(Answer((code, None)), raw, "encoded").item()
    assert found == pytest.approx(balance * restoration + (1 - balance) * 0.2, rel=1e-4)


def test_every_step_leaves_its_checkpoints(run):
    names = {f"{stage}-{kind}.pt" for stage in cameranet.STAGES for kind in ("best", "last")}

    assert {path.name for path in run.glob("*.pt")} == names
    assert all(load_checkpoint(run / f"{stage}-last.pt").step == 2 for stage in cameranet.STAGES)


def test_the_joint_step_begins_with_the_best_of_the_two_before(run, workshop, tmp_path):
    marked = {}
    for stage in ("restore", "enhance"):
        before = load_checkpoint(run / f"{stage}-best.pt")
        marked[stage] = {name: value * 0.8 for name, value in before.average.items()}
        save_checkpoint(tmp_path / f"{stage}-best.pt", replace(before, average=marked[stage]))

    fabric = Fabric(accelerator="cpu", devices=1)
    cameranet.train_step("joint", CONFIG, workshop, fabric, tmp_path, resume=False)

    joint = load_checkpoint(tmp_path / "joint-last.pt").weights
    for stage, part in (("restore", "restorer"), ("enhance", "enhancer")):
        for name, value in marked[stage].items():
            if name.endswith(RANGE):  # follows what is seen
                continue
            # Two steps of Adam at a rate of 1e-4 or less.
            assert (joint[f"{part}.{name}"] - value).abs().max() <= 1e-3


def test_without_the_two_steps_before_the_joint_one_begins_at_random(workshop, tmp_path):
    none = replace(TINY, steps=0)
    alone = replace(CONFIG, restore=none, enhance=none, balance=0.0)
    fabric = Fabric(accelerator="cpu", devices=1)

    cameranet.train_step("joint", alone, workshop, fabric, tmp_path, resume=False)

    assert {path.name for path in tmp_path.glob("*.pt")} == {"joint-best.pt", "joint-last.pt"}
    restoring, _ = cameranet.trained(alone, tmp_path)
    with pytest.raises(ConfigError, match=r"restore-best\.pt does not exist"):
        cameranet.train_step("joint", CONFIG, workshop, fabric, tmp_path, resume=False)
    scored = (tmp_path / "log.jsonl").read_text()
    assert "psnr_chain" in scored
    assert "psnr_iso100" not in scored  # Where only the end is learned, only the end is scored.
    assert restoring.net.stem.weight.abs().max() > 0


def test_a_run_is_taken_as_far_as_it_got(run, tmp_path):
    for stage in ("restore", "enhance"):
        (tmp_path / f"{stage}-best.pt").write_bytes((run / f"{stage}-best.pt").read_bytes())

    early, late = cameranet.trained(CONFIG, tmp_path), cameranet.trained(CONFIG, run)

    averages = [load_checkpoint(run / f"{stage}-best.pt").average for stage in ("restore", "joint")]
    name = "net.stem.weight"
    torch.testing.assert_close(early[0].state_dict()[name], averages[0][name])
    torch.testing.assert_close(late[0].state_dict()[name], averages[1][f"restorer.{name}"])
    assert not any(network.training for network in (*early, *late))


def test_a_step_that_was_not_done_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"restore-best\.pt does not exist"):
        cameranet.trained(CONFIG, tmp_path)


def test_a_step_goes_on_where_it_stood(run, workshop, tmp_path):
    for path in run.glob("restore-*.pt"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    longer = replace(CONFIG, restore=replace(TINY, steps=4))
    fabric = Fabric(accelerator="cpu", devices=1)

    progress = cameranet.train_step("restore", longer, workshop, fabric, tmp_path, resume=True)

    assert progress.step == 4
    assert isinstance(joint_batch().restore(), RestoreBatch)


def test_a_resumed_step_learns_other_batches_than_it_began_with(run, workshop, tmp_path, monkeypatch):
    for path in run.glob("restore-*.pt"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    seen = []
    loss = cameranet.restore_loss

    def noted(network, batch, kind):
        seen.append(float(batch.truth.sum()))
        return loss(network, batch, kind)

    monkeypatch.setattr(cameranet, "restore_loss", noted)
    (tmp_path / "new").mkdir()
    longer = replace(CONFIG, restore=replace(TINY, steps=4))
    fabric = Fabric(accelerator="cpu", devices=1)

    cameranet.train_step("restore", longer, workshop, fabric, tmp_path, resume=True)
    cameranet.train_step("restore", longer, workshop, fabric, tmp_path / "new", resume=False)

    resumed, fresh = seen[:2], seen[2:4]
    assert len(seen) == 2 + 4
    assert not set(resumed) & set(fresh)


@pytest.mark.parametrize(
    ("config", "name"), [(CONFIG, "cameranet-s"), (CAMERANET_PAPER, "cameranet-paper")], ids=["s", "paper"]
)
def test_the_card_is_that_of_the_size(run, config, name):
    card = cameranet.card_of(Task.ENHANCE, config, run)

    assert (card.name, card.task) == (name, Task.ENHANCE)
    assert card.training.startswith("restore: 2 steps of ")
    assert f"loss {config.loss}" in card.training
