import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from rawtool.cli.main import run
from rawtool.color.spaces import icc_profile
from rawtool.io.dng import write_dng
from rawtool.io.image import read_image
from rawtool.io.ultrahdr import read_ultra_hdr
from rawtool.pipelines import hdr as journey
from rawtool.vocabulary import ExitCode, Format, Profile, Space
from tests import hdrnets, raws, scenes

ICC = icc_profile(Profile.SRGB)
CODES = np.random.default_rng(1).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def save(name, codes=CODES, **said):
    Path(name).parent.mkdir(exist_ok=True)
    PIL.Image.fromarray(codes).save(name, icc_profile=ICC, **said)


@pytest.fixture(autouse=True)
def opened(tmp_path, monkeypatch):
    """Three pictures, and a network that makes light glow; the words it is opened with are kept."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.png", "sub/c.jpg"):
        save(name)
    calls = []
    studio = hdrnets.studio(hdrnets.glowing)
    monkeypatch.setattr("rawtool.batch.hdr.open_studio", lambda *words: calls.append(words) or studio)
    return calls


@pytest.fixture
def seen(monkeypatch):
    """The settings that reach the journey."""
    settings = []
    work = journey.reconstruct
    monkeypatch.setattr(
        "rawtool.batch.hdr.reconstruct",
        lambda *words, **more: settings.append(words[3]) or work(*words, **more),
    )
    return settings


def made():
    """All files but those that were there at first."""
    first = {"a.jpg", "b.png", "sub/c.jpg"}
    files = {path.relative_to(".").as_posix() for path in Path().rglob("*") if path.is_file()}
    return sorted(files - first)


def test_a_picture_becomes_an_exr_beside_it(capsys):
    pytest.importorskip("OpenEXR")

    assert run(["hdr", "a.jpg"]) == 0

    captured = capsys.readouterr()
    assert (made(), captured.out) == (["a_hdr.exr"], "")
    assert "a.jpg -> a_hdr.exr (" in captured.err
    image = read_image(Path("a_hdr.exr"))
    assert (image.space, image.white_nits) == (Space.SCENE_LINEAR, 203.0)
    assert image.pixels.max() > 3.0


@pytest.mark.parametrize("suffix", ["tif", "tiff", "hdr", "png", "avif", "jpg"])
def test_in_and_out_may_be_named_one_after_the_other(suffix):
    assert run(["hdr", "a.jpg", f"out.{suffix}"]) == 0

    assert made() == [f"out.{suffix}"]
    if suffix == "jpg":
        assert read_ultra_hdr(Path("out.jpg")) is not None
    else:
        assert read_image(Path(f"out.{suffix}")).space in {Space.SCENE_LINEAR, Space.PQ}


def test_two_pictures_are_both_inputs_and_neither_is_lost():
    save("d.jpg")
    before = Path("d.jpg").read_bytes()

    assert run(["hdr", "a.jpg", "d.jpg", "--format", "tiff"]) == 0

    assert made() == ["a_hdr.tiff", "d.jpg", "d_hdr.tiff"]
    assert Path("d.jpg").read_bytes() == before


def test_a_folder_is_searched_to_its_bottom_and_its_tree_kept():
    assert run(["hdr", "-r", ".", "-o", "out/", "--format", "hdr", "--also", "uhdr"]) == 0

    names = ("a_hdr", "b_hdr", "sub/c_hdr")
    assert made() == sorted(f"out/{name}.{suffix}" for name in names for suffix in ("hdr", "jpg"))


def test_a_second_run_over_a_folder_takes_no_output_for_an_input():
    assert run(["hdr", ".", "--format", "uhdr", "--also", "png"]) == 0
    assert run(["hdr", ".", "--format", "uhdr", "--also", "png", "-f"]) == 0

    assert made() == ["a_hdr.jpg", "a_hdr.png", "b_hdr.jpg", "b_hdr.png"]


def test_a_preview_is_drawn_of_every_picture():
    assert run(["hdr", "a.jpg", "x.tif", "--preview", "sheet.png"]) == 0
    assert run(["hdr", "a.jpg", "b.png", "--format", "hdr", "--preview", "seen/{stem}.png"]) == 0

    assert made() == ["a_hdr.hdr", "b_hdr.hdr", "seen/a.png", "seen/b.png", "sheet.png", "x.tif"]
    assert read_image(Path("sheet.png")).pixels.ndim == 3


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["a.jpg", "b.png", "-o", "x.exr"], 2, "2 inputs are selected"),
        (["a.jpg", "b.png", "--preview", "s.png"], 2, "--preview s.png is one file, but 2 inputs"),
        (["a.jpg", "--preview", "s.jpg"], 2, "use one of .png"),
        (["a.jpg", "--also", "exr"], 2, "--also exr is what is written already"),
        (["a.jpg", "-o", "x.exr", "--format", "avif"], 2, "disagree"),
        (["a.jpg", "-o", "x.dng"], 2, "ends in .dng"),
        (["a.jpg", "--format", "jpg"], 2, "Invalid value for '--format'"),
        (["a.jpg", "-o", "a.exr", "--also", "uhdr", "-f"], 2, "never written over"),
        (["a.jpg", "--format", "png", "--bit-depth", "8"], 2, "png holds no HDR in 8 bits"),
        (["a.jpg", "--peak-nits", "bright"], 2, "Invalid value for '--peak-nits'"),
        (["a.jpg", "--white-nits", "0"], 2, "Invalid value for '--white-nits'"),
        (["a.jpg", "--scale", "percentile=0"], 2, "none of preserve, percentile=P"),
        (["a.jpg", "--scale", "max=x"], 2, "none of preserve, percentile=P"),
        (["a.jpg", "--max-stops", "40"], 2, "Invalid value for '--max-stops'"),
        (["a.jpg", "--input-space", "cmyk"], 2, "Invalid value for '--input-space'"),
        (["*.webp"], 4, "no input matched *.webp"),
        (["missing.jpg"], 7, "missing.jpg: no such file"),
    ],
)
def test_a_refused_run_says_why_in_one_line_and_writes_nothing(words, code, line, capsys):
    assert run(["hdr", "-q", *words]) == code

    captured = capsys.readouterr()
    assert line in captured.err
    assert captured.err.startswith("rawtool: error: ")
    assert captured.err.count("\n") == 1
    assert made() == []


def truncated(name):
    save(name, np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = Path(name).read_bytes()
    Path(name).write_bytes(content[: len(content) // 2])


def cmyk(name):
    PIL.Image.new("CMYK", (16, 16)).save(name)


def raw(name):
    write_dng(raws.photograph(scenes.grey(16, 16)), Path(name))


def hdr_already(name):
    run(["hdr", "-q", "a.jpg", name])


def not_a_picture(name):
    Path(name).write_text("hello")


@pytest.mark.parametrize(
    ("spoil", "name", "line"),
    [
        (truncated, "bad.jpg", "bad.jpg: the picture is damaged"),
        (cmyk, "bad.jpg", "bad.jpg: a JPEG in CMYK is not supported; export it as RGB"),
        (cmyk, "bad.tif", "bad.tif: a TIFF in CMYK is not supported; export it as RGB"),
        (raw, "bad.dng", "bad.dng: this is a raw file"),
        (hdr_already, "bad.hdr", "bad.hdr: the picture is HDR already"),
        (hdr_already, "bad.png", "bad.png: the picture is HDR already"),
        (not_a_picture, "bad.jpg", "bad.jpg: not a JPEG, PNG"),
    ],
)
def test_a_picture_that_cannot_be_used_is_one_line_and_code_7(spoil, name, line, capsys):
    spoil(name)

    assert run(["hdr", "-q", name, "-o", "out/", "--format", "tiff"]) == ExitCode.INPUT

    err = capsys.readouterr().err
    assert err.startswith(f"rawtool: error: {line}")
    assert err.count("\n") == 1
    assert made() == [name]


def test_an_exr_is_hdr_already(capsys):
    pytest.importorskip("OpenEXR")
    hdr_already("bad.exr")

    assert run(["hdr", "-q", "bad.exr", "x.hdr"]) == ExitCode.INPUT

    assert "bad.exr: the picture is HDR already (scene-linear)" in capsys.readouterr().err
    assert made() == ["bad.exr"]


@pytest.mark.parametrize(
    ("shape", "code"), [((1, 1), 90), ((20, 30), 0), ((20, 30), 255), ((2, 40_000), 255)]
)
@pytest.mark.parametrize("kind", ["tiff", "hdr", "png", "uhdr"])
def test_strange_pictures_come_out_right(shape, code, kind):
    save("odd.png", np.full((*shape, 3), code, np.uint8))

    assert run(["hdr", "odd.png", "-q", "--format", kind, "--preview", "sheet.png"]) == 0

    suffix = Format(kind).suffix
    assert made() == ["odd.png", f"odd_hdr.{suffix}", "sheet.png"]
    image = read_image(Path(f"odd_hdr.{suffix}"))
    assert image.pixels.shape[:2] == shape
    if image.space is Space.SCENE_LINEAR:
        expected = {0: 0.0, 90: 0.102, 255: hdrnets.GAIN}[code]
        np.testing.assert_allclose(image.pixels, expected, rtol=8e-3)


def test_a_strip_longer_than_the_format_is_one_line_and_leaves_nothing(capsys):
    save("strip.png", np.full((2, 40_000, 3), 255, np.uint8))

    assert run(["hdr", "-q", "strip.png", "x.avif"]) == 2

    err = capsys.readouterr().err
    assert err.startswith("rawtool: error: strip.png: avif holds at most 32768 pixels a side")
    assert err.count("\n") == 1
    assert made() == ["strip.png"]


def test_a_network_that_fails_is_code_11_and_leaves_nothing(capsys, monkeypatch):
    broken = hdrnets.studio(lambda picture: picture * np.float32(np.nan))
    monkeypatch.setattr("rawtool.batch.hdr.open_studio", lambda *words: broken)

    assert run(["hdr", "-q", "a.jpg", "-o", "out/", "--format", "tiff"]) == ExitCode.VERIFY

    assert "not finite" in capsys.readouterr().err
    assert made() == []
    assert not Path("out").exists()


def test_without_a_model_one_line_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: (tmp_path / "none",))

    assert run(["hdr", "-q", "a.jpg"]) == ExitCode.MODEL

    err = capsys.readouterr().err
    assert err.startswith("rawtool: error: no model for rawtool hdr; installed: none")
    assert err.count("\n") == 1
    assert made() == []


def test_json_tells_every_output(capsys):
    truncated("bad.jpg")

    run(["hdr", "b.png", "bad.jpg", "--format", "tiff", "--also", "uhdr", "--json", "-j", "1"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (lines[0]["output"], lines[0]["also"]) == ("b_hdr.tiff", ["b_hdr.jpg"])
    assert lines[0]["model"] == {"name": "toy@1.2", "sha256": "c0ffee"}
    assert "encoded anew" in lines[0]["warnings"][0]
    assert (lines[1]["status"], lines[1]["code"]) == ("failed", 7)
    assert (lines[2]["event"], lines[2]["done"], lines[2]["failed"]) == ("summary", 1, 1)


def test_a_dry_run_says_every_output_and_writes_nothing(capsys, monkeypatch, opened):
    monkeypatch.setattr("rawtool.batch.journey.find_model", lambda *asked: type("M", (), {"label": "net@1"}))
    words = ["hdr", "a.jpg", "b.png", "-n", "--also", "avif", "--preview", "seen/"]

    assert run(words) == 0
    prose = capsys.readouterr().out
    assert run([*words, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert "a.jpg -> a_hdr.exr, a_hdr.avif, seen/a_sheet.png (write, " in prose
    assert "2 files as exr and avif, " in prose
    assert events[0]["also"] == ["a_hdr.avif", "seen/a_sheet.png"]
    assert (events[2]["format"], events[2]["also"], events[2]["model"]) == ("exr", ["avif"], "net@1")
    assert made() == []
    assert opened == []


def test_words_become_settings(seen, opened):
    light = "--input-space display-p3 --highlight-strength 40 --max-stops 5 --white-nits 100 --peak-nits 1000"
    gain = "--gainmap-scale 4 --gainmap-channels 3 --gainmap-quality 70 --quality 80 --tile 64"
    networks = "-m net --device cpu --runtime onnx --threads 2"

    assert run(["hdr", "a.jpg", "x.jpg", *light.split(), *gain.split(), *networks.split()]) == 0
    assert run(["hdr", "a.jpg", "x.tif", "--bit-depth", "32f", "--compression", "none"]) == 0

    first, second = seen
    assert (first.input_space, first.highlight_strength, first.max_gain_ev) == (Profile.DISPLAY_P3, 40.0, 5.0)
    assert (first.white_nits, first.peak_nits, first.quality, first.tile) == (100.0, 1000.0, 80, 64)
    assert (first.gain_map_scale, first.gain_map_channels, first.gain_map_quality) == (4, 3, 70)
    assert (second.bit_depth, second.is_float, second.compression) == (32, True, "none")
    assert (second.input_space, second.peak_nits, second.quality, second.tile) == (None,) * 4
    assert (first.format, second.format) == (Format.UHDR, Format.TIFF)
    assert opened[0] == ("net", None, "cpu", "onnx", 2)


def test_the_examples_of_the_help_stand_on_lines_of_their_own(capsys):
    for command in ("hdr", "develop"):
        run([command, "--help"])

    lines = capsys.readouterr().out.splitlines()
    assert "    rawtool hdr photo.jpg out.avif             one input, one output" in lines
    assert "    rawtool develop IMG_1.dng out.tif          one input, one output" in lines
