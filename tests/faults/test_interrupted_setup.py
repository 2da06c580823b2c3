"""Tests that a setup can be cleaned up and repeated after it is killed at any point."""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from sqlite3 import Connection
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.faults import account_snapshot, unrelated_resources
from tests.faults.interruption import Interruption, When
from zetl_helpers import cleanup, lakehouse, monitoring, studio
from zetl_helpers._wait import without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

pytestmark = [pytest.mark.long, pytest.mark.once]

POINTS = 20
# The calls at which the setup is killed differ between runs. A run with the same seed uses the same calls.
SEED = int(os.environ.get("ZETL_FAULT_SEED") or random.SystemRandom().randrange(10**6))


@dataclass
class InterruptedAccount:
    """An account with other people's resources, before and after a setup, and its states at points in between.

    Args:
        lab: The lab.
        snapshots: The account's snapshots.
        before: The account's contents before the setup.
        after: The account's contents after an uninterrupted setup.
        calls: The calls in the setup.
        killed: The account's state at each point at which the setup can end.
    """

    lab: Lab
    snapshots: account_snapshot.Snapshots
    before: dict[str, Any]
    after: dict[str, Any]
    calls: list[str]
    killed: dict[int, Connection]


@pytest.fixture(scope="module")
def interrupted_account() -> Iterator[InterruptedAccount]:
    running = Lakehouse(Settings(paused=True))
    running.start()
    lab = connect_to(running.url)
    interruption = Interruption(lab.session)
    snapshots = account_snapshot.Snapshots(running)
    unrelated_resources.create_resources(lab)
    # The project's bucket and workgroup, which the lab does not change, are created on first use.
    studio.find_project(lab)
    empty, before = snapshots.take(), account_snapshot.everything(lab)
    with without_waiting(running.zero_etl.tick):
        interruption.arm({})
        set_up(lab)
        calls = list(interruption.calls)
        after = account_snapshot.everything(lab)
        snapshots.put_back(empty)
        killed = {}

        def keep(number: int) -> None:
            killed[number] = snapshots.take()

        # Killing a process leaves the account as it is at that moment, so one setup provides the state at every point.
        interruption.arm({point(number, len(calls)): partial(keep, number) for number in range(POINTS)})
        set_up(lab)
        assert interruption.calls == calls
        yield InterruptedAccount(lab, snapshots, before, after, calls, killed)
    running.stop()


def set_up(lab: Lab) -> None:
    """Create all of the tutorial's resources."""
    chapters.catch_up(lab, 4)
    chapters.share(lab)
    monitoring.create_alarm(lab)
    lakehouse.save_query(lab, "Accounts", "SELECT count(*) FROM customeraccounts", "The number of accounts")


def point(number: int, calls: int) -> tuple[int, When]:
    """Choose a random call, and whether to kill the setup before or after it.

    The setup's calls are divided into `POINTS` parts, and the call is in the part with the given number.
    """
    chance = random.Random(f"{SEED} {number}")  # noqa: S311  (The number is not a secret.)
    first, last = number * calls // POINTS, (number + 1) * calls // POINTS
    return chance.randrange(first, last), chance.choice(("before", "after"))


def test_setup_preserves_resources_of_other_people(interrupted_account: InterruptedAccount) -> None:
    for kind in ("tables", "buckets"):
        assert interrupted_account.before[kind].items() <= interrupted_account.after[kind].items()
    assert all(role in interrupted_account.after["roles"] for role in interrupted_account.before["roles"])
    assert all(
        entry in interrupted_account.after["catalog policy"]["Statement"]
        for entry in interrupted_account.before["catalog policy"]["Statement"]
    )


@pytest.mark.parametrize("number", range(POINTS))
def test_killed_setup_can_be_cleaned_up_or_repeated(interrupted_account: InterruptedAccount, number: int) -> None:
    calls = interrupted_account.calls
    call, when = point(number, len(calls))
    print(f"ZETL_FAULT_SEED={SEED}: killed {when} call {call} of {len(calls)}, {calls[call]}")
    killed = interrupted_account.killed[number]
    interrupted_account.snapshots.put_back(killed)

    outcomes = cleanup.apply(cleanup.plan(interrupted_account.lab))
    assert set(outcomes["outcome"]) <= {"deleted"}
    assert cleanup.verify(interrupted_account.lab)
    assert account_snapshot.everything(interrupted_account.lab) == interrupted_account.before

    interrupted_account.snapshots.put_back(killed)
    set_up(interrupted_account.lab)
    assert account_snapshot.everything(interrupted_account.lab) == interrupted_account.after
