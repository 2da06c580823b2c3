"""A simulation of missing extras in a process and its child processes.

The environment variable ``ONLY_EXTRAS`` names the available extras.
"""

import importlib.metadata
import os
import sys
from importlib.machinery import ModuleSpec
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def distributions_of(name: str, extras: frozenset[str], seen: set[str]) -> set[str]:
    """Return the names of a distribution and its installed dependencies, including those of the given extras."""
    found = {str(canonicalize_name(name))}
    for line in importlib.metadata.requires(name) or ():
        wanted = Requirement(line)
        needed = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        if not needed or line in seen:
            continue
        seen.add(line)
        try:
            found |= distributions_of(wanted.name, frozenset(wanted.extras), seen)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


class HidingFinder:
    """A module finder that delegates to another finder but hides some modules."""

    def __init__(self, finder: Any, hidden: set[str]) -> None:
        self._finder, self._hidden = finder, hidden

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] in self._hidden:
            return None
        spec: ModuleSpec | None = self._finder.find_spec(name, path, target)
        return spec

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


def hide(extras: frozenset[str]) -> None:
    installed = distributions_of("zetl-helpers", extras, set())
    modules = importlib.metadata.packages_distributions()
    hidden = {
        module for module, names in modules.items() if installed.isdisjoint(str(canonicalize_name(n)) for n in names)
    }
    sys.meta_path[:] = [HidingFinder(finder, hidden) for finder in sys.meta_path]
    real = importlib.metadata.version

    def version(distribution_name: str) -> str:
        if canonicalize_name(distribution_name) not in installed:
            raise importlib.metadata.PackageNotFoundError(distribution_name)
        return real(distribution_name)

    importlib.metadata.version = version


hide(frozenset(filter(None, os.environ["ONLY_EXTRAS"].split(","))))
