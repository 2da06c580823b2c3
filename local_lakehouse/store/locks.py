"""The lock for writes, which serves clients' requests before background work."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar

# The maximum number of client requests that can overtake the first waiting background task.
_MOST_OVERTAKING = 4

_urgent: ContextVar[bool] = ContextVar("urgent", default=False)


@contextlib.contextmanager
def urgently(urgent: bool = True) -> Iterator[None]:
    """Specify whether a client is waiting for the block to finish.

    If so, a `FairLock` gives the block priority over background work.
    """
    token = _urgent.set(urgent)
    try:
        yield
    finally:
        _urgent.reset(token)


class _Waiter:
    """A thread that is waiting for the lock."""

    def __init__(self, thread: int) -> None:
        self.thread = thread
        self.gate = threading.Lock()
        self.gate.acquire()


class FairLock:
    """A reentrant lock with two queues, which serve threads in order of arrival.

    `threading.RLock` does not guarantee an order, so a thread that writes repeatedly can acquire it many times while
    other threads are waiting. This lock is handed over to a waiting thread when it is released. Threads in an
    `urgently` block precede other threads, but only a few times in a row, so that background work always makes
    progress.
    """

    def __init__(self) -> None:
        self._state = threading.Lock()
        self._owner = 0
        self._depth = 0
        self._waiting: dict[bool, deque[_Waiter]] = {True: deque(), False: deque()}
        self._overtaken = 0

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def held(self) -> bool:
        """Whether the current thread holds the lock."""
        return self._owner == threading.get_ident()

    def acquire(self) -> None:
        """Acquire the lock, which the thread may already hold."""
        thread = threading.get_ident()
        if self._owner == thread:
            self._depth += 1
            return
        with self._state:
            # A lock without an owner has no waiting threads.
            if not self._owner:
                self._owner, self._depth = thread, 1
                return
            waiter = _Waiter(thread)
            self._waiting[_urgent.get()].append(waiter)
        try:
            waiter.gate.acquire()
        except BaseException:
            self._abandon(waiter)
            raise

    def release(self) -> None:
        """Release the lock, and hand it over to the next thread.

        Raises:
            RuntimeError: The current thread does not hold the lock.
        """
        if self._owner != threading.get_ident():
            raise RuntimeError("The lock is not held by this thread.")
        self._depth -= 1
        if not self._depth:
            with self._state:
                self._hand_over()

    def waiting(self) -> int:
        """Return the number of threads that are waiting for the lock."""
        with self._state:
            return sum(map(len, self._waiting.values()))

    def _hand_over(self) -> None:
        waiter = self._next()
        if waiter is None:
            self._owner = 0
            return
        self._owner, self._depth = waiter.thread, 1
        waiter.gate.release()

    def _next(self) -> _Waiter | None:
        urgent, background = self._waiting[True], self._waiting[False]
        if urgent and (not background or self._overtaken < _MOST_OVERTAKING):
            self._overtaken += bool(background)
            return urgent.popleft()
        self._overtaken = 0
        return background.popleft() if background else None

    def _abandon(self, waiter: _Waiter) -> None:
        """Stop waiting after an interruption, which can arrive after the lock was handed over."""
        with self._state:
            for queue in self._waiting.values():
                if waiter in queue:
                    queue.remove(waiter)
                    return
            self._depth = 0
            self._hand_over()
