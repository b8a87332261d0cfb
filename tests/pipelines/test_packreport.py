import json
import math

from rawtool.codec.facts import Achieved
from rawtool.pipelines.packreport import Costs, achieved_metrics, metrics_of, quality_words, sentence_of

LOSSY = Achieved(51.256, 12.0, 0.4, 600_000, 2_000_000)
EXACT = Achieved(math.inf, 0.0, 8.0, 12_000_000, 2_000_000)


def costs(achieved):
    return Costs(12_000_000, 25_000_000, 2_000_000, 600_000, achieved)


def test_people_read_quality_and_sizes_in_one_line():
    assert sentence_of(costs(LOSSY)) == (
        "mosaic 51.26 dB, largest error 12 counts, 0.4 bpp; "
        "picture 2.00 MB + sidecar 0.60 MB = 2.60 MB, raw file 25.00 MB"
    )


def test_identical_is_said_of_what_was_measured_only():
    assert quality_words(EXACT) == "every photosite identical"
    assert quality_words(None) == "not verified"


def test_programs_read_the_same_figures():
    assert dict(metrics_of(costs(LOSSY))) == {
        "is_verified": True,
        "is_identical": False,
        "psnr_db": 51.256,
        "max_error_dn": 12.0,
        "bpp": 0.4,
        "base_bytes": 2_000_000,
        "sidecar_bytes": 600_000,
        "raw_file_bytes": 25_000_000,
    }


def test_figures_that_are_infinite_or_unknown_can_be_written_as_json():
    for achieved in (EXACT, None):
        json.dumps(dict(metrics_of(costs(achieved))), allow_nan=False)

    assert dict(achieved_metrics(EXACT))["is_identical"] is True
    assert dict(achieved_metrics(None))["is_identical"] is None
