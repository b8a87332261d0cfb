from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from rawtool.batch import hdr as batch
from rawtool.batch.choices import NetworkChoice
from rawtool.batch.hdr import plan_hdr, run_hdr
from rawtool.batch.inputs import Selection
from rawtool.batch.journey import Request
from rawtool.batch.outputs import Naming
from rawtool.batch.plan import Policies
from rawtool.batch.report import Status
from rawtool.color.spaces import icc_profile
from rawtool.errors import UsageError
from rawtool.io.image import read_image
from rawtool.io.ultrahdr import read_ultra_hdr
from rawtool.pipelines.studio import HdrSettings
from rawtool.vocabulary import ExistsPolicy, ExitCode, Format, Profile
from tests import hdrnets
from tests.listeners import Silent

TIFF = Format.TIFF


@pytest.fixture(autouse=True)
def opened(tmp_path, monkeypatch):
    """Two pictures, and a network that doubles their light; the words it is opened with are kept."""
    monkeypatch.chdir(tmp_path)
    icc = icc_profile(Profile.SRGB)
    for name, code in (("a.jpg", 100), ("b.png", 200)):
        PIL.Image.fromarray(np.full((16, 24, 3), code, np.uint8)).save(name, icc_profile=icc)
    calls = []
    monkeypatch.setattr(
        batch, "open_studio", lambda *words: calls.append(words) or hdrnets.studio(hdrnets.glowing)
    )
    return calls


def ask(*inputs, exists=ExistsPolicy.ERROR, networks=NetworkChoice(), settings=HdrSettings(), **said):
    return Request(Selection(inputs), Naming(**said), Policies(exists), networks, settings)


def go(request):
    return run_hdr(plan_hdr(request), request, Silent())


def made():
    return sorted(path.as_posix() for path in Path().rglob("*") if path.is_file() and "_" in path.name)


def test_the_default_is_an_exr_beside_the_input():
    plan = plan_hdr(ask("a.jpg"))

    assert [(job.source.name, job.target.name) for job in plan.jobs] == [("a.jpg", "a_hdr.exr")]
    assert plan.format is Format.EXR


def test_pictures_of_a_folder_are_found_and_earlier_outputs_are_not_read_again():
    for name in ("a_hdr.exr", "c.dng", "d.avif", "notes.txt"):
        Path(name).touch()

    plan = plan_hdr(ask(".", format=Format.UHDR))

    assert [job.source.name for job in plan.jobs] == ["a.jpg", "b.png"]
    assert [job.target.name for job in plan.jobs] == ["a_hdr.jpg", "b_hdr.jpg"]


def test_one_run_writes_all_formats_and_the_sheets():
    summary = go(ask("a.jpg", "b.png", format=TIFF, also=(Format.UHDR, Format.PNG), sheet="seen/"))

    assert summary.code is ExitCode.OK
    assert made() == [
        *(f"{stem}_hdr.{suffix}" for stem in "ab" for suffix in ("jpg", "png", "tiff")),
        "seen/a_sheet.png",
        "seen/b_sheet.png",
    ]
    assert read_ultra_hdr(Path("a_hdr.jpg")) is not None
    assert [len(report.outcome.warnings) for report in summary.reports] == [0, 1]


def test_the_network_is_opened_once_and_only_when_a_file_needs_it(opened):
    choice = NetworkChoice("net", "cpu", "onnx", 2)
    go(ask("a.jpg", "b.png", networks=choice, format=TIFF))
    again = go(ask("a.jpg", "b.png", exists=ExistsPolicy.SKIP, format=TIFF))

    assert opened == [("net", None, "cpu", "onnx", 2)]
    assert [report.status for report in again.reports] == [Status.SKIPPED] * 2


def test_skipping_what_exists_still_writes_what_is_missing():
    Path("a_hdr.tiff").write_bytes(b"precious")

    summary = go(ask("a.jpg", exists=ExistsPolicy.SKIP, format=TIFF, also=(Format.PNG,)))

    assert summary.reports[0].status is Status.DONE
    assert Path("a_hdr.tiff").read_bytes() == b"precious"
    assert Path("a_hdr.png").is_file()


def test_an_output_that_exists_refuses_the_job_and_is_named():
    Path("a_hdr.png").write_bytes(b"precious")

    report = go(ask("a.jpg", format=TIFF, also=(Format.PNG,))).reports[0]

    assert (report.code, made()) == (ExitCode.EXISTS, ["a_hdr.png"])
    assert report.cause.startswith("a_hdr.png exists")


def test_overwriting_replaces_all_outputs():
    for name in ("a_hdr.tiff", "a_hdr.png"):
        Path(name).write_bytes(b"old")

    go(ask("a.jpg", exists=ExistsPolicy.OVERWRITE, format=TIFF, also=(Format.PNG,)))

    assert read_image(Path("a_hdr.tiff")).pixels.shape == (16, 24, 3)
    assert read_image(Path("a_hdr.png")).pixels.dtype == np.uint16


@pytest.mark.parametrize(
    ("said", "settings", "why"),
    [
        ({"output": "x.tif", "also": (TIFF,)}, HdrSettings(), "--also tiff is what is written already"),
        ({"format": TIFF}, HdrSettings(bit_depth=16), "holds no HDR in 16 bits"),
        ({"format": Format.UHDR}, HdrSettings(bit_depth=8), "leave --bit-depth"),
        ({"output": "x.dng"}, HdrSettings(), r"ends in \.dng; use one of \.avif \.exr"),
        ({"output": "x.exr", "also": (Format.UHDR,), "sheet": "a.jpg"}, HdrSettings(), "use one of .png"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_any_work(said, settings, why, opened):
    with pytest.raises(UsageError, match=why):
        plan_hdr(ask("a.jpg", settings=settings, **said))

    assert opened == []


def test_an_input_is_never_an_output():
    with pytest.raises(UsageError, match="never written over"):
        plan_hdr(ask("a.jpg", output="a.exr", also=(Format.UHDR,), exists=ExistsPolicy.OVERWRITE))


def test_inputs_that_are_missing_empty_or_no_files_are_told_apart():
    Path("empty.jpg").touch()
    Path("folder.jpg").mkdir()

    summary = go(ask("missing.jpg", "empty.jpg", "a.jpg", format=TIFF))

    assert [report.cause and report.cause.split(";")[0] for report in summary.reports] == [
        "no such file",
        "the file is empty",
        None,
    ]
    assert summary.code is ExitCode.INPUT


def test_the_users_word_for_the_input_space_reaches_the_picture():
    go(
        ask(
            "b.png",
            settings=HdrSettings(input_space=Profile.LINEAR_SRGB, highlight_strength=0.0),
            format=TIFF,
        )
    )

    np.testing.assert_allclose(read_image(Path("b_hdr.tiff")).pixels, 200 / 255, rtol=1e-6)
