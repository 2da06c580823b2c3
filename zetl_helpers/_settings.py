"""Settings: target, prefix, project, workgroup and state folder, from the environment or the tutorial's folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from zetl_helpers._errors import UserError

Target = Literal["local", "aws"]

_PREFIX = re.compile(r"[a-z][a-z0-9]{0,15}")
# As the models of Amazon DataZone and Athena have them.
_PROJECT = re.compile(r"[\w -]{1,64}")
_WORKGROUP = re.compile(r"[a-zA-Z0-9._-]{1,128}")
_PROJECT_MARKS = (".zetl", "environment.yml")


class SettingsError(UserError):
    """A setting cannot be used; the text says which and what to write instead."""


# One line each, NAME=value, in the tutorial's folder: for all notebooks, where an environment variable is hard to set.
FILE = "zetl.env"
NAMES = ("ZETL_TARGET", "ZETL_PREFIX", "ZETL_PROJECT", "ZETL_WORKGROUP")


def read_file(start: Path | None = None) -> dict[str, str]:
    """Return the settings of the tutorial's folder; none where there is no ``zetl.env``.

    Args:
        start: The folder to look from; the current one unless given.

    Raises:
        SettingsError: The file has a line that is no setting.
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
            raise SettingsError(f"{path} has the line {line!r}. Write NAME=value, with a name of {', '.join(NAMES)}.")
        found[name.strip()] = value.strip()
    return found


def write_file(changes: Mapping[str, str], start: Path | None = None) -> Path:
    """Change settings of the tutorial's folder; an empty value takes a setting out.

    Args:
        changes: Values by name.
        start: The folder to look from; the current one unless given.

    Returns:
        The file.
    """
    path = file_path(start)
    settings = {name: value for name, value in {**read_file(start), **changes}.items() if value}
    path.write_text("".join(f"{name}={value}\n" for name, value in sorted(settings.items())), encoding="utf-8")
    return path


def file_path(start: Path | None = None) -> Path:
    """Return where the settings of the tutorial's folder are, whether the file exists or not."""
    return _tutorial(start) / FILE


def _all(environment: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the settings: a variable of the environment goes before the file."""
    if environment is not None:
        return environment
    return {**read_file(), **{name: os.environ[name] for name in NAMES if name in os.environ}}


def target(environment: Mapping[str, str] | None = None) -> Target:
    """Return ``ZETL_TARGET``: ``local`` unless AWS is asked for.

    Raises:
        SettingsError: It is neither ``local`` nor ``aws``.
    """
    value = _all(environment).get("ZETL_TARGET") or "local"
    if value not in ("local", "aws"):
        raise SettingsError(f"ZETL_TARGET is {value!r}. Set it to local or aws, or leave it out for local.")
    return cast("Target", value)


def prefix(environment: Mapping[str, str] | None = None) -> str:
    """Return ``ZETL_PREFIX``, which keeps learners apart who share an account; empty when there is none.

    Raises:
        SettingsError: It does not fit into the names of a bucket, a table and a role alike.
    """
    value = _all(environment).get("ZETL_PREFIX", "")
    if value and not _PREFIX.fullmatch(value):
        raise SettingsError(
            f"ZETL_PREFIX is {value!r}. Use 1 to 16 lower-case letters and digits that begin with a letter: "
            "it becomes part of bucket, table, database and role names."
        )
    return value


def project(environment: Mapping[str, str] | None = None) -> str:
    """Return ``ZETL_PROJECT``: the name of the project in SageMaker Unified Studio, by default the blog's.

    Raises:
        SettingsError: No project can have that name.
    """
    value = _all(environment).get("ZETL_PROJECT") or "CustomerDB_Project"
    if not _PROJECT.fullmatch(value):
        raise SettingsError(
            f"ZETL_PROJECT is {value!r}. Use the project's name as the Studio shows it: up to 64 letters, digits, "
            "spaces, hyphens and underscores."
        )
    return value


def workgroup(environment: Mapping[str, str] | None = None, *, default: str = "primary") -> str:
    """Return ``ZETL_WORKGROUP``: the Athena workgroup in which queries run.

    Args:
        environment: Where it is looked up; the environment and the tutorial's folder unless given.
        default: What is taken where it is not set.

    Raises:
        SettingsError: No workgroup can have that name.
    """
    value = _all(environment).get("ZETL_WORKGROUP") or default
    if not _WORKGROUP.fullmatch(value):
        raise SettingsError(
            f"ZETL_WORKGROUP is {value!r}. Use the workgroup's name as Athena lists it: up to 128 letters, digits, "
            "dots, hyphens and underscores."
        )
    return value


def class_dir(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return ``ZETL_CLASS_DIR``: the folder in which a class on one machine shares progress; None unless set."""
    named = environment.get("ZETL_CLASS_DIR")
    return Path(named).absolute() if named else None


def state_dir(environment: Mapping[str, str] = os.environ, start: Path | None = None) -> Path:
    """Return the state folder: ``ZETL_STATE_DIR``, else ``.zetl`` in the folder of the tutorial.

    Args:
        environment: Where ``ZETL_STATE_DIR`` is looked up.
        start: The folder to look from; the current one unless given. The first folder above it that holds
            a ``.zetl`` or the tutorial's ``environment.yml`` is taken, so that a notebook and a command in the
            tutorial's folder mean the same lakehouse. Where that is another user's, or cannot be written to, ``.zetl``
            in the user's home is taken: many learners may share one copy of the tutorial.
    """
    named = environment.get("ZETL_STATE_DIR")
    if named:
        return Path(named).absolute()
    return _own(_tutorial(start) / ".zetl")


def _tutorial(start: Path | None) -> Path:
    """Return the folder of the tutorial above a folder; that folder itself where there is none."""
    start = (start or Path.cwd()).absolute()
    marked = (folder for folder in (start, *start.parents) if any((folder / mark).exists() for mark in _PROJECT_MARKS))
    return next(marked, start)


def _own(state: Path) -> Path:
    """Return a state folder if this user may work in it, else the one in the user's home.

    Another user's state is not ours to read, and that user could not use what this one writes into it.
    """
    there = state if state.exists() else state.parent
    foreign = state.exists() and hasattr(os, "getuid") and state.stat().st_uid != os.getuid()
    return state if os.access(there, os.W_OK) and not foreign else Path.home() / ".zetl"
