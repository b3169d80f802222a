"""The layout that docs/architecture.md describes is the layout there is."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import requires
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
CODE = ROOT / "fhir_service"
MODULES = sorted(CODE.rglob("*.py"))

MODULE_LINES = 400
FUNCTION_LINES = 40
TOP_LEVEL = {
    ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "NOTICE", "README.md", "bench",
    "docs", "fhir_service", "profiles", "pyproject.toml", "requirements.lock", "scripts", "terminology",
    "tests",
}  # fmt: skip
NAMES_WITHOUT_A_SUBJECT = {"utils", "util", "helpers", "helper", "common", "misc"}


def test_imports_keep_their_contracts() -> None:
    command = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = grimp.build_graph("fhir_service", exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    try:
        list(TopologicalSorter(imports).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {_name(module): len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}

    assert {name: lines for name, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = {
        f"{_name(module)}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for module in MODULES
        for function in _functions(module)
    }

    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [_name(module) for module in MODULES if _has_code(module) and not _docstring(module)]

    assert silent == []


@pytest.mark.parametrize("package", ["interactions", "operations"])
def test_a_module_that_implements_a_page_of_the_specification_names_it(package: str) -> None:
    public = [module for module in (CODE / package).glob("*.py") if module.name != "__init__.py"]

    assert [_name(module) for module in public if _is_reached(module) and "://" not in _docstring(module)] == []


def test_no_module_is_named_after_nothing() -> None:
    assert [_name(module) for module in MODULES if module.stem in NAMES_WITHOUT_A_SUBJECT] == []


def test_only_what_the_documents_know_stands_at_the_top() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")

    assert {line.split("/")[0] for line in listed.stdout.splitlines()} - TOP_LEVEL == set()


def test_every_package_is_described() -> None:
    described = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = [folder.name for folder in CODE.iterdir() if (folder / "__init__.py").exists()]

    assert [name for name in packages if f"`{name}/`" not in described] == []


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {module.parent for module in MODULES}

    assert [_name(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_lock_pins_a_version_that_each_dependency_allows() -> None:
    pinned = dict(_lock())
    wanted = [Requirement(line) for line in requires("fhir-service") or []]

    assert [str(need) for need in wanted if not need.specifier.contains(pinned.get(_normal(need.name), ""))] == []


def _lock() -> Iterator[tuple[str, str]]:
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            name, _, version = line.partition("==")
            yield _normal(name), version


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _name(module: Path) -> str:
    return str(module.relative_to(ROOT))


@cache
def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def _has_code(module: Path) -> bool:
    return bool(_tree(module).body)


def _docstring(module: Path) -> str:
    return ast.get_docstring(_tree(module)) or ""


def _functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _is_reached(module: Path) -> bool:
    """Whether the module holds an interaction or operation: a function of a request and the services."""
    return any(
        isinstance(function, ast.AsyncFunctionDef)
        and not function.name.startswith("_")
        and [argument.arg for argument in function.args.args] == ["request", "services"]
        for function in _functions(module)
    )
