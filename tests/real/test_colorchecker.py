"""A real ColorChecker: restored colours are as right as LibRaw's with the same matrix."""

from pathlib import Path

import numpy as np
import rawpy

from rawtool.color.transfer import srgb_decode
from rawtool.io.image import read_image
from rawtool.metrics.fidelity import delta_e_2000, exposure_fit, lab_from_rgb
from rawtool.pipelines.darkroom import open_darkroom
from rawtool.pipelines.develop import develop
from rawtool.pipelines.settings import DevelopSettings
from rawtool.vocabulary import Format, Profile, Stage

PATCHES = np.array(
    [
        [(214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64)],
        [(56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149)],
        [(243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85)],
    ],
    dtype=np.float32,
)
"""Published sRGB values of rows 2 to 4, columns 1 to 5 of the chart: what the frame shows of it."""
ROWS = (179, 610, 1075)
COLUMNS = (480, 959, 1438, 1903, 2215)
HALF = 30


def patch_means(linear: np.ndarray) -> np.ndarray:
    """Average the middle of every visible patch: (15, 3)."""
    boxes = [linear[y - HALF : y + HALF, x - HALF : x + HALF] for y in ROWS for x in COLUMNS]
    return np.stack([box.reshape(-1, 3).mean(axis=0) for box in boxes])


def mean_delta_e(linear: np.ndarray) -> float:
    """Compare the patches with the chart after one exposure factor."""
    truth = srgb_decode(PATCHES.reshape(1, -1, 3) / np.float32(255.0))
    found = patch_means(linear)[None]
    found = found * np.float32(exposure_fit(found, truth))
    return float(delta_e_2000(lab_from_rgb(found, Profile.SRGB), lab_from_rgb(truth, Profile.SRGB)).mean())


def test_restored_patches_are_no_further_from_the_chart_than_libraw_renders_them(
    shared_raws: Path, tmp_path: Path
) -> None:
    source = shared_raws / "canon_g2_colorchecker_CRW_0305.CRW"
    target = tmp_path / "chart.tiff"
    settings = DevelopSettings(stage=Stage.RESTORE, format=Format.TIFF, bit_depth=16)
    develop(source, target, open_darkroom(), settings)
    ours = mean_delta_e(read_image(target).as_float())
    with rawpy.imread(str(source)) as raw:
        rendered = raw.postprocess(
            gamma=(1, 1), no_auto_bright=True, adjust_maximum_thr=0.0, use_camera_wb=True, output_bps=16
        )
    theirs = mean_delta_e(rendered.astype(np.float32) / np.float32(65535.0))
    print(f"mean delta E 2000 of 15 patches: rawtool {ours:.2f}, LibRaw {theirs:.2f}")
    assert ours <= theirs + 0.05
