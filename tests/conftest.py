"""What all tests share. Shapes and types are checked at every call: see addopts in pyproject.toml."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from torch import nn

    from rawtool.nets.cameranet_s import RestoreNetS

ROOT = Path(__file__).resolve().parent.parent

# A busy machine must not turn a slow example into a failure; the examples are the same in every run.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True, max_examples=40)
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "real" in item.path.relative_to(ROOT / "tests").parts[:-1]:
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_raws() -> Path:
    """The folder of camera files, or a skip."""
    shared = Path(os.environ.get("RAWTOOL_SHARED", ROOT.parent / "shared"))
    folder = shared / "data" / "raw"
    if not folder.is_dir():
        pytest.skip("camera files are not here; RAWTOOL_SHARED names the folder that has data/raw")
    return folder


@pytest.fixture(scope="session")
def untrained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of size s before training: restoration changes nothing, enhancement only encodes."""
    return _export(tmp_path_factory.mktemp("untrained") / "cameranet-s-v9", lambda net: net)


@pytest.fixture(scope="session")
def lively_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a restoration of random weights, in which every pixel speaks to far ones."""
    from tests.lively import lively

    return _export(tmp_path_factory.mktemp("lively") / "cameranet-s-v9", lively)


def _export(folder: Path, prepared: Callable[["RestoreNetS"], "nn.Module"]) -> Path:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from rawtool.nets.cameranet_s import EnhanceNetS, RestoreNetS
    from rawtool.training.export import export_stage, write_index
    from rawtool.training.small_card import small_card
    from rawtool.vocabulary import Task

    torch.manual_seed(1)
    for task, net in ((Task.RESTORE, prepared(RestoreNetS())), (Task.ENHANCE, EnhanceNetS())):
        card = small_card(task, "untrained, for tests")
        export_stage(net, card, folder, is_with_torch=False, sizes=[(card.min_size + 5, card.min_size + 2)])
    write_index(folder.parent)
    return folder
