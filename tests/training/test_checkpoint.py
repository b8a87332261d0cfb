"""Checkpoints are whole or not there."""

import os

import pytest

torch = pytest.importorskip("torch")

from rawtool.errors import ConfigError  # noqa: E402 - after the check
from rawtool.training.checkpoint import Checkpoint, begun, grown, load_checkpoint, save_checkpoint  # noqa: E402


def checkpoint(step=3):
    weights = {"a": torch.arange(6.0).reshape(2, 3)}
    adam = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    return Checkpoint("restore", step, 12.5, -1.0, weights, {"a": weights["a"] / 2}, {"adam": adam})


def test_what_was_saved_is_loaded(tmp_path):
    save_checkpoint(tmp_path / "last.pt", checkpoint())

    found = load_checkpoint(tmp_path / "last.pt")

    assert (found.stage, found.step, found.seconds, found.best) == ("restore", 3, 12.5, -1.0)
    torch.testing.assert_close(found.weights["a"], checkpoint().weights["a"])
    torch.testing.assert_close(found.average["a"], checkpoint().average["a"])
    assert found.optimisers == checkpoint().optimisers


def test_a_later_one_takes_the_place_and_nothing_else_is_left(tmp_path):
    for step in (1, 2):
        save_checkpoint(tmp_path / "last.pt", checkpoint(step))

    assert load_checkpoint(tmp_path / "last.pt").step == 2
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_stop_while_writing_leaves_the_older_one(tmp_path, monkeypatch):
    save_checkpoint(tmp_path / "last.pt", checkpoint(1))

    def stop(state, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path / "last.pt", checkpoint(2))

    assert load_checkpoint(tmp_path / "last.pt").step == 1
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_missing_one_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no checkpoint of this stage yet"):
        load_checkpoint(tmp_path / "last.pt")


class Trap:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("trapped",)


@pytest.mark.parametrize("damage", ["text", "empty", "cut", "other", "trap"])
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(tmp_path, monkeypatch, damage):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "last.pt"
    save_checkpoint(path, checkpoint())
    match damage:
        case "text":
            path.write_text("not a checkpoint")
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(path.read_bytes()[:-200])
        case "other":
            torch.save({"model": torch.zeros(2)}, path)
        case "trap":
            torch.save({"stage": Trap()}, path)

    with pytest.raises(ConfigError, match=r"^[^\n]* is not a rawtool checkpoint; [^\n]*$"):
        load_checkpoint(path)

    assert not (tmp_path / "trapped").exists()


def test_weights_grow_by_inputs_that_begin_at_nothing():
    smaller, larger = (torch.nn.Sequential(torch.nn.Linear(n, 4)) for n in (3, 5))
    x = torch.rand(2, 5)

    larger.load_state_dict(grown(smaller.state_dict(), larger.state_dict()))

    torch.testing.assert_close(larger(x), smaller(x[:, :3]))


def test_weights_of_another_network_do_not_grow():
    weights = {"a": torch.ones(4, 3), "b": torch.ones(4), "c": torch.ones(2, 3)}
    wanted = {"a": torch.ones(4, 2), "b": torch.ones(5), "c": torch.ones(3, 5)}

    assert all(value is weights[name] for name, value in grown(weights, wanted).items())


def test_a_smaller_network_begins_with_what_fits_of_a_larger_one():
    torch.manual_seed(1)
    larger = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.Conv2d(3, 2, 3))
    smaller = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1))

    found, anew = begun(larger.state_dict(), smaller.state_dict())

    assert anew == []
    assert list(found) == ["0.weight", "0.bias"]
    torch.testing.assert_close(found["0.weight"], larger[0].weight[:, :, 1:2, 1:2])
    torch.testing.assert_close(found["0.bias"], larger[0].bias)


def test_what_a_start_lacks_or_has_in_another_shape_begins_anew_and_is_named():
    weights = {"a": torch.ones(4, 3), "b": torch.ones(4)}
    wanted = {"a": torch.zeros(4, 5), "b": torch.zeros(5), "c": torch.zeros(2)}

    found, anew = begun(weights, wanted)

    assert anew == ["b", "c"]
    torch.testing.assert_close(found["a"], torch.tensor([[1.0, 1.0, 1.0, 0.0, 0.0]] * 4))
    assert found["b"] is wanted["b"]
