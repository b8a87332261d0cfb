"""What a journey is told, and the networks that it takes along."""

from dataclasses import dataclass

from rawtool.runtime.catalog import Model, digest, find_model, verify_model
from rawtool.runtime.network import Network, open_network
from rawtool.vocabulary import Format, Look, Precision, Profile, Stage, Task


@dataclass(frozen=True, slots=True)
class DevelopSettings:
    """How a picture is developed and written.

    white_balance is ``camera``, ``auto`` or three gains ``R,G,B``; exposure_ev is on top of the
    automatic exposure; strength (0 to 100) is the share of the restoration; the look is of finished
    pictures. bit_depth None takes the format's own; tile None lets memory decide; output_size is ``WxH``,
    ``N%`` or the longest side.
    """

    stage: Stage = Stage.FULL
    white_balance: str = "camera"
    exposure_ev: float = 0.0
    strength: float = 100.0
    look: Look = Look.NATURAL
    profile: Profile = Profile.SRGB
    format: Format = Format.JPEG
    quality: int = 95
    subsampling: str = "444"
    bit_depth: int | None = None
    is_float: bool = False
    compression: str | None = None
    tile: int | None = None
    output_size: str | None = None


@dataclass(frozen=True, slots=True)
class Darkroom:
    """A model that was verified, with its two networks loaded."""

    model: Model
    sha256: str
    restore: Network
    enhance: Network

    @property
    def device(self) -> str:
        """The device really in use."""
        return self.restore.device

    @property
    def provider(self) -> str:
        """The engine's own name for it."""
        return self.restore.tile_session.provider

    @property
    def precision(self) -> Precision:
        """In what numbers the restoration counts; the finishing always does in float32."""
        return self.restore.precision


def open_darkroom(
    model: str | None = None,
    size: str | None = None,
    device: str = "auto",
    runtime: str = "auto",
    threads: int | None = None,
    precision: Precision = Precision.AUTO,
) -> Darkroom:
    """Find a model, check its digests and load both networks.

    Raises:
        ModelError: it is missing, damaged or does not fit, or has no graph of the wanted precision.
        DeviceError: the named device is not usable.
    """
    found = find_model(model, size, Task.RESTORE)
    verify_model(found)
    networks = (
        open_network(card, found.folder, device, runtime, threads, wanted)
        for card, wanted in ((found.restore, precision), (found.enhance, Precision.FP32))
    )
    return Darkroom(found, digest(found), *networks)
