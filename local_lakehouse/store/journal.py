"""Durable state: what the lakehouse holds, kept in its state folder."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import pickle
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, Protocol

_LOG = logging.getLogger(__name__)
_FILE = "lakehouse.pickle"

# A checkpoint may take at most this share of the time, so that a big state is saved less often.
_SHARE = 0.05
_SHORTEST_PAUSE = 1.0


class Participant(Protocol):
    """A part of the lakehouse with a state of its own."""

    def dump(self) -> Any:
        """Return the state as plain data."""

    def load(self, state: Any) -> None:
        """Put back what `dump` returned."""


class UnreadableStateError(Exception):
    """The state folder holds what this version cannot read."""


class Journal:
    """Saves the state of all participants together, at one instant, and puts it back.

    Args:
        directory: The state folder.
        participants: The parts of the lakehouse by their names.
        standstill: A lock; while it is held no participant changes.
    """

    def __init__(
        self,
        directory: Path,
        participants: Mapping[str, Participant],
        standstill: contextlib.AbstractContextManager[Any],
    ) -> None:
        self._path = directory / _FILE
        self._participants = participants
        self._standstill = standstill
        self._saving = threading.Lock()

    def checkpoint(self) -> None:
        """Save everything: either the whole new state is on the disk afterwards, or the whole old one."""
        with self._saving:
            with self._standstill:
                state = {name: participant.dump() for name, participant in self._participants.items()}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".draft")
            with draft.open("wb") as file:
                pickle.dump({"versions": _versions(), "state": state}, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)

    def restore(self) -> bool:
        """Put back the last checkpoint.

        Returns:
            Whether there was one.

        Raises:
            UnreadableStateError: It was written by other versions, or is damaged. Nothing is changed.
        """
        if not self._path.exists():
            return False
        saved = self._read()
        if saved["versions"] != _versions():
            written = ", ".join(f"{name} {version}" for name, version in saved["versions"].items())
            raise UnreadableStateError(
                f"The state in {self._path.parent} was written with {written}, and this is "
                + ", ".join(f"{name} {version}" for name, version in _versions().items())
                + ". Install those versions again, or forget the state with: zetl local reset"
            )
        if saved["state"].keys() != self._participants.keys():
            raise UnreadableStateError(
                f"The state in {self._path.parent} was written by another build of this version. "
                "Forget it with: zetl local reset"
            )
        for name, participant in self._participants.items():
            participant.load(saved["state"][name])
        return True

    def forget(self) -> None:
        """Delete the last checkpoint."""
        with self._saving:
            self._path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            saved: dict[str, Any] = pickle.loads(self._path.read_bytes())  # noqa: S301  (written by `checkpoint`)
            _ = saved["versions"], saved["state"]
        except Exception as error:
            # Damaged bytes can make a pickle raise anything.
            raise UnreadableStateError(
                f"{self._path} cannot be read ({error}). Forget the state with: zetl local reset"
            ) from error
        return saved


class Keeper(threading.Thread):
    """Makes a checkpoint soon after something changed, and one when it is stopped.

    Args:
        journal: What to save.
        changes: Returns something that is another one after each change.
    """

    def __init__(self, journal: Journal, changes: Callable[[], Hashable]) -> None:
        super().__init__(name="journal", daemon=True)
        self._journal = journal
        self._changes = changes
        self._stopped = threading.Event()

    def run(self) -> None:
        """Save whenever there is something new, until stopped."""
        saved, pause = self._changes(), _SHORTEST_PAUSE
        while not self._stopped.wait(pause):
            now = self._changes()
            if now != saved:
                started = time.monotonic()
                self._journal.checkpoint()
                saved, pause = now, max(_SHORTEST_PAUSE, (time.monotonic() - started) / _SHARE)

    def stop(self) -> None:
        """Save a last time."""
        self._stopped.set()
        self.join()
        self._journal.checkpoint()
        _LOG.info("state saved")


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("zetl-helpers", "moto")}
