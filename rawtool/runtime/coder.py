"""A codec's network, opened: its parts by name, loaded when they are first asked for."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from rawtool.arrays import AnyArray
from rawtool.errors import ModelContractError, ModelError
from rawtool.io.cores import n_cores
from rawtool.runtime.catalog import sha256_of
from rawtool.runtime.codercard import EXACT_PARTS, CoderCard, Part
from rawtool.runtime.lanes import share_threads
from rawtool.runtime.session import Session, open_session


class CoderNetwork:
    """The six graphs of a card on a device; those that decide bits always run on the CPU.

    Analysis and synthesis are for n_lanes tiles at once, each with its share of the threads.
    """

    def __init__(self, card: CoderCard, folder: Path, device: str, runtime: str, threads: int | None) -> None:
        """Nothing is loaded yet.

        Raises:
            ModelContractError: the card has no graphs for the runtime.
        """
        graphs = card.torch_graphs if runtime == "torch" else card.graphs
        if graphs is None:
            raise ModelContractError(f"{card.name} has no graphs for runtime {runtime}; choose another")
        self.card, self._folder, self._graphs = card, folder, graphs
        self._device, self._runtime = device, runtime
        self._n_threads = n_cores() if threads is None else threads
        self.n_lanes, self._n_threads_each = share_threads(self._n_threads)
        self._sessions: dict[Part, Session] = {}
        self._opening = Lock()

    def session(self, part: Part) -> Session:
        """Give a part, loaded.

        Raises:
            ModelError: the file is missing, is not the promised one, or cannot be run.
            DeviceError: the named device cannot be used.
        """
        with self._opening:
            if part not in self._sessions:
                self._sessions[part] = self._opened(part)
            return self._sessions[part]

    def _opened(self, part: Part) -> Session:
        file = self._graphs.part(part)
        path = self._folder / file.path
        if sha256_of(path) != file.sha256:
            raise ModelError(f"{path} is not the published file (SHA-256 differs); fetch the model again")
        is_exact = part in EXACT_PARTS
        n_threads = self._n_threads if is_exact else self._n_threads_each
        device = "cpu" if is_exact else self._device
        return open_session(path, device, self._runtime, n_threads)

    def run(self, part: Part, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run a part on float32 arrays by name."""
        return self.session(part).run(inputs)
