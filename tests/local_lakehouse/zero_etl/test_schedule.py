"""Tests that refreshes start soon after a single write or the first of many writes, and at regular intervals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.testing import Clock, TestLakehouse
from local_lakehouse.zero_etl.schedule import LONGEST_SECONDS, SETTLING_SECONDS, Schedule

WAIT_SECONDS = 60


@dataclass
class ManualClock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock()


def test_refresh_is_due_after_the_interval(manual_clock: ManualClock) -> None:
    schedule = Schedule(1.0, manual_clock)
    assert schedule.due == manual_clock.now + 1.0
    manual_clock.now += 0.2
    assert schedule.due == pytest.approx(manual_clock.now + 0.8)
    assert Schedule(0.0, manual_clock).wait()


def test_refresh_is_due_soon_after_a_write(manual_clock: ManualClock) -> None:
    schedule = Schedule(3600.0, manual_clock)
    schedule.request()
    assert schedule.due == pytest.approx(manual_clock.now + SETTLING_SECONDS)


def test_consecutive_writes_share_one_refresh(manual_clock: ManualClock) -> None:
    schedule = Schedule(1.0, manual_clock)
    for _ in range(3):
        manual_clock.now += SETTLING_SECONDS / 2
        schedule.request()
    assert schedule.due == pytest.approx(manual_clock.now + SETTLING_SECONDS)
    manual_clock.now += SETTLING_SECONDS
    assert schedule.wait()
    assert schedule.due == pytest.approx(manual_clock.now + 1.0)


def test_interval_end_does_not_separate_consecutive_writes(manual_clock: ManualClock) -> None:
    schedule = Schedule(1.0, manual_clock)
    manual_clock.now += 0.99
    schedule.request()
    manual_clock.now += 0.02
    schedule.request()
    assert schedule.due == pytest.approx(manual_clock.now + SETTLING_SECONDS)


@given(
    st.lists(st.floats(0.001, 0.2), min_size=1, max_size=100),
    st.sampled_from([0.01, 0.3, 1.0, 3600.0]),
)
def test_no_write_waits_longer_than_the_limit(pauses: list[float], interval: float) -> None:
    manual_clock = ManualClock()
    schedule = Schedule(interval, manual_clock)
    schedule.request()
    first = manual_clock.now
    for pause in pauses:
        manual_clock.now += pause
        schedule.request()
    due = schedule.due
    assert due is not None
    assert due <= first + max(SETTLING_SECONDS, min(LONGEST_SECONDS, interval)) + 1e-9


def test_nothing_is_due_while_paused(manual_clock: ManualClock) -> None:
    schedule = Schedule(1.0, manual_clock)
    schedule.pause()
    schedule.request()
    manual_clock.now += 10
    assert schedule.due is None
    schedule.resume()
    assert schedule.wait()


@pytest.mark.parametrize("change", [Schedule.request, Schedule.resume])
def test_request_and_resume_wake_a_waiting_thread(change: Callable[[Schedule], None]) -> None:
    schedule = Schedule(3600.0 if change is Schedule.request else 0.0)
    if change is Schedule.resume:
        schedule.pause()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(schedule.wait)
        change(schedule)
        assert waiting.result(WAIT_SECONDS)


def test_stop_ends_the_wait() -> None:
    schedule = Schedule(3600.0)
    schedule.stop()
    assert not schedule.wait()


@pytest.fixture
def slow() -> Iterator[TestLakehouse]:
    """Provide a lakehouse with a refresh interval of an hour."""
    clock = Clock()
    running = Lakehouse(Settings(refresh_seconds=3600, clock=clock))
    running.start()
    yield TestLakehouse(running, clock)
    running.stop()


@pytest.fixture
def refreshed(slow: TestLakehouse, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Provide an event that is set at the end of a refresh."""
    work, event = slow._lakehouse.zero_etl._work, threading.Event()
    refresh = work.action

    def refresh_and_tell() -> None:
        refresh()
        event.set()

    monkeypatch.setattr(work, "action", refresh_and_tell)
    return event


def test_write_triggers_a_refresh(slow: TestLakehouse, refreshed: threading.Event) -> None:
    slow.create_table("Orders", [{"id": "a", "n": 1}], key="id")
    slow.integrate("Orders", "sales")
    refreshed.clear()
    slow.table("Orders").put_item(Item={"id": "b", "n": 2})
    assert refreshed.wait(WAIT_SECONDS)
    assert slow.query("SELECT id FROM orders WHERE n = 2", database="sales") == [{"id": "b"}]


@pytest.mark.parametrize("describe", ["describe_integrations", "describe_inbound_integrations"])
def test_transient_status_ends_soon_after_it_is_described(
    slow: TestLakehouse, refreshed: threading.Event, describe: str
) -> None:
    slow.create_table("Orders", [{"id": "a", "n": 1}], key="id")
    slow.integrate("Orders", "sales")
    glue = slow.client("glue")
    (created,) = glue.describe_integrations()["Integrations"]
    glue.delete_integration(IntegrationIdentifier=created["IntegrationArn"])
    refreshed.clear()
    getattr(glue, describe)()
    assert refreshed.wait(WAIT_SECONDS)
    assert glue.describe_integrations()["Integrations"] == []
