"""Tests that client requests acquire the lock first, in order of arrival, and that background work makes progress."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from local_lakehouse.store.locks import FairLock, urgently

pytestmark = pytest.mark.once

CLIENT, BACKGROUND = True, False


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as pool:
        yield pool


def wait_until_waiting(lock: FairLock, number: int) -> None:
    while lock.waiting() != number:
        pass


def served(lock: FairLock, pool: ThreadPoolExecutor, arrivals: list[bool]) -> list[int]:
    """Return the order in which waiting threads acquire a lock."""
    order: list[int] = []

    def take(number: int) -> None:
        with urgently(arrivals[number]), lock:
            order.append(number)

    runs: list[Future[None]] = []
    with lock:
        for number in range(len(arrivals)):
            runs.append(pool.submit(take, number))
            wait_until_waiting(lock, number + 1)
    for run in runs:
        run.result()
    return order


@pytest.mark.parametrize("kind", [CLIENT, BACKGROUND])
def test_threads_of_the_same_class_acquire_the_lock_in_order(pool: ThreadPoolExecutor, kind: bool) -> None:
    assert served(FairLock(), pool, [kind] * 10) == list(range(10))


def test_client_acquires_the_lock_before_background_work(pool: ThreadPoolExecutor) -> None:
    assert served(FairLock(), pool, [*[BACKGROUND] * 10, CLIENT]) == [10, *range(10)]


def test_background_work_makes_progress_while_clients_are_waiting(pool: ThreadPoolExecutor) -> None:
    arrivals = [BACKGROUND, BACKGROUND, *[CLIENT] * 10]
    assert served(FairLock(), pool, arrivals) == [2, 3, 4, 5, 0, 6, 7, 8, 9, 1, 10, 11]


def test_returning_thread_queues_behind_a_waiting_thread(pool: ThreadPoolExecutor) -> None:
    lock, order = FairLock(), list[str]()

    def take() -> None:
        with lock:
            order.append("waiting")

    with lock:
        run = pool.submit(take)
        wait_until_waiting(lock, 1)
    with lock:
        order.append("returning")
    run.result()
    assert order == ["waiting", "returning"]


def test_lock_is_reentrant(pool: ThreadPoolExecutor) -> None:
    lock = FairLock()
    with lock:
        with lock:
            pass
        assert lock.held
        assert not pool.submit(lambda: lock.held).result()
    assert not lock.held


def test_only_the_owner_can_release_the_lock(pool: ThreadPoolExecutor) -> None:
    lock = FairLock()
    with lock, pytest.raises(RuntimeError):
        pool.submit(lock.release).result()
    with pytest.raises(RuntimeError):
        lock.release()


def test_only_one_thread_holds_the_lock(pool: ThreadPoolExecutor) -> None:
    lock, counts = FairLock(), [0]

    def count(number: int) -> None:
        for _ in range(500):
            with urgently(number % 2 == 0), lock:
                before = counts[0]
                lock.waiting()
                counts[0] = before + 1

    for run in [pool.submit(count, number) for number in range(8)]:
        run.result()
    assert counts == [4_000]


class _InterruptionError(Exception):
    pass


def test_interrupted_thread_leaves_the_queue(pool: ThreadPoolExecutor) -> None:
    lock, held, release = FairLock(), threading.Event(), threading.Event()

    def interrupt(*_: object) -> None:
        raise _InterruptionError

    def hold() -> None:
        with lock:
            held.set()
            wait_until_waiting(lock, 1)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            release.wait()

    earlier = signal.signal(signal.SIGUSR1, interrupt)
    try:
        holder = pool.submit(hold)
        held.wait()
        with pytest.raises(_InterruptionError):
            lock.acquire()
    finally:
        signal.signal(signal.SIGUSR1, earlier)
        release.set()
    holder.result()
    assert lock.waiting() == 0
    with lock:
        assert lock.held
