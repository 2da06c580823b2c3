"""The record of a learner's progress, and the copy that is shared with a class."""

from __future__ import annotations

import getpass
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from local_lakehouse import system
from zetl_helpers import _settings

State = Literal["not attempted", "incorrect", "correct"]

_FILE = "progress.json"


class ProgressError(Exception):
    """The progress file cannot be read. The message says what to do."""


class Progress:
    """The progress file in a state folder. Several notebooks can write to the file at the same time.

    Args:
        folder: The state folder. Defaults to the folder in the settings.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _settings.state_dir()

    def state(self, exercise: str) -> State:
        """Return the state of an exercise.

        Args:
            exercise: The exercise's name, such as ``4.1``.

        Raises:
            ProgressError: The file cannot be read.
        """
        state: State = self._read().get(exercise, {}).get("state", "not attempted")
        return state

    def attempted(self, exercise: str, state: State) -> None:
        """Record an attempt, but do not change the state of a solved exercise.

        Args:
            exercise: The exercise's name.
            state: The result of the attempt.

        Raises:
            ProgressError: The file cannot be read.
        """
        with self._changing() as entries:
            entry = entries.setdefault(exercise, {})
            entry["attempts"] = entry.get("attempts", 0) + 1
            entry["at"] = datetime.now(UTC).isoformat(timespec="seconds")
            if entry.get("state") != "correct":
                entry["state"] = state

    def broken(self, exercise: str) -> bool:
        """Return whether the exercise has caused a fault that may not be fixed yet.

        Args:
            exercise: The exercise's name, such as ``2.4``.
        """
        return bool(self._read().get(exercise, {}).get("broken", False))

    def set_broken(self, exercise: str, broken: bool) -> None:
        """Record that an exercise has caused a fault, or that the fault is fixed.

        Args:
            exercise: The exercise's name, such as ``2.4``.
            broken: Whether the fault exists now.
        """
        with self._changing() as entries:
            entries.setdefault(exercise, {})["broken"] = broken

    def _read(self) -> dict[str, dict[str, Any]]:
        path = self._folder / _FILE
        try:
            text = path.read_text(encoding="utf-8")
            entries: dict[str, dict[str, Any]] = {
                name: dict(exercise) for name, exercise in json.loads(text)["exercises"].items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise ProgressError(
                f"{path} is not a progress file of this tutorial ({error}). Move it to another folder, and run "
                "this cell again. All exercises are then shown as not attempted."
            ) from error
        return entries

    @contextmanager
    def _changing(self) -> Iterator[dict[str, dict[str, Any]]]:
        """Yield the entries so that the caller can change them, and then replace the file atomically."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with _locked(self._folder / f"{_FILE}.lock"):
            entries = self._read()
            yield entries
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=f"{_FILE}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"exercises": dict(sorted(entries.items()))}, file, indent=2)
            Path(name).replace(self._folder / _FILE)
        _share(entries)


def learner() -> str:
    """Return the learner's name in the class, which is ``ZETL_PREFIX`` or, if that is not set, the user's name."""
    return _settings.prefix() or re.sub(r"[^\w.-]", "_", getpass.getuser())


def _share(entries: dict[str, dict[str, Any]]) -> None:
    """Copy only the states and the numbers of attempts to the class's folder.

    Raises:
        ProgressError: The folder cannot be written to.
    """
    folder = _settings.class_dir()
    if folder is None:
        return
    shared = {
        name: {key: entry[key] for key in ("state", "attempts") if key in entry} for name, entry in entries.items()
    }
    try:
        (folder / f"{learner()}.json").write_text(json.dumps({"exercises": shared}, indent=2), encoding="utf-8")
    except OSError as error:
        raise ProgressError(
            f"ZETL_CLASS_DIR is {folder}, and your progress cannot be written there: {error}. Unset ZETL_CLASS_DIR to "
            "stop sharing your progress."
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the file while the block is running. The operating system releases the lock if the process dies."""
    with path.open("a+b") as file:
        system.lock(file)
        yield
