"""The picture that carries a raw: developed, the camera's own, or the user's."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from rawtool.arrays import Rgb8
from rawtool.codec.facts import BaseFacts, BaseSource
from rawtool.errors import InputError
from rawtool.frames import Image, RawFrame
from rawtool.io.basepixels import base_pixels, pixels_sha256
from rawtool.io.encode import encode_jpeg
from rawtool.io.exif import ORIENTATION
from rawtool.io.exifsource import find_exif
from rawtool.io.orientation import upright
from rawtool.io.packedjpeg import scan_sha256, without_payload
from rawtool.io.preview import read_preview, with_exif_of
from rawtool.io.reading import read_bytes
from rawtool.pipelines.baseguide import turn_to_sensor
from rawtool.pipelines.clock import Clock
from rawtool.pipelines.darkroom import Darkroom
from rawtool.pipelines.develop import developed
from rawtool.pipelines.output import encode_options
from rawtool.pipelines.packroom import PackSettings
from rawtool.pipelines.sameview import check_same_view
from rawtool.pipelines.settings import DevelopSettings

_SUBSAMPLING = "444"


@dataclass(frozen=True, slots=True)
class BasePicture:
    """A JPEG without a payload, its pixels as they are stored, and whether these stand upright.

    Otherwise they lie as the sensor does. warnings are words for the user.
    """

    content: bytes
    pixels: Rgb8
    is_upright: bool
    source: BaseSource
    warnings: tuple[str, ...] = ()

    def facts(self) -> BaseFacts:
        """Return what a sidecar says of it."""
        height, width = self.pixels.shape[:2]
        return BaseFacts(
            width=width,
            height=height,
            pixels_sha256=pixels_sha256(self.pixels),
            scan_sha256=scan_sha256(self.content),
            is_upright=self.is_upright,
            source=self.source,
        )


def developed_base(frame: RawFrame, darkroom: Darkroom, settings: PackSettings, clock: Clock) -> BasePicture:
    """Develop a frame at its full size.

    Raises:
        VerificationError: the network gave values that are not finite.
    """
    wanted = DevelopSettings(quality=settings.quality, subsampling=_SUBSAMPLING, tile=settings.tile)
    made, light = developed(frame, darkroom, wanted, clock)
    if not isinstance(made, Image):
        raise TypeError("a base is a picture")
    content = encode_jpeg(made, encode_options(wanted, made.profile))
    clock.lap("encode", 0.92)
    return BasePicture(
        content, base_pixels(content), is_upright=True, source=settings.base, warnings=light.warnings
    )


def camera_base(path: Path, frame: RawFrame) -> BasePicture:
    """Take the camera's own JPEG out of a raw file, with the frame's EXIF where it has none.

    Raises:
        InputError: there is none, it is too small, or it shows something else than the raw.
    """
    content = with_exif_of(read_preview(path), frame.capture)
    return _checked(content, frame, BaseSource.CAMERA, ())


def file_base(path: Path, frame: RawFrame) -> BasePicture:
    """Take the user's own JPEG, byte for byte, without any raw that it may carry already.

    Raises:
        InputError: it is no JPEG, too small, or shows something else than the raw.
    """
    given = read_bytes(path)
    content = without_payload(given)
    warnings = () if content == given else (f"{path} carried a raw already; the new file carries this one",)
    return _checked(content, frame, BaseSource.FILE, warnings)


def _checked(content: bytes, frame: RawFrame, source: BaseSource, warnings: tuple[str, ...]) -> BasePicture:
    """Refuse a picture that does not show what the frame shows."""
    pixels, orientation = base_pixels(content), _orientation(content)
    check_same_view(upright(pixels, orientation), frame)
    return BasePicture(content, pixels, _stands_upright(orientation, frame), source, warnings)


def _orientation(content: bytes) -> int:
    """Return the EXIF orientation of a JPEG, 1 where it says nothing that can be."""
    source = find_exif(BytesIO(content))
    number = 1 if source is None else source.main.integer(ORIENTATION, 1)
    return number if 1 <= number <= 8 else 1


def _stands_upright(orientation: int, frame: RawFrame) -> bool:
    """Return whether the stored pixels of a picture stand upright; otherwise they lie as the sensor does."""
    turn = turn_to_sensor(orientation, frame.capture.orientation)
    if turn == turn_to_sensor(1, frame.capture.orientation):
        return True
    if turn == 1:
        return False
    raise InputError(f"the JPEG is stored turned (EXIF orientation {orientation}); save it upright")
