"""Rules about the house itself. Layers: setup.cfg; what ruff can see: pyproject.toml; the rest is here."""

import ast
import re
import statistics
from pathlib import Path

import pytest

from tests import house

PURE_ROOMS = ("sensor", "color", "codec", "metrics")
OUTSIDE_WORLD = frozenset(
    {
        "os",
        "io",
        "pathlib",
        "logging",
        "time",
        "datetime",
        "random",
        "shutil",
        "subprocess",
        "tempfile",
        "socket",
    }
)

# The words of the glossary (docs/house.md), each with the term that stands for it.
NEVER_WRITE = {
    "bayer": "counts or mosaic",
    "bayer_pattern": "cfa",
    "bitrate": "bpp",
    "bl": "black_level",
    "brightness": "luminance_nits",
    "cam2xyz": "camera_from_xyz",
    "ccm": "camera_from_xyz",
    "degamma": "srgb_decode",
    "fm": "xyz_d50_from_balanced",
    "gamma": "a transfer curve by its name",
    "handle": "what it holds",
    "img": "mosaic, rgb or Image",
    "linear": "Space.CAMERA or Space.SCENE_LINEAR",
    "linear_srgb": "scene_linear",
    "max_val": "white_level",
    "metadata": "capture or sidecar",
    "multipliers": "gains",
    "process": "a verb that says what is done",
    "raw": "counts or frame",
    "raw_norm": "mosaic",
    "stops": "ev",
    "utils": "the room it belongs to",
    "wb": "as_shot_neutral or gains",
    "zoo": "catalog",
}

WITHOUT_TESTS = {
    "rawtool/__main__.py": "one call, made by the tests of the command line",
    "rawtool/arrays.py": "names only",
    "rawtool/vocabulary.py": "names only",
}

BASES = frozenset({"BaseException", "Exception", "Enum", "IntEnum", "StrEnum", "Protocol", "NamedTuple"})
# Libraries whose parts are made by inheriting: click and torch.
BASES |= {"Group", "Command", "Module", "Dataset", "IterableDataset"}


def module_id(path: Path) -> str:
    return house.relative(path)


every_module = pytest.mark.parametrize("path", house.MODULES, ids=module_id)
every_source = pytest.mark.parametrize("path", house.MODULES + house.TESTS, ids=module_id)


@every_source
def test_a_file_stays_under_400_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400


@every_module
def test_no_function_body_is_longer_than_60_lines(path):
    lengths = {function.name: house.body_lines(function) for function in house.functions(path)}

    assert {name: n_lines for name, n_lines in lengths.items() if n_lines > 60} == {}


def test_most_function_bodies_are_small():
    lengths = [house.body_lines(function) for path in house.MODULES for function in house.functions(path)]

    assert statistics.median(lengths) <= 8
    assert statistics.quantiles(lengths, n=10)[-1] <= 30


@every_module
def test_blocks_nest_at_most_three_deep(path):
    depths = {function.name: house.nesting(function) for function in house.functions(path)}

    assert {name: depth for name, depth in depths.items() if depth > 3} == {}


@every_module
def test_commands_are_telephones(path):
    commands = [
        function
        for function in house.functions(path)
        if any(
            re.search(r"\.command\(|\.group\(|^click\.command", text) for text in house.decorators(function)
        )
    ]

    assert [command.name for command in commands if house.body_lines(command) > 15] == []


@every_module
def test_names_come_from_the_glossary(path):
    names = sorted((line, name) for name, line in house.bound_names(path) if name in NEVER_WRITE)

    assert [f"line {line}: {name}: write {NEVER_WRITE[name]}" for line, name in names] == []


@every_module
def test_data_is_frozen(path):
    written = [text for node in house.classes(path) for text in house.decorators(node) if "dataclass" in text]

    assert [text for text in written if "frozen=True" not in text or "slots=True" not in text] == []


@every_module
def test_there_are_no_bags(path):
    swallowing = [function.name for function in house.functions(path) if function.args.kwarg]
    bags = re.findall(r"dict\[str, Any\]", path.read_text(encoding="utf-8"))

    assert swallowing == []
    assert bags == []


@every_module
def test_nothing_is_inherited_for_reuse(path):
    errors = {node.name for node in house.classes(house.PACKAGE / "errors.py")}
    bases = {
        ast.unparse(base).split("[")[0].split(".")[-1] for node in house.classes(path) for base in node.bases
    }

    assert bases - BASES - errors == set()


@every_module
def test_what_is_public_is_described(path):
    nodes = [
        node
        for node in ast.iter_child_nodes(house.tree(path))
        if isinstance(node, house.Function | ast.ClassDef)
    ]

    assert ast.get_docstring(house.tree(path))
    assert [
        node.name for node in nodes if not node.name.startswith("_") and not ast.get_docstring(node)
    ] == []


@pytest.mark.parametrize(
    "path", [path for path in house.MODULES if path.parent.name in PURE_ROOMS], ids=module_id
)
def test_pure_rooms_do_not_see_the_outside_world(path):
    packages = {module.split(".")[0] for module in house.imported(path)}

    assert packages & OUTSIDE_WORLD == set()
    assert house.called(path) & {"open", "print", "input", "exec", "eval"} == set()


@every_module
def test_every_module_has_its_tests(path):
    own = house.relative(path)
    mirror = house.ROOT / "tests" / path.parent.relative_to(house.PACKAGE) / f"test_{path.name}"

    assert path.name == "__init__.py" or own in WITHOUT_TESTS or mirror.is_file()


def test_modules_excused_from_tests_exist_and_have_none():
    mirrors = {
        name: name.replace("rawtool/", "tests/").replace(Path(name).name, f"test_{Path(name).name}")
        for name in WITHOUT_TESTS
    }

    assert [name for name in WITHOUT_TESTS if not (house.ROOT / name).is_file()] == []
    assert [name for name, mirror in mirrors.items() if (house.ROOT / mirror).is_file()] == []


@pytest.mark.parametrize("path", house.texts(), ids=module_id)
def test_no_trace_of_the_way_is_left(path):
    # The words are put together here, or this file would name them itself.
    later = "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX"))
    machine = "|".join("/" + folder + "/" for folder in ("work", "tmp", "home", "root", "Users"))
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if re.search(rf"\b(?:{later})\b|(?<![\w.}}]){machine}", line)] == []


def test_the_changelog_has_this_version_or_what_comes_next():
    changelog = (house.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.search(r'__version__ = "(.+)"', (house.PACKAGE / "__init__.py").read_text(encoding="utf-8"))

    assert version
    assert re.search(rf"^## \[(?:Unreleased|{re.escape(version[1])})\]", changelog, flags=re.MULTILINE)


def test_decisions_are_numbered_short_and_say_context_decision_and_consequences():
    pages = sorted((house.ROOT / "docs" / "decisions").glob("*.md"))
    texts = [page.read_text(encoding="utf-8") for page in pages]

    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    assert [page.name for page, text in zip(pages, texts, strict=True) if len(text.splitlines()) > 30] == []
    for heading in ("## Context", "## Decision", "## Consequences"):
        assert [page.name for page, text in zip(pages, texts, strict=True) if heading not in text] == []


def test_every_page_of_the_manual_is_reached_from_the_readme_and_every_link_leads_somewhere():
    pages = [house.ROOT / "README.md", *sorted((house.ROOT / "docs").rglob("*.md"))]
    links = {
        page: re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8"))
        for page in pages
    }
    targets = {(page.parent / link).resolve() for page, found in links.items() for link in found}

    assert [target for target in targets if not target.exists()] == []
    assert [page.name for page in pages[1:] if page not in targets and page.parent.name != "decisions"] == []
