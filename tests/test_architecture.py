"""The shape of the code: who may import whom, how long things are, and what is not done here."""

import ast
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("graph", "diffusion", "nodes", "server")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TYPESCRIPT = sorted(path for path in (ROOT / "web/src").rglob("*.ts*") if path.name != "types.ts")
TREES = {path: ast.parse(path.read_text()) for path in FILES}
NO_NAMES = {"utils", "helpers", "common", "misc", "base", "manager", "core", "types_"}
NODE_DECORATORS = {"node"}


def each(*kinds: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    return (
        (path, item) for path, tree in TREES.items() for item in ast.walk(tree) if isinstance(item, kinds)
    )


def place(path: Path, item: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{item.lineno} {getattr(item, 'name', '')}"


def length(item: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return item.end_lineno - item.lineno + 1


def is_node(item: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is a node: its parameters are the user's, so they are not counted."""
    marks = (mark.func if isinstance(mark, ast.Call) else mark for mark in item.decorator_list)
    return any(isinstance(mark, ast.Name) and mark.id in NODE_DECORATORS for mark in marks)


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[int(len(values) * share)]


FUNCTIONS = [(path, item) for path, item in each(ast.FunctionDef, ast.AsyncFunctionDef)]


def test_imports_point_one_way():
    lint = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True
    )
    assert lint.returncode == 0, lint.stdout


@pytest.mark.parametrize(
    ("contract", "folder", "apart"),
    [
        ("nodes never import each other", "nodes", set()),
        ("samplers never import each other", "diffusion/samplers", {"step"}),
        ("model families are strangers", "diffusion/families", set()),
        ("the server process knows neither tensors nor nodes", "server", {"worker"}),
    ],
)
def test_a_contract_names_every_module_it_is_about(contract, folder, apart):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    found = next(each for each in contracts if each["name"] == contract)
    named = {name.rpartition(".")[2] for name in found.get("modules", found.get("source_modules"))}
    there = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"} - apart
    assert there <= named or "*" in named


def test_modules_are_short():
    lengths = [path.read_text().count("\n") for path in FILES]
    assert statistics.median(lengths) <= 150
    assert percentile(lengths, 0.95) <= 400
    assert [str(path) for path, lines in zip(FILES, lengths, strict=True) if lines > 600] == []


def test_functions_are_short():
    lengths = [length(item) for _, item in FUNCTIONS]
    assert statistics.median(lengths) <= 10
    assert percentile(lengths, 0.95) <= 40
    assert [place(*found) for found in FUNCTIONS if length(found[1]) > 80] == []


def test_functions_take_at_most_eight_parameters():
    def count(arguments: ast.arguments) -> int:
        named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        return sum(argument.arg not in ("self", "cls") for argument in named)

    assert [place(*found) for found in FUNCTIONS if count(found[1].args) > 8 and not is_node(found[1])] == []


def test_typescript_files_are_short():
    assert [str(path) for path in TYPESCRIPT if path.read_text().count("\n") > 300] == []


def test_no_statement_is_global():
    assert [place(*found) for found in each(ast.Global)] == []


def test_no_import_takes_everything():
    assert [place(path, item) for path, item in each(ast.ImportFrom) if item.names[0].name == "*"] == []


def test_no_except_is_bare():
    assert [place(path, item) for path, item in each(ast.ExceptHandler) if item.type is None] == []


def test_no_module_holds_empty_containers_to_be_filled_later():
    def empty(value: ast.expr | None) -> bool:
        return (isinstance(value, ast.Dict) and not value.keys) or (
            isinstance(value, ast.List) and not value.elts
        )

    held = [
        place(path, item)
        for path, tree in TREES.items()
        for item in tree.body
        if isinstance(item, ast.Assign | ast.AnnAssign) and empty(item.value)
    ]
    assert held == []


def test_no_default_is_mutable():
    mutable = [
        place(path, item)
        for path, item in FUNCTIONS
        for default in (*item.args.defaults, *item.args.kw_defaults)
        if isinstance(default, ast.List | ast.Dict | ast.Set)
    ]
    assert mutable == []


def test_every_module_has_a_name_that_says_what_it_is():
    assert [str(path) for path in FILES if path.stem in NO_NAMES] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_says_what_it_is_for(package):
    assert [
        str(path) for path, tree in TREES.items() if package in path.parts and not ast.get_docstring(tree)
    ] == []


def test_every_sampler_names_its_paper():
    samplers = [
        (path, item)
        for path, item in FUNCTIONS
        if path.parent.name == "samplers"
        and path.stem not in ("__init__", "step")
        and item in TREES[path].body
        if not item.name.startswith("_")
    ]
    assert samplers
    assert [place(*found) for found in samplers if "arXiv" not in (ast.get_docstring(found[1]) or "")] == []


def test_the_server_starts_without_what_is_slow_to_import():
    slow = "{'torch', 'nodes', 'networkx', 'PIL', 'av'}"
    code = f"import sys, server.app, server.cli; print({slow} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
