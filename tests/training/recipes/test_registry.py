"""The recipes: each knows its settings, and what takes it from scenes to a model."""

from dataclasses import replace
from inspect import signature

import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning_fabric")
pytest.importorskip("matplotlib")
pytest.importorskip("onnx")

from rawtool.errors import ConfigError
from rawtool.training.recipes import cameranet, hdrunet, raw_metadata, singlehdr
from rawtool.training.recipes.registry import CONFIGS, recipe


def test_there_are_four_recipes_in_their_sizes():
    assert {name: list(sizes) for name, sizes in CONFIGS.items()} == {
        "cameranet": ["s", "paper"],
        "hdrunet": ["s", "paper"],
        "singlehdr": ["s", "paper"],
        "raw-metadata": ["s"],
    }


def test_no_two_recipes_share_their_settings():
    kinds = [{type(config) for config in sizes.values()} for sizes in CONFIGS.values()]

    assert all(len(kind) == 1 for kind in kinds)
    assert len(set.union(*kinds)) == len(CONFIGS)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("cameranet", cameranet),
        ("hdrunet", hdrunet),
        ("raw-metadata", raw_metadata),
        ("singlehdr", singlehdr),
    ],
)
def test_a_name_stands_for_its_own_module(name, module):
    chosen = recipe(name)

    assert chosen.train_step is module.train_step
    assert chosen.export is module.export


@pytest.mark.parametrize("name", list(CONFIGS))
def test_every_part_takes_what_the_trainer_gives(name):
    chosen = recipe(name)

    signature(chosen.train_step).bind("step", "config", "scenes", "fabric", "out", resume=False)
    signature(chosen.check_scenes).bind("scenes")
    signature(chosen.draw).bind("out", "scenes", "config")
    signature(chosen.export).bind("config", "run", "out")


def test_only_raws_need_cameras(workshop):
    without = replace(workshop, cameras=())

    with pytest.raises(ConfigError, match="knows no cameras"):
        recipe("cameranet").check_scenes(without)
    for name in ("hdrunet", "singlehdr"):
        recipe(name).check_scenes(without)


@pytest.mark.parametrize("name", list(CONFIGS))
@pytest.mark.parametrize(("is_validation", "what"), [(False, "measure"), (True, "train")])
def test_every_recipe_needs_scenes_on_both_sides(workshop, name, is_validation, what):
    entries = tuple(entry for entry in workshop.entries if entry.is_validation == is_validation)

    with pytest.raises(ConfigError, match=f"has no scene to {what} on"):
        recipe(name).check_scenes(replace(workshop, entries=entries))


def test_an_unknown_name_is_our_own_mistake():
    with pytest.raises(ValueError, match="no recipe"):
        recipe("cameranet-s")
