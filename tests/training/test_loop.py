"""The loop: it stops when it is told to, always with a checkpoint, and goes on where it stood."""

import json
import math
import os
import signal
from dataclasses import dataclass, replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from lightning_fabric import Fabric  # noqa: E402 - after the checks

from rawtool.errors import ConfigError  # noqa: E402
from rawtool.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from rawtool.training.loop import StageJob, StageSettings, train_stage  # noqa: E402

LONG = StageSettings("toy", 1000, 1e6, 0.05, warmup_steps=2, validate_every_s=1e6, log_every=1)


@dataclass(frozen=True)
class Pair:
    picture: torch.Tensor
    truth: torch.Tensor


def batches():
    """Batches of y = 3 x, the same every time."""
    random = torch.Generator().manual_seed(2)
    while True:
        x = torch.rand((4, 1, 2, 2), generator=random)
        yield Pair(x, 3 * x)


def interrupted(n_batches, number=signal.SIGINT):
    """The same batches, with a signal before one too many."""
    for at, batch in enumerate(batches()):
        if at == n_batches:
            os.kill(os.getpid(), number)
        yield batch


def job(score=lambda network: 0.0):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1))
    network[1].weight.data.fill_(0.5)

    def loss(net, batch):
        return (net(batch.picture) - batch.truth).abs().mean()

    return StageJob(
        network, loss, lambda net: {"score": float(score(net))}, lambda batch: batch.picture.numel()
    )


@pytest.fixture
def fabric():
    return Fabric(accelerator="cpu", devices=1)


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_it_takes_its_steps_and_learns(fabric, tmp_path):
    progress = train_stage(fabric, job(), batches(), replace(LONG, max_steps=60), tmp_path, resume=False)

    losses = [row["loss"] for row in rows(tmp_path) if "loss" in row]
    assert (progress.step, progress.is_stopped) == (60, False)
    assert losses[-1] < 0.5 * losses[0]
    assert load_checkpoint(tmp_path / "toy-last.pt").step == 60


def test_resumed_after_an_interrupt_it_ends_where_it_would_have_ended(fabric, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir(), parts.mkdir()
    train_stage(fabric, job(), interrupted(4), LONG, whole, resume=False)

    first = train_stage(fabric, job(), interrupted(2), LONG, parts, resume=False)
    rest = interrupted(4)
    next(rest), next(rest)
    second = train_stage(fabric, job(), rest, LONG, parts, resume=True)

    assert (first.step, first.is_stopped, second.step) == (2, True, 4)
    expected, found = (load_checkpoint(folder / "toy-last.pt") for folder in (whole, parts))
    for name in expected.weights:
        torch.testing.assert_close(found.weights[name], expected.weights[name], rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(found.average[name], expected.average[name], rtol=1e-5, atol=1e-7)
    assert found.seconds > first.seconds


def test_without_resume_it_begins_anew(fabric, tmp_path):
    for _ in range(2):
        progress = train_stage(fabric, job(), batches(), replace(LONG, max_steps=2), tmp_path, resume=False)

    assert progress.step == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_checkpoints_and_the_usual_handler_comes_back(number, fabric, tmp_path):
    usual = signal.getsignal(number)

    progress = train_stage(fabric, job(), interrupted(3, number), LONG, tmp_path, resume=False)

    assert (progress.step, progress.is_stopped) == (3, True)
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["toy-best.pt", "toy-last.pt"]
    assert signal.getsignal(number) is usual


def test_the_time_limit_ends_it_with_checkpoints(fabric, tmp_path):
    progress = train_stage(fabric, job(), batches(), replace(LONG, max_minutes=0.005), tmp_path, resume=False)

    assert 0 < progress.step < 1000
    assert not progress.is_stopped
    assert load_checkpoint(tmp_path / "toy-last.pt").seconds >= 0.3


def test_a_stage_that_is_done_takes_no_more_steps(fabric, tmp_path):
    settings = replace(LONG, max_steps=2)
    train_stage(fabric, job(), batches(), settings, tmp_path, resume=False)

    assert train_stage(fabric, job(), batches(), settings, tmp_path, resume=True).step == 2


def test_the_averaged_weights_are_scored_and_the_best_of_them_kept(fabric, tmp_path):
    scores, seen = iter([1.0, 5.0, 2.0]), []

    def score(network):
        assert not network.training
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return next(scores)

    settings = replace(LONG, max_steps=2, validate_every_s=-1.0)
    progress = train_stage(fabric, job(score), batches(), settings, tmp_path, resume=False)

    best, last = load_checkpoint(tmp_path / "toy-best.pt"), load_checkpoint(tmp_path / "toy-last.pt")
    assert (best.step, progress.best) == (2, 5.0)
    for name, value in seen[1].items():
        if value.is_floating_point():
            torch.testing.assert_close(best.average[name], value)
    assert any(not torch.equal(last.weights[name], last.average[name]) for name in last.weights)


def test_learning_goes_on_with_its_own_weights_after_a_validation(fabric, tmp_path):
    kept = {}
    for every_s in (1e6, -1.0):
        folder = tmp_path / str(every_s)
        folder.mkdir()
        settings = replace(LONG, max_steps=5, validate_every_s=every_s)
        train_stage(fabric, job(), batches(), settings, folder, resume=False)
        kept[every_s] = load_checkpoint(folder / "toy-last.pt").weights

    for name, value in kept[1e6].items():
        torch.testing.assert_close(kept[-1.0][name], value, rtol=1e-5, atol=1e-7)


def test_the_rate_warms_up_and_falls_by_half_a_cosine(fabric, tmp_path):
    settings = replace(LONG, max_steps=40, warmup_steps=4)
    train_stage(fabric, job(), batches(), settings, tmp_path, resume=False)

    rates = [row["rate"] for row in rows(tmp_path) if "rate" in row]
    for step in (0, 1, 3, 20, 39):
        warm = min(1.0, (step + 1) / 4)
        cosine = 0.5 * (1 + math.cos(math.pi * step / 40))
        assert rates[step] == pytest.approx(0.05 * warm * (0.02 + 0.98 * cosine), rel=1e-3)


def test_the_log_tells_loss_speed_and_scores(fabric, tmp_path):
    train_stage(fabric, job(), batches(), replace(LONG, max_steps=4, log_every=2), tmp_path, resume=False)

    found = rows(tmp_path)
    assert [row["step"] for row in found] == [2, 4, 4]
    assert {"stage", "minutes", "loss", "rate", "pixels_per_s"} == found[0].keys() - {"step"}
    assert found[-1]["score"] == 0.0
    assert all(row["pixels_per_s"] > 0 for row in found[:2])


def started(folder, weights):
    save_checkpoint(folder / "toy-last.pt", Checkpoint("toy", 0, 0.0, -math.inf, weights, weights, {}))


def test_a_start_that_lacks_a_layer_is_said(fabric, tmp_path, caplog):
    begin = job()
    weights = {k: v for k, v in begin.network.state_dict().items() if k != "0.bias"}
    started(tmp_path, {**weights, "2.weight": torch.ones(1)})

    train_stage(fabric, begin, batches(), replace(LONG, max_steps=1), tmp_path, resume=True)

    assert "toy begins anew with: 0.bias" in caplog.text


def test_a_start_of_another_network_is_refused(fabric, tmp_path):
    started(tmp_path, {"other.weight": torch.ones(3)})

    with pytest.raises(ConfigError, match="weights of another network"):
        train_stage(fabric, job(), batches(), replace(LONG, max_steps=1), tmp_path, resume=True)
