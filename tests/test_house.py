"""Rules about the house itself. Layers: setup.cfg; what ruff can see: pyproject.toml; the rest is here."""

import ast
import re
import statistics
from collections.abc import Callable
from pathlib import Path

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
    "linear": "light, or which: camera, scene_linear",
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
    "rawtool/pipelines/settings.py": "names and defaults only",
    "rawtool/nets/blocks.py": "the golden vectors of the networks built from them test them",
    "rawtool/runtime/onnx.py": "tested through the one door, in test_session.py",
    "rawtool/runtime/torchscript.py": "tested through the one door, in test_session.py",
    "rawtool/runtime/strict_json.py": "every malformed card in test_card.py goes through it",
    "rawtool/training/cameranet_card.py": "test_export.py exports by these cards and proves them",
}

BASES = frozenset(
    {"BaseException", "Exception", "Enum", "IntEnum", "StrEnum", "Protocol", "Generic", "NamedTuple"}
)
# Libraries whose parts are made by inheriting: click, torch and Fabric.
BASES |= {
    "Group",
    "Command",
    "Module",
    "Dataset",
    "IterableDataset",
    "Function",
    "Optimizer",
    "MixedPrecision",
}
# A type parameter brings no behaviour.
BASES |= {"Generic"}


def functions_where(is_bad: Callable[[house.Function], bool]) -> list[str]:
    """Where the functions stand for which the question is answered with yes."""
    return [
        f"{house.relative(path)}:{function.lineno} {function.name}"
        for path in house.MODULES
        for function in house.functions(path)
        if is_bad(function)
    ]


def is_command(function: house.Function) -> bool:
    return any(re.search(r"(?:^|\.)(?:command|group)\(", text) for text in house.decorators(function))


def lines(findings: list[str]) -> str:
    return "\n" + "\n".join(findings)


def test_files_stay_under_400_lines():
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in house.MODULES + house.TESTS}
    long = [f"{house.relative(path)}: {n_lines}" for path, n_lines in sizes.items() if n_lines >= 400]

    assert not long, lines(long)


def test_no_function_body_is_longer_than_60_lines():
    long = functions_where(lambda function: house.body_lines(function) > 60)

    assert not long, lines(long)


def test_most_function_bodies_are_small():
    lengths = [house.body_lines(function) for path in house.MODULES for function in house.functions(path)]

    assert statistics.median(lengths) <= 8
    assert statistics.quantiles(lengths, n=10)[-1] <= 30


def test_blocks_nest_at_most_three_deep():
    deep = functions_where(lambda function: house.nesting(function) > 3)

    assert not deep, lines(deep)


def test_commands_are_telephones():
    long = functions_where(lambda function: is_command(function) and house.body_lines(function) > 15)

    assert functions_where(is_command)
    assert not long, lines(long)


def test_names_come_from_the_glossary():
    strange = [
        f"{house.relative(path)}:{line} {name}: write {NEVER_WRITE[name]}"
        for path in house.MODULES
        for name, line in sorted(house.bound_names(path), key=lambda found: found[1])
        if name in NEVER_WRITE
    ]

    assert not strange, lines(strange)


def test_data_is_frozen():
    soft = [
        f"{house.relative(path)}:{node.lineno} {node.name}: {text}"
        for path in house.MODULES
        for node in house.classes(path)
        for text in house.decorators(node)
        if "dataclass" in text and not ("frozen=True" in text and "slots=True" in text)
    ]

    assert not soft, lines(soft)


def test_there_are_no_bags():
    swallowing = functions_where(lambda function: function.args.kwarg is not None)
    bags = [
        house.relative(path) for path in house.MODULES if "dict[str, Any]" in path.read_text(encoding="utf-8")
    ]

    assert not swallowing, lines(swallowing)
    assert not bags, lines(bags)


def test_nothing_is_inherited_for_reuse():
    good = BASES | {node.name for node in house.classes(house.PACKAGE / "errors.py")}
    heirs = [
        f"{house.relative(path)}:{node.lineno} {node.name}({ast.unparse(base)})"
        for path in house.MODULES
        for node in house.classes(path)
        for base in node.bases
        if ast.unparse(base).split("[")[0].split(".")[-1] not in good
    ]

    assert not heirs, lines(heirs)


def test_pure_rooms_do_not_see_the_outside_world():
    rooms = [path for path in house.MODULES if path.parent.name in PURE_ROOMS]
    seen = {path: {module.split(".")[0] for module in house.imported(path)} & OUTSIDE_WORLD for path in rooms}
    asked = {path: house.called(path) & {"open", "print", "input", "exec", "eval"} for path in rooms}
    open_doors = [
        f"{house.relative(path)}: {seen[path] | asked[path]}" for path in rooms if seen[path] | asked[path]
    ]

    assert rooms
    assert not open_doors, lines(open_doors)


def mirror(path: Path) -> Path:
    """The test file of a module."""
    return house.ROOT / "tests" / path.parent.relative_to(house.PACKAGE) / f"test_{path.name}"


def test_every_module_has_its_tests():
    modules = {house.relative(path): path for path in house.MODULES if path.name != "__init__.py"}
    untested = [
        name for name, path in modules.items() if name not in WITHOUT_TESTS and not mirror(path).is_file()
    ]

    assert not untested, lines(untested)


def test_modules_that_are_excused_from_tests_exist_and_have_none():
    excused = [house.ROOT / name for name in WITHOUT_TESTS]

    assert [path.name for path in excused if not path.is_file()] == []
    assert [path.name for path in excused if mirror(path).is_file()] == []


def test_no_trace_of_the_way_is_left():
    # The words are put together here, or this file would name them itself.
    later = "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX"))
    machine = "|".join("/" + folder + "/" for folder in ("work", "tmp", "home", "root", "Users"))
    trace = re.compile(rf"\b(?:{later})\b|(?<![\w.}}]){machine}")
    found = [
        f"{house.relative(path)}:{number} {line.strip()}"
        for path in house.texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if trace.search(line)
    ]

    assert not found, lines(found)


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
