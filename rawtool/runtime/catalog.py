"""Which models are here, and whether their files are what was published.

A folder of models has an index.toml, and each model in it a folder of its own:

    models/index.toml           [[model]] name, version, size, folder
                                [model.stages] restore = SHA-256 of restore.json, enhance = ...
    models/FOLDER/restore.json  the card of the stage, with the SHA-256 of its graphs
    models/FOLDER/restore_tile.onnx, restore_global.onnx, and the same for enhance

The index vouches for the cards, the cards for the graphs. Folders are searched in this order: those
of RAWTOOL_MODELS_DIR, the user's data folder, the package's own, the checkout's beside the package.
"""

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rawtool.errors import ModelContractError, ModelError, ModelNotFoundError
from rawtool.runtime.card import Card, GraphFile, loads
from rawtool.vocabulary import Task

INDEX = "index.toml"
ENVIRONMENT = "RAWTOOL_MODELS_DIR"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is here: its folder and the cards of its two stages.

    card_digests are the SHA-256 that the index promises for restore.json and enhance.json, None for
    a folder that was given by its path.
    """

    name: str
    version: str
    size: str
    folder: Path
    restore: Card
    enhance: Card
    card_digests: tuple[str, str] | None

    def card(self, task: Task) -> Card:
        """The card of one stage."""
        return {Task.RESTORE: self.restore, Task.ENHANCE: self.enhance}[task]


def model_folders() -> tuple[Path, ...]:
    """The folders that are searched, in their order, whether they exist or not."""
    named = [Path(part) for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    package = Path(__file__).resolve().parents[1]
    return (*named, _user_folder(), package / "_models", package.parent / "models")


def list_models() -> tuple[Model, ...]:
    """All models of all folders; of the same name and version the first found counts."""
    found: dict[tuple[str, str], Model] = {}
    for folder in model_folders():
        for model in _read_index(folder):
            found.setdefault((model.name, model.version), model)
    return tuple(found.values())


def find_model(name: str | None = None, size: str | None = None) -> Model:
    """Find a model by NAME, NAME@VERSION, its folder's name, or the path of its folder.

    Without a name any model fits; size ("s", "paper") narrows the choice. Among equals the newest
    version counts, then the order of the folders.

    Raises:
        ModelNotFoundError: none fits; the message says what to do.
        ModelError: an index or a card cannot be read.
    """
    if name is not None and (os.sep in name or Path(name).is_dir()):
        return _model_at(Path(name))
    fitting = [m for m in list_models() if _is_named(m, name) and size in (None, m.size)]
    if not fitting:
        raise _not_found(name, size)
    return max(fitting, key=lambda m: tuple(int(part) for part in m.version.split(".")))


def verify_model(model: Model) -> None:
    """Compare the SHA-256 and size of every file with what is promised.

    Raises:
        ModelError: a file differs.
        ModelNotFoundError: a file is missing.
    """
    if model.card_digests is not None:
        for task, promised in zip((Task.RESTORE, Task.ENHANCE), model.card_digests, strict=True):
            _verify_digest(model.folder / card_file(task), promised)
    for task in (Task.RESTORE, Task.ENHANCE):
        for file in graph_files(model.card(task)):
            _verify_digest(model.folder / file.path, file.sha256)


def graph_files(card: Card) -> tuple[GraphFile, ...]:
    """All files that a card lists."""
    return tuple(file for pair in (card.graphs, card.torch_graphs) if pair for file in pair.files)


def digest(model: Model) -> str:
    """Twelve hex digits for the model's files, the same wherever they lie."""
    files = [file for task in Task for file in graph_files(model.card(task))]
    lines = sorted(f"{file.path} {file.sha256}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def card_file(task: Task) -> str:
    """The file name of a stage's card."""
    return f"{task.value}.json"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hex.

    Raises:
        ModelNotFoundError: the file is missing or cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelNotFoundError(
            f"model file {path} cannot be read ({error.strerror}); fetch the model again"
        ) from error


def index_entry(model: Model) -> str:
    """The lines of index.toml for a model whose cards lie in its folder."""
    cards = [(task.value, sha256_of(model.folder / card_file(task))) for task in Task]
    head = {"name": model.name, "version": model.version, "size": model.size, "folder": model.folder.name}
    lines = ["[[model]]", *(f'{key} = "{value}"' for key, value in head.items()), "[model.stages]"]
    return "\n".join([*lines, *(f'{task} = "{sha}"' for task, sha in cards)]) + "\n"


def read_model(folder: Path, card_digests: tuple[str, str] | None = None) -> Model:
    """Read the cards of a model's folder.

    Raises:
        ModelNotFoundError: a card is missing.
        ModelContractError: a card does not fit, or the two are not of one model.
    """
    restore, enhance = (_read_card(folder / card_file(task), task) for task in (Task.RESTORE, Task.ENHANCE))
    names = {(card.name, card.version, card.size) for card in (restore, enhance)}
    if len(names) > 1:
        raise ModelContractError(f"the cards in {folder} are of different models; fetch the model again")
    return Model(restore.name, restore.version, restore.size, folder, restore, enhance, card_digests)


def _read_card(path: Path, task: Task) -> Card:
    try:
        card = loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelNotFoundError(
            f"card {path} cannot be read ({error.strerror}); fetch the model again"
        ) from error
    except UnicodeDecodeError as error:
        raise ModelContractError(f"card {path} is not text; fetch the model again") from error
    if card.task is not task:
        raise ModelContractError(f"card {path} is for {card.task.value}, not {task.value}")
    return card


def _model_at(folder: Path) -> Model:
    if not folder.is_dir():
        raise ModelNotFoundError(f"no model folder {folder}; see: rawtool models list")
    return read_model(folder)


def _read_index(folder: Path) -> tuple[Model, ...]:
    path = folder / INDEX
    if not path.is_file():
        return ()
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{path} cannot be read ({error}); mend or remove it") from error
    entries = tree.get("model", [])
    if not isinstance(entries, list):
        raise ModelError(f"{path}: model is not a list of tables; mend or remove it")
    return tuple(_indexed_model(folder, entry, path) for entry in entries)


def _indexed_model(folder: Path, entry: object, path: Path) -> Model:
    name, version, size, where = (_word(entry, key, path) for key in ("name", "version", "size", "folder"))
    stages = entry.get("stages") if isinstance(entry, Mapping) else None
    digests = (_word(stages, "restore", path), _word(stages, "enhance", path))
    model = read_model(folder / where, digests)
    if (model.name, model.version, model.size) != (name, version, size):
        raise ModelContractError(f"{path}: {where} is not {name}@{version}; fetch the model again")
    return model


def _word(table: object, key: str, path: Path) -> str:
    value = table.get(key) if isinstance(table, Mapping) else None
    if not isinstance(value, str):
        raise ModelError(f"{path}: a model has no {key}; mend or remove it")
    return value


def _is_named(model: Model, name: str | None) -> bool:
    return name in (None, model.name, f"{model.name}@{model.version}", model.folder.name)


def _not_found(name: str | None, size: str | None) -> ModelNotFoundError:
    what = " ".join(word for word in (name, f"of size {size}" if size else "") if word) or "at all"
    have = ", ".join(f"{m.name}@{m.version}" for m in list_models()) or "none"
    return ModelNotFoundError(
        f"no model {what}; installed: {have}; put the model's folder and {INDEX} into {_user_folder()} "
        f"or name their folder in {ENVIRONMENT}"
    )


def _verify_digest(path: Path, promised: str) -> None:
    if sha256_of(path) != promised:
        raise ModelError(f"{path} is not the published file (SHA-256 differs); fetch the model again")


def _user_folder() -> Path:
    from platformdirs import user_data_path

    return user_data_path("rawtool") / "models"
