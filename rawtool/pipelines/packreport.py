"""What is told of a packed file: for programs as figures, for people as a sentence."""

import math
from dataclasses import dataclass

from rawtool.codec.facts import Achieved
from rawtool.pipelines.clock import Metrics


@dataclass(frozen=True, slots=True)
class Costs:
    """What a packed file takes, and what it gives back; achieved is None when nobody measured it.

    n_photosites is height times width of the active area, n_raw_bytes the length of the raw file.
    """

    n_photosites: int
    n_raw_bytes: int
    n_base_bytes: int
    n_sidecar_bytes: int
    achieved: Achieved | None

    @property
    def bpp(self) -> float:
        """Bits of the sidecar per photosite."""
        return 8 * self.n_sidecar_bytes / self.n_photosites


def metrics_of(costs: Costs) -> Metrics:
    """Return the figures; psnr_db is None where the samples are identical (infinite) or nobody measured."""
    sizes = (
        ("bpp", round(costs.bpp, 4)),
        ("base_bytes", costs.n_base_bytes),
        ("sidecar_bytes", costs.n_sidecar_bytes),
        ("raw_file_bytes", costs.n_raw_bytes),
    )
    return (*achieved_metrics(costs.achieved), *sizes)


def achieved_metrics(achieved: Achieved | None) -> Metrics:
    """Return what was measured when a file was packed."""
    if achieved is None:
        return (("is_verified", False), ("is_identical", None), ("psnr_db", None), ("max_error_dn", None))
    psnr_db = round(achieved.psnr_db, 3) if math.isfinite(achieved.psnr_db) else None
    is_identical = achieved.max_error_dn == 0
    return (
        ("is_verified", True),
        ("is_identical", is_identical),
        ("psnr_db", psnr_db),
        ("max_error_dn", achieved.max_error_dn),
    )


def sentence_of(costs: Costs) -> str:
    """Return quality and sizes in one line."""
    parts = (costs.n_base_bytes, costs.n_sidecar_bytes)
    picture, sidecar, total, original = map(_megabytes, (*parts, sum(parts), costs.n_raw_bytes))
    sizes = f"picture {picture} + sidecar {sidecar} = {total}, raw file {original}"
    return f"{quality_words(costs.achieved)}, {costs.bpp:.3g} bpp; {sizes}"


def quality_words(achieved: Achieved | None) -> str:
    """Return what was measured when a file was packed, in words."""
    if achieved is None:
        return "not verified"
    if achieved.max_error_dn == 0:
        return "every photosite identical"
    return f"mosaic {achieved.psnr_db:.2f} dB, largest error {achieved.max_error_dn:g} counts"


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.2f} MB"
