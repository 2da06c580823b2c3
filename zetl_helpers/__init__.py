"""Hands-on Amazon DynamoDB zero-ETL integration with Amazon SageMaker Lakehouse.

Modules are imported on first use, so a command that only prints help does not wait for pandas to load.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zetl_helpers._version import __version__ as __version__

if TYPE_CHECKING:
    from zetl_helpers import (
        assistant,
        charts,
        cleanup,
        cost,
        doctor,
        integration,
        keys,
        lakehouse,
        maintenance,
        monitoring,
        permissions,
        preflight,
        source,
        studio,
        target,
    )
    from zetl_helpers.console import open_for as console
    from zetl_helpers.course import exercises
    from zetl_helpers.course.chapters import catch_up
    from zetl_helpers.course.opening import open_chapter
    from zetl_helpers.lab import Lab, connect
    from zetl_helpers.lakehouse import query
    from zetl_helpers.tables import table

__all__ = [
    "Lab",
    "assistant",
    "catch_up",
    "charts",
    "cleanup",
    "connect",
    "console",
    "cost",
    "doctor",
    "exercises",
    "integration",
    "keys",
    "lakehouse",
    "maintenance",
    "monitoring",
    "open_chapter",
    "permissions",
    "preflight",
    "query",
    "source",
    "studio",
    "table",
    "target",
]

_FUNCTIONS = {
    "Lab": "zetl_helpers.lab",
    "catch_up": "zetl_helpers.course.chapters",
    "connect": "zetl_helpers.lab",
    "open_chapter": "zetl_helpers.course.opening",
    "query": "zetl_helpers.lakehouse",
    "table": "zetl_helpers.tables",
}
_MODULES = {"exercises": "zetl_helpers.course.exercises"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _FUNCTIONS:
        found = getattr(importlib.import_module(_FUNCTIONS[name]), name)
    else:
        found = importlib.import_module(_MODULES.get(name, f"{__name__}.{name}"))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
