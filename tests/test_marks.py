"""Tests that the pytest marks match the tests' imports and folders."""

import ast
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

TESTS = Path(__file__).parent
CONSTRAINTS = TESTS.parent / "constraints"
# Every test uses these packages. Their versions differ only in the service models, which tests/contract checks with
# both sets of versions, and in the cursor, which tests/wire/test_pyathena.py checks.
CLIENTS = {"boto3", "botocore", "pyathena", "pytest"}


def pins(name: str) -> dict[str, str]:
    lines = (CONSTRAINTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split()[0].lower().split("==") for line in lines if "==" in line and line[0].isalpha())


def differing_modules() -> set[str]:
    """Return the modules of the packages whose versions differ between tested.txt and studio.txt."""
    tested, studio = pins("tested"), pins("studio")
    owners = importlib.metadata.packages_distributions()
    different = {name for name, version in tested.items() if studio.get(name) != version}
    return {module for module, names in owners.items() if different.intersection(map(str.lower, names))} - CLIENTS


def marked_once() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any("pytest.mark.once" in ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)):
            yield path, tree


def imported(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_tests_marked_once_do_not_import_packages_whose_versions_differ() -> None:
    different = differing_modules()
    assert {"pandas", "duckdb", "pyarrow", "pyiceberg", "plotly", "numpy"} <= different
    found = {path.name: imported(tree) & different for path, tree in marked_once()}
    assert found, "no test has the mark `once`"
    assert {name: modules for name, modules in found.items() if modules} == {}


def test_browser_mark_matches_folder() -> None:
    """All tests in tests/browser have the mark `browser`, and no other test has it.

    `make browser-test` runs only that folder, and `make unit` leaves out tests with the mark.
    """
    marked = {path.parent for path in TESTS.rglob("test_*.py") if _is_marked(path, "browser")}
    assert marked == {TESTS / "browser"}
    assert [path.name for path in (TESTS / "browser").glob("test_*.py") if not _is_marked(path, "browser")] == []


def _is_marked(path: Path, mark: str) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(ast.unparse(node) == f"pytest.mark.{mark}" for node in ast.walk(tree) if isinstance(node, ast.Attribute))
