import json
import math

import pytest

from rawtool.cli.compare import Bounds
from rawtool.cli.main import run
from rawtool.errors import InputError
from rawtool.pipelines.compare import Comparison

FOUND = Comparison(psnr=40.0, psnr_mu=38.0, pu21_psnr=39.0, ssim=0.98, delta_e_2000_mean=0.5, max_error=0.1)
EQUAL = Comparison(math.inf, math.inf, math.inf, math.nan, 0.0, 0.0)


@pytest.fixture(autouse=True)
def _fake(monkeypatch):
    monkeypatch.setattr("rawtool.pipelines.compare.compare", lambda first, second: FOUND)


def test_all_figures_are_said(capsys):
    assert run(["compare", "a.png", "b.png"]) == 0

    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["psnr", "40", "dB"],
        ["psnr_mu", "38", "dB"],
        ["pu21_psnr", "39", "dB"],
        ["ssim", "0.98"],
        ["delta_e_2000_mean", "0.5"],
        ["max_error", "0.1"],
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--min-psnr", "40"], 0),
        (["--min-psnr", "40.1"], 1),
        (["--min-psnr-mu", "38.1"], 1),
        (["--min-pu21-psnr", "39.1"], 1),
        (["--min-ssim", "0.99"], 1),
        (["--max-delta-e", "0.5"], 0),
        (["--max-delta-e", "0.4"], 1),
        (["--max-error", "0.05"], 1),
        (["--max-error", "0.2", "--min-ssim", "0.9"], 0),
    ],
)
def test_a_bound_that_is_not_kept_is_exit_1(words, code, capsys):
    assert run(["compare", "a.png", "b.png", *words]) == code

    assert capsys.readouterr().err.count("rawtool: error: b.png: ") == code


def test_what_is_not_a_number_keeps_no_bound():
    bounds = Bounds(30.0, None, None, 0.9, 1.0, None)

    assert bounds.broken(EQUAL) == ("ssim nan is under 0.9",)


def test_json_has_no_infinity(capsys, monkeypatch):
    monkeypatch.setattr("rawtool.pipelines.compare.compare", lambda first, second: EQUAL)

    assert run(["compare", "a.png", "b.png", "--json", "--max-error", "0"]) == 0

    event = json.loads(capsys.readouterr().out)
    assert (event["psnr"], event["ssim"], event["max_error"]) == (None, None, 0.0)
    assert (event["a"], event["b"], event["beyond"]) == ("a.png", "b.png", [])


def test_pictures_that_cannot_be_compared_are_code_7(capsys, monkeypatch):
    def refuse(first, second):
        raise InputError(f"{second}: the sizes differ")

    monkeypatch.setattr("rawtool.pipelines.compare.compare", refuse)

    assert run(["compare", "a.png", "b.png"]) == 7
    assert capsys.readouterr().err == "rawtool: error: b.png: the sizes differ\n"
