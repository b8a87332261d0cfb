"""Run graphs with ONNX Runtime. Importing this module imports the engine; check it before.

Options: one inter-op thread, all graph optimisations.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from rawtool.arrays import AnyArray
from rawtool.errors import MemoryLimitError, ModelContractError, RawtoolError
from rawtool.runtime import devices
from rawtool.runtime.card import CARD_KEY
from rawtool.runtime.session import checked

# All the engine's own classes; the wrapper around it raises the last ones for wrong inputs.
_FOREIGN: tuple[type[BaseException], ...] = (
    *(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    MemoryError,
    RuntimeError,
    ValueError,
    TypeError,
)
_NO_MEMORY = ("bad_alloc", "bad allocation", "out of memory", "failed to allocate", "memory allocation")
# Level 4 is "fatal": the engine's prose does not belong on stderr, errors come as exceptions.
_LOG_FATAL = 4


class OnnxSession:
    """A graph in ONNX Runtime."""

    def __init__(self, path: Path, device: str, threads: int) -> None:
        """Load a graph; a named device is binding, "auto" takes CUDA where it works and else the CPU."""
        self._path = path
        self._session, used = _open(path, device, threads)
        self.device = str(used)
        self.provider: str = self._session.get_providers()[0]
        self.card_text: str | None = self._session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run the graph on float32 arrays by name."""
        feed = {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in inputs.items()}
        try:
            results = self._session.run(self._outputs, feed)
        except _FOREIGN as error:
            raise _translated(error, self._path) from error
        return checked(dict(zip(self._outputs, results, strict=True)))


def available_devices() -> tuple[str, ...]:
    """The kinds of device that the installed wheel was built for."""
    built = onnxruntime.get_available_providers()
    return tuple(kind for kind, provider in devices.PROVIDERS.items() if provider in built)


def _open(path: Path, device: str, threads: int) -> tuple[onnxruntime.InferenceSession, devices.Device]:
    if device == "auto":
        wanted = [devices.Device(kind) for kind in ("cuda", "cpu") if kind in available_devices()]
    else:
        wanted = [devices.parse_device(device)]
    for candidate in wanted:
        if candidate.kind not in available_devices():
            raise devices.onnx_refusal(candidate)
        session = _load(path, candidate, threads)
        if session.get_providers()[0] == devices.PROVIDERS[candidate.kind]:
            return session, candidate
    raise devices.onnx_refusal(wanted[0])


def _load(path: Path, device: devices.Device, threads: int) -> onnxruntime.InferenceSession:
    settings = {} if device.index is None else {"device_id": device.index}
    try:
        return onnxruntime.InferenceSession(
            path, _options(threads), providers=[(devices.PROVIDERS[device.kind], settings)]
        )
    except _FOREIGN as error:
        raise _translated(error, path) from error


@cache
def _share_memory() -> None:
    """Let all sessions of this process work in one arena: stages run one after the other, not at once."""
    cpu = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(cpu, None)


def _options(threads: int) -> onnxruntime.SessionOptions:
    _share_memory()
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    # A memory plan is made for one size of window and kept beside those for all the others.
    options.enable_mem_pattern = False
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _LOG_FATAL
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _translated(error: BaseException, path: Path) -> RawtoolError:
    """Our error for one of ONNX Runtime's."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or any(word in text.lower() for word in _NO_MEMORY):
        return MemoryLimitError(f"memory ran out while {path.name} ran; use a smaller --tile")
    return ModelContractError(f"{path.name} cannot be run ({text[:200]}); see: rawtool models verify")
