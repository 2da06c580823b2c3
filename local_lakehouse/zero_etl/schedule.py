"""The schedule of refreshes, which run soon after a request and also at regular intervals."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# Requests that are less than this many seconds apart share one refresh.
SETTLING_SECONDS = 0.1
# If requests keep arriving, a refresh starts this many seconds after the first request.
LONGEST_SECONDS = 0.5


class Schedule:
    """The schedule of refreshes. Any thread can request a refresh, for example after a write.

    Args:
        interval: The maximum time between two refreshes, in seconds.
        clock: A function that returns a monotonic time in seconds.
    """

    def __init__(self, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._changed = threading.Condition()
        self._regular = clock() + interval
        # The times of the first and the latest request since the start of the last refresh.
        self._first: float | None = None
        self._latest = 0.0
        self._paused = False
        self._stopped = False

    @property
    def due(self) -> float | None:
        """The time of the next refresh, as measured by `clock`, or None while refreshes are paused."""
        if self._paused:
            return None
        if self._first is None:
            return self._regular
        longest = max(SETTLING_SECONDS, min(LONGEST_SECONDS, self._interval))
        return min(self._latest + SETTLING_SECONDS, self._first + longest)

    @property
    def paused(self) -> bool:
        """Whether automatic refreshes are paused."""
        return self._paused

    def request(self) -> None:
        """Request a refresh. Requests in quick succession share one refresh."""
        with self._changed:
            self._latest = self._clock()
            if self._first is None:
                self._first = self._latest
                # A later request can only delay the refresh, and the waiting thread notices the delay when it wakes up.
                self._changed.notify_all()

    def pause(self) -> None:
        """Pause automatic refreshes."""
        with self._changed:
            self._paused = True
            self._changed.notify_all()

    def resume(self) -> None:
        """Resume automatic refreshes."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def start(self) -> None:
        """Allow `wait` to be used again after `stop`."""
        with self._changed:
            self._stopped = False

    def stop(self) -> None:
        """Stop the schedule, and wake all threads that are in `wait`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def wait(self) -> bool:
        """Wait until a refresh is due. Requests that arrive later cause another refresh.

        Returns:
            True when a refresh is due, or False after `stop`.
        """
        with self._changed:
            self._regular = self._clock() + self._interval
            while not self._stopped:
                due = self.due
                left = None if due is None else due - self._clock()
                if left is not None and left <= 0:
                    self._first = None
                    return True
                self._changed.wait(left)
            return False
