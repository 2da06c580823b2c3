"""Settings from environment variables or from the tutorial's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from local_lakehouse import system
from zetl_helpers._errors import UserError

Target = Literal["local", "aws"]

_PREFIX = re.compile(r"[a-z][a-z0-9]{0,15}")
# The value of the lab's tag if the lab has no prefix. No prefix can have this value.
TAG_WITHOUT_PREFIX = "tutorial"
# The API models of Amazon DataZone and Athena define these patterns.
_PROJECT = re.compile(r"[\w -]{1,64}")
_WORKGROUP = re.compile(r"[a-zA-Z0-9._-]{1,128}")
_PROJECT_MARKS = (".zetl", "environment.yml")


class SettingsError(UserError):
    """A setting is invalid. The message names the setting and says what to write instead."""


# Settings can be in a file of NAME=value lines, because a kernel's environment is hard to change.
FILE = "zetl.env"
NAMES = ("ZETL_TARGET", "ZETL_PREFIX", "ZETL_PROJECT", "ZETL_WORKGROUP")


def read_file(start: Path | None = None) -> dict[str, str]:
    """Return the settings from the tutorial's folder, or an empty dictionary if ``zetl.env`` does not exist.

    Args:
        start: The folder where the search for the tutorial's folder starts. Defaults to the current folder.

    Raises:
        SettingsError: A line in the file is not a setting.
    """
    path = file_path(start)
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if not line.strip() or line.startswith("#"):
            continue
        if not equals or name.strip() not in NAMES:
            raise SettingsError(
                f"{path} contains the line {line!r}. Write NAME=value, where NAME is one of {', '.join(NAMES)}."
            )
        found[name.strip()] = value.strip()
    return found


def write_file(changes: Mapping[str, str], start: Path | None = None) -> Path:
    """Change settings in the tutorial's folder. An empty value removes a setting.

    Args:
        changes: The values, keyed by the names of the settings.
        start: The folder where the search for the tutorial's folder starts. Defaults to the current folder.

    Returns:
        The file.
    """
    path = file_path(start)
    settings = {name: value for name, value in {**read_file(start), **changes}.items() if value}
    path.write_text("".join(f"{name}={value}\n" for name, value in sorted(settings.items())), encoding="utf-8")
    return path


def file_path(start: Path | None = None) -> Path:
    """Return the path of the settings file in the tutorial's folder, whether or not it exists."""
    return _tutorial(start) / FILE


def _all(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the settings. Environment variables take precedence over the file."""
    if environment is not None:
        return environment
    return {**read_file(), **{name: os.environ[name] for name in NAMES if name in os.environ}}


def target(environment: Mapping[str, str] | None = None) -> Target:
    """Return ``ZETL_TARGET``, which defaults to ``local``.

    Raises:
        SettingsError: The value is neither ``local`` nor ``aws``.
    """
    value = _all(environment).get("ZETL_TARGET") or "local"
    if value not in ("local", "aws"):
        raise SettingsError(f"ZETL_TARGET is {value!r}. Set it to local or aws, or unset it for local.")
    return cast("Target", value)


def prefix(environment: Mapping[str, str] | None = None) -> str:
    """Return ``ZETL_PREFIX``, or an empty string if the variable is not set.

    The prefix separates learners who share an account.

    Raises:
        SettingsError: The prefix is not valid as part of bucket, table, database and role names, or it is reserved.
    """
    value = _all(environment).get("ZETL_PREFIX", "")
    if value and not _PREFIX.fullmatch(value):
        raise SettingsError(
            f"ZETL_PREFIX is {value!r}. Use 1 to 16 lowercase letters and digits, starting with a letter. The prefix "
            "becomes part of bucket, table, database and role names."
        )
    if value == TAG_WITHOUT_PREFIX:
        raise SettingsError(
            f"ZETL_PREFIX is {value!r}. The resources of a lab without a prefix have the tag zetl-lab={value}, so "
            "cleanup could not tell the two labs apart. Use a different prefix. If you created a lab with this prefix "
            "earlier, delete its resources in the AWS console, or with version 0.1.0."
        )
    return value


def project(environment: Mapping[str, str] | None = None) -> str:
    """Return ``ZETL_PROJECT``, the name of the project in SageMaker Unified Studio.

    The default is the project name in the blog post.

    Raises:
        SettingsError: The value is not a valid project name.
    """
    value = _all(environment).get("ZETL_PROJECT") or "CustomerDB_Project"
    if not _PROJECT.fullmatch(value):
        raise SettingsError(
            f"ZETL_PROJECT is {value!r}. Use the project's name as the Studio shows it: up to 64 letters, digits, "
            "spaces, hyphens and underscores."
        )
    return value


def workgroup(environment: Mapping[str, str] | None = None, *, default: str = "primary") -> str:
    """Return the Athena workgroup that runs the queries, from ``ZETL_WORKGROUP``.

    Args:
        environment: The variables to read. Defaults to the environment and the tutorial's folder.
        default: The workgroup to return if the variable is not set.

    Raises:
        SettingsError: The value is not a valid workgroup name.
    """
    value = _all(environment).get("ZETL_WORKGROUP") or default
    if not _WORKGROUP.fullmatch(value):
        raise SettingsError(
            f"ZETL_WORKGROUP is {value!r}. Use the workgroup's name as shown in Athena: up to 128 letters, digits, "
            "dots, hyphens and underscores."
        )
    return value


def class_dir(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return ``ZETL_CLASS_DIR``, or None if the variable is not set.

    In a class on one machine, learners share their progress in this folder.
    """
    named = environment.get("ZETL_CLASS_DIR")
    return Path(named).absolute() if named else None


def state_dir(environment: Mapping[str, str] = os.environ, start: Path | None = None) -> Path:
    """Return the state folder: ``ZETL_STATE_DIR`` if it is set, and otherwise ``.zetl`` in the tutorial's folder.

    The search for the tutorial's folder continues upward from `start` until a folder contains ``.zetl`` or the
    tutorial's ``environment.yml``. A notebook and a command in the tutorial's folder therefore use the same lakehouse.
    If the state folder belongs to another user or is not writable, the function returns ``.zetl`` in this user's home
    folder. Many learners can therefore share one copy of the tutorial.

    Args:
        environment: The environment variables, which can contain ``ZETL_STATE_DIR``.
        start: The folder where the search for the tutorial's folder starts. Defaults to the current folder.
    """
    named = environment.get("ZETL_STATE_DIR")
    if named:
        return Path(named).absolute()
    return _own(_tutorial(start) / ".zetl")


def _tutorial(start: Path | None) -> Path:
    """Return the tutorial's folder, which contains ``.zetl`` or ``environment.yml``.

    Search the given folder and its parents, from the innermost outward. Return the given folder if the search finds
    nothing.
    """
    start = (start or Path.cwd()).absolute()
    marked = (folder for folder in (start, *start.parents) if any((folder / mark).exists() for mark in _PROJECT_MARKS))
    return next(marked, start)


def _own(state: Path) -> Path:
    """Return a state folder if this user can write to it. Otherwise, return ``.zetl`` in the user's home folder.

    Another user's state is private, and that user could not use files that this user creates there.
    """
    there = state if state.exists() else state.parent
    foreign = state.exists() and system.is_foreign(state)
    return state if os.access(there, os.W_OK) and not foreign else Path.home() / ".zetl"
