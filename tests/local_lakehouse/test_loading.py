"""Tests that deferred imports run in one thread at a time, so that no request uses a partly imported module."""

import ast
import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import local_lakehouse
from local_lakehouse.loading import load

_PACKAGE = Path(local_lakehouse.__file__).parent
# The process that starts a lakehouse has one thread, as does the worker that sets the limits in system.py.
_SINGLE_THREADED = {"daemon.py", "system.py"}


def modules() -> list[Path]:
    """Return the package's files whose functions can run in several threads."""
    found = sorted(_PACKAGE.rglob("*.py"))
    return [path for path in found if path.relative_to(_PACKAGE).as_posix() not in _SINGLE_THREADED]


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def loaded(function: ast.FunctionDef) -> set[str]:
    """Return the strings in calls to `load`, and the strings in loops, which may be parts of module names."""
    return {
        constant.value
        for node in ast.walk(function)
        if isinstance(node, ast.For) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "load")
        for constant in ast.walk(node)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }


def deferred(function: ast.FunctionDef) -> Iterator[tuple[str, ...]]:
    """Yield each module that a function imports, with the names under which `load` may have loaded the module."""
    for node in ast.walk(function):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, f"{node.module}.{alias.name}", node.module.removeprefix("local_lakehouse.")


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(_PACKAGE).as_posix())
def test_each_deferred_module_is_loaded_before_it_is_imported(path: Path) -> None:
    missing = [
        (function.name, names[0])
        for function in functions(path)
        for names in deferred(function)
        if not loaded(function).intersection(names)
    ]
    assert missing == []


def test_import_module_is_used_only_in_loading_module() -> None:
    importing = {
        path.relative_to(_PACKAGE).as_posix() for path in _PACKAGE.rglob("*.py") if "import_module" in path.read_text()
    }
    assert importing == {"loading.py"}


def test_load_imports_one_module_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = ModuleType("meeting")
    meeting.point = threading.Barrier(2, timeout=0.1)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "meeting", meeting)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("first_module", "second_module"):
        (tmp_path / f"{name}.py").write_text(
            "import threading\nimport meeting\ntry:\n    met = meeting.point.wait() >= 0\n"
            "except threading.BrokenBarrierError:\n    met = False\n"
        )
    importlib.invalidate_caches()
    found: list[ModuleType] = []
    threads = [
        threading.Thread(target=lambda name=name: found.append(load(name)))
        for name in ("first_module", "second_module")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [module.met for module in found] == [False, False]


# This program prints the number of garbage collections during an import, and whether later collections run and skip
# the module.
_IMPORT = """
import gc
from local_lakehouse.loading import keep_collections_short, load

found = []
keep_collections_short()
gc.callbacks.append(lambda phase, _: found.append(phase))
before = gc.get_freeze_count()
load("botocore.session")
print(len(found), gc.get_freeze_count() > before, gc.isenabled(), len(gc.get_objects()) < 5_000)
"""


def test_load_freezes_the_module_without_garbage_collection() -> None:
    done = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True", "True", "True"]


# Python 3.12 freezes some objects when it starts, so the program compares the counts.
_OTHER = """
import gc
from local_lakehouse.loading import load

before = gc.get_freeze_count()
load("botocore.session")
print(gc.get_freeze_count() - before)
"""


def test_load_freezes_nothing_by_default() -> None:
    done = subprocess.run([sys.executable, "-c", _OTHER], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"]
