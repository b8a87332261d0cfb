"""The step of a style: it begins with a model's finishing, scores it, and trains it on."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("matplotlib")
pytest.importorskip("onnx")

from lightning_fabric import Fabric  # noqa: E402 - after the checks

from rawtool.pipelines.darkroom import open_darkroom  # noqa: E402
from rawtool.training.pairs import prepare_pairs  # noqa: E402
from rawtool.training.recipes import style  # noqa: E402
from rawtool.training.settings import StageConfig  # noqa: E402
from rawtool.training.starts import hand_on, open_start  # noqa: E402
from tests.training.pairing import make_studio  # noqa: E402

CONFIG = replace(style.STYLE, workers=0, enhance=StageConfig(1e6, 32, 2, 1e-12, steps=2))


def test_without_learning_the_score_is_that_of_the_model(untrained_model, tmp_path):
    darkroom = open_darkroom(str(untrained_model), device="cpu", threads=1)
    pairs = prepare_pairs(make_studio(tmp_path / "mine"), darkroom, tmp_path / "kept", lambda _: None)
    out = tmp_path / "run"
    out.mkdir()
    hand_on(open_start(untrained_model), out, CONFIG, (style.STEP,))

    before, progress = style.train_style(CONFIG, pairs, Fabric(accelerator="cpu", devices=1), out)
    style.draw(CONFIG, pairs, out)

    assert progress.best == pytest.approx(before, abs=1e-4)
    assert progress.step == 2
    assert {"curves.png", "samples-finish.png"} <= {path.name for path in out.iterdir()}
