"""Tests of an integration's errors when a prerequisite is missing, and of its automatic recovery."""

from datetime import UTC, datetime, timedelta

import pytest

from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers import integration, source
from zetl_helpers._wait import WaitTimeoutError, without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.integration import IntegrationError
from zetl_helpers.lab import Lab

COLLISION = {
    "CustomerID": {"S": "CUST0099"},
    "AccountNumber": {"S": "ACC000099"},
    "State": {"S": "NV"},
    "state": {"S": "Nevada"},
}


@pytest.fixture
def working(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """Provide a lab whose integration works."""
    chapters.catch_up(lab, 3)
    return lab


def test_a_working_integration_has_no_errors(working: Lab) -> None:
    assert integration.errors(working).empty
    integration.wait_until_recovered(working)


def test_a_write_that_arrives_ends_the_wait(working: Lab) -> None:
    source.load_items(working, source.items(2))
    assert integration.wait_for_outcome(working, datetime.now(UTC)) == "ACTIVE"


def test_a_break_is_named_and_repaired_at_its_cause(working: Lab) -> None:
    source.disable_pitr(working)
    source.load_items(working, source.items(2))
    written = datetime.now(UTC)
    assert integration.wait_for_outcome(working, written) == "NEEDS_ATTENTION"
    (error,) = integration.errors(working).itertuples()
    assert error.code == "POINT_IN_TIME_RECOVERY_DISABLED"
    assert "CustomerAccounts" in str(error.message)
    source.enable_pitr(working)
    integration.wait_until_recovered(working)
    assert integration.wait_until_synced(working, written) >= written


def test_waiting_for_what_nobody_repairs_says_what_it_is(working: Lab, lakehouse: Lakehouse) -> None:
    source.disable_pitr(working)
    written = datetime.now(UTC) + timedelta(days=1)
    with without_waiting(lakehouse.zero_etl.refresh_now):
        assert integration.wait_for_outcome(working, written) == "NEEDS_ATTENTION"
        with pytest.raises(WaitTimeoutError, match="Timed out"):
            integration.wait_until_recovered(working, timeout=1)


def test_without_an_integration_there_is_nothing_to_wait_for(lab: Lab) -> None:
    for wait in (integration.errors, integration.wait_until_recovered):
        with pytest.raises(IntegrationError, match=r"Create it with zetl\.integration\.create"):
            wait(lab)


def test_catching_up_fixes_what_chapter_9_broke(working: Lab) -> None:
    working.client("dynamodb").put_item(TableName=working.table, Item=COLLISION)
    assert integration.wait_for_outcome(working, datetime.now(UTC)) == "NEEDS_ATTENTION"
    source.disable_pitr(working)
    chapters.catch_up(working, 3)
    assert integration.errors(working).empty
