"""What ``pack`` keeps of held-out scenes, by the scoring rules: PSNR of the mosaic against bits a photosite.

Beside it: a polynomial of the base picture fitted to each raw (about what an inverse of the picture alone can
reach), and what lossless files of the planes take.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import imagecodecs
import numpy as np

from rawtool.arrays import AnyArray, Planes, Rgb8
from rawtool.color.tone import finish
from rawtool.metrics.fidelity import psnr
from rawtool.metrics.rate import bpp
from rawtool.nets.raw_metadata_s import N_RATES
from rawtool.pipelines.basefit import guide_channels
from rawtool.pipelines.packroom import Coder
from rawtool.sensor.camera import expose, levels_of
from rawtool.sensor.cfa import pack_planes
from rawtool.training.data import validation_camera
from rawtool.training.recipes.validation import held_out
from rawtool.training.scenes import SceneSet
from rawtool.vocabulary import CfaPattern

log = logging.getLogger(__name__)

ISOS = (100, 1600)
BASE_QUALITY = 92


@dataclass(frozen=True, slots=True)
class PackRow:
    """The mean of one method at one sensitivity: dB, bits a photosite of the sidecar and with the base."""

    task: str
    method: str
    iso: int
    psnr: float
    bpp: float
    total_bpp: float
    n_pictures: int


@dataclass(frozen=True, slots=True)
class PackCase:
    """A raw and its base: counts (H, W), the planes in [0, 1], the decoded base and the bytes of its file."""

    iso: int
    counts: AnyArray
    white_level: int
    planes: Planes
    base: Rgb8
    n_base_bytes: int


def evaluate_pack(coder: Coder, scenes: SceneSet, max_scenes: int | None = None) -> list[PackRow]:
    """Score a coder on the held-out scenes at every rate, through held-out cameras."""
    found = [
        row
        for number, at in enumerate(held_out(scenes)[:max_scenes])
        for iso in ISOS
        for row in _judged(pack_case(scenes, at, number, iso), coder)
    ]
    return mean_pack_rows(found)


def pack_case(scenes: SceneSet, at: int, number: int, iso: int) -> PackCase:
    """Photograph a scene, finish it, and write that as a JPEG."""
    scene = scenes.scene(at)
    height, width = (side // 2 * 2 for side in scene.shape[:2])
    light = np.minimum(scene[:height, :width].astype(np.float32), np.float32(1.0))
    camera = validation_camera(scenes.cameras, number, iso)
    counts = expose(light, camera, np.random.default_rng(number))
    codes = np.rint(255.0 * np.clip(finish(light), 0.0, 1.0)).astype(np.uint8)
    jpeg = imagecodecs.jpeg8_encode(codes, level=BASE_QUALITY, subsampling="444")
    planes = pack_planes(levels_of(counts, camera), CfaPattern.RGGB)
    return PackCase(
        iso, counts, camera.white_level, planes, np.asarray(imagecodecs.jpeg8_decode(jpeg)), len(jpeg)
    )


def polynomial_fit(planes: Planes, base: Rgb8) -> Planes:
    """Fit every plane by a cubic of the decoded colours of its photosites (least squares)."""
    colors = guide_channels(base).astype(np.float64) / 255.0
    fitted = [_fitted(colors[..., 3 * at : 3 * at + 3], planes[..., at]) for at in range(4)]
    return np.stack(fitted, axis=-1).astype(np.float32)


def mean_pack_rows(rows: Iterable[PackRow]) -> list[PackRow]:
    """Average rows of one method and sensitivity, in the order of their coming."""
    groups: dict[tuple[str, int], list[PackRow]] = {}
    for row in rows:
        groups.setdefault((row.method, row.iso), []).append(row)
    return [
        PackRow(
            "pack",
            method,
            iso,
            float(np.mean([row.psnr for row in group])),
            float(np.mean([row.bpp for row in group])),
            float(np.mean([row.total_bpp for row in group])),
            len(group),
        )
        for (method, iso), group in groups.items()
    ]


def _judged(case: PackCase, coder: Coder) -> Iterator[PackRow]:
    for rate in range(N_RATES):
        streams = coder.encode(case.planes, case.base, float(rate))
        found = coder.decode(streams, case.base)
        yield _row(f"rawtool rate {rate}", case, found, sum(map(len, streams)))
    yield _row("polynomial of the base", case, polynomial_fit(case.planes, case.base), 4 * 20 * 4)
    lossless = {
        "lossless JPEG": imagecodecs.jpeg8_encode(
            case.counts.reshape(len(case.counts), -1, 2), lossless=True, predictor=1, bitspersample=16
        ),
        "lossless JPEG XL": b"".join(
            imagecodecs.jpegxl_encode(np.ascontiguousarray(case.counts[i::2, j::2]), lossless=True)
            for i in (0, 1)
            for j in (0, 1)
        ),
    }
    for method, content in lossless.items():
        cost = bpp(len(content), case.counts.shape)
        yield PackRow("pack", method, case.iso, float("inf"), cost, cost, 1)
    log.info("scored a scene at ISO %d", case.iso)


def _row(method: str, case: PackCase, found: Planes, n_bytes: int) -> PackRow:
    sidecar, total = (bpp(n, case.counts.shape) for n in (n_bytes, n_bytes + case.n_base_bytes))
    return PackRow("pack", method, case.iso, psnr(found, case.planes), sidecar, total, 1)


def _fitted(colors: AnyArray, plane: AnyArray) -> AnyArray:
    red, green, blue = (colors[..., at].ravel() for at in range(3))
    powers = [(i, j, k) for i in range(4) for j in range(4) for k in range(4) if i + j + k <= 3]
    terms = np.stack([red**i * green**j * blue**k for i, j, k in powers], axis=1)
    factors, *_ = np.linalg.lstsq(terms, plane.ravel().astype(np.float64), rcond=None)
    return (terms @ factors).reshape(plane.shape)
