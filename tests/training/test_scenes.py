"""Scene shards: split by group, scaled to white, read as they were written."""

import hashlib

import numpy as np
import pytest

from rawtool.errors import ConfigError, NoInputError
from rawtool.training import scenes as shards
from rawtool.training.scenes import open_scenes, prepare_scenes, thumbnail_of
from tests.training.material import painted, write_png, write_radiance, write_table


def is_held_out(group):
    return int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) % 8 == 0


def test_scenes_come_back_in_order_with_half_the_bits(workshop):
    names = [entry.name for entry in workshop.entries]

    assert names == ["lake_1.hdr", "nut_1.png", "quarry_1.png", "quarry_2.png", "zebra_1.hdr"]
    assert [entry.kind for entry in workshop.entries] == ["hdr", "photo", "photo", "photo", "hdr"]
    np.testing.assert_allclose(workshop.scene(3), painted(1), atol=0.008)
    assert workshop.scene(3).dtype == np.float16
    assert not workshop.scene(3).flags.writeable


def test_an_hdr_scene_is_scaled_until_its_white_is_one(workshop):
    brightest = np.percentile(workshop.scene(0).astype(np.float32).max(axis=2), 97.0)

    assert brightest == pytest.approx(1.0, abs=2e-3)
    assert workshop.scene(0).max() > 1.0


def test_the_split_is_the_same_everywhere(workshop):
    for entry in workshop.entries:
        assert entry.is_validation == is_held_out(entry.name.split("_")[0])
    assert workshop.split(is_validation=True) == [1, 4]
    assert workshop.split(is_validation=False) == [0, 2, 3]


def test_pictures_of_one_group_never_stand_on_both_sides(tmp_path):
    names = [f"{letter}{number}.png" for letter in "abcdefgh" for number in (1, 2)]
    for name in names:
        write_png(tmp_path / name, painted(1))
    rows = [{"file": name, "licence": "CC0", "scene_group": f"group {name[1]}"} for name in names[:8]]
    write_table(tmp_path / "catalog.csv", rows)

    entries = prepare_scenes([tmp_path], tmp_path / "data").entries

    groups = {entry.name: entry.group for entry in entries}
    assert groups["a1.png"] == groups["d1.png"] == "group 1"
    assert groups["e1.png"] == groups["e2.png"] == "e"
    assert all(entry.is_validation == is_held_out(entry.group) for entry in entries)
    assert {entry.licence for entry in entries} == {"CC0", "unknown"}


def test_thumbnails_are_the_mean_of_their_part(workshop):
    scene = workshop.scene(2).astype(np.float32)

    np.testing.assert_allclose(
        workshop.thumbnails[2][:, 0], scene[:, :2].reshape(64, 2, 2, 3).mean(axis=(1, 2)), atol=1e-3
    )


@pytest.mark.parametrize("shape", [(64, 64), (130, 97), (100, 64)], ids=str)
def test_a_thumbnail_of_one_value_is_that_value(shape):
    small = thumbnail_of(np.full((*shape, 3), 0.3, np.float32))

    assert small.shape == (64, 64, 3)
    np.testing.assert_allclose(small, 0.3, rtol=1e-5)


def test_what_cannot_be_used_is_named_and_left_out(tmp_path):
    write_png(tmp_path / "good_1.png", painted(1))
    write_png(tmp_path / "small_1.png", painted(1, 64, 160))
    (tmp_path / "broken_1.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture")
    said = []

    found = prepare_scenes([tmp_path], tmp_path / "data", said.append)

    assert [entry.name for entry in found.entries] == ["good_1.png"]
    assert [words.split(":")[:2] for words in said] == [
        ["left out", " broken_1.jpg"],
        ["good_1.png"],
        ["left out", " small_1.png"],
    ]


def test_brightness_is_cut_where_half_precision_ends(tmp_path):
    light = painted(1)
    light[0, 0] = 1e9
    write_radiance(tmp_path / "sun_1.hdr", light)

    scene = prepare_scenes([tmp_path / "sun_1.hdr"], tmp_path / "data").scene(0)

    assert np.isfinite(scene).all()
    assert scene.max() == pytest.approx(shards.BRIGHTEST, rel=1e-3)


def test_cameras_travel_from_beside_or_above_the_pictures(workshop, tmp_path):
    assert [camera.model for camera in workshop.cameras] == ["Box 1", "D700"]
    assert workshop.cameras[1].a is None
    write_png(tmp_path / "a_1.png", painted(1))

    assert prepare_scenes(iter([tmp_path]), tmp_path / "data").cameras == ()


def test_sources_may_be_a_generator(workshop, tmp_path):
    pictures = workshop.folder.parent / "pictures"

    found = prepare_scenes((path for path in [pictures]), tmp_path / "data")

    assert found.entries == workshop.entries
    assert found.cameras == workshop.cameras


def test_a_folder_without_pictures_is_an_error(tmp_path):
    with pytest.raises(NoInputError, match="no picture was found"):
        prepare_scenes([tmp_path, tmp_path / "missing.hdr"], tmp_path / "data")


def test_an_unfinished_folder_does_not_open_with_the_index_of_an_older_one(tmp_path):
    for name in ("a_1.png", "b_1.png"):
        write_png(tmp_path / name, painted(1))
    prepare_scenes([tmp_path], tmp_path / "data")

    def stop(name):
        if name == "b_1.png":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_scenes([tmp_path], tmp_path / "data", stop)

    with pytest.raises(ConfigError, match="is not a scene folder"):
        open_scenes(tmp_path / "data")


@pytest.mark.parametrize("content", [None, "", "{}", '{"scenes": [{"name": 1}], "cameras": []}', "[]"])
def test_another_folder_is_refused_in_one_line(tmp_path, content):
    if content is not None:
        (tmp_path / "index.json").write_text(content)

    with pytest.raises(ConfigError, match=r"^[^\n]* is not a scene folder; make one with: [^\n]*$"):
        open_scenes(tmp_path)
