"""Pictures of an HDR run: its curves, and held-out scenes seen three stops darker."""

import json
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("matplotlib")
pytest.importorskip("onnx")

from rawtool.color.transfer import srgb_decode, srgb_encode  # noqa: E402 - after the checks
from rawtool.training.checkpoint import Checkpoint, save_checkpoint  # noqa: E402
from rawtool.training.configs import HdrUnetConfig  # noqa: E402
from rawtool.training.hdr_plots import COLUMNS, draw_run, hdr_rows  # noqa: E402
from rawtool.training.recipes.hdr_wrappers import reconstructor  # noqa: E402
from tests.training.material import HEIGHT, WIDTH  # noqa: E402

TINY = HdrUnetConfig(size="paper", width=8, n_blocks=1)
SMALL = HdrUnetConfig()
LINES = [
    {"stage": "reconstruct", "step": 25, "minutes": 0.5, "loss": 0.2, "rate": 1e-3, "pixels_per_s": 1e5},
    {"stage": "reconstruct", "step": 25, "minutes": 0.6, "psnr": 24.0, "gain": 0.1, "score": 24.0},
]


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def save(run, network, kind="best"):
    weights = network.state_dict()
    checkpoint = Checkpoint("reconstruct", 1, 1.0, 1.0, weights, weights, {})
    save_checkpoint(run / f"reconstruct-{kind}.pt", checkpoint)


def write_log(run):
    (run / "log.jsonl").write_text("\n".join(json.dumps(line) for line in LINES) + "\n")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def silent_paper_network():
    """HDRUNet that gives its input back."""
    network = reconstructor(replace(TINY, has_weighting=False))
    for parameter in network.net.conv_last.parameters():
        torch.nn.init.zeros_(parameter)
    return network


def test_only_what_is_there_is_drawn(run, workshop):
    draw_run(run, workshop, TINY)
    assert names(run) == []

    write_log(run)
    draw_run(run, workshop, TINY)
    assert names(run) == ["curves.png", "log.jsonl"]

    save(run, reconstructor(TINY))
    draw_run(run, workshop, TINY)
    assert names(run) == ["curves.png", "log.jsonl", "reconstruct-best.pt", "samples-hdr.png"]


def test_the_sheet_has_a_row_for_each_held_out_scene_and_its_columns(run, workshop):
    save(run, reconstructor(TINY))
    entries = tuple(replace(entry, is_validation=entry.kind == "hdr") for entry in workshop.entries)

    draw_run(run, replace(workshop, entries=entries), TINY)

    with PIL.Image.open(run / "samples-hdr.png") as sheet:
        width, height = sheet.size
    assert len(COLUMNS) * WIDTH <= width < len(COLUMNS) * WIDTH + 20
    assert 2 * HEIGHT <= height < 2 * HEIGHT + 60


def test_a_row_shows_the_picture_then_three_stops_darker_the_picture_the_result_and_the_truth(run, workshop):
    config = replace(TINY, has_weighting=False)
    save(run, silent_paper_network())

    with torch.no_grad():
        rows = hdr_rows(run, workshop, config)

    assert list(rows) == ["scene 1"]
    picture, darker, result, truth = rows["scene 1"]
    assert picture.shape == darker.shape == result.shape == truth.shape
    np.testing.assert_allclose(darker, srgb_encode(srgb_decode(picture) / 8), atol=1e-4)
    # A network that changes nothing shows the picture; what it lost shows in the truth only.
    np.testing.assert_allclose(result, darker, atol=2e-3)
    white = srgb_encode(np.float32([1 / 8]))[0]
    assert darker.max() <= white + 1e-5
    assert truth.max() > white + 0.01
    assert all(0.0 <= part.min() <= part.max() <= 1.0 for part in rows["scene 1"])


def test_light_that_is_white_even_darkened_is_shown_white(run, workshop):
    network = silent_paper_network()
    torch.nn.init.constant_(network.net.conv_last.bias, 9.0)
    save(run, network)

    with torch.no_grad():
        rows = hdr_rows(run, workshop, replace(TINY, has_weighting=False))

    np.testing.assert_array_equal(rows["scene 1"][2], 1.0)


def test_the_best_averaged_weights_are_shown(run, workshop):
    best, last = silent_paper_network(), silent_paper_network()
    torch.nn.init.constant_(last.net.conv_last.bias, 9.0)
    save(run, best)
    save(run, last, "last")

    with torch.no_grad():
        rows = hdr_rows(run, workshop, replace(TINY, has_weighting=False))

    assert rows["scene 1"][2].mean() < 0.9


def test_drawing_again_changes_only_its_own_pictures(run, workshop):
    write_log(run)
    save(run, reconstructor(SMALL))
    kept = {name: (run / name).read_bytes() for name in names(run)}

    for _ in range(2):
        draw_run(run, workshop, SMALL)

    assert {name: (run / name).read_bytes() for name in kept} == kept
    assert "samples-hdr.png" in names(run)
