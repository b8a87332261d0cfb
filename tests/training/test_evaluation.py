from dataclasses import astuple, replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from rawtool.color.matrices import SRGB_FROM_XYZ
from rawtool.color.tone import finish
from rawtool.errors import UnsupportedRawError
from rawtool.io.librawrender import render_linear
from rawtool.io.raw import read_raw
from rawtool.metrics.fidelity import Score
from rawtool.pipelines.clock import Clock
from rawtool.pipelines.darkroom import open_darkroom
from rawtool.pipelines.light import balanced_samples, clean_frame, find_light
from rawtool.pipelines.restore import restore
from rawtool.pipelines.settings import DevelopSettings
from rawtool.training import evaluation
from rawtool.training.evaluation import Finding, Row, Truth, evaluate_develop, mean_rows
from tests.scenes import grey
from tests.training.material import D700, make_scenes, painted

LEVELS = ["ISO 100", "ISO 1600", "ISO 12800"]
OURS = "rawtool cameranet-s"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return make_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def darkroom(untrained_model):
    return open_darkroom(str(untrained_model), device="cpu", threads=1)


@pytest.fixture(scope="module")
def rows(scenes, darkroom):
    return evaluate_develop(darkroom, scenes)


def truth_of(light, number=0):
    return Truth(number, "scene", light, finish(light))


def test_every_method_has_a_row_at_every_sensitivity(rows):
    methods = {
        "restoration": {OURS, evaluation.DO_NOTHING, *evaluation.LIBRAW},
        "finishing": {OURS, evaluation.DO_NOTHING_CURVE, evaluation.LIBRAW_DEFAULT},
    }

    for task, names in methods.items():
        for level in LEVELS:
            assert {row.method for row in rows if (row.task, row.level) == (task, level)} == names


def test_enhancement_is_scored_on_the_true_light_too(rows):
    found = [row for row in rows if row.level == evaluation.TRUE_LIGHT]

    assert [row.method for row in found] == [OURS, evaluation.DO_NOTHING_CURVE]
    assert {row.task for row in found} == {"finishing"}


def test_rows_are_means_over_the_held_out_scenes_only(rows):
    assert {row.n_scenes for row in rows} == {2}


def test_an_untrained_restoration_scores_as_the_initial_demosaic_does(rows):
    restoration = {(row.method, row.level): row for row in rows if row.task == "restoration"}

    for level in LEVELS:
        ours, plain = restoration[OURS, level], restoration[evaluation.DO_NOTHING, level]
        assert astuple(ours)[3:6] == pytest.approx(astuple(plain)[3:6], abs=2e-3)


def test_noise_costs_every_method_quality(rows):
    for method in (OURS, "LibRaw AHD", "LibRaw DHT"):
        psnr = [row.psnr for row in rows if (row.task, row.method) == ("restoration", method)]
        assert psnr == sorted(psnr, reverse=True)


def test_fewer_scenes_may_be_asked_for(scenes):
    assert [truth.name for truth in evaluation.truths(scenes, 1)] == ["nut_1"]
    assert [truth.name for truth in evaluation.truths(scenes)] == ["nut_1", "zebra_1"]


@pytest.mark.parametrize(("iso", "shot", "read"), [(1600, 2.7e-4, 6.4e-7), (12800, 2.1e-3, 4.1e-5)])
def test_the_dng_has_the_levels_and_the_noise_of_the_rules_and_does_not_tell_it(
    scenes, tmp_path, iso, shot, read
):
    truth = truth_of(grey(256, 256, 0.4))
    frame = read_raw(evaluation.photograph(truth, scenes.cameras, iso, tmp_path))
    # The camera's answer to white, its strongest channel at saturation; every fourth site is red.
    neutral = np.array(D700).reshape(3, 3) @ np.linalg.inv(SRGB_FROM_XYZ).sum(axis=1)
    signal = 0.4 * neutral[0] / neutral.max()
    red = (frame.samples[::2, ::2] - 512.0) / (15871.0 - 512.0)

    assert (frame.black_level, frame.white_level) == ((512.0,) * 4, 15871.0)
    assert frame.capture.noise_profile is None
    assert frame.capture.iso == iso
    assert red.mean() == pytest.approx(signal, rel=0.01)
    assert red.var() == pytest.approx(shot * signal + read, rel=0.05)


def test_the_dng_says_how_its_colours_are_meant(scenes, tmp_path):
    truth = truth_of(painted(7, 96, 128))
    path = evaluation.photograph(truth, scenes.cameras, 100, tmp_path)

    score = evaluation.restoration_score(render_linear(path, "DHT"), truth.light)

    assert score.angle < 2.0
    assert score.psnr > 28.0


def test_the_initial_demosaic_is_development_at_strength_0(scenes, darkroom, tmp_path):
    path = evaluation.photograph(truth_of(painted(3)), scenes.cameras, 1600, tmp_path)
    frame = read_raw(path)
    clean = clean_frame(frame)
    light = find_light(frame, clean, darkroom.restore, "camera")
    at_0 = restore(
        balanced_samples(clean, light),
        clean.cfa,
        light,
        darkroom.restore,
        DevelopSettings(strength=0.0),
        Clock(),
    )

    _, initial = evaluation.developed_light(path, darkroom)

    np.testing.assert_allclose(initial, at_0, atol=1e-6)


def test_what_this_libraw_lacks_is_left_out(scenes, tmp_path, monkeypatch):
    def refuse(path):
        raise UnsupportedRawError("this LibRaw has no demosaicking DHT")

    monkeypatch.setattr(evaluation, "LIBRAW", {"LibRaw AHD": render_linear, "LibRaw DHT": refuse})
    truth = truth_of(painted(3))
    path = evaluation.photograph(truth, scenes.cameras, 100, tmp_path)

    found = [finding.method for finding in evaluation.judge_libraw(truth, path, "ISO 100")]

    assert found == ["LibRaw AHD", evaluation.LIBRAW_DEFAULT]


def test_scenes_are_averaged_by_method_and_level_and_restoration_comes_first():
    first = Finding("finishing", "a", "ISO 100", Score(20.0, 0.25, 4.0))
    other = replace(first, task="restoration", score=Score(30.0, 0.9, 1.0))
    again = replace(first, score=Score(24.0, 0.75, 2.0))

    assert mean_rows([first, other, again]) == [
        Row("restoration", "a", "ISO 100", 30.0, 0.9, 1.0, 1),
        Row("finishing", "a", "ISO 100", 22.0, 0.5, 3.0, 2),
    ]
