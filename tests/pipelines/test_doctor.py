import numpy as np
import pytest

from rawtool.errors import DeviceError, EngineMissingError
from rawtool.pipelines import doctor
from rawtool.runtime.network import Network
from rawtool.vocabulary import ExitCode
from tests.cli import cards


class Runner:
    """Stands in for a session: gives the picture back, a device's error added."""

    def __init__(self, card, provider, error):
        self.device, self.provider, self.card_text = provider.lower(), provider, None
        self._card, self._error = card, error

    def run(self, inputs):
        picture = inputs["picture"]
        assert picture.shape == (1, 3, 256, 256)
        assert set(inputs) == set(self._card.tile_inputs)
        return {self._card.output.name: picture + np.float32(self._error)}


@pytest.fixture
def errors():
    """How far each device is from the truth; a device that is not listed cannot be opened."""
    return {"cpu": 0.0}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, errors):
    def open_network(card, folder, device, runtime):
        assert (folder / card.graphs.tile.path).is_file()
        if device not in errors:
            raise DeviceError(f"device {device} was asked for but is not here")
        return Network(card, Runner(card, device.upper(), errors[device]), None)

    monkeypatch.setattr(doctor, "open_network", open_network)
    monkeypatch.setattr(doctor, "_available", lambda: tuple(errors))
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: (tmp_path / "models",))
    monkeypatch.setattr(doctor.devices, "check_engines", lambda: None)
    return cards.install(tmp_path / "models")


def test_every_device_is_run_and_compared_with_the_cpu(errors):
    errors["cuda"] = 2e-5

    found = doctor.diagnose()

    assert [(trial.device, trial.provider, trial.problem) for trial in found.trials] == [
        ("cpu", "CPU", None),
        ("cuda", "CUDA", None),
    ]
    assert found.trials[1].difference == pytest.approx(2e-5, rel=0.05)
    assert found.trials[1].seconds >= 0.0
    assert found.code is ExitCode.OK


def test_the_default_model_of_every_command_is_run(folder, errors):
    cards.install(folder.parent, "tiny-light", "hdr")
    cards.install(folder.parent, "other-light", "hdr")
    errors["cuda"] = 1e-2

    found = doctor.diagnose()

    assert [(trial.model, trial.device, trial.problem is None) for trial in found.trials] == [
        ("tiny@1", "cpu", True),
        ("tiny@1", "cuda", False),
        ("tiny-light@1", "cpu", True),
        ("tiny-light@1", "cuda", False),
    ]
    assert [check.name for check in found.models] == ["tiny@1", "tiny-light@1", "other-light@1"]


def test_a_model_for_hdr_is_enough(tmp_path, monkeypatch):
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: (tmp_path / "others",))
    cards.install(tmp_path / "others", "tiny-light", "hdr")

    found = doctor.diagnose()

    assert [(trial.model, trial.problem) for trial in found.trials] == [("tiny-light@1", None)]
    assert found.code is ExitCode.OK


def test_a_device_that_computes_something_else_is_a_problem(errors):
    errors["cuda"] = 1e-2

    found = doctor.diagnose()

    assert found.trials[0].problem is None
    assert "differs from the CPU" in found.trials[1].problem
    assert found.code is ExitCode.MODEL


def test_a_device_that_was_asked_for_and_does_not_work_is_code_8():
    found = doctor.diagnose("cuda")

    assert [trial.device for trial in found.trials] == ["cuda"]
    assert "not here" in found.trials[0].problem
    assert found.code is ExitCode.DEVICE
    assert doctor.diagnose("toaster").code is ExitCode.DEVICE
    assert doctor.diagnose("cpu").code is ExitCode.OK


def test_a_damaged_model_is_code_5(folder):
    (folder / "restore_tile.onnx").write_bytes(b"other")

    found = doctor.diagnose()

    assert "restore_tile.onnx" in found.models[0].problem
    assert found.code is ExitCode.MODEL


def test_no_model_at_all_is_code_5_and_says_where_to_look(monkeypatch):
    monkeypatch.setattr("rawtool.runtime.catalog.model_folders", lambda: ())

    found = doctor.diagnose()

    assert "rawtool models path" in found.models[0].problem
    assert "no model for rawtool develop" in found.trials[0].problem
    assert found.code is ExitCode.MODEL


def test_two_wheels_that_break_each_other_are_code_5(monkeypatch):
    def refuse():
        raise EngineMissingError("both are installed")

    monkeypatch.setattr(doctor.devices, "check_engines", refuse)

    found = doctor.diagnose()

    assert found.engines.problem == "both are installed"
    assert found.code is ExitCode.MODEL


def test_a_folder_that_cannot_be_written_to_is_a_problem(tmp_path):
    assert doctor._folder(tmp_path, "x").problem is None
    assert "cannot be written" in doctor._folder(tmp_path / "missing", "x").problem


def test_packages_are_named_with_their_versions():
    parts = {part.name: part for part in doctor.diagnose().parts}

    assert parts["numpy"].found == np.__version__
    assert parts["rawpy"].purpose == "needed"


def test_the_machine_is_described():
    found = doctor.diagnose()

    assert found.n_cores >= 1
    assert found.free_bytes is None or found.free_bytes > 1_000_000
    assert found.system.startswith("Python 3.")
