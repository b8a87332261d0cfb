"""Which models are here, and whether their files are what was published.

A folder of models has an index.toml, and each model in it a folder of its own:

    models/index.toml           [[model]] name, version, size, folder
                                [model.stages] restore = SHA-256 of restore.json, enhance = ...
    models/FOLDER/restore.json  the card of the stage, with the SHA-256 of its graphs
    models/FOLDER/restore_tile.onnx, restore_global.onnx, and the same for every other stage

A model is for one command and has all the stages of it: restore and enhance for develop, hdr for hdr.
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
from rawtool.runtime import card as stage_card
from rawtool.runtime import codercard
from rawtool.runtime.card import Card
from rawtool.runtime.codercard import CoderCard
from rawtool.vocabulary import Task

INDEX = "index.toml"
ENVIRONMENT = "RAWTOOL_MODELS_DIR"
VERBS: Mapping[str, tuple[Task, ...]] = {
    "develop": (Task.RESTORE, Task.ENHANCE),
    "hdr": (Task.HDR,),
    "pack": (Task.PACK,),
}
"""The commands that take a model, and the stages that it has then."""

# What a model does, and what it is asked to do.
_DEEDS = {
    "develop": ("develops raws", "develop raws"),
    "hdr": ("reconstructs HDR", "reconstruct HDR"),
    "pack": ("packs raws", "pack raws"),
}
_DEFAULT_SIZE = "s"
_WHERE = "see: rawtool models list"


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is here: its folder and the cards of its stages, which are those of one command.

    card_digests are the SHA-256 that the index promises for the files of the cards, in their order,
    None for a folder that was given by its path.
    """

    name: str
    version: str
    size: str
    folder: Path
    cards: tuple[Card | CoderCard, ...]
    card_digests: tuple[str, ...] | None

    @property
    def label(self) -> str:
        """NAME@VERSION."""
        return f"{self.name}@{self.version}"

    @property
    def tasks(self) -> frozenset[Task]:
        """The stages that there are."""
        return frozenset(card.task for card in self.cards)

    @property
    def verb(self) -> str:
        """The command that the model is for: a key of VERBS."""
        return _verb(self.cards[0].task)

    @property
    def restore(self) -> Card:
        """The card of the restoration; ModelContractError when there is none."""
        return self.card(Task.RESTORE)

    @property
    def enhance(self) -> Card:
        """The card of the finishing; ModelContractError when there is none."""
        return self.card(Task.ENHANCE)

    @property
    def hdr(self) -> Card:
        """The card of the HDR reconstruction; ModelContractError when there is none."""
        return self.card(Task.HDR)

    @property
    def coder(self) -> CoderCard:
        """The card of the codec; ModelContractError when there is none."""
        for card in self.cards:
            if isinstance(card, CoderCard):
                return card
        raise _unfit(self, Task.PACK, _WHERE)

    def card(self, task: Task) -> Card:
        """The card of one stage that turns pictures into pictures; ModelContractError when there is none."""
        for card in self.cards:
            if card.task is task and isinstance(card, Card):
                return card
        raise _unfit(self, task, _WHERE)


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


def find_model(name: str | None = None, size: str | None = None, task: Task | None = Task.RESTORE) -> Model:
    """Find a model by NAME, NAME@VERSION, its folder's name, or the path of its folder.

    task is what the model must do, None for anything. Without a name every model that does it fits; size
    ("s", "paper") narrows the choice. Of several the one of size "s" counts, then the newest version,
    then the order of the folders.

    Raises:
        ModelNotFoundError: none fits; the message says what to do.
        ModelContractError: the model of that name is for something else.
        ModelError: an index or a card cannot be read.
    """
    if name is not None and (os.sep in name or Path(name).is_dir()):
        named = [_model_at(Path(name))]
    else:
        named = [m for m in list_models() if _is_named(m, name) and size in (None, m.size)]
    fitting = [m for m in named if task is None or task in m.tasks]
    if fitting:
        return max(fitting, key=_rank)
    if name is not None and named and task is not None:
        choices = _installed(task)
        raise _unfit(named[0], task, f"choose one of: {choices}" if choices else _WHERE)
    raise _not_found(name, size, task)


def verify_model(model: Model) -> None:
    """Compare the SHA-256 and size of every file with what is promised.

    Raises:
        ModelError: a file differs.
        ModelNotFoundError: a file is missing.
    """
    if model.card_digests is not None:
        for card, promised in zip(model.cards, model.card_digests, strict=True):
            _verify_digest(model.folder / card_file(card.task), promised)
    for card in model.cards:
        for file in card.files:
            _verify_digest(model.folder / file.path, file.sha256)


def digest(model: Model) -> str:
    """Twelve hex digits for the model's files, the same wherever they lie."""
    files = [file for card in model.cards for file in card.files]
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
    tasks = [card.task for card in model.cards]
    digests = [(task.value, sha256_of(model.folder / card_file(task))) for task in tasks]
    head = {"name": model.name, "version": model.version, "size": model.size, "folder": model.folder.name}
    lines = ["[[model]]", *(f'{key} = "{value}"' for key, value in head.items()), "[model.stages]"]
    return "\n".join([*lines, *(f'{task} = "{sha}"' for task, sha in digests)]) + "\n"


def read_model(folder: Path, card_digests: Mapping[Task, str] | None = None) -> Model:
    """Read the cards of a model's folder: those that the digests are for, without digests all.

    Raises:
        ModelNotFoundError: a card is missing.
        ModelContractError: a card does not fit, or the cards are not of one model.
    """
    tasks = _tasks_in(folder) if card_digests is None else tuple(card_digests)
    cards = tuple(_read_card(folder / card_file(task), task) for task in tasks)
    if len({(card.name, card.version, card.size) for card in cards}) > 1:
        raise _mixed(folder)
    digests = None if card_digests is None else tuple(card_digests.values())
    return Model(cards[0].name, cards[0].version, cards[0].size, folder, cards, digests)


def _tasks_in(folder: Path) -> tuple[Task, ...]:
    """The stages of the command for which a folder has cards."""
    here = {task for task in Task if (folder / card_file(task)).is_file()}
    found = [tasks for tasks in VERBS.values() if here & set(tasks)]
    if not found:
        known = " or ".join(card_file(tasks[0]) for tasks in VERBS.values())
        raise ModelNotFoundError(f"{folder} is no model: it has no {known}; {_WHERE}")
    if len(found) > 1:
        raise _mixed(folder)
    return found[0]


def _mixed(folder: Path) -> ModelContractError:
    return ModelContractError(f"the cards in {folder} are of different models; fetch the model again")


def _read_card(path: Path, task: Task) -> Card | CoderCard:
    loads = codercard.loads if task is Task.PACK else stage_card.loads
    try:
        card: Card | CoderCard = loads(path.read_text(encoding="utf-8"))
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
        raise ModelNotFoundError(f"no model folder {folder}; {_WHERE}")
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
    model = read_model(folder / where, _stage_digests(stages, name, path))
    if (model.name, model.version, model.size) != (name, version, size):
        raise ModelContractError(f"{path}: {where} is not {name}@{version}; fetch the model again")
    return model


def _stage_digests(stages: object, name: str, path: Path) -> Mapping[Task, str]:
    """What the index promises for the card of each stage; the stages are those of a command."""
    written = set(stages) if isinstance(stages, Mapping) else set()
    for tasks in VERBS.values():
        if written == {task.value for task in tasks}:
            return {task: _word(stages, task.value, path) for task in tasks}
    have = ", ".join(sorted(map(str, written))) or "none"
    raise ModelError(f"{path}: the stages of {name} are of no command ({have}); mend or remove it")


def _word(table: object, key: str, path: Path) -> str:
    value = table.get(key) if isinstance(table, Mapping) else None
    if not isinstance(value, str):
        raise ModelError(f"{path}: a model has no {key}; mend or remove it")
    return value


def _is_named(model: Model, name: str | None) -> bool:
    return name in (None, model.name, model.label, model.folder.name)


def _rank(model: Model) -> tuple[bool, tuple[int, ...]]:
    """What decides between models that fit, larger first."""
    return model.size == _DEFAULT_SIZE, tuple(int(part) for part in model.version.split("."))


def _verb(task: Task) -> str:
    return next(verb for verb, tasks in VERBS.items() if task in tasks)


def _installed(task: Task | None) -> str:
    """The models that do a task, for a message; empty when there is none."""
    return ", ".join(m.label for m in list_models() if task is None or task in m.tasks)


def _unfit(model: Model, task: Task, advice: str) -> ModelContractError:
    does, _ = _DEEDS[model.verb]
    _, asked = _DEEDS[_verb(task)]
    return ModelContractError(f"{model.label} {does}, it does not {asked}; {advice}")


def _not_found(name: str | None, size: str | None, task: Task | None) -> ModelNotFoundError:
    words = (name, size and f"of size {size}", task and f"for rawtool {_verb(task)}")
    what = " ".join(word for word in words if word) or "at all"
    return ModelNotFoundError(
        f"no model {what}; installed: {_installed(task) or 'none'}; put the model's folder and {INDEX} into "
        f"{_user_folder()} or name their folder in {ENVIRONMENT}"
    )


def _verify_digest(path: Path, promised: str) -> None:
    if sha256_of(path) != promised:
        raise ModelError(f"{path} is not the published file (SHA-256 differs); fetch the model again")


def _user_folder() -> Path:
    from platformdirs import user_data_path

    return user_data_path("rawtool") / "models"
