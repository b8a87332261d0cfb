import json

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from rawtool.training.checkpoint import Checkpoint, save_checkpoint  # noqa: E402 - after the checks
from rawtool.training.configs import CameraNetConfig  # noqa: E402
from rawtool.training.plots import (  # noqa: E402
    best_enhancer,
    best_restorer,
    draw_curves,
    draw_run,
    read_log,
    restore_rows,
    strip,
)
from rawtool.training.recipes.wrappers import Joint, enhancer, restorer  # noqa: E402
from tests.training.material import HEIGHT, WIDTH, make_scenes  # noqa: E402

LINES = [
    {"stage": "restore", "step": 50, "minutes": 0.5, "loss": 0.02, "rate": 1e-3, "pixels_per_s": 1e5},
    {"stage": "restore", "step": 60, "minutes": 0.6, "psnr_iso100": 33.0, "score": 33.0},
    {"stage": "enhance", "step": 50, "minutes": 0.5, "loss": 0.05, "rate": 1e-3, "pixels_per_s": 1e5},
    {"stage": "enhance", "step": 60, "minutes": 0.6, "psnr": 25.0, "ssim": 0.9, "score": 25.0},
]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return make_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def write_log(run, lines=LINES, end=""):
    (run / "log.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n" + end)


def save(run, stage, network):
    weights = network.state_dict()
    save_checkpoint(run / f"{stage}-best.pt", Checkpoint(stage, 1, 1.0, 1.0, weights, weights, {}))


def size_of(path):
    with PIL.Image.open(path) as picture:
        return picture.size


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_line_that_was_cut_off_is_passed_over(run):
    write_log(run, end='{"stage": "enhance", "step": 7')

    lines = read_log(run / "log.jsonl")

    assert [(line.stage, line.minutes) for line in lines] == [
        ("restore", 0.5),
        ("restore", 0.6),
        ("enhance", 0.5),
        ("enhance", 0.6),
    ]
    assert lines[1].numbers["psnr_iso100"] == 33.0


def test_a_run_that_has_not_begun_has_no_log(run):
    assert read_log(run / "log.jsonl") == []


def test_curves_have_a_column_for_each_stage(run):
    write_log(run)
    lines = read_log(run / "log.jsonl")
    draw_curves(lines, run / "both.png")
    draw_curves(lines[:2], run / "one.png")

    both, one = size_of(run / "both.png"), size_of(run / "one.png")

    assert both == (2 * one[0], one[1])


@pytest.mark.parametrize("loss", [-2.5, 0.0])
def test_a_loss_that_is_a_logarithm_itself_is_drawn_too(run, loss):
    write_log(run, [{**LINES[0], "minutes": minutes, "loss": loss * minutes} for minutes in (0.5, 1.0)])

    draw_curves(read_log(run / "log.jsonl"), run / "curves.png")

    assert size_of(run / "curves.png")[0] > 100


def test_only_what_is_there_is_drawn(run, scenes):
    draw_run(run, scenes, CameraNetConfig())
    assert names(run) == []

    write_log(run)
    save(run, "restore", restorer("s"))
    draw_run(run, scenes, CameraNetConfig())
    assert names(run) == ["curves.png", "log.jsonl", "restore-best.pt", "samples-restore.png"]

    save(run, "enhance", enhancer("s"))
    draw_run(run, scenes, CameraNetConfig())
    assert "samples-finish.png" in names(run)


def test_drawing_again_changes_only_its_own_pictures(run, scenes):
    write_log(run)
    save(run, "restore", restorer("s"))
    kept = {name: (run / name).read_bytes() for name in names(run)}

    for _ in range(2):
        draw_run(run, scenes, CameraNetConfig())

    assert {name: (run / name).read_bytes() for name in kept} == kept


def test_a_strip_has_a_row_for_each_held_out_scene_and_three_columns(run, scenes):
    save(run, "restore", restorer("s"))
    draw_run(run, scenes, CameraNetConfig())

    width, height = size_of(run / "samples-restore.png")

    assert 3 * WIDTH <= width < 3 * WIDTH + 20
    assert 2 * HEIGHT <= height < 2 * HEIGHT + 60


def test_rows_show_input_result_and_truth_at_different_sensitivities(scenes):
    with torch.no_grad():
        rows = restore_rows(restorer("s").eval(), scenes)

    assert list(rows) == ["scene 1, ISO 100", "scene 2, ISO 1600"]
    for initial, restored, truth in rows.values():
        # An untrained network gives back the initial demosaic, which is near the truth but not equal to it.
        np.testing.assert_allclose(restored, initial, atol=1e-3)
        assert 0.001 < np.abs(initial - truth).mean() < 0.1


def test_pictures_stand_below_their_captions_in_the_order_of_the_columns():
    red, green = (np.zeros((10, 20, 3), np.float32) for _ in range(2))
    red[..., 0], green[..., 1] = 1.0, 1.0

    sheet = np.asarray(strip({"a": (red, green), "b": (green, red)}, ("left", "right")))

    middles = sheet[[-25 - 10, -5]][:, [10, -10]]
    assert middles.tolist() == [[[255, 0, 0], [0, 255, 0]], [[0, 255, 0], [255, 0, 0]]]


def test_the_joint_steps_weights_come_before_those_of_the_first_steps(run):
    joint = Joint(restorer("s"), enhancer("s"))
    torch.nn.init.constant_(joint.restorer.net.out.bias, 0.25)
    torch.nn.init.constant_(joint.enhancer.net.out.bias, 0.5)
    save(run, "restore", restorer("s"))
    save(run, "joint", joint)

    assert best_restorer(CameraNetConfig(), run).net.out.bias[0] == 0.25
    assert best_enhancer(CameraNetConfig(), run).net.out.bias[0] == 0.5
