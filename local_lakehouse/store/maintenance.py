"""Periodic background tasks, and their health."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5


@dataclass
class Work:
    """A background task.

    Args:
        name: The task's name in the health report of the lakehouse.
        action: A function that runs the task. If the function raises an exception, the exception is reported and the
            task is retried.
        seconds: The interval between two runs, in seconds.
    """

    name: str
    action: Callable[[], None]
    seconds: float
    failures: int = field(default=0, init=False)
    problem: str | None = field(default=None, init=False)
    due: float = field(default=0.0, init=False)

    def health(self) -> dict[str, Any]:
        """Return the task's health."""
        return {"ok": self.problem is None, "failures": self.failures, "problem": self.problem}


class Maintenance:
    """A thread that runs tasks until it is stopped.

    Args:
        works: The tasks.
        clock: A function that returns a monotonic time in seconds.
    """

    def __init__(self, works: list[Work], clock: Callable[[], float] = time.monotonic) -> None:
        self._works = works
        self._clock = clock
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=True)
        for work in works:
            work.due = clock() + work.seconds

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the current task, and stop."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def health(self) -> Mapping[str, Mapping[str, Any]]:
        """Return each task's health, keyed by the task's name."""
        return {work.name: work.health() for work in self._works}

    def step(self) -> None:
        """Run the tasks that are due."""
        for work in self._works:
            if self._stopped.is_set():
                return
            if self._clock() >= work.due:
                attempt(work)
                work.due = self._clock() + work.seconds

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            self.step()


def attempt(work: Work) -> None:
    """Run a task once, and record the outcome."""
    try:
        work.action()
    except Exception as error:  # noqa: BLE001  (top of the thread: logged, shown in the status and retried)
        if work.problem is None:
            _LOG.exception("%s failed; it will be retried", work.name)
        work.failures += 1
        work.problem = f"{type(error).__name__}: {error}"
    else:
        work.problem = None
