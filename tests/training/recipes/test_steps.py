"""What the steps of every recipe have in common."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from rawtool.training.checkpoint import Checkpoint, save_checkpoint  # noqa: E402 - after the checks
from rawtool.training.configs import CameraNetConfig  # noqa: E402
from rawtool.training.recipes.steps import Step, seed_after, with_weights  # noqa: E402

CONFIG = replace(CameraNetConfig(), seed=7)


def keep(path, step, weight):
    state = {"weight": torch.full((1, 1), weight), "bias": torch.zeros(1)}
    save_checkpoint(path, Checkpoint("restore", step, 1.0, 0.5, state, state, {}))


def test_a_step_knows_its_stage(tmp_path):
    assert Step("joint", CONFIG, tmp_path, is_resumed=False).stage == CONFIG.joint


def test_what_is_random_begins_the_same_and_a_resumed_step_draws_other_batches(tmp_path):
    keep(tmp_path / "restore-last.pt", 12, 1.0)

    anew, on = (Step("restore", CONFIG, tmp_path, is_resumed=is_on) for is_on in (False, True))
    first = (anew.begin(), torch.rand(3))
    again = (anew.begin(), torch.rand(3))

    assert first[0] == again[0] == CONFIG.seed
    assert torch.equal(first[1], again[1])
    assert on.begin() == seed_after(12, CONFIG.seed) != CONFIG.seed


def test_a_resumed_step_that_has_not_begun_begins(tmp_path):
    assert Step("restore", CONFIG, tmp_path, is_resumed=True).begin() == CONFIG.seed


def test_the_best_weights_are_handed_on(tmp_path):
    keep(tmp_path / "restore-best.pt", 3, 0.25)

    network = with_weights(torch.nn.Linear(1, 1), tmp_path, "restore")

    assert float(network.weight.detach()) == 0.25
