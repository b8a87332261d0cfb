"""The recipe of the codec: prices, its loss, a run from scenes to a model."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("onnx")

from lightning_fabric import Fabric  # noqa: E402 - after the checks

from rawtool.errors import ConfigError  # noqa: E402
from rawtool.runtime.catalog import read_model  # noqa: E402
from rawtool.training.base_data import PackBatch  # noqa: E402
from rawtool.training.configs import RawMetadataConfig  # noqa: E402
from rawtool.training.recipes.raw_metadata import (  # noqa: E402
    codec_loss,
    distortion,
    export,
    lambda_of,
    train_step,
)
from rawtool.training.settings import StageConfig  # noqa: E402


def batch(rate=2.0):
    torch.manual_seed(1)
    return PackBatch(
        torch.rand(2, 4, 16, 16), torch.zeros(2, 12, 16, 16), torch.zeros(2, 4, 13), torch.full((2,), rate)
    )


class Answering(torch.nn.Module):
    """A network that gives what it was told."""

    def __init__(self, planes, bits):
        super().__init__()
        self.planes, self.bits = planes, bits

    def forward(self, *_):
        return self.planes, torch.full((2,), self.bits)


def test_prices_are_log_spaced_and_rise():
    prices = lambda_of(torch.arange(6.0))

    ratios = prices[1:] / prices[:-1]
    assert prices[0] == pytest.approx(10.0)
    assert prices[5] == pytest.approx(1e5, rel=1e-4)
    assert ratios.tolist() == pytest.approx([float(ratios[0])] * 5, rel=1e-4)


def test_the_loss_is_the_logarithm_of_bits_and_priced_errors():
    planes = batch().planes
    wrong = planes + 0.01

    loss = float(codec_loss(Answering(wrong, 102.4), batch()))

    expected = 0.1 + float(lambda_of(torch.tensor(2.0))) * distortion(wrong, planes)
    assert loss == pytest.approx(float(torch.log(expected + 1e-4).mean()), rel=1e-4)
    assert float(codec_loss(Answering(planes, 102.4), batch())) < loss
    assert float(codec_loss(Answering(wrong, 204.8), batch())) > loss


def test_an_error_in_the_shadows_counts_more_than_in_the_light():
    dark, light = torch.full((1, 4, 8, 8), 0.01), torch.full((1, 4, 8, 8), 0.8)

    assert float(distortion(dark + 0.01, dark)) > 2 * float(distortion(light + 0.01, light))


def test_a_run_becomes_a_model(workshop, tmp_path):
    stage = StageConfig(5.0, 64, 2, 1e-3, steps=2)
    config = replace(RawMetadataConfig(), codec=stage, crops_per_frame=2, workers=0)
    run = tmp_path / "run"
    run.mkdir()

    with pytest.raises(ConfigError):
        export(config, run, tmp_path / "raw-metadata-s-v2")
    progress = train_step("codec", config, workshop, Fabric(accelerator="cpu"), run, resume=False)
    export(config, run, tmp_path / "raw-metadata-s-v2")

    model = read_model(tmp_path / "raw-metadata-s-v2")
    assert progress.step == 2
    assert np.isfinite(progress.best)
    assert model.label == "raw-metadata-s@2"
    assert "2 steps of 2 x 64 px" in model.coder.training
