"""HDR scores: what `hdr` makes of a photograph beside what doing nothing makes of it."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from rawtool.color.transfer import srgb_decode
from rawtool.metrics.hdr import HdrScore
from rawtool.training import hdr_evaluation
from rawtool.training.hdr_evaluation import (
    DO_NOTHING,
    HdrFinding,
    HdrRow,
    evaluate_hdr,
    judge_picture,
    mean_hdr_rows,
)
from tests.hdrnets import glowing, studio
from tests.training.material import painted

OURS = f"rawtool {studio().model.name}"


@pytest.fixture(scope="module")
def rows(workshop):
    return evaluate_hdr(studio(glowing), workshop)


def judged(tmp_path, function=srgb_decode, seed=3):
    light = 8.0 * painted(5) ** 2
    return list(judge_picture("a", light, np.random.default_rng(seed), studio(function), tmp_path))


def test_the_model_has_a_row_and_doing_nothing_another(rows):
    assert [(row.task, row.method) for row in rows] == [("hdr", OURS), ("hdr", DO_NOTHING)]
    for row in rows:
        assert row.n_pictures == hdr_evaluation.N_VARIANTS
        assert 10.0 < row.pu21_psnr < 60.0
        assert 0.3 < row.pu21_ssim < 1.0
        assert 0.0 < row.highlight_ev < 6.0
        assert np.isfinite([row.psnr_l, row.psnr_mu]).all()


def test_doing_nothing_gains_nothing_and_gains_are_counted_from_it(rows):
    ours, nothing = rows

    assert (nothing.mean_gain, nothing.worst_gain) == (0.0, 0.0)
    # One scene only.
    assert ours.mean_gain == ours.worst_gain == pytest.approx(ours.pu21_psnr - nothing.pu21_psnr, abs=1e-4)
    assert ours.mean_gain != 0.0


def test_a_model_that_decodes_by_the_srgb_curve_is_as_good_as_doing_nothing(workshop):
    ours, nothing = evaluate_hdr(studio(srgb_decode), workshop)

    assert replace(ours, method=DO_NOTHING, mean_gain=0.0, worst_gain=0.0) == nothing
    assert abs(ours.mean_gain) < 1e-6


def test_a_model_that_adds_the_right_light_gains(workshop):
    """The photographs of the held-out scene lose up to about one stop."""
    ours, _ = evaluate_hdr(
        studio(lambda x: srgb_decode(x) * 1.25 ** np.clip((x - 0.9) / 0.1, 0, 1)), workshop
    )
    wild, _ = evaluate_hdr(
        studio(lambda x: srgb_decode(x) * 30.0 ** np.clip((x - 0.9) / 0.1, 0, 1)), workshop
    )

    assert ours.mean_gain > 0.0
    assert wild.mean_gain < -3.0
    assert wild.highlight_ev > ours.highlight_ev


def test_only_held_out_scenes_are_scored_and_fewer_may_be_asked_for(workshop):
    entries = tuple(replace(entry, is_validation=entry.kind == "hdr") for entry in workshop.entries)
    both = replace(workshop, entries=entries)

    assert {row.n_pictures for row in evaluate_hdr(studio(), both)} == {2 * hdr_evaluation.N_VARIANTS}
    assert {row.n_pictures for row in evaluate_hdr(studio(), both, 1)} == {hdr_evaluation.N_VARIANTS}


def test_what_is_scored_is_read_from_a_jpeg_file_as_a_user_has_it(tmp_path):
    seen = studio()

    found = list(judge_picture("a", painted(5), np.random.default_rng(3), seen, tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["picture.jpg"]
    assert (tmp_path / "picture.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    assert [(finding.method, finding.scene) for finding in found] == [(OURS, "a"), (DO_NOTHING, "a")]
    assert seen.network.tile_session.seen


def test_the_scale_of_a_scene_changes_nothing(tmp_path):
    for scale in (1e-3, 50.0):
        light = np.float32(scale) * painted(5)
        found = list(judge_picture("a", light, np.random.default_rng(3), studio(glowing), tmp_path))
        expected = list(judge_picture("a", painted(5), np.random.default_rng(3), studio(glowing), tmp_path))
        for one, other in zip(found, expected, strict=True):
            assert one.score.psnr == pytest.approx(other.score.psnr, abs=0.05)


def test_the_same_picture_is_scored_the_same_again_and_another_otherwise(tmp_path):
    first, again, other = (judged(tmp_path, glowing, seed) for seed in (3, 3, 4))

    assert first == again
    assert first[0].score != other[0].score


def test_a_scene_of_any_size_is_scored(tmp_path):
    light = painted(5, 112, 96)[:101, :67]

    found = list(judge_picture("a", light, np.random.default_rng(3), studio(glowing), tmp_path))

    assert np.isfinite([finding.score.psnr for finding in found]).all()


def finding(method, scene, psnr, highlight_ev=1.0):
    return HdrFinding(method, scene, HdrScore(psnr, 0.5, highlight_ev), psnr + 1.0, psnr + 2.0)


def test_the_worst_gain_is_that_of_a_scene_and_not_of_a_picture():
    scores = {
        DO_NOTHING: {"a": (20.0, 30.0), "b": (25.0, 25.0)},
        "ours": {"a": (28.0, 26.0), "b": (24.0, 25.0)},
    }
    found = [
        finding(method, scene, psnr)
        for method, scenes in scores.items()
        for scene, values in scenes.items()
        for psnr in values
    ]

    nothing, ours = mean_hdr_rows(found)

    # Scene a: 27 for 25; scene b: 24.5 for 25.
    assert ours == HdrRow("hdr", "ours", 25.75, 0.5, 1.0, 26.75, 27.75, 0.75, -0.5, 4)
    assert nothing == HdrRow("hdr", DO_NOTHING, 25.0, 0.5, 1.0, 26.0, 27.0, 0.0, 0.0, 4)


def test_a_picture_without_clipping_does_not_count_in_the_error_of_highlights():
    found = [finding(DO_NOTHING, "a", 20.0, float("nan")), finding(DO_NOTHING, "a", 22.0, 0.75)]

    (row,) = mean_hdr_rows(found)

    assert (row.highlight_ev, row.pu21_psnr, row.n_pictures) == (0.75, 21.0, 2)
