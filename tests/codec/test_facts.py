import json
import math
import zlib
from contextlib import suppress
from dataclasses import fields, replace

import numpy as np
import pytest

from rawtool.codec.facts import (
    Achieved,
    BaseSource,
    dumps_achieved,
    dumps_base,
    dumps_facts,
    facts_of,
    frame_of,
    loads_achieved,
    loads_base,
    loads_facts,
)
from rawtool.errors import DamagedSidecarError, NewerSidecarError, SidecarError
from rawtool.frames import Capture, Cfa, GainMap, Illuminated, RawFrame
from rawtool.vocabulary import SensorKind
from tests.codec.sidecars import ACHIEVED, BASE, CAPTURE, FACTS, same
from tests.io.material import capture, linear_frame, mosaic_frame

TREE = json.loads(zlib.decompress(dumps_facts(FACTS)))
BASE_TREE = json.loads(zlib.decompress(dumps_base(BASE)))
FRAMES = {
    "mosaic": mosaic_frame(),
    "light": linear_frame(),
    "grey": mosaic_frame(kind=SensorKind.MONOCHROME, black_level=(3.0,)),
    "float": linear_frame(samples=np.ones((24, 32, 3), np.float32)),
    "silent": linear_frame(capture=Capture("", "", None, ())),
    "rich": mosaic_frame(capture=replace(CAPTURE, exif=b"II*\0", xmp=b"<x/>"), gain_maps=FACTS.gain_maps),
}
FRAMES["grey"] = replace(FRAMES["grey"], cfa=None)


def packed(tree):
    return zlib.compress(json.dumps(tree).encode())


def places(tree, path=()):
    """Every place in a tree: the keys and numbers that lead there."""
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def changed(tree, path, change):
    """The tree with something else at a place."""
    if not path:
        return change(tree)
    copy = tree.copy()
    copy[path[0]] = changed(tree[path[0]], path[1:], change)
    return copy


def test_facts_come_back_bit_for_bit():
    assert same(loads_facts(dumps_facts(FACTS)), FACTS)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_comes_back_with_its_samples_and_blocks(name):
    frame = FRAMES[name]
    facts = loads_facts(dumps_facts(facts_of(frame)))
    found = frame_of(facts, frame.samples, exif=frame.capture.exif, xmp=frame.capture.xmp)

    assert same(found, frame)


@pytest.mark.parametrize("one", [RawFrame, Capture, Cfa, Illuminated, GainMap])
def test_no_attribute_is_forgotten(one):
    """A new attribute must be written too: whoever adds one comes here."""
    text = json.dumps(TREE)
    left_out = {RawFrame: {"samples"}, Capture: {"exif", "xmp"}}.get(one, set())

    assert {field.name for field in fields(one) if f'"{field.name}"' not in text} == left_out


def test_exif_and_xmp_are_not_among_the_facts():
    facts = facts_of(FRAMES["rich"])

    assert facts.capture.exif is None
    assert facts.capture.xmp is None


def test_facts_of_a_usual_frame_are_short():
    assert len(dumps_facts(facts_of(mosaic_frame()))) < 600
    assert len(dumps_base(BASE)) < 250


def test_the_json_is_written_the_same_way_every_time():
    again = loads_facts(dumps_facts(FACTS))

    assert dumps_facts(again) == dumps_facts(FACTS)
    assert zlib.decompress(dumps_facts(FACTS)).startswith(
        b'{"shape":[24,32],"dtype":"uint16","kind":"bayer",'
    )


@pytest.mark.parametrize("samples", [np.zeros((24, 31), np.uint16), np.zeros((24, 32), np.float32)])
def test_samples_of_another_shape_or_type_are_our_own_mistake(samples):
    with pytest.raises(ValueError, match="where facts say"):
        frame_of(FACTS, samples)


@pytest.mark.parametrize("value", [None, True, -7, 0.5, "x", [], {}], ids=str)
def test_a_strange_value_anywhere_gives_facts_or_a_sidecar_error(value):
    n_accepted, paths = 0, list(places(TREE))
    for path in paths:
        with suppress(SidecarError):
            dumps_facts(loads_facts(packed(changed(TREE, path, lambda _: value))))
            n_accepted += 1

    assert n_accepted < len(paths) / 2


def without(tree, key):
    return {name: value for name, value in tree.items() if name != key}


def test_a_missing_key_anywhere_is_damage():
    keys = [path for path in places(TREE) if path and isinstance(path[-1], str)]
    for *path, key in keys:
        with pytest.raises(DamagedSidecarError, match=f"{key} is missing"):
            loads_facts(packed(changed(TREE, path, lambda tree, key=key: without(tree, key))))

    assert len(keys) > 30


@pytest.mark.parametrize("path", [(), ("capture",), ("cfa",), ("gain_maps", 0), ("capture", "matrices", 1)])
def test_an_unknown_key_anywhere_comes_from_a_newer_version(path):
    with pytest.raises(NewerSidecarError, match="lens"):
        loads_facts(packed(changed(TREE, path, lambda tree: tree | {"lens": 1})))


@pytest.mark.parametrize(
    "wrong",
    [
        {"shape": ()},
        {"shape": (24,)},
        {"shape": (24, 0)},
        {"shape": (24, 32, 3)},
        {"shape": (24, 2**40)},
        {"dtype": "float64"},
        {"dtype": "object"},
        {"kind": SensorKind.LINEAR},
        {"kind": SensorKind.MONOCHROME},
        {"cfa": None},
        {"cfa": Cfa(())},
        {"cfa": Cfa(((), ()))},
        {"cfa": Cfa(((0, 1), (1,)))},
        {"cfa": Cfa(((0, 1), (1, 3)))},
        {"black_level": (64.0,)},
        {"crop": (5, 4, 20, 24)},
        {"crop": (2, 9, 20, 24)},
        {"crop": (-1, 4, 20, 24)},
        {"crop": (2, 4, 0, 24)},
        {"capture": capture(orientation=0)},
        {"capture": capture(orientation=9)},
    ],
    ids=str,
)
def test_facts_that_do_not_fit_together_are_not_written(wrong):
    with pytest.raises(ValueError, match=r"has|cannot"):
        dumps_facts(replace(FACTS, **wrong))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("shape",), [24, 2**40]),
        (("shape",), [24]),
        (("dtype",), "float128"),
        (("kind",), "linear"),
        (("kind",), "foveon"),
        (("cfa",), None),
        (("cfa", "cell"), []),
        (("black_level",), []),
        (("crop",), [0, 0, 24, 33]),
        (("crop",), [0, 0, 24]),
        (("capture", "orientation"), 0),
        (("capture", "noise_profile"), [1.0]),
        (("gain_maps", 0, "gains"), [2, 3, "AAAA"]),
    ],
)
def test_facts_that_do_not_fit_together_are_damage(path, value):
    with pytest.raises(DamagedSidecarError, match=r"^the raw inside is damaged: .*; take another copy"):
        loads_facts(packed(changed(TREE, path, lambda _: value)))


@pytest.mark.parametrize("content", [b"", b"{}", zlib.compress(b""), zlib.compress(b"[]"), packed(TREE)[:-1]])
@pytest.mark.parametrize("read", [loads_facts, loads_base])
def test_no_facts_are_damage(content, read):
    with pytest.raises(DamagedSidecarError):
        read(content)


@pytest.mark.parametrize("source", BaseSource)
@pytest.mark.parametrize("is_upright", [False, True])
def test_the_base_comes_back(source, is_upright):
    base = replace(BASE, source=source, is_upright=is_upright)

    assert loads_base(dumps_base(base)) == base


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 0),
        ("height", -5),
        ("height", 2**30),
        ("width", 20.0),
        ("pixels_sha256", "AB" * 32),
        ("scan_sha256", "ab" * 31),
        ("scan_sha256", None),
        ("is_upright", 1),
        ("source", "scanner"),
    ],
)
def test_a_base_that_cannot_be_is_damage(name, value):
    with pytest.raises(DamagedSidecarError):
        loads_base(packed(BASE_TREE | {name: value}))


def test_an_unknown_word_about_the_base_comes_from_a_newer_version():
    with pytest.raises(NewerSidecarError):
        loads_base(packed(BASE_TREE | {"lens": 1}))


@pytest.mark.parametrize("achieved", [ACHIEVED, Achieved(48.123456789, 17.0, 1 / 3, 0, 2**64 - 1)])
def test_what_was_reached_comes_back_in_a_length_that_does_not_depend_on_it(achieved):
    content = dumps_achieved(achieved)

    assert loads_achieved(content) == achieved
    assert len(content) == 40


def test_what_was_reached_has_the_bytes_that_are_documented():
    content = dumps_achieved(Achieved(math.inf, 1.0, 0.5, 258, 1))

    assert content == bytes.fromhex(
        "000000000000f07f000000000000f03f000000000000e03f02010000000000000100000000000000"
    )


@pytest.mark.parametrize("content", [b"", bytes(39), bytes(41)])
def test_what_was_reached_in_another_length_is_damage(content):
    with pytest.raises(DamagedSidecarError):
        loads_achieved(content)
