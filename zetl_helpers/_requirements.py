"""The packages that this distribution requires for each extra, and a check for missing packages."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass

from packaging.requirements import Requirement  # a dependency of plotly
from packaging.version import Version

from zetl_helpers._errors import UserError

DISTRIBUTION = "zetl-helpers"
_OURS = ("zetl_helpers", "local_lakehouse")


class MissingPackagesError(UserError):
    """A package from an optional extra is not installed. The message says how to install it."""


@dataclass(frozen=True)
class Unmet:
    """An unmet requirement.

    Args:
        name: The distribution's name.
        specifier: The supported versions.
        found: The installed version, or None if the distribution is not installed.
    """

    name: str
    specifier: str
    found: str | None

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.name} is missing"
        return f"{self.name} {self.found} does not match {self.specifier}"


def unmet(extra: str) -> list[Unmet]:
    """Return the unmet requirements.

    Args:
        extra: The extra, or an empty string for the requirements of every installation.
    """
    wrong = []
    for line in importlib.metadata.requires(DISTRIBUTION) or ():
        wanted = Requirement(line)
        mine = wanted.marker.evaluate({"extra": extra}) and not wanted.marker.evaluate({"extra": ""}) \
            if wanted.marker else extra == ""  # fmt: skip
        if not mine:
            continue
        try:
            found = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(Unmet(wanted.name, str(wanted.specifier), None))
            continue
        if not wanted.specifier.contains(Version(found), prereleases=True):
            wrong.append(Unmet(wanted.name, str(wanted.specifier), found))
    return wrong


def install(extras: str) -> str:
    """Return the command that installs extras.

    Args:
        extras: The extras' names, separated by commas.
    """
    return f"pip install '{DISTRIBUTION}[{extras}]'"


def missing(error: ModuleNotFoundError, what: str, extras: str) -> MissingPackagesError | None:
    """Return the error to show if an import failed because an extra is not installed.

    Args:
        error: The failed import.
        what: The feature that needs the extras, such as ``zetl run``.
        extras: The extras' names, separated by commas.

    Returns:
        The error, or None if a module of this project is missing, which is a bug.
    """
    package = (error.name or "").partition(".")[0]
    if not package or package in _OURS:
        return None
    return MissingPackagesError(f"{what} needs {package}, which is not installed. Install it with: {install(extras)}")
