"""The console's record of unexpected failures, in the state folder."""

from __future__ import annotations

import hashlib
import os
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

# For deep recursion, only the last frames are recorded, not the thousands of frames before them.
_MOST_FRAMES = 40


class Problems:
    """A recorder that writes each failure to a file only once, together with its traceback.

    Args:
        path: The path of the file, which is created at the first failure and is accessible only to the user.
        redact: A function that removes the session's secrets from text.
    """

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        self.path = path
        self._redact = redact
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def record(self, error: BaseException, request: str) -> str:
        """Record a failure, unless this process has already recorded it, and say where its entry is.

        Args:
            error: The failure.
            request: The failed request, as a method and a path without the query.

        Returns:
            A sentence to show on the page. It names the file and the entry, or says why the entry could not be written.
        """
        found = traceback.TracebackException.from_exception(error, limit=-_MOST_FRAMES)
        places = [f"{frame.filename}:{frame.lineno}" for frame in found.stack]
        entry = hashlib.sha256("\n".join([type(error).__qualname__, *places]).encode()).hexdigest()[:8]
        with self._lock:
            if entry not in self._known:
                try:
                    self._append(
                        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {entry} {request}\n{''.join(found.format())}\n"
                    )
                except OSError as refused:
                    return f"The details could not be written to {self.path}: {refused.strerror or refused}."
                self._known.add(entry)
        return f"The details are in {self.path}, entry {entry}."

    def _append(self, text: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Error messages can contain the lab's data.
        with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as log:
            log.write(self._redact(text))
