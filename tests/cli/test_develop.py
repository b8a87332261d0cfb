import json
from pathlib import Path

import pytest

from rawtool.cli.main import run
from rawtool.vocabulary import ExitCode, Precision
from tests.cli import fakes


@pytest.fixture(autouse=True)
def opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, content in (("a.dng", b"one"), ("b.dng", b"two"), ("sub/c.dng", b"three")):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content)
    return fakes.install(monkeypatch.setattr)


def made():
    return sorted(
        path.relative_to(".").as_posix() for path in Path().rglob("*") if path.suffix not in {"", ".dng"}
    )


def test_a_raw_becomes_a_picture_beside_it(capsys):
    assert run(["develop", "a.dng"]) == 0

    captured = capsys.readouterr()
    assert made() == ["a_dev.jpg"]
    assert captured.out == ""
    assert "a.dng -> a_dev.jpg (0.8 s, cpu, cameranet-s)" in captured.err
    assert "rawtool: 1 done in" in captured.err


def test_two_inputs_are_both_developed_and_neither_is_lost():
    assert run(["develop", "a.dng", "b.dng"]) == 0

    assert made() == ["a_dev.jpg", "b_dev.jpg"]
    assert Path("b.dng").read_bytes() == b"two"


def test_in_and_out_may_be_named_one_after_the_other():
    assert run(["develop", "a.dng", "x.tif"]) == 0
    assert run(["develop", "a.dng", "new/"]) == 0

    assert made() == ["new/a_dev.jpg", "x.tif"]


def test_a_folder_is_searched_to_its_bottom_and_its_tree_kept():
    assert run(["develop", "-r", ".", "-o", "out/", "--name", "{stem}.{ext}"]) == 0

    assert made() == ["out/a.jpg", "out/b.jpg", "out/sub/c.jpg"]


def test_restored_raws_are_not_developed_again():
    assert run(["develop", ".", "--stage", "restore"]) == 0
    assert run(["develop", ".", "--stage", "restore", "-f"]) == 0

    assert sorted(path.name for path in Path().glob("*.dng")) == ["a.dng", "a_nr.dng", "b.dng", "b_nr.dng"]


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["a.dng", "sub/c.dng", "-o", "x.jpg"], 2, "2 inputs are selected"),
        (["a.dng", "b.dng", "--name", "same.jpg"], 2, "a.dng and b.dng would both be written to same.jpg"),
        (["a.dng", "-o", "x.png", "--format", "jpg"], 2, "disagree"),
        (["a.dng", "--name", "{iso}.jpg"], 2, "unknown field {iso}"),
        (["a.dng", "-f", "--skip-existing"], 2, "ask for different things"),
        (["a.dng", "-o", "a.dng", "--stage", "restore", "-f"], 2, "never written over"),
        (["*.nef"], 4, "no input matched *.nef"),
        (["missing.dng"], 7, "missing.dng: no such file"),
    ],
)
def test_a_refused_run_says_why_in_one_line_and_writes_nothing(words, code, line, capsys):
    assert run(["develop", "-q", *words]) == code

    captured = capsys.readouterr()
    assert line in captured.err
    assert captured.err.startswith("rawtool: error: ")
    assert captured.err.count("\n") == 1
    assert made() == []


def test_an_existing_output_is_kept_by_default_and_is_code_6(capsys):
    Path("a_dev.jpg").write_bytes(b"precious")

    assert run(["develop", "a.dng", "b.dng"]) == 6

    assert Path("a_dev.jpg").read_bytes() == b"precious"
    assert made() == ["a_dev.jpg", "b_dev.jpg"]
    assert "rawtool: error: a.dng: a_dev.jpg exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "content", "files"),
    [
        (["-f"], b"developed one", ["a_dev.jpg"]),
        (["--exists", "overwrite"], b"developed one", ["a_dev.jpg"]),
        (["--skip-existing"], b"precious", ["a_dev.jpg"]),
        (["--exists", "skip"], b"precious", ["a_dev.jpg"]),
        (["--exists", "rename"], b"precious", ["a_dev.jpg", "a_dev_1.jpg"]),
        (["--exists", "newer"], b"precious", ["a_dev.jpg"]),
    ],
)
def test_policies_for_an_output_that_exists(words, content, files):
    Path("a_dev.jpg").write_bytes(b"precious")

    assert run(["develop", "a.dng", *words]) == 0

    assert Path("a_dev.jpg").read_bytes() == content
    assert made() == files


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        ([b"corrupt", b"unsupported"], ExitCode.INPUT),
        ([b"corrupt", b"memory"], ExitCode.MIXED),
        ([b"memory", b"memory"], ExitCode.MEMORY),
    ],
)
def test_failures_do_not_stop_the_others_and_give_the_code_they_share(contents, code, capsys):
    for name, content in zip(("a.dng", "b.dng"), contents, strict=True):
        Path(name).write_bytes(content)

    assert run(["develop", "a.dng", "b.dng", "sub/c.dng"]) == code

    err = capsys.readouterr().err
    assert made() == ["sub/c_dev.jpg"]
    assert "rawtool: 1 done, 2 failed" in err
    assert err.index("rawtool: error: a.dng: ") < err.index("  failed: a.dng: ")


def test_fail_fast_starts_no_more_files(capsys):
    Path("a.dng").write_bytes(b"corrupt")

    assert run(["develop", "a.dng", "b.dng", "--fail-fast", "-j", "1"]) == 7

    assert made() == []
    assert "0 done, 1 failed, 1 not finished" in capsys.readouterr().err


def test_a_bug_keeps_its_traceback_in_a_report_and_not_on_the_terminal(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Path("a.dng").write_bytes(b"bug")

    assert run(["develop", "a.dng", "-q"]) == 70

    err = capsys.readouterr().err
    report = next(tmp_path.glob("rawtool-*.txt"))
    assert err.count("\n") == 1
    assert str(report) in err
    assert "Traceback" in report.read_text()


def test_json_is_one_object_a_file_and_a_summary_on_a_clean_standard_output(capsys):
    Path("b.dng").write_bytes(b"corrupt")
    Path("a.dng").write_bytes(b"odd")

    run(["develop", "a.dng", "b.dng", "--json", "-j", "1"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {
        "v": 1,
        "event": "file",
        "input": "a.dng",
        "output": "a_dev.jpg",
        "also": [],
        "status": "done",
        "code": 0,
        "cause": None,
        "seconds": {"read": 0.25, "infer": 0.5},
        "device": "cpu",
        "provider": "CPUExecutionProvider",
        "precision": "fp32",
        "tiles": 6,
        "retries": 0,
        "model": {"name": "cameranet-s", "sha256": "ab" * 32},
        "warnings": ["no matrix"],
        "metrics": {},
    }
    assert (lines[1]["status"], lines[1]["code"], lines[1]["model"]) == ("failed", 7, None)
    assert {key: lines[2][key] for key in ("event", "done", "skipped", "failed", "code")} == {
        "event": "summary",
        "done": 1,
        "skipped": 0,
        "failed": 1,
        "code": 7,
    }
    assert lines[2]["failures"][0]["input"] == "b.dng"


def test_a_dry_run_says_the_plan_and_writes_nothing(capsys, monkeypatch, opened):
    monkeypatch.setattr("rawtool.batch.journey.find_model", lambda *asked: type("M", (), {"label": "net@1"}))
    Path("a_dev.jpg").touch()

    assert run(["develop", "a.dng", "b.dng", "--dry-run"]) == 0
    prose = capsys.readouterr().out
    assert run(["develop", "a.dng", "b.dng", "-n", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert "a.dng -> a_dev.jpg (refuse, 0.0 MB)" in prose
    assert "b.dng -> b_dev.jpg (write, 0.0 MB)" in prose
    assert "model net@1, device auto" in prose
    assert [event["event"] for event in events] == ["plan", "plan", "summary"]
    assert (events[1]["action"], events[1]["bytes"]) == ("write", 3)
    assert made() == ["a_dev.jpg"]
    assert opened.calls == []


def test_words_become_settings(monkeypatch, opened):
    seen = []
    monkeypatch.setattr(
        "rawtool.pipelines.develop.develop",
        lambda *words, **more: seen.append(words[3]) or fakes.develop(*words, **more),
    )
    words = "--wb 2,1,1.5 --exposure -1.5 --strength 50 --quality 80 --subsampling 420 --profile display-p3"
    sized = "--size 50% --tile 512 --bit-depth 32f --compression none --precision int8"

    assert run(["develop", "a.dng", "x.jpg", *words.split()]) == 0
    assert (
        run(["develop", "a.dng", "x.tif", *sized.split(), "-m", "net", "--device", "cpu", "--threads", "2"])
        == 0
    )

    first, second = seen
    assert (first.white_balance, first.exposure_ev, first.strength) == ("2,1,1.5", -1.5, 50.0)
    assert (first.quality, first.subsampling, first.profile.value) == (80, "420", "display-p3")
    assert (second.output_size, second.tile, second.bit_depth, second.is_float) == ("50%", 512, 32, True)
    assert second.format.value == "tiff"
    assert opened.calls == [
        (None, None, "auto", "auto", None, Precision.AUTO),
        ("net", None, "cpu", "auto", 2, Precision.INT8),
    ]


def test_quiet_says_nothing_when_all_is_well(capsys):
    assert run(["develop", "a.dng", "--quiet"]) == 0

    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_a_look_is_of_finished_pictures_only(capsys):
    assert run(["develop", "a.dng", "--look", "vivid"]) == 0
    assert run(["develop", "b.dng", "--look", "flat", "--stage", "restore"]) == ExitCode.USAGE

    assert "--look is for finished pictures" in capsys.readouterr().err
    assert made() == ["a_dev.jpg"]
