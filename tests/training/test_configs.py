"""The recipes' settings: sound as they are, and what each recipe cannot work with."""

from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")

from rawtool.errors import ConfigError
from rawtool.training.configs import (
    CAMERANET_PAPER,
    HDRUNET_PAPER,
    CameraNetConfig,
    HdrUnetConfig,
)
from rawtool.training.recipes.registry import CONFIGS
from rawtool.training.settings import dump_config, read_config, scaled, stages_of, steps_to_train
from tests.conftest import ROOT

every_config = pytest.mark.parametrize(
    ("recipe", "size"), [(recipe, size) for recipe, sizes in CONFIGS.items() for size in sizes]
)


@every_config
def test_the_settings_of_every_recipe_and_size_are_sound(recipe, size):
    config = CONFIGS[recipe][size]

    assert (config.recipe, config.size) == (recipe, size)
    assert config.loss in config.losses
    assert config.contradictions() == []


@every_config
def test_the_settings_of_every_recipe_and_size_are_written_down_and_read_again(recipe, size, tmp_path):
    config = scaled(replace(CONFIGS[recipe][size], seed=9, workers=0), 12.5, 77)
    path = tmp_path / "settings.toml"
    path.write_text(dump_config(config), encoding="utf-8")

    found = read_config(path, (), CONFIGS[recipe]["s"])

    assert found == config
    assert type(found) is type(config)


@every_config
def test_every_loss_may_be_chosen(recipe, size):
    config = CONFIGS[recipe][size]

    for loss in config.losses:
        assert read_config(None, (f"loss={loss}",), config) == replace(config, loss=loss)


@pytest.mark.parametrize(
    ("word", "mistake"),
    [
        ("crops_per_frame=0", "^crops_per_frame = 0 is not above 0; see"),
        ("balance=1.5", "^balance is not a share from 0 to 1; see"),
        ("balance=-0.1", "balance is not a share"),
        ("enhance.batch=7", r"^enhance\.batch = 7 is not a multiple of crops_per_frame; see"),
        ("joint.batch=12", r"joint\.batch = 12 is not a multiple of crops_per_frame"),
        ("loss=pu21", "loss = 'pu21' is none of encoded, paper;"),
        ("width=8", "width is not a setting"),
        (
            "is_in_xyz=false",
            r"^without XYZ there is a restoration only; set joint\.steps=0 and enhance\.steps=0",
        ),
    ],
)
def test_what_cameranet_cannot_work_with_is_refused(word, mistake):
    with pytest.raises(ConfigError, match=mistake):
        read_config(None, (word,), CameraNetConfig())


def test_only_the_steps_that_share_frames_need_whole_frames():
    assert read_config(None, ("restore.batch=7",), CameraNetConfig()).restore.batch == 7


def test_cameranets_network_of_size_paper_needs_large_crops():
    with pytest.raises(ConfigError, match=r"^restore\.crop = 256 is below 288"):
        read_config(None, ("restore.crop=256",), CAMERANET_PAPER)
    assert read_config(None, ("restore.crop=288",), CAMERANET_PAPER).restore.crop == 288


@pytest.mark.parametrize(
    ("word", "mistake"),
    [
        ("width=0", "^width or n_blocks is not above 0; see"),
        ("n_blocks=-1", "width or n_blocks is not above 0"),
        ("loss=encoded", "loss = 'encoded' is none of .*pu21, .*tanh-l1, l1, l2;"),
        ("has_weighting=1", "has_weighting = 1 should be a bool"),
        ("width=8.5", "width = 8.5 should be a int"),
        ("reconstruct.crop=100", r"reconstruct\.crop = 100 is not a multiple of 32"),
        ("restore.crop=96", "restore is not a setting"),
    ],
)
def test_what_hdrunet_cannot_work_with_is_refused(word, mistake):
    for base in (HdrUnetConfig(), HDRUNET_PAPER):
        with pytest.raises(ConfigError, match=mistake):
            read_config(None, (word,), base)


def test_a_part_of_hdrunet_may_be_taken_away():
    found = read_config(None, ("has_weighting=false", "has_condition=false"), HDRUNET_PAPER)

    assert (found.has_weighting, found.has_condition) == (False, False)
    assert HDRUNET_PAPER.has_weighting
    assert HDRUNET_PAPER.has_condition


def test_hdrunet_has_one_step():
    assert list(stages_of(HdrUnetConfig())) == ["reconstruct"]


def test_size_paper_of_hdrunet_is_trained_as_published():
    # arXiv 2105.13084; the crop is that of its published options.
    stage = HDRUNET_PAPER.reconstruct

    assert (HDRUNET_PAPER.loss, HDRUNET_PAPER.width, HDRUNET_PAPER.n_blocks) == ("tanh-l1", 64, 8)
    assert (stage.rate, stage.batch, stage.crop) == (2e-4, 16, 160)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "recipes").glob("*.toml")), ids=lambda path: path.stem
)
def test_the_settings_files_of_the_experiments_can_be_read(path):
    found = read_config(path, (), CameraNetConfig())

    assert found != CameraNetConfig()
    assert steps_to_train(found)
