"""The import of modules on demand, by one thread at a time, and the exclusion of modules.

Two threads that import modules with circular imports would wait for each other. Python detects this deadlock and gives
one thread a partially imported module, in which names are missing.
"""

from __future__ import annotations

import importlib
import sys
import threading
from importlib.abc import MetaPathFinder
from types import ModuleType

_LOCK = threading.RLock()
_LOADED: dict[str, ModuleType] = {}


def load(name: str) -> ModuleType:
    """Return a completely imported module.

    Call this function before each import inside a function. tests/local_lakehouse/test_loading.py checks this rule.

    Args:
        name: The module's full name.
    """
    found = _LOADED.get(name)
    if found is None:
        with _LOCK:
            found = _LOADED[name] = importlib.import_module(name)
    return found


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
