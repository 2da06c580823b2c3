"""Modules that are imported when they are needed, by one thread at a time.

Two threads that import modules which import each other would each wait for the other. Python notices and lets one of
them see a half-imported module, whose names are then missing.
"""

from __future__ import annotations

import importlib
import threading
from types import ModuleType

_LOCK = threading.RLock()
_LOADED: dict[str, ModuleType] = {}


def load(name: str) -> ModuleType:
    """Return a module, completely imported.

    Call it before each import inside a function: tests/local_lakehouse/test_loading.py checks that.

    Args:
        name: The module's full name.
    """
    found = _LOADED.get(name)
    if found is None:
        with _LOCK:
            found = _LOADED[name] = importlib.import_module(name)
    return found
