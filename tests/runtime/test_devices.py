from importlib import metadata

import pytest

from rawtool.errors import DeviceError, EngineMissingError
from rawtool.runtime import devices
from rawtool.runtime.devices import Device, check_engines, onnx_refusal, parse_device, torch_refusal


@pytest.fixture
def installed(monkeypatch):
    """Pretend that exactly the named packages are installed."""

    def pretend(*packages):
        def version(name):
            if name not in packages:
                raise metadata.PackageNotFoundError(name)
            return "1.2.3"

        monkeypatch.setattr(metadata, "version", version)
        monkeypatch.setattr(devices, "has_package", lambda module: module in packages)

    return pretend


def test_a_cuda_device_with_the_cpu_wheel_is_refused_with_the_way_out(installed):
    installed("onnxruntime")
    assert str(onnx_refusal(Device("cuda"))) == (
        "device cuda was asked for but onnxruntime (CPU wheel) is installed; "
        'run: pip uninstall onnxruntime && pip install "rawtool[gpu]"'
    )
    assert str(onnx_refusal(Device("cuda", 1))).startswith("device cuda:1 was asked for")


def test_a_cuda_device_that_the_gpu_wheel_cannot_use_is_refused(installed):
    installed("onnxruntime-gpu")
    message = str(onnx_refusal(Device("cuda")))
    assert message.startswith("device cuda was asked for but onnxruntime-gpu cannot use it here")
    assert "doctor" in message


def test_mps_belongs_to_torch(installed):
    installed("onnxruntime")
    assert "--runtime torch" in str(onnx_refusal(Device("mps")))
    assert "torch has no such device" in str(torch_refusal(Device("coreml")))
    assert "torch finds none here" in str(torch_refusal(Device("cuda")))


def test_no_engine_is_explained_in_one_line(installed):
    installed()
    with pytest.raises(EngineMissingError, match=r'pip install "rawtool\[cpu\]"') as caught:
        check_engines()
    assert "\n" not in str(caught.value)


def test_two_engines_in_one_folder_are_explained_in_one_line(installed):
    installed("onnxruntime", "onnxruntime-gpu")
    with pytest.raises(EngineMissingError) as caught:
        check_engines()
    assert str(caught.value) == (
        "onnxruntime and onnxruntime-gpu are both installed and overwrite each other; "
        'run: pip uninstall -y onnxruntime onnxruntime-gpu && pip install "rawtool[gpu]"'
    )


def test_an_engine_whose_files_are_gone_is_explained(installed, monkeypatch):
    installed("onnxruntime")
    monkeypatch.setattr(devices, "has_package", lambda module: False)
    with pytest.raises(EngineMissingError, match="files are gone"):
        check_engines()


def test_one_engine_is_right(installed):
    installed("onnxruntime")
    check_engines()
    assert [engine.package for engine in devices.installed_engines()] == ["onnxruntime"]


@pytest.mark.parametrize(
    ("word", "device"),
    [("cpu", Device("cpu")), ("cuda", Device("cuda")), ("cuda:1", Device("cuda", 1)), ("mps", Device("mps"))],
)
def test_device_words_are_read_and_written(word, device):
    assert parse_device(word) == device
    assert str(device) == word


@pytest.mark.parametrize("word", ["gpu", "", "cuda:", "cuda:x", "CPU", "cuda:0,1"])
def test_other_words_are_no_devices(word):
    with pytest.raises(DeviceError, match="is not a device; use one of auto, cpu, cuda"):
        parse_device(word)


def test_an_unused_gpu_is_mentioned(tmp_path, monkeypatch):
    driver = tmp_path / "version"
    monkeypatch.setattr(devices, "_NVIDIA", driver)
    assert devices.gpu_note("cpu") is None
    driver.touch()
    assert "rawtool[gpu]" in devices.gpu_note("cpu")
    assert devices.gpu_note("cuda:0") is None
