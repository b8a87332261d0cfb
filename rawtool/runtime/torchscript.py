"""Run graphs as TorchScript. Importing this module imports torch; check it before."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from rawtool.arrays import AnyArray
from rawtool.errors import MemoryLimitError, ModelContractError, RawtoolError
from rawtool.runtime import devices
from rawtool.runtime.card import CARD_KEY
from rawtool.runtime.session import checked

# An extra file of the archive: {"inputs": [...], "outputs": [...]} names in their order.
NAMES_KEY = "rawtool.names"


class TorchScriptSession:
    """A graph in torch; its inputs are called by position in the order stored beside it."""

    def __init__(self, path: Path, device: str, threads: int) -> None:
        """Load a graph; a named device is binding, "auto" takes CUDA where it works and else the CPU."""
        self._path = path
        self._device = _device(device)
        torch.set_num_threads(threads)
        self.device = str(self._device)
        self.provider = f"torch {self._device.type}"
        try:
            self._module, extra = _load(path, self._device)
            names = json.loads(extra[NAMES_KEY])
            self._inputs, self._outputs = tuple(names["inputs"]), tuple(names["outputs"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise _translated(error, path) from error
        self.card_text: str | None = extra[CARD_KEY] or None

    def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run the graph on float32 arrays by name."""
        if set(inputs) != set(self._inputs):
            raise ModelContractError(f"{self._path.name} takes {', '.join(self._inputs)}; the card is wrong")
        try:
            with torch.inference_mode():
                results = self._module(*(self._tensor(inputs[name]) for name in self._inputs))
                found = (results,) if isinstance(results, torch.Tensor) else results
                arrays = [result.cpu().numpy() for result in found]
        except (RuntimeError, MemoryError, ValueError) as error:
            raise _translated(error, self._path) from error
        return checked(dict(zip(self._outputs, arrays, strict=True)))

    def _tensor(self, value: AnyArray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32)).to(self._device)


def available_devices() -> tuple[str, ...]:
    """The kinds of device that torch can use here."""
    is_there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return tuple(kind for kind in devices.TORCH_DEVICES if is_there[kind])


def _device(word: str) -> torch.device:
    if word == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    asked = devices.parse_device(word)
    is_numbered_right = asked.kind != "cuda" or (asked.index or 0) < torch.cuda.device_count()
    if asked.kind not in available_devices() or not is_numbered_right:
        raise devices.torch_refusal(asked)
    return torch.device(str(asked))


def _load(path: Path, device: torch.device) -> tuple[torch.jit.ScriptModule, dict[str, str]]:
    """The module of an archive and the texts stored beside it, empty where there is none."""
    extra: dict[str, str | bytes] = {CARD_KEY: "", NAMES_KEY: ""}
    with warnings.catch_warnings():
        # torch prefers its newer archive; TorchScript is kept because it needs no Python of the net.
        warnings.simplefilter("ignore", DeprecationWarning)
        module: torch.jit.ScriptModule = torch.jit.load(  # type: ignore[no-untyped-call]
            str(path), map_location=device, _extra_files=extra
        )
    texts = {key: value.decode() if isinstance(value, bytes) else value for key, value in extra.items()}
    return module.eval(), texts


def _translated(error: BaseException, path: Path) -> RawtoolError:
    """Our error for one of torch's."""
    text = " ".join(str(error).split())
    is_memory = isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError))
    if is_memory or "can't allocate memory" in text or "not enough memory" in text:
        return MemoryLimitError(f"memory ran out while {path.name} ran; use a smaller --tile")
    return ModelContractError(f"{path.name} cannot be run ({text[:200]}); see: rawtool models verify")
