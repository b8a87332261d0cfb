"""The networks that a journey takes along."""

from dataclasses import dataclass

from rawtool.runtime.catalog import Model, digest, find_model, verify_model
from rawtool.runtime.network import Network, open_network
from rawtool.vocabulary import Precision, Task


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
