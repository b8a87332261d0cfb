"""HDRUNet's recipe: what each loss counts, and one step from scenes to graphs."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("onnx")

from lightning_fabric import Fabric  # noqa: E402 - after the checks

from rawtool.color import transfer  # noqa: E402
from rawtool.errors import ConfigError  # noqa: E402
from rawtool.metrics.fidelity import pu21_psnr  # noqa: E402
from rawtool.nets.hdr_s import THUMBNAIL  # noqa: E402
from rawtool.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from rawtool.training.configs import HdrUnetConfig  # noqa: E402
from rawtool.training.ldr_data import HdrBatch  # noqa: E402
from rawtool.training.recipes import hdrunet  # noqa: E402
from rawtool.training.recipes.hdr_wrappers import reconstructor, to_power  # noqa: E402
from rawtool.training.recipes.hdrunet import (  # noqa: E402
    ENCODINGS,
    EV_SQUARE_WEIGHT,
    EV_WEIGHT,
    LOG,
    LOG_FLOOR,
    POWERED,
    WITH_EV,
    hdr_loss,
    highlight_loss,
    highlight_square,
)
from rawtool.training.settings import StageConfig  # noqa: E402

TINY = HdrUnetConfig(
    size="paper",
    loss="pu21",
    width=8,
    n_blocks=1,
    workers=0,
    validate_every_s=1e6,
    reconstruct=StageConfig(1e6, 32, 2, 2e-3, steps=2),
)
SMALL = replace(TINY, size="s")
every_loss = pytest.mark.parametrize("kind", HdrUnetConfig.losses)


def batch_of(n=2, side=32, seed=1):
    """Light up to 8, its picture clipped at 1."""
    random = torch.Generator().manual_seed(seed)
    light = 8.0 * torch.rand((n, 3, side, side), generator=random) ** 3
    picture = torch.from_numpy(transfer.srgb_encode(light.clamp(max=1.0).numpy()))
    thumbnail = torch.rand((n, 3, THUMBNAIL, THUMBNAIL), generator=random)
    return HdrBatch(picture, thumbnail, light, torch.ones(n, 1, side, side))


class Answer(torch.nn.Module):
    """Gives what it was told, whatever it sees."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, *inputs):
        return self.value


def above_its_least(loss, kind):
    """A loss less the least that it can be."""
    return loss - (0.5 * np.log(LOG_FLOOR) if LOG in kind else 0.0)


def loss_of(found, batch, kind, *, is_powered=False):
    """The loss of found light, from 0 on."""
    answer = to_power(found) if is_powered else found
    return above_its_least(hdr_loss(Answer(answer), batch, kind, is_powered=is_powered).item(), kind)


def test_every_loss_of_the_settings_is_there():
    plain = {kind.removesuffix(WITH_EV).removesuffix(LOG) for kind in HdrUnetConfig.losses}
    assert {*ENCODINGS, *POWERED} == plain
    assert not set(ENCODINGS) & set(POWERED)
    assert HdrUnetConfig().loss in HdrUnetConfig.losses


@every_loss
@pytest.mark.parametrize("is_powered", [False, True])
def test_the_truth_costs_nothing_and_more_error_costs_more(kind, is_powered):
    batch = batch_of()
    costs = [
        loss_of(batch.truth * 2.0**ev, batch, kind, is_powered=is_powered) for ev in (0.0, 0.1, 0.5, 1.0)
    ]

    # The root of the mean square is held off 0, where its slope has no bound.
    assert -1e-6 <= costs[0] < 1.1e-4
    assert costs == sorted(costs)
    assert costs[1] > 2.0 * costs[0] + 1e-4


@every_loss
def test_networks_of_light_and_of_its_power_are_judged_alike(kind):
    batch = batch_of()
    found = 1.3 * batch.truth.clamp(min=1e-3)

    assert loss_of(found, batch, kind) == pytest.approx(
        loss_of(found, batch, kind, is_powered=True), rel=1e-3
    )


@every_loss
@pytest.mark.parametrize("is_powered", [False, True])
def test_where_the_truth_was_clipped_itself_nothing_counts(kind, is_powered):
    batch = batch_of()
    batch.known[:, :, :, 16:] = 0.0
    wild = batch.truth.clone()
    wild[..., 16:] = 900.0
    wrong = batch.truth.clone()
    wrong[..., :16] *= 1.5

    costs = [loss_of(found, batch, kind, is_powered=is_powered) for found in (batch.truth, wild, wrong)]

    assert costs[1] == pytest.approx(costs[0], abs=1e-7)
    assert costs[2] > costs[0] + 1e-3


@every_loss
@pytest.mark.parametrize("is_powered", [False, True])
def test_slopes_are_finite_from_black_to_far_above_what_screens_show(kind, is_powered):
    batch = batch_of()
    found = torch.full_like(batch.truth, 0.5)
    found[..., :8], found[..., 8:16], found[..., 16:24] = 0.0, -0.1, 1e4
    found.requires_grad_()

    hdr_loss(Answer(found), batch, kind, is_powered=is_powered).backward()

    assert torch.isfinite(found.grad).all()
    assert found.grad[..., 24:].abs().max() > 0.0


@pytest.mark.parametrize(
    ("kind", "curve"),
    [
        ("pu21", lambda light: transfer.pu21_encode(203.0 * light) / 256.0),
        ("pq", lambda light: transfer.pq_encode(203.0 * light)),
        ("mu-law", lambda light: transfer.mu_law_encode(light * 203.0 / 10000.0)),
        ("linear", lambda light: light),
    ],
)
def test_light_is_encoded_with_white_at_203_nits_and_its_error_is_half_l1_half_rms(kind, curve):
    batch = batch_of(n=1)
    found = 1.2 * batch.truth.clamp(min=0.01)

    error = curve(found.double().numpy()) - curve(batch.truth.clamp(min=5e-5).double().numpy())

    expected = 0.5 * np.abs(error).mean() + 0.5 * np.sqrt((error**2).mean())
    assert loss_of(found, batch, kind) == pytest.approx(expected, rel=0.01)


def test_the_logarithm_is_that_of_every_frames_mean_square():
    batch = batch_of()
    error = torch.tensor([0.5, 0.05])[:, None, None, None]
    curve = ENCODINGS["pu21"]
    found = batch.truth * (1.0 + error)

    loss = hdr_loss(Answer(found), batch, "pu21-log", is_powered=False)

    squares = (curve(found) - curve(batch.truth)).square().mean(dim=(1, 2, 3)).tolist()
    expected = 0.5 * np.mean([np.log(square + LOG_FLOOR) for square in squares])
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_the_error_of_clipped_areas_is_added_in_ev():
    batch = batch_of()
    found = 1.3 * batch.truth

    costs = [loss_of(found, batch, kind) for kind in ("pu21-log-ev", "pu21-log")]
    squares = loss_of(found, batch, "pu21-ev")

    assert costs[0] - costs[1] == pytest.approx(EV_WEIGHT * highlight_loss(found, batch).item(), rel=1e-4)
    curve = ENCODINGS["pu21"]
    error = (curve(found) - curve(batch.truth)).square().mean().item()
    expected = error + EV_SQUARE_WEIGHT * highlight_square(found, batch).item()
    assert squares == pytest.approx(expected, rel=1e-4)


def test_the_error_in_ev_is_that_of_luminance_where_the_picture_clips():
    batch = batch_of()
    batch.picture[0, :, :24] = 0.5
    clipped = batch.picture.amax(dim=1, keepdim=True) >= 250 / 255
    dark = torch.where(clipped, batch.truth, 3.0 * batch.truth)
    bright = torch.where(clipped, batch.truth * torch.tensor([2.0, 4.0])[:, None, None, None], batch.truth)

    assert 0.05 < clipped.float().mean() < 0.95
    assert highlight_loss(dark, batch).item() < 2e-4
    assert highlight_square(dark, batch).item() < 1e-6
    # One EV in the first frame, two in the second; nothing of either is above 10,000 cd/m2.
    assert bright.max() < 10000 / 203
    assert highlight_loss(bright, batch).item() == pytest.approx(1.5, rel=0.01)
    n_clipped = clipped.sum(dim=(1, 2, 3)).numpy()
    mean_square = (n_clipped @ [1.0, 4.0]) / n_clipped.sum()
    assert highlight_square(bright, batch).item() == pytest.approx(mean_square, rel=0.01)


def test_colours_do_not_count_in_the_error_in_ev_and_what_no_screen_shows_neither():
    batch = batch_of()
    grey = (batch.truth * torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(dim=1, keepdim=True)
    sun = replace(batch, truth=batch.truth + 100.0)

    assert highlight_loss(grey.expand_as(batch.truth), batch).item() < 2e-4
    assert highlight_loss(sun.truth * 50.0, sun).item() < 2e-4


def test_a_picture_that_clips_nowhere_has_no_error_in_ev_and_finite_slopes():
    batch = batch_of()
    batch = replace(batch, picture=0.9 * batch.picture)
    found = (2.0 * batch.truth).requires_grad_()

    loss = highlight_loss(found, batch) + highlight_square(found, batch)
    loss.backward()

    assert loss.item() < 2e-4
    assert torch.isfinite(found.grad).all()


def test_the_error_of_pu21_follows_the_score():
    """Half of the loss pu21 is the root of the error that PU21-PSNR counts, with the same white."""
    batch = batch_of(n=1)
    found = batch.truth * 1.1
    nits = [203.0 * light[0].permute(1, 2, 0).numpy() for light in (found, batch.truth)]

    psnr = pu21_psnr(*nits)

    root = 10 ** (-psnr / 20)
    assert root / 2 < loss_of(found, batch, "pu21") < 1.15 * root


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("tanh-l1", lambda a, b: np.abs(np.tanh(a) - np.tanh(b)).mean()),
        ("l1", lambda a, b: np.abs(a - b).mean()),
        ("l2", lambda a, b: ((a - b) ** 2).mean()),
    ],
)
def test_the_papers_losses_are_taken_of_light_to_the_power_of_its_data(kind, expected):
    batch = batch_of()
    found = 1.4 * batch.truth + 0.01

    powered = [light.double().numpy().clip(1e-6) ** (1 / 2.24) for light in (found, batch.truth)]

    assert loss_of(found, batch, kind) == pytest.approx(expected(*powered), rel=1e-4)


@every_loss
def test_every_loss_falls_when_it_is_followed(kind):
    torch.manual_seed(2)
    network, batch = reconstructor(TINY), batch_of()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    costs = []
    for _ in range(30):
        loss = hdr_loss(network, batch, kind, is_powered=True)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        costs.append(above_its_least(loss.item(), kind))

    assert np.isfinite(costs).all()
    assert min(costs[-5:]) < 0.75 * costs[0]


def test_the_small_network_learns_what_is_behind_clipping():
    torch.manual_seed(2)
    network, batch = reconstructor(SMALL), batch_of(side=16)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    costs = []
    for _ in range(12):
        loss = hdr_loss(network, batch, "pu21", is_powered=False)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        costs.append(loss.item())

    assert min(costs[-3:]) < 0.8 * costs[0]


@pytest.fixture(scope="module")
def run(workshop, tmp_path_factory):
    """Two batches of the tiny network."""
    folder = tmp_path_factory.mktemp("run")
    fabric = Fabric(accelerator="cpu", devices=1)
    progress = hdrunet.train_step("reconstruct", TINY, workshop, fabric, folder, resume=False)
    assert progress.step == 2
    return folder


def test_a_step_leaves_its_checkpoints_and_scores(run):
    assert {path.name for path in run.glob("*.pt")} == {"reconstruct-best.pt", "reconstruct-last.pt"}
    best = load_checkpoint(run / "reconstruct-best.pt")
    assert (best.stage, best.step) == ("reconstruct", 2)
    log = (run / "log.jsonl").read_text(encoding="utf-8")
    assert '"psnr"' in log
    assert '"worst_gain"' in log
    assert '"pixels_per_s"' in log


def test_a_resumed_step_goes_on_with_other_batches(run, workshop, tmp_path, monkeypatch):
    for path in run.glob("reconstruct-*.pt"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    seen = []
    loss = hdrunet.hdr_loss

    def noted(network, batch, kind, *, is_powered):
        seen.append(float(batch.truth.sum()))
        return loss(network, batch, kind, is_powered=is_powered)

    monkeypatch.setattr(hdrunet, "hdr_loss", noted)
    (tmp_path / "new").mkdir()
    longer = replace(TINY, reconstruct=replace(TINY.reconstruct, steps=4))
    train = partial(hdrunet.train_step, "reconstruct", longer, workshop, Fabric(accelerator="cpu", devices=1))

    progress = train(tmp_path, resume=True)
    train(tmp_path / "new", resume=False)

    assert progress.step == 4
    assert len(seen) == 2 + 4
    assert not set(seen[:2]) & set(seen[2:4])


def test_the_same_seed_makes_the_same_network_and_another_another(run, workshop, tmp_path):
    fabric = Fabric(accelerator="cpu", devices=1)
    for seed, name in ((1, "again"), (2, "other")):
        (tmp_path / name).mkdir()
        config = replace(TINY, seed=seed)
        hdrunet.train_step("reconstruct", config, workshop, fabric, tmp_path / name, resume=False)

    first, again, other = (
        load_checkpoint(folder / "reconstruct-last.pt").weights["net.conv_last.weight"]
        for folder in (run, tmp_path / "again", tmp_path / "other")
    )
    torch.testing.assert_close(again, first, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(other, first, rtol=1e-4, atol=1e-6)


def test_a_run_is_exported_with_its_best_averaged_weights(run, tmp_path, monkeypatch):
    best = load_checkpoint(run / "reconstruct-best.pt")
    marked = {name: value * 0.8 for name, value in best.average.items()}
    (tmp_path / "run").mkdir()
    save_checkpoint(tmp_path / "run" / "reconstruct-best.pt", replace(best, average=marked))
    (tmp_path / "run" / "reconstruct-last.pt").write_bytes((run / "reconstruct-last.pt").read_bytes())
    exported = []
    stage = hdrunet.export_stage

    def noted(net, card, out):
        exported.append(net)
        return stage(net, card, out, sizes=[(13, 21)])

    monkeypatch.setattr(hdrunet, "export_stage", noted)

    hdrunet.export(TINY, tmp_path / "run", tmp_path / "model")

    names = {"hdr.json", "hdr_tile.onnx", "hdr_tile.pt"}
    assert {path.name for path in (tmp_path / "model").iterdir()} == names
    assert torch.equal(exported[0].conv_last.weight, marked["net.conv_last.weight"])
    card = (tmp_path / "model" / "hdr.json").read_text(encoding="utf-8")
    assert "reconstruct: 2 steps of 2 x 32 px" in card
    assert f"loss {TINY.loss}, seed 1, HDR share {TINY.hdr_share}" in card


def test_a_run_that_has_not_begun_is_not_exported(tmp_path):
    with pytest.raises(ConfigError, match=r"reconstruct-best\.pt does not exist"):
        hdrunet.export(TINY, tmp_path, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_size_s_trains_and_validates_with_its_thumbnails(workshop, tmp_path):
    fabric = Fabric(accelerator="cpu", devices=1)

    hdrunet.train_step("reconstruct", SMALL, workshop, fabric, tmp_path, resume=False)
    hdrunet.export(SMALL, tmp_path, tmp_path / "model")

    assert (tmp_path / "model" / "hdr_global.onnx").is_file()
