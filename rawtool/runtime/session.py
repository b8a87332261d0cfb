"""One door to the engines that run exported networks: numpy in, numpy out."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Protocol, runtime_checkable

import numpy as np

from rawtool.arrays import AnyArray
from rawtool.errors import EngineMissingError, ModelContractError, ModelNotFoundError, VerificationError
from rawtool.io.cores import n_cores
from rawtool.runtime import devices


@runtime_checkable
class Session(Protocol):
    """A loaded graph on a device.

    device is what is really in use ("cpu", "cuda:0"), provider the engine's own name for it;
    card_text is the card stored inside the file, None when there is none.
    """

    device: str
    provider: str
    card_text: str | None

    def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run the graph on float32 arrays by name; the outputs are finite."""
        ...


class InTurns:
    """A session that several lanes may ask at once, and that runs for one after the other."""

    def __init__(self, session: Session) -> None:
        """Stand before a session."""
        self._session, self._turn = session, Lock()
        self.device, self.provider, self.card_text = session.device, session.provider, session.card_text

    def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run the graph when it is free."""
        with self._turn:
            return self._session.run(inputs)


def open_session(
    path: Path, device: str = "auto", runtime: str = "auto", threads: int | None = None
) -> Session:
    """Load a graph: .onnx through ONNX Runtime, .pt through TorchScript.

    runtime "auto" takes the engine of the file's suffix, "onnx" and "torch" insist on one of them.
    A named device is binding. threads is per session; None means the cores that this process may use. On
    another device than the processor, whose memory is for one run at a time, runs take turns.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelContractError: the file is not a graph, or not one of the asked runtime.
        EngineMissingError: the engine's package is missing or installed twice.
        DeviceError: the named device cannot be used.
    """
    session = _opened(path, device, runtime, threads)
    return session if session.device == "cpu" else InTurns(session)


def _opened(path: Path, device: str, runtime: str, threads: int | None) -> Session:
    engine = engine_of(path, runtime)
    if not path.is_file():
        raise ModelNotFoundError(f"network file {path} is missing; fetch the model again")
    n_threads = n_cores() if threads is None else threads
    if engine == "onnx":
        devices.check_engines()
        from rawtool.runtime.onnx import OnnxSession

        return OnnxSession(path, device, n_threads)
    if not devices.has_package("torch"):
        raise EngineMissingError('torch is not installed; run: pip install "rawtool[train]"')
    from rawtool.runtime.torchscript import TorchScriptSession

    return TorchScriptSession(path, device, n_threads)


def engine_of(path: Path, runtime: str = "auto") -> str:
    """The engine, "onnx" or "torch", that runs a file."""
    engine = {".onnx": "onnx", ".pt": "torch"}.get(path.suffix)
    if engine is None:
        raise ModelContractError(f"{path.name} is no network; give an .onnx or .pt file")
    if runtime not in ("auto", engine):
        raise ModelContractError(f"{path.name} does not run on runtime {runtime}; use --runtime {engine}")
    return engine


def checked(outputs: dict[str, AnyArray]) -> dict[str, AnyArray]:
    """Give the outputs back; VerificationError when a value is not finite."""
    for name, value in outputs.items():
        if not np.isfinite(value).all():
            raise VerificationError(
                f"the network gave values that are not finite ({name}); "
                "the input or the device is at fault; try --device cpu"
            )
    return outputs
