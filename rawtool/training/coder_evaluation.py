"""What ``pack`` keeps of held-out scenes, by the scoring rules: PSNR of the mosaic against bits a photosite.

Beside it: what the picture alone gives back, in the best of cases (one inverse of the finishing, fitted to
the light of all the scored scenes together, camera and colour of the light known), a polynomial of the
picture's colours fitted to each raw, and what lossless files of the planes take.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import imagecodecs
import numpy as np

from rawtool.arrays import AnyArray, Planes, Rgb, Rgb8
from rawtool.color.tone import finish
from rawtool.metrics.fidelity import psnr
from rawtool.metrics.rate import bpp
from rawtool.nets.raw_metadata_s import N_RATES
from rawtool.pipelines.basefit import guide_channels
from rawtool.pipelines.packroom import Coder
from rawtool.sensor.camera import SimulatedCamera, camera_light, expose, levels_of
from rawtool.sensor.cfa import RGGB, pack_planes, sample_mosaic
from rawtool.training.cameras import validation_camera
from rawtool.training.recipes.validation import held_out
from rawtool.training.scenes import SceneSet
from rawtool.vocabulary import CfaPattern

log = logging.getLogger(__name__)

ISOS = (100, 1600)
BASE_QUALITY = 92

NO_SIDECAR = "the base alone"
POWERS = tuple((i, j, k) for i in range(4) for j in range(4) for k in range(4) if i + j + k <= 3)
N_TERMS = len(POWERS)


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
    """A raw and its base: counts (H, W), the planes in [0, 1], the decoded base and the bytes of its file.

    light (H, W, 3) is what camera took.
    """

    iso: int
    light: Rgb
    camera: SimulatedCamera
    counts: AnyArray
    planes: Planes
    base: Rgb8
    n_base_bytes: int


def evaluate_pack(coder: Coder, scenes: SceneSet, max_scenes: int | None = None) -> list[PackRow]:
    """Score a coder on the held-out scenes at every rate, through held-out cameras."""
    found: list[PackRow] = []
    for iso in ISOS:
        places = enumerate(held_out(scenes)[:max_scenes])
        cases = [pack_case(scenes, at, number, iso) for number, at in places]
        inverse = inverse_of(cases)
        for case in cases:
            found += [*_judged(case, coder), _row(NO_SIDECAR, case, planes_of_base(case, inverse), 0)]
            log.info("scored a scene at ISO %d", iso)
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
    base = np.asarray(imagecodecs.jpeg8_decode(jpeg))
    return PackCase(iso, light, camera, counts, planes, base, len(jpeg))


def inverse_of(cases: Sequence[PackCase]) -> AnyArray:
    """Fit one cubic of the decoded colours to the light of all the cases: (20, 3)."""
    colors = np.concatenate([case.base[::3, ::3].reshape(-1, 3) for case in cases])
    light = np.concatenate([case.light[::3, ::3].reshape(-1, 3) for case in cases])
    return _fitted(colors, light)


def planes_of_base(case: PackCase, inverse: AnyArray) -> Planes:
    """Give the planes that a camera would take of the light that an inverse has for a base."""
    light = (_terms(case.base.reshape(-1, 3)) @ inverse).reshape(case.base.shape).astype(np.float32)
    taken = camera_light(np.clip(light, 0.0, 1.0), case.camera)
    return pack_planes(np.minimum(sample_mosaic(taken, RGGB), np.float32(1.0)), CfaPattern.RGGB)


def polynomial_fit(planes: Planes, base: Rgb8) -> Planes:
    """Fit every plane (h, w, 4) by a cubic of the decoded colours (2h, 2w, 3) of its photosites."""
    colors = guide_channels(base).reshape(-1, 4, 3)
    wanted = planes.reshape(-1, 4)
    found = [_terms(colors[:, at]) @ _fitted(colors[:, at], wanted[:, at]) for at in range(4)]
    return np.stack(found, axis=-1).reshape(planes.shape).astype(np.float32)


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
    yield _row("polynomial of the base", case, polynomial_fit(case.planes, case.base), 4 * 4 * N_TERMS)
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


def _row(method: str, case: PackCase, found: Planes, n_bytes: int) -> PackRow:
    sidecar, total = (bpp(n, case.counts.shape) for n in (n_bytes, n_bytes + case.n_base_bytes))
    return PackRow("pack", method, case.iso, psnr(found, case.planes), sidecar, total, 1)


def _fitted(colors: AnyArray, wanted: AnyArray) -> AnyArray:
    """Give the factors of the terms of 8-bit colours (n, 3) nearest to wanted, by least squares."""
    factors, *_ = np.linalg.lstsq(_terms(colors), wanted.astype(np.float64), rcond=None)
    return factors


def _terms(colors: AnyArray) -> AnyArray:
    """Give the terms (n, 20) of 8-bit colours (n, 3): all products up to the third power."""
    red, green, blue = colors.T.astype(np.float64) / 255.0
    return np.stack([red**i * green**j * blue**k for i, j, k in POWERS], axis=1)
