"""What pack keeps, beside what needs no network."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

from rawtool.metrics.fidelity import psnr
from rawtool.training.coder_evaluation import (
    PackRow,
    evaluate_pack,
    inverse_of,
    mean_pack_rows,
    pack_case,
    planes_of_base,
    polynomial_fit,
)


class Remembering:
    """A coder that keeps the planes, a byte a rate."""

    digest, label, sha256, device, provider = b"", "kept@1", "", "cpu", "numpy"

    def encode(self, planes, guide, rate):
        self.planes = planes
        return (b"x" * (1 + int(rate)),)

    def decode(self, streams, guide):
        return self.planes + np.float32(0.01)


@pytest.fixture(scope="module")
def rows(workshop):
    return evaluate_pack(Remembering(), workshop)


def test_there_is_a_row_for_every_rate_and_for_what_others_do(rows):
    methods = [row.method for row in rows if row.iso == 100]

    assert methods == [
        *(f"rawtool rate {rate}" for rate in range(6)),
        "polynomial of the base",
        "lossless JPEG",
        "lossless JPEG XL",
        "the base alone",
    ]
    assert {row.iso for row in rows} == {100, 1600}


def test_rates_count_every_byte_and_errors_every_photosite(rows, workshop):
    ours = [row for row in rows if row.method.startswith("rawtool") and row.iso == 100]
    case = pack_case(workshop, workshop.split(is_validation=True)[0], 0, 100)

    assert [row.psnr for row in ours] == pytest.approx([40.0] * 6, abs=0.01)
    assert ours[5].bpp == pytest.approx(6 * ours[0].bpp)
    assert ours[0].bpp == pytest.approx(8.0 / case.planes.size)
    assert ours[0].total_bpp > ours[0].bpp


def test_noise_costs_lossless_files_more(rows):
    lossless = {row.iso: row.bpp for row in rows if row.method == "lossless JPEG"}

    assert lossless[1600] > lossless[100] > 1.0


def test_a_polynomial_finds_a_polynomial():
    rng = np.random.default_rng(2)
    base = rng.integers(0, 256, (32, 40, 3)).astype(np.uint8)
    colors = base / 255.0
    light = 0.2 + 0.5 * colors[..., 0] ** 2 * colors[..., 1] - 0.1 * colors[..., 2] ** 3
    planes = np.stack([light[i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=-1).astype(np.float32)

    assert np.abs(polynomial_fit(planes, base) - planes).max() < 1e-5


def test_the_base_alone_knows_the_camera_but_not_the_picture(workshop):
    at = workshop.split(is_validation=True)[0]
    case = pack_case(workshop, at, 0, 100)

    found = planes_of_base(case, inverse_of([case]))

    # With the one picture to fit to it is as good as a fit of it; with others in the pool it is worse.
    assert psnr(found, case.planes) > 25.0
    darker = replace(case, light=0.2 * case.light)
    assert (
        psnr(planes_of_base(case, inverse_of([case, darker])), case.planes) < psnr(found, case.planes) - 3.0
    )


def test_means_are_taken_for_each_method_and_sensitivity():
    rows = [
        PackRow("pack", "a", iso, psnr, 1.0, 2.0, 1) for iso, psnr in ((100, 40.0), (100, 50.0), (1600, 30.0))
    ]

    found = mean_pack_rows(rows)

    assert [(row.iso, row.psnr, row.n_pictures) for row in found] == [(100, 45.0, 2), (1600, 30.0, 1)]
