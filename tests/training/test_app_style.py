"""What `rawtool train cameranet --pairs` does, from raws and pictures to a model of that style."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("matplotlib")
pytest.importorskip("onnx")

from rawtool.color.transfer import srgb_encode  # noqa: E402 - after the checks
from rawtool.errors import ConfigError, NoInputError  # noqa: E402
from rawtool.pipelines.clock import Clock  # noqa: E402
from rawtool.pipelines.darkroom import open_darkroom  # noqa: E402
from rawtool.pipelines.enhance import Output, enhance  # noqa: E402
from rawtool.training import export  # noqa: E402
from rawtool.training.app import TrainOptions, export_run, train_style  # noqa: E402
from rawtool.training.runs import is_style, read_run  # noqa: E402
from rawtool.vocabulary import Profile  # noqa: E402
from tests.training.pairing import shown, write_finished, write_raw  # noqa: E402


def finished(darkroom, ev=0.0):
    """A picture that is not among the pairs."""
    return enhance(shown(9), darkroom.enhance, ev, Output(Profile.SRGB, np.float32), None, Clock())


@pytest.fixture(scope="module", autouse=True)
def small_proofs():
    """One small picture is proof enough here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "proof_sizes", lambda card: ((card.min_size + 5, card.min_size + 2),))
        yield


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """Pictures that are half as bright as their raws, as a photographer of dark moods makes them."""
    folder = tmp_path_factory.mktemp("mine")
    for number in range(4):
        write_raw(folder / f"{number}.dng", number)
        write_finished(folder / f"{number}.jpg", srgb_encode(0.5 * shown(number)))
    return folder


@pytest.fixture(scope="module")
def options(mine, untrained_model, tmp_path_factory):
    words = ("enhance.crop=64", "enhance.batch=8", "enhance.rate=3e-3", "workers=0")
    return TrainOptions(
        mine,
        tmp_path_factory.mktemp("style") / "run",
        None,
        words,
        "s",
        None,
        "cpu",
        1,
        "fp32",
        40,
        None,
        1,
        False,
        False,
        untrained_model,
    )


@pytest.fixture(scope="module")
def learned(options):
    said = []
    assert train_style(options, said.append) == 0
    return said


def test_the_finishing_comes_nearer_to_the_pictures_and_says_so(learned):
    before, after = (float(word) for word in learned[-1].split() if word.replace(".", "").isdigit())

    assert "held-out pairs" in learned[-1]
    assert after > before + 2.0


def test_a_run_holds_its_pairs_and_pictures_and_only_its_finishing_was_trained(learned, options):
    names = {path.name for path in options.out.iterdir()}

    assert {"pairs", "curves.png", "samples-finish.png", "enhance-best.pt", "restore-best.pt"} <= names
    assert "joint-best.pt" not in names
    assert is_style(options.out)
    assert read_run(options.out).enhance.crop == 64


def test_a_style_becomes_a_model_of_its_own_name(learned, options, untrained_model, tmp_path):
    export_run(options.out, tmp_path / "models" / "my-style")

    styled, plain = (
        open_darkroom(str(folder), device="cpu", threads=1)
        for folder in (tmp_path / "models" / "my-style", untrained_model)
    )
    assert styled.model.label == "my-style@1"
    assert "4 pairs of a photographer's own" in styled.enhance.card.training
    assert finished(styled).mean() < finished(plain).mean() - 0.015
    # The correction of exposure still does what it says.
    assert np.all(np.diff([finished(styled, ev).mean() for ev in (-1.0, 0.0, 1.0)]) > 0.02)


def test_a_run_of_a_style_goes_on_without_reading_the_raws_again(learned, options, tmp_path):
    said = []

    assert train_style(replace(options, is_resumed=True, data=tmp_path, max_steps=42), said.append) == 0

    assert len(said) == 1
    assert said[0].split("dB before")[0] == learned[-1].split("dB before")[0]
    assert is_style(options.out)
    assert read_run(options.out).enhance.steps == 42
    assert json.loads((options.out / "run.json").read_text())["start"] == "cameranet-s@9"


def test_a_dry_run_lists_the_pairs_and_leaves_nothing(options, tmp_path):
    said = []

    assert train_style(replace(options, is_dry=True, out=tmp_path / "new"), said.append) == 0

    assert said == [f"{number}.dng with {number}.jpg" for number in range(4)]
    assert not (tmp_path / "new").exists()


def test_a_run_that_exists_is_not_begun_again(learned, options):
    with pytest.raises(ConfigError, match="holds a run already"):
        train_style(options)


def test_pairs_that_cannot_be_used_leave_no_run(options, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(NoInputError, match="has 0 usable pairs"):
        train_style(replace(options, data=empty, out=tmp_path / "run"))
    with pytest.raises(ConfigError, match=r"enhance\.crop = 1024 is above 512"):
        train_style(replace(options, out=tmp_path / "run", overrides=("enhance.crop=1024",)))
    with pytest.raises(ConfigError, match="leave --size out"):
        train_style(replace(options, out=tmp_path / "run", size="paper"))

    assert not (tmp_path / "run" / "settings.toml").exists()


def test_a_style_is_not_exported_without_a_name(learned, options, tmp_path):
    with pytest.raises(ConfigError, match="'My_Style' is not lower-case words and dashes"):
        export_run(options.out, tmp_path / "My_Style")

    assert not (tmp_path / "My_Style").exists()
