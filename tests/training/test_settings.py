"""Settings: laid over each other, and every mistake told at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest

from rawtool.errors import ConfigError
from rawtool.training.configs import CAMERANET_PAPER, CameraNetConfig
from rawtool.training.settings import (
    RunConfig,
    StageConfig,
    common_contradictions,
    dump_config,
    read_config,
    scaled,
    stages_of,
    steps_to_train,
)
from rawtool.vocabulary import Task

BASE = CameraNetConfig()


@dataclass(frozen=True, slots=True)
class ToastConfig:
    """A recipe of two steps with one setting of its own."""

    recipe: ClassVar[str] = "toast"
    losses: ClassVar[tuple[str, ...]] = ("burn", "chill")
    combining: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    tasks: ClassVar[Mapping[str, Task]] = {}

    size: str = "s"
    loss: str = "burn"
    seed: int = 1
    hdr_share: float = 0.5
    workers: int = 0
    validate_every_s: float = 300.0
    brown: StageConfig = field(default_factory=lambda: StageConfig(3.0, 32, 2, 1e-3))
    butter: StageConfig = field(default_factory=lambda: StageConfig(1.0, 64, 1, 1e-3))
    slices: int = 2

    def contradictions(self) -> list[str]:
        return common_contradictions(self) + (["there is no bread"] if self.slices < 1 else [])


def test_a_recipes_settings_are_those_of_a_run():
    assert isinstance(ToastConfig(), RunConfig)
    assert isinstance(BASE, RunConfig)


def test_nothing_said_is_the_recipe():
    assert read_config(None, (), BASE) == BASE
    assert read_config(None, (), CAMERANET_PAPER) == CAMERANET_PAPER


def test_a_file_is_laid_over_the_recipe_and_words_over_the_file(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('seed = 7\nloss = "paper"\n[restore]\nminutes = 5\nrate = 2e-3\n')

    found = read_config(path, ("restore.rate=5e-4", "joint.steps=9", "loss=encoded"), BASE)

    assert (found.seed, found.loss) == (7, "encoded")
    assert found.restore == replace(BASE.restore, minutes=5.0, rate=5e-4)
    assert found.joint == replace(BASE.joint, steps=9)
    assert found.enhance == BASE.enhance


def test_every_mistake_is_told_at_once(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('sed = 7\nworkers = "two"\nhdr_share = 3\n[restore]\ncrop = 100\nspeed = 1\n')

    with pytest.raises(ConfigError) as caught:
        read_config(path, ("enhance.batch=7", "size=xl", "joint=3"), BASE)

    message = str(caught.value)
    for mistake in (
        "sed is not a setting",
        "workers = 'two' should be a int",
        "restore.speed is not a setting",
        "restore.crop = 100 is not a multiple of 32",
        "enhance.batch = 7 is not a multiple of crops_per_frame",
        "size = 'xl' is neither s nor paper",
        "joint = 3 should be a StageConfig",
        "hdr_share is not a share",
    ):
        assert mistake in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("word", "mistake"),
    [
        ("seed=-1", "below 0"),
        ("workers=-2", "below 0"),
        ("hdr_share=-0.1", "not a share"),
        ("restore.rate=0.0", "restore has a value that is not above 0"),
        ("joint.batch=-4", "joint has a value that is not above 0"),
        ("loss=l2", "loss = 'l2' is none of encoded, paper;"),
        ("restore", "restore = '' should be"),
        ("seed=true", "seed = True should be a int"),
        ("a b=1", "is not TOML"),
    ],
)
def test_a_value_that_cannot_work_is_refused_before_any_work(word, mistake):
    with pytest.raises(ConfigError, match=mistake):
        read_config(None, (word,), BASE)


@pytest.mark.parametrize("content", [None, b"[restore", b"\xff\xfe"], ids=["missing", "not TOML", "not text"])
def test_a_settings_file_that_cannot_be_read_is_code_3(tmp_path, content):
    path = tmp_path / "a.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match=r"a\.toml"):
        read_config(path, (), BASE)


def test_what_a_run_writes_down_is_read_again(tmp_path):
    config = replace(ToastConfig(), seed=9, loss="chill", brown=StageConfig(1.5, 64, 2, 1e-5, 20))
    (tmp_path / "settings.toml").write_text(dump_config(config))

    assert read_config(tmp_path / "settings.toml", (), ToastConfig()) == config


def test_a_recipes_own_settings_and_mistakes_count_beside_those_of_all():
    found = read_config(None, ("slices=3", "butter.rate=0.5", "loss=chill"), ToastConfig())

    assert (found.slices, found.butter.rate, found.loss) == (3, 0.5, "chill")
    with pytest.raises(ConfigError, match=r"size = 'xl' .*; loss = 'boil' is none of .*; .* no bread"):
        read_config(None, ("slices=0", "size=xl", "loss=boil", "butter.crop=1"), ToastConfig())


def test_minutes_are_shared_out_and_steps_bound_each_stage():
    found = scaled(BASE, 9.3, 100)

    shares = [stage.minutes / 9.3 for stage in stages_of(found).values()]
    whole = sum(stage.minutes for stage in stages_of(BASE).values())
    assert shares == pytest.approx([stage.minutes / whole for stage in stages_of(BASE).values()])
    assert [stage.steps for stage in stages_of(found).values()] == [100, 100, 100]
    assert scaled(BASE, None, None) == BASE


def test_steps_without_steps_are_left_out_and_take_no_time():
    found = read_config(None, ("restore.steps=0",), BASE)

    assert steps_to_train(found) == ("enhance", "joint")
    assert sum(
        stages_of(scaled(found, 9.0, 100))[name].minutes for name in ("enhance", "joint")
    ) == pytest.approx(9)
    assert scaled(found, 9.0, 100).restore.steps == 0
    with pytest.raises(ConfigError, match="every step is left out"):
        read_config(None, ("restore.steps=0", "enhance.steps=0", "joint.steps=0"), BASE)


def test_the_stages_come_in_the_order_of_training():
    assert list(stages_of(BASE)) == ["restore", "enhance", "joint"]
    assert stages_of(ToastConfig()) == {"brown": ToastConfig().brown, "butter": ToastConfig().butter}
