"""Samples to chunks and back: what packing, its verification and unpacking share.

Chunks: FACT, EXIF, XMP, BASE; EXCT of the exact coder or LAT0 and following of the learned one; HASH, the
SHA-256 of the samples that the exact coder gives back; DONE, what was reached.
"""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rawtool.arrays import AnyArray, Counts, Planes, Rgb8
from rawtool.codec.container import Chunk, Container, loads
from rawtool.codec.deflate import deflate, inflate
from rawtool.codec.exact import decode_exact, encode_exact
from rawtool.codec.facts import (
    Achieved,
    BaseFacts,
    FrameFacts,
    dumps_facts,
    facts_of,
    frame_of,
    loads_achieved,
    loads_base,
    loads_facts,
)
from rawtool.errors import DecoderMismatchError, UnsupportedRawError
from rawtool.frames import Cfa, RawFrame
from rawtool.io.dng import with_whole_numbers
from rawtool.pipelines.baseguide import Placing, lay_guide, lay_rggb_guide, turn_to_sensor
from rawtool.pipelines.packroom import Coder, Goal
from rawtool.sensor.cfa import pack_planes, unpack_planes
from rawtool.sensor.levels import normalise
from rawtool.vocabulary import CfaPattern

FACTS, EXIF, XMP, BASE, EXACT, HASH, DONE = "FACT", "EXIF", "XMP ", "BASE", "EXCT", "HASH", "DONE"
LEARNED = tuple(f"LAT{number}" for number in range(10))
EXACT_DECODER = hashlib.sha256(b"rawtool exact coder 1").digest()
"""What stands for the exact coder in a container; its streams carry tables and a format of their own."""

ROUNDED = (
    "its samples are not whole 16-bit numbers; they were rounded to that, so what comes back is close to "
    "the file, not bit for bit the same"
)
_MOST = 65535


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar that was opened: its length, its chunks, and what they say.

    achieved is None when nobody measured it.
    """

    n_bytes: int
    container: Container
    frame: FrameFacts
    base: BaseFacts
    achieved: Achieved | None

    @property
    def is_exact(self) -> bool:
        """Whether the exact coder wrote it."""
        return self.container.find(EXACT) is not None

    @property
    def n_photosites(self) -> int:
        """Height times width of the active area."""
        return self.frame.shape[0] * self.frame.shape[1]


def whole(frame: RawFrame) -> tuple[RawFrame, tuple[str, ...]]:
    """Return a frame whose samples are uint16, and what the user must know of it."""
    if frame.samples.dtype == np.uint16:
        return frame, ()
    return with_whole_numbers(frame), (ROUNDED,)


def check_codable(frame: RawFrame, goal: Goal) -> None:
    """Refuse before any work what the learned coder does not take.

    Raises:
        UnsupportedRawError: the sensor has no Bayer mosaic, and the goal is not that of the exact coder.
    """
    if not goal.is_exact and _pattern(frame.cfa) is None:
        raise UnsupportedRawError(
            f"rates are for Bayer sensors and this is {frame.kind.value}; use --lossless or --max-error"
        )


def frame_chunks(frame: RawFrame) -> tuple[Chunk, ...]:
    """Return everything of a frame but its samples."""
    capture = frame.capture
    chunks = [Chunk(FACTS, dumps_facts(facts_of(frame)))]
    chunks += [Chunk(EXIF, deflate(capture.exif))] if capture.exif else []
    chunks += [Chunk(XMP, deflate(capture.xmp))] if capture.xmp else []
    return tuple(chunks)


def exact_chunks(frame: RawFrame, pixels: Rgb8, *, is_upright: bool, max_error_dn: int) -> tuple[Chunk, ...]:
    """Code the samples so that no photosite is off by more than max_error_dn.

    Where that is 0 their hash is promised too.
    """
    guide = _exact_guide(facts_of(frame), pixels, is_upright=is_upright)
    coded = Chunk(EXACT, encode_exact(frame.samples, _cell_shape(frame.cfa), guide, max_error_dn))
    return (coded,) if max_error_dn else (coded, hash_chunk(frame.samples))


def hash_chunk(samples: AnyArray) -> Chunk:
    """Promise that exactly these samples come back."""
    return Chunk(HASH, _hash(samples))


def learned_chunks(streams: tuple[bytes, ...]) -> tuple[Chunk, ...]:
    """Wrap what the learned coder wrote: ten streams at most."""
    kinds = LEARNED[: len(streams)]
    return tuple(Chunk(kind, stream) for kind, stream in zip(kinds, streams, strict=True))


def open_sidecar(payload: bytes, *, allows_newer: bool = False) -> Sidecar:
    """Read what a sidecar says; allows_newer tries that with one of a newer rawtool too.

    Raises:
        SidecarError: it is damaged, or newer than this program.
    """
    container = loads(payload, allows_newer=allows_newer)
    done = container.find(DONE)
    return Sidecar(
        len(payload),
        container,
        loads_facts(container.need(FACTS)),
        loads_base(container.need(BASE)),
        None if done is None else loads_achieved(done),
    )


def decode_samples(sidecar: Sidecar, pixels: Rgb8, coder: Callable[[bytes], Coder]) -> AnyArray:
    """Return the samples of a sidecar, given the pixels of its base; uint16 (H, W) or (H, W, 3).

    Raises:
        DecoderMismatchError: another decoder wrote it.
        DamagedSidecarError: the streams do not fit the base.
    """
    facts, is_upright = sidecar.frame, sidecar.base.is_upright
    if sidecar.is_exact:
        _check_decoder(sidecar, EXACT_DECODER, "this rawtool")
        guide = _exact_guide(facts, pixels, is_upright=is_upright)
        return decode_exact(sidecar.container.need(EXACT), guide)
    opened = coder(sidecar.container.decoder)
    _check_decoder(sidecar, opened.digest, opened.label)
    found = (sidecar.container.find(kind) for kind in LEARNED)
    streams = [stream for stream in found if stream is not None]
    return samples_of(opened.decode(streams, learned_guide(facts, pixels, is_upright=is_upright)), facts)


def has_its_samples(sidecar: Sidecar, samples: AnyArray) -> bool | None:
    """Tell whether samples are those that the sidecar was made of; None where it does not say."""
    promised = sidecar.container.find(HASH)
    return None if promised is None else promised == _hash(samples)


def frame_with(sidecar: Sidecar, samples: AnyArray) -> RawFrame:
    """Return the frame of a sidecar with its samples."""
    found = (sidecar.container.find(kind) for kind in (EXIF, XMP))
    exif, xmp = (None if packet is None else inflate(packet) for packet in found)
    return frame_of(sidecar.frame, samples, exif=exif, xmp=xmp)


def planes_of(frame: RawFrame) -> Planes:
    """Return the planes (h, w, 4) of a Bayer frame: 0 black, 1 white level."""
    return pack_planes(normalise(frame), _needed_pattern(frame.cfa))


def learned_guide(facts: FrameFacts, pixels: Rgb8, *, is_upright: bool) -> AnyArray:
    """Lay a base on the grid of the planes, uint8 (2h, 2w, 3)."""
    placing = _placing(facts, is_upright=is_upright)
    return lay_rggb_guide(pixels, placing, (facts.shape[0], facts.shape[1]), _needed_pattern(facts.cfa))


def samples_of(planes: Planes, facts: FrameFacts) -> Counts:
    """Return planes (0 black, 1 white level) as counts (H, W), rounded and held in 0 to 65535."""
    mosaic = unpack_planes(planes, _needed_pattern(facts.cfa), (facts.shape[0], facts.shape[1]))
    n_rows, n_columns = _cell_shape(facts.cfa)
    black = np.array(facts.black_level, np.float32).reshape(n_rows, n_columns)
    counts = np.empty(mosaic.shape, np.uint16)
    for row in range(n_rows):
        for column in range(n_columns):
            site, level = np.s_[row::n_rows, column::n_columns], black[row, column]
            values = mosaic[site] * (np.float32(facts.white_level) - level) + level
            counts[site] = np.clip(np.rint(values), 0, _MOST)
    return counts


def _exact_guide(facts: FrameFacts, pixels: Rgb8, *, is_upright: bool) -> AnyArray:
    return lay_guide(pixels, _placing(facts, is_upright=is_upright), (facts.shape[0], facts.shape[1]))


def _placing(facts: FrameFacts, *, is_upright: bool) -> Placing:
    top, left, height, width = facts.crop
    return Placing(_turn(facts, is_upright=is_upright), (top, left, height, width))


def turn_of(sidecar: Sidecar) -> int:
    """Return the EXIF number of what turns the base of a sidecar as the sensor lies."""
    return _turn(sidecar.frame, is_upright=sidecar.base.is_upright)


def _turn(facts: FrameFacts, *, is_upright: bool) -> int:
    return turn_to_sensor(1, facts.capture.orientation) if is_upright else 1


def _pattern(cfa: Cfa | None) -> CfaPattern | None:
    return None if cfa is None else cfa.pattern


def _needed_pattern(cfa: Cfa | None) -> CfaPattern:
    pattern = _pattern(cfa)
    if pattern is None:
        raise UnsupportedRawError("the learned coder takes Bayer sensors; use --lossless or --max-error")
    return pattern


def _cell_shape(cfa: Cfa | None) -> tuple[int, int]:
    return (1, 1) if cfa is None else (len(cfa.cell), len(cfa.cell[0]))


def _hash(samples: AnyArray) -> bytes:
    """Return the SHA-256 of the number of sides, the sides (uint32) and the samples, little-endian."""
    shape = struct.pack(f"<{samples.ndim + 1}I", samples.ndim, *samples.shape)
    return hashlib.sha256(shape + np.ascontiguousarray(samples, "<u2").tobytes()).digest()


def _check_decoder(sidecar: Sidecar, digest: bytes, name: str) -> None:
    """Refuse a sidecar that would come out wrong."""
    wanted = sidecar.container.decoder
    if wanted != digest:
        raise DecoderMismatchError(
            f"the raw inside needs the decoder {wanted.hex()[:12]}, {name} has {digest.hex()[:12]}; "
            "use the rawtool and the model that packed it"
        )
