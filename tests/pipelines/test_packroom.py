from pathlib import Path

import pytest

from rawtool.codec.facts import BaseSource
from rawtool.errors import ModelNotFoundError
from rawtool.pipelines import packroom
from rawtool.pipelines.packroom import (
    Coder,
    Goal,
    PackSettings,
    base_of,
    open_packroom,
    open_unpackroom,
)
from rawtool.vocabulary import Precision
from tests import packs

EXACT, RATE = Goal(max_error_dn=0), Goal(rate=2.0)


@pytest.fixture
def opened(monkeypatch, darkroom):
    """What was opened, with which words."""
    calls = []
    coder = packs.ToyCoder()
    monkeypatch.setattr(
        packroom, "open_darkroom", lambda *words: calls.append(("develop", *words)) or darkroom
    )
    monkeypatch.setattr(packroom, "open_learned", lambda *words: calls.append(("code", *words)) or coder)
    return calls


@pytest.mark.parametrize(
    ("goal", "base", "names"),
    [
        (EXACT, BaseSource.FILE, []),
        (EXACT, BaseSource.DEVELOP, ["develop"]),
        (RATE, BaseSource.CAMERA, ["code"]),
        (RATE, BaseSource.DEVELOP, ["develop", "code"]),
    ],
)
def test_only_the_networks_that_are_needed_are_opened(opened, goal, base, names):
    room = open_packroom(PackSettings(goal, base), "mine", "cpu", "onnx", 2)

    assert [name for name, *_ in opened] == names
    assert [room.darkroom is not None, room.coder is not None] == ["develop" in names, "code" in names]


def test_a_named_model_is_that_of_the_coder(opened):
    open_packroom(PackSettings(RATE), "mine", "cpu", "onnx", 2)

    assert opened == [
        ("develop", None, None, "cpu", "onnx", 2, Precision.AUTO),
        ("code", "mine", "cpu", "onnx", 2),
    ]


def test_unpacking_opens_the_coder_once_and_only_when_it_is_needed(opened):
    room = open_unpackroom("mine")
    assert opened == []

    assert room.coder(b"?") is room.coder(b"?")
    assert opened == [("code", "mine", "auto", "auto", None)]


def test_a_missing_model_is_said_when_it_is_needed(monkeypatch):
    def missing(*_words):
        raise ModelNotFoundError("none")

    monkeypatch.setattr(packroom, "open_learned", missing)

    with pytest.raises(ModelNotFoundError):
        open_unpackroom().coder(b"?")


def test_words_for_the_base():
    assert base_of("develop") == (BaseSource.DEVELOP, None)
    assert base_of("camera") == (BaseSource.CAMERA, None)
    assert base_of("mine.jpg") == (BaseSource.FILE, Path("mine.jpg"))


def test_a_bound_on_every_difference_is_for_the_exact_coder():
    assert [Goal(max_error_dn=3).is_exact, Goal(rate=5.0).is_exact] == [True, False]
    assert isinstance(packs.ToyCoder(), Coder)
