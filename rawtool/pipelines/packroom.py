"""What packing and unpacking are told, and the networks that they take along."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from rawtool.arrays import Planes, Rgb8
from rawtool.codec.facts import BaseSource
from rawtool.pipelines.darkroom import Darkroom, open_darkroom
from rawtool.pipelines.learned import model_that_reads, open_learned
from rawtool.vocabulary import Embed, Format, Precision

DEFAULT_RATE = 3.0


@runtime_checkable
class Coder(Protocol):
    """The learned coder: planes (h, w, 4) to strings of bytes and back, guided by the base (2h, 2w, 3)."""

    @property
    def digest(self) -> bytes:
        """32 bytes for everything that decides a bit."""

    @property
    def label(self) -> str:
        """NAME@VERSION of its network."""

    @property
    def sha256(self) -> str:
        """The digest of its network's files."""

    @property
    def device(self) -> str:
        """The device really in use."""

    @property
    def provider(self) -> str:
        """The engine's own name for it."""

    def encode(self, planes: Planes, guide: Rgb8, rate: float) -> tuple[bytes, ...]:
        """Return the chunks for planes (0 black, 1 white level) at a rate from 0 to 5."""

    def decode(self, streams: Sequence[bytes], guide: Rgb8) -> Planes:
        """Return the planes of chunks."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a sidecar is to reach: one of these, the others are None.

    rate is 0 (least) to 5 (best); target_bpp the most bits a photosite; min_psnr_db the least PSNR of the
    mosaic; max_error_dn the largest difference of a photosite in counts, 0 for bit-exact.
    """

    rate: float | None = None
    target_bpp: float | None = None
    min_psnr_db: float | None = None
    max_error_dn: int | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the exact coder is needed, which bounds every single difference."""
        return self.max_error_dn is not None


@dataclass(frozen=True, slots=True)
class PackSettings:
    """How a raw is packed.

    base_file is the picture of BaseSource.FILE; quality (1 to 100) is that of a developed base. Without
    is_verified nothing is decoded again, and the file does not say what it reaches.
    """

    goal: Goal = Goal(rate=DEFAULT_RATE)
    base: BaseSource = BaseSource.DEVELOP
    base_file: Path | None = None
    quality: int = 92
    embed: Embed = Embed.APP11
    is_verified: bool = True
    tile: int | None = None


@dataclass(frozen=True, slots=True)
class UnpackSettings:
    """How a raw is taken out: as DNG, TIFF or NPY.

    allows_modified tries it with a picture whose pixels were changed, allows_newer with a newer sidecar.
    """

    format: Format = Format.DNG
    allows_modified: bool = False
    allows_newer: bool = False


@dataclass(frozen=True, slots=True)
class PackRoom:
    """What packing needs: a darkroom where the base is developed, the coder where there is a learned one."""

    darkroom: Darkroom | None = None
    coder: Coder | None = None


@dataclass(frozen=True, slots=True)
class UnpackRoom:
    """What unpacking may need: the learned coder for the digest that a file asks for, opened then."""

    coder: Callable[[bytes], Coder]


def base_of(word: str) -> tuple[BaseSource, Path | None]:
    """Read ``develop``, ``camera`` or the path of a JPEG."""
    if word in {BaseSource.DEVELOP.value, BaseSource.CAMERA.value}:
        return BaseSource(word), None
    return BaseSource.FILE, Path(word)


def open_packroom(
    settings: PackSettings,
    model: str | None = None,
    device: str = "auto",
    runtime: str = "auto",
    threads: int | None = None,
    precision: Precision = Precision.AUTO,
) -> PackRoom:
    """Open the networks that the settings need; model is that of the learned coder, precision the darkroom's.

    Raises:
        ModelError: one is missing, damaged or does not fit.
        DeviceError: the named device is not usable.
    """
    is_developed = settings.base is BaseSource.DEVELOP
    darkroom = open_darkroom(None, None, device, runtime, threads, precision) if is_developed else None
    coder = None if settings.goal.is_exact else open_learned(model, device, runtime, threads)
    return PackRoom(darkroom, coder)


def open_unpackroom(
    model: str | None = None, device: str = "auto", runtime: str = "auto", threads: int | None = None
) -> UnpackRoom:
    """Prepare for unpacking; nothing is loaded yet.

    Without a model each file is read by the installed one that wrote it, or by the default, which then says
    that it cannot.
    """

    def opened(decoder: bytes) -> Coder:
        return open_learned(model or model_that_reads(decoder), device, runtime, threads)

    return UnpackRoom(cache(opened))
