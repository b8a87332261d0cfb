"""From a JPEG that carries a raw to that raw, in order.

read ─► container ─► the base's hashes ─► guide ─► decoder ─► the samples' hash ─► frame ─► DNG, TIFF or NPY
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rawtool import __version__
from rawtool.arrays import AnyArray, Rgb8
from rawtool.errors import DecoderMismatchError, ModifiedBaseError
from rawtool.frames import Provenance
from rawtool.io.basepixels import base_pixels, pixels_sha256
from rawtool.io.counts import write_counts
from rawtool.io.dng import write_dng
from rawtool.io.orientation import upright
from rawtool.io.packed import read_packed
from rawtool.io.packedjpeg import scan_sha256
from rawtool.pipelines.clock import Clock, JourneyReport
from rawtool.pipelines.packing import (
    Sidecar,
    decode_samples,
    frame_with,
    has_its_samples,
    open_sidecar,
    turn_of,
)
from rawtool.pipelines.packreport import achieved_metrics, quality_words
from rawtool.pipelines.packroom import UnpackRoom, UnpackSettings
from rawtool.pipelines.resize import resized
from rawtool.vocabulary import Format

PREVIEW_SIDE = 1024
"""Of a DNG's preview; never more than half of the picture's: some readers take the largest for the raw."""

RECODED = "the JPEG was rewritten since it was packed, but its pixels are the same; the raw is not affected"
GUESSED = "the picture was changed since it was packed: what comes out is a guess, NOT that raw"


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A packed picture that was read: its sidecar, the pixels of its JPEG, and whether they are as packed.

    is_rewritten tells that the JPEG codes them otherwise than when it was packed.
    """

    sidecar: Sidecar
    pixels: Rgb8
    is_unchanged: bool
    is_rewritten: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user must know of the picture."""
        if not self.is_unchanged:
            return (GUESSED,)
        return (RECODED,) if self.is_rewritten else ()


def read_packed_file(path: Path, *, allows_newer: bool = False) -> PackedFile:
    """Read a packed picture and hold it against its hashes; allows_newer tries that of a newer rawtool too.

    Raises:
        SidecarError: it carries no raw, or a damaged or newer one.
        InputError: not readable, or no JPEG.
    """
    picture, payload = read_packed(path)
    sidecar = open_sidecar(payload, allows_newer=allows_newer)
    pixels = base_pixels(picture)
    return PackedFile(
        sidecar,
        pixels,
        is_unchanged=pixels_sha256(pixels) == sidecar.base.pixels_sha256,
        is_rewritten=scan_sha256(picture) != sidecar.base.scan_sha256,
    )


def unpack(
    source: Path | Callable[[], PackedFile],
    target: Path,
    room: UnpackRoom,
    settings: UnpackSettings,
    *,
    overwrite: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> JourneyReport:
    """Take the raw out of one packed picture, or one that is read ahead.

    Raises:
        ModifiedBaseError: the picture has other pixels than when it was packed, and that is not allowed.
        SidecarError: the raw inside cannot be used.
        OutputError: it cannot be written, or exists.
    """
    clock = Clock(on_progress)
    packed = _read(source, settings) if isinstance(source, Path) else source()
    clock.lap("read", 0.2)
    samples = decoded(packed, room, allows_modified=settings.allows_modified)
    clock.lap("decode", 0.8)
    frame = frame_with(packed.sidecar, samples)
    if settings.format is Format.DNG:
        made_by = _provenance(packed, room)
        small = preview_of(packed)
        write_dng(frame, target, provenance=made_by, keeps_levels=True, preview=small, overwrite=overwrite)
    else:
        write_counts(samples, target, settings.format, overwrite=overwrite)
    clock.lap("encode", 1.0)
    return _report(clock, packed, room)


def decoded(packed: PackedFile, room: UnpackRoom, *, allows_modified: bool = False) -> AnyArray:
    """Return the samples of a packed picture, uint16 (H, W) or (H, W, 3), and make sure of them.

    Raises:
        ModifiedBaseError: the picture has other pixels than when it was packed, and that is not allowed.
        DecoderMismatchError: another decoder wrote it, or this one gives other samples than were promised.
        DamagedSidecarError: the streams do not fit the picture.
    """
    if not packed.is_unchanged and not allows_modified:
        raise _modified(packed)
    samples = decode_samples(packed.sidecar, packed.pixels, room.coder)
    if packed.is_unchanged and has_its_samples(packed.sidecar, samples) is False:
        raise DecoderMismatchError(
            "what came out is not what was packed, though nothing was changed; use the rawtool that packed "
            "it, and please report this"
        )
    return samples


def preview_of(packed: PackedFile) -> Rgb8:
    """Return the picture small, as the sensor lies: for a DNG, which says itself how it is to be turned."""
    height, width = packed.pixels.shape[:2]
    longest = min(PREVIEW_SIDE, max(height, width) // 2)
    return upright(resized(packed.pixels, str(max(longest, 1))), turn_of(packed.sidecar))


def _read(path: Path, settings: UnpackSettings) -> PackedFile:
    return read_packed_file(path, allows_newer=settings.allows_newer)


def _modified(packed: PackedFile) -> ModifiedBaseError:
    """Return the error for a picture with other pixels."""
    height, width = packed.pixels.shape[:2]
    base = packed.sidecar.base
    is_same_size = (height, width) == (base.height, base.width)
    what = "re-saved or edited" if is_same_size else f"turned, cropped or resized to {width} x {height}"
    return ModifiedBaseError(
        f"the picture was {what} after packing (its pixels differ); unpacking would give a wrong raw; "
        "find the file as it was packed, or use --allow-modified to try"
    )


def _provenance(packed: PackedFile, room: UnpackRoom) -> Provenance | None:
    """Say who made a raw that is not the camera's to the last bit; nothing is said of one that is."""
    sidecar, achieved = packed.sidecar, packed.sidecar.achieved
    if packed.is_unchanged and sidecar.is_exact and achieved is not None and achieved.max_error_dn == 0:
        return None
    coder = None if sidecar.is_exact else room.coder(sidecar.container.decoder)
    models = () if coder is None else ((coder.label, coder.sha256),)
    note = GUESSED if not packed.is_unchanged else f"unpacked: {quality_words(achieved)}"
    return Provenance(f"rawtool {__version__}", models, note)


def _report(clock: Clock, packed: PackedFile, room: UnpackRoom) -> JourneyReport:
    """Sum up the journey."""
    achieved = packed.sidecar.achieved
    coder = None if packed.sidecar.is_exact else room.coder(packed.sidecar.container.decoder)
    words = quality_words(achieved) if packed.is_unchanged else "a guess"
    return JourneyReport(
        clock.laps,
        clock.tiles,
        packed.warnings,
        coder.label if coder else "",
        coder.sha256 if coder else "",
        coder.device if coder else "cpu",
        coder.provider if coder else "numpy",
        (("is_unchanged", packed.is_unchanged), *achieved_metrics(achieved)),
        f"when it was packed: {words}",
    )
