"""What an HDR journey is told, and the network that it takes along."""

from dataclasses import dataclass
from pathlib import Path

from rawtool.color.transfer import SDR_WHITE_NITS
from rawtool.runtime.catalog import Model, digest, find_model, verify_model
from rawtool.runtime.network import Network, open_network
from rawtool.vocabulary import Format, Profile, Task


@dataclass(frozen=True, slots=True)
class Scale:
    """What 1.0 means in a scene-linear file: the input's white, unless one of the two is named.

    percentile is that of max(R, G, B) that becomes 1; highest is what the largest value becomes.
    """

    percentile: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True)
class HdrSettings:
    """How the light of a picture is reconstructed and written.

    input_space None takes the file's own; highlight_strength (0 to 100) is the share of every gain in EV,
    and no gain is above max_gain_ev. 1.0 is the input's white, white_nits of luminance, or what the scale
    says, for scene-linear files; peak_nits bounds what PQ holds, None for the picture's own peak. bit_depth,
    is_float and compression are for format, the first that is written; other formats take their own. quality
    None takes the format's own. The gain map of an Ultra HDR is so many times smaller than the picture and
    has 1 or 3 channels.
    """

    format: Format = Format.EXR
    input_space: Profile | None = None
    highlight_strength: float = 100.0
    max_gain_ev: float = 8.0
    white_nits: float = SDR_WHITE_NITS
    peak_nits: float | None = None
    scale: Scale = Scale()
    quality: int | None = None
    bit_depth: int | None = None
    is_float: bool = False
    compression: str | None = None
    gain_map_scale: int = 1
    gain_map_channels: int = 3
    gain_map_quality: int = 95
    tile: int | None = None


@dataclass(frozen=True, slots=True)
class HdrTargets:
    """Where a journey writes: a picture in each of several formats, and a preview sheet if one is wanted."""

    pictures: tuple[tuple[Format, Path], ...]
    sheet: Path | None = None

    @property
    def formats(self) -> frozenset[Format]:
        """The formats that are written."""
        return frozenset(kind for kind, _ in self.pictures)


@dataclass(frozen=True, slots=True)
class Studio:
    """A model that was verified, with its network loaded."""

    model: Model
    sha256: str
    network: Network

    @property
    def device(self) -> str:
        """The device really in use."""
        return self.network.device

    @property
    def provider(self) -> str:
        """The engine's own name for it."""
        return self.network.tile_session.provider


def open_studio(
    model: str | None = None,
    size: str | None = None,
    device: str = "auto",
    runtime: str = "auto",
    threads: int | None = None,
) -> Studio:
    """Find a model for HDR, check its digests and load its network.

    Raises:
        ModelError: it is missing, damaged or for something else.
        DeviceError: the named device is not usable.
    """
    found = find_model(model, size, Task.HDR)
    verify_model(found)
    network = open_network(found.card(Task.HDR), found.folder, device, runtime, threads)
    return Studio(found, digest(found), network)
