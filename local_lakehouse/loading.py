"""Modules that are imported when they are needed, by one thread at a time.

Two threads that import modules which import each other see halves of them: Python lets go of its locks rather than
wait for ever.
"""

from __future__ import annotations

import importlib
import threading
from types import ModuleType

_LOCK = threading.RLock()
_LOADED: dict[str, ModuleType] = {}


def load(name: str) -> ModuleType:
    """Return a module, all of it."""
    found = _LOADED.get(name)
    if found is None:
        with _LOCK:
            found = _LOADED[name] = importlib.import_module(name)
    return found
