"""Frames with a picture of the same scene, and coders that are a few lines of numpy."""

import hashlib
import io
import zlib
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image
import pytest

from rawtool.arrays import AnyArray, Planes, Rgb8
from rawtool.color.transfer import srgb_encode
from rawtool.errors import DamagedSidecarError
from rawtool.frames import RawFrame
from rawtool.io.orientation import upright
from tests import raws

HEIGHT, WIDTH = 92, 122
CROP = (4, 6, 84, 112)


def scene(height: int = HEIGHT, width: int = WIDTH, seed: int = 1) -> AnyArray:
    """Blocks of random light (H, W, 3): every picture of it is told from every other, upright or not."""
    rng = np.random.default_rng(seed)
    blocks = rng.uniform(0.02, 0.9, (-(-height // 8), -(-width // 8), 3)).astype(np.float32)
    return np.repeat(np.repeat(blocks, 8, axis=0), 8, axis=1)[:height, :width]


def frame(kind: str = "Bayer", orientation: int = 1, **changes: object) -> RawFrame:
    """A raw of the scene that shows CROP of it."""
    taken = raws.photograph(scene(), kind, **({"crop": CROP} | changes))
    return replace(taken, capture=replace(taken.capture, orientation=orientation))


def codes(orientation: int = 1, seed: int = 1) -> Rgb8:
    """What the frame shows, finished and upright: uint8."""
    top, left, height, width = CROP
    light = scene(seed=seed)[top : top + height, left : left + width]
    return np.ascontiguousarray(upright((srgb_encode(light) * 255).astype(np.uint8), orientation))


def jpeg(pixels: Rgb8, orientation: int | None = None, quality: int = 92) -> bytes:
    """A JPEG of these pixels, with an EXIF orientation if one is given."""
    stream, exif = io.BytesIO(), PIL.Image.Exif()
    if orientation is not None:
        exif[274] = orientation
    said = {} if orientation is None else {"exif": exif}
    PIL.Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=0, **said)
    return stream.getvalue()


@dataclass(frozen=True, slots=True)
class ToyCoder:
    """Rounds the difference between planes and guide to steps that halve with every unit of the rate."""

    digest: bytes = b"T" * 32
    label: str = "toy@1"
    sha256: str = "ab" * 32
    device: str = "cpu"
    provider: str = "numpy"

    def encode(self, planes: Planes, guide: Rgb8, rate: float) -> tuple[bytes, ...]:
        step = 2.0 ** -(5 + rate)
        steps = np.rint((planes - _expected(guide)) / step).astype("<i4")
        head = np.array([step], "<f8").tobytes()
        return head, zlib.compress(steps.tobytes())

    def decode(self, streams: tuple[bytes, ...], guide: Rgb8) -> Planes:
        step = np.frombuffer(streams[0], "<f8")[0]
        expected = _expected(guide)
        steps = np.frombuffer(zlib.decompress(streams[1]), "<i4").reshape(expected.shape)
        return (steps * step + expected).astype(np.float32)


def _expected(guide: Rgb8) -> AnyArray:
    cells = guide.reshape(guide.shape[0] // 2, 2, guide.shape[1] // 2, 2, 3).mean(axis=(1, 3))
    return (cells[..., [0, 1, 1, 2]] / 255) ** 2.2


def use_toy_exact_coder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a quick coder in the place of the exact one: steps of what is allowed, and a hash of the guide."""
    monkeypatch.setattr("rawtool.pipelines.packing.encode_exact", _encode_exact)
    monkeypatch.setattr("rawtool.pipelines.packing.decode_exact", _decode_exact)


def _encode_exact(samples: AnyArray, cell_shape: tuple[int, int], guide: AnyArray, max_error: int) -> bytes:
    stream = io.BytesIO()
    step = 2 * max_error + 1
    rounded = np.minimum(samples.astype(np.int64) // step * step + max_error, 65535)
    np.save(stream, rounded.astype("<u2"))
    return hashlib.sha256(guide.tobytes()).digest() + zlib.compress(stream.getvalue(), 1)


def _decode_exact(content: bytes, guide: AnyArray) -> AnyArray:
    if hashlib.sha256(guide.tobytes()).digest() != content[:32]:
        raise DamagedSidecarError("made with another guide")
    return np.load(io.BytesIO(zlib.decompress(content[32:])))
