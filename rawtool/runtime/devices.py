"""What can run networks here: engines, devices, and the sentences for what is missing.

Finding out imports no engine: packages are looked up by their metadata.
"""

import re
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from rawtool.errors import DeviceError, EngineMissingError

# Distributions that all install the module "onnxruntime"; two of them break each other.
ONNX_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")
# ONNX Runtime's names; torch uses the same device words for cpu, cuda and mps.
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "dml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
TORCH_DEVICES = ("cpu", "cuda", "mps")
_NVIDIA = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True, slots=True)
class Engine:
    """An installed package that runs networks."""

    package: str
    version: str


@dataclass(frozen=True, slots=True)
class Device:
    """A device by kind ("cpu", "cuda" ...) and number, None where it has none."""

    kind: str
    index: int | None = None

    def __str__(self) -> str:
        """The word of --device."""
        return self.kind if self.index is None else f"{self.kind}:{self.index}"


def installed_engines() -> tuple[Engine, ...]:
    """The packages that are installed, ONNX Runtime's first."""
    found = []
    for package in (*ONNX_PACKAGES, "torch"):
        try:
            found.append(Engine(package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


def has_package(package: str) -> bool:
    """Whether a module can be imported, without importing it."""
    return util.find_spec(package) is not None


def check_engines() -> None:
    """Raise EngineMissingError when ONNX Runtime is missing, broken, or installed twice."""
    found = [e.package for e in installed_engines() if e.package in ONNX_PACKAGES]
    if len(found) > 1:
        raise EngineMissingError(
            f"{' and '.join(found)} are both installed and overwrite each other; "
            f'run: pip uninstall -y {" ".join(found)} && pip install "rawtool[{_extra(found)}]"'
        )
    if not found:
        raise EngineMissingError('onnxruntime is not installed; run: pip install "rawtool[cpu]"')
    if not has_package("onnxruntime"):
        raise EngineMissingError(
            f"{found[0]} is installed but its files are gone; run: pip install --force-reinstall {found[0]}"
        )


def parse_device(word: str) -> Device:
    """Read a device word: cpu, cuda, cuda:1, mps, dml, coreml, openvino."""
    match = re.fullmatch(r"([a-z]+)(?::(\d+))?", word)
    if match is None or match[1] not in (*PROVIDERS, *TORCH_DEVICES):
        known = ", ".join(("auto", *PROVIDERS, "mps"))
        raise DeviceError(f"{word!r} is not a device; use one of {known}, or cuda:N")
    return Device(match[1], None if match[2] is None else int(match[2]))


def onnx_refusal(device: Device) -> DeviceError:
    """The error for a named device that ONNX Runtime cannot use here."""
    package = next((e.package for e in installed_engines() if e.package in ONNX_PACKAGES), "no onnxruntime")
    asked = f"device {device} was asked for but"
    if device.kind == "cuda" and package != "onnxruntime-gpu":
        wheel = "onnxruntime (CPU wheel)" if package == "onnxruntime" else package
        return DeviceError(
            f'{asked} {wheel} is installed; run: pip uninstall {package} && pip install "rawtool[gpu]"'
        )
    if device.kind == "mps":
        return DeviceError(f"{asked} onnxruntime has no such device; use --runtime torch or --device coreml")
    return DeviceError(f"{asked} {package} cannot use it here; use --device auto, or see: rawtool doctor")


def torch_refusal(device: Device) -> DeviceError:
    """The error for a named device that torch cannot use here."""
    why = "torch finds none here" if device.kind in TORCH_DEVICES else "torch has no such device"
    return DeviceError(f"device {device} was asked for but {why}; use --device auto, or see: rawtool doctor")


def gpu_note(used: str) -> str | None:
    """One line when this machine has an NVIDIA GPU that is not used, else None."""
    if used.startswith("cuda") or not _NVIDIA.exists():
        return None
    return 'an NVIDIA GPU is here but not used; to use it: pip install "rawtool[gpu]"'


def _extra(packages: list[str]) -> str:
    return "gpu" if "onnxruntime-gpu" in packages else "cpu"
