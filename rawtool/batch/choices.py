"""What a run is told and tells about networks, without loading any."""

from dataclasses import dataclass

from rawtool.vocabulary import Precision


@dataclass(frozen=True, slots=True)
class NetworkChoice:
    """Which networks run, and on what.

    network is a model of the catalog or a folder, None for the default; device and runtime may be "auto";
    threads is per network, None for all cores that this process may use.
    """

    network: str | None = None
    device: str = "auto"
    runtime: str = "auto"
    threads: int | None = None
    precision: Precision = Precision.AUTO


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would use: the model by NAME@VERSION, the device as asked, and memory as an upper bound."""

    network: str
    device: str
    n_jobs: int
    memory_bytes: int
