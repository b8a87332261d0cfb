"""What a packed picture is, and whether the raw inside can be had."""

from dataclasses import dataclass
from pathlib import Path

from rawtool.errors import NoSidecarError, UnsupportedFormatError
from rawtool.pipelines.clock import Metrics
from rawtool.pipelines.info import FileFacts, camera_name, inspect
from rawtool.pipelines.packreport import achieved_metrics, quality_words
from rawtool.pipelines.packroom import UnpackRoom, UnpackSettings
from rawtool.pipelines.unpack import PackedFile, decoded, read_packed_file
from rawtool.vocabulary import SensorKind


@dataclass(frozen=True, slots=True)
class PackedFacts:
    """What a packed picture is. size is (height, width) of the active area; bpp are bits a photosite.

    coder is "exact" or "learned", base where the picture came from, quality what was measured when it was
    packed, in words and as metrics. warnings are words for the user.
    """

    path: Path
    camera: str
    kind: SensorKind
    size: tuple[int, int]
    coder: str
    decoder: str
    base: str
    sidecar_bytes: int
    bpp: float
    quality: str
    metrics: Metrics
    is_unchanged: bool
    warnings: tuple[str, ...]


def inspect_packed(path: Path) -> PackedFacts:
    """Read a packed picture and say what it is; the raw inside is not decoded.

    Raises:
        SidecarError: it carries no raw, or a damaged or newer one.
        InputError: not readable, or no JPEG.
    """
    return _facts(path, read_packed_file(path))


def inspect_any(path: Path) -> FileFacts | PackedFacts:
    """Say what a file is: a raw, or a picture that carries one.

    Raises:
        InputError: it is neither, or cannot be read.
        SidecarError: it carries a raw that is damaged or newer.
    """
    try:
        return inspect(path)
    except UnsupportedFormatError as error:
        try:
            return inspect_packed(path)
        except NoSidecarError:
            raise error from None


def check_packed(path: Path, room: UnpackRoom, settings: UnpackSettings) -> PackedFacts:
    """Say what a packed picture is after the raw inside was decoded to the end.

    Raises:
        SidecarError: it cannot be had, or would be another than was packed.
        InputError: not readable, or no JPEG.
    """
    packed = read_packed_file(path, allows_newer=settings.allows_newer)
    decoded(packed, room, allows_modified=settings.allows_modified)
    return _facts(path, packed)


def _facts(path: Path, packed: PackedFile) -> PackedFacts:
    """Say what a packed picture is."""
    sidecar, n_bytes = packed.sidecar, packed.sidecar.n_bytes
    return PackedFacts(
        path=path,
        camera=camera_name(sidecar.frame.capture),
        kind=sidecar.frame.kind,
        size=(sidecar.frame.shape[0], sidecar.frame.shape[1]),
        coder="exact" if sidecar.is_exact else "learned",
        decoder=sidecar.container.decoder.hex()[:12],
        base=sidecar.base.source.value,
        sidecar_bytes=n_bytes,
        bpp=8 * n_bytes / sidecar.n_photosites,
        quality=quality_words(sidecar.achieved),
        metrics=achieved_metrics(sidecar.achieved),
        is_unchanged=packed.is_unchanged,
        warnings=packed.warnings,
    )
