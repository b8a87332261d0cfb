"""The source of the project as the tests of the house see it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rawtool"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
TEXT_SUFFIXES = frozenset({".py", ".md", ".toml", ".cfg", ".yaml", ".txt", ".sh"})
TEXT_FOLDERS = ("rawtool", "tests", "docs", "models", ".ci")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, Function)]


def classes(path: Path) -> list[ast.ClassDef]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]


def body_lines(function: Function) -> int:
    """Lines of a body, from its first statement to its last; the docstring is no statement."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def decorators(node: Function | ast.ClassDef) -> list[str]:
    """The decorators as they are written."""
    return [ast.unparse(decorator) for decorator in node.decorator_list]


def nesting(node: ast.AST) -> int:
    """How deep blocks stand in each other. An elif stands beside its if, a nested function starts anew."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef | ast.Lambda):
            continue
        is_block = isinstance(child, ast.If | ast.For | ast.While | ast.With | ast.Try | ast.Match)
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deepest = max(deepest, nesting(child) + (is_block and not is_elif))
    return deepest


def bound_names(path: Path) -> set[tuple[str, int]]:
    """Every name that the file gives to something of its own, with its line."""
    names: set[tuple[str, int]] = set()
    for node in ast.walk(tree(path)):
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store())
                | ast.arg(arg=name)
                | ast.Attribute(attr=name, ctx=ast.Store())
            ):
                names.add((name, node.lineno))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add((name, node.lineno))
            case ast.alias(asname=str(name)):
                names.add((name, node.lineno))
    return names


def imported(path: Path) -> set[str]:
    """The modules that the file imports, as they are written."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def called(path: Path) -> set[str]:
    """The bare names that the file calls."""
    calls = (node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    return {function.id for function in calls if isinstance(function, ast.Name)}


def texts() -> list[Path]:
    """Every text file that the project is made of."""
    top = [path for path in ROOT.iterdir() if path.is_file()]
    inside = [path for folder in TEXT_FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    is_text = (path for path in top + inside if path.suffix in TEXT_SUFFIXES or path.parent.name == ".ci")
    return sorted(path for path in is_text if "__pycache__" not in path.parts)
