"""Functions that import modules on demand, or prevent the import of a module.

Only one thread imports modules at a time. Two threads that import modules with circular imports would wait for each
other. Python detects this deadlock and gives one thread a partially imported module, in which names are missing.

After `keep_collections_short`, no garbage collection runs during an import.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
import threading
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from types import ModuleType

_LOCK = threading.RLock()
_LOADED: dict[str, ModuleType] = {}
_THRESHOLDS = (5_000, 20, 500)


def load(name: str) -> ModuleType:
    """Import a module completely, and return it.

    Call this function before each import inside a function. tests/local_lakehouse/test_loading.py checks this rule.

    Args:
        name: The module's full name.
    """
    found = _LOADED.get(name)
    if found is None:
        with _LOCK, _without_collections():
            found = _LOADED[name] = importlib.import_module(name)
    return found


def keep_collections_short() -> None:
    """Configure the collection of cyclic garbage in this process so that requests do not wait for it.

    A collection stops all threads. A collection that runs after 5,000 new objects takes a few milliseconds. Imported
    modules are never scanned, and a scan of all other objects is rare. An import of a DynamoDB table creates millions
    of objects, and repeated scans would account for a quarter of the import's time.
    """
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Exclude the objects that the block creates from garbage collection, which would scan them without freeing any."""
    if gc.get_threshold() != _THRESHOLDS or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class _Absent(MetaPathFinder):
    """An import hook that makes modules appear not to be installed.

    Args:
        names: The modules' full names.
    """

    def __init__(self, *names: str) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Reject an import of a hidden module.

        Raises:
            ModuleNotFoundError: The module is one of the hidden modules.
        """
        if fullname in self._names:
            raise ModuleNotFoundError(f"{fullname} is disabled in this process", name=fullname)


def never_load_pandas() -> None:
    """Prevent the import of pandas, which Arrow would otherwise import when it first converts a Python list.

    This package does not use pandas, and the import would cost each process half a second and about 30 MB.
    """
    sys.meta_path.insert(0, _Absent("pandas"))
