"""Tests for an integration's errors when a prerequisite is missing, and for its automatic recovery."""

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
def working_lab(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """Provide a lab with a working integration."""
    chapters.catch_up(lab, 3)
    return lab


def test_working_integration_has_no_errors(working_lab: Lab) -> None:
    assert integration.errors(working_lab).empty
    integration.wait_until_recovered(working_lab)


def test_wait_for_outcome_returns_after_sync(working_lab: Lab) -> None:
    source.load_items(working_lab, source.items(2))
    assert integration.wait_for_outcome(working_lab, datetime.now(UTC)) == "ACTIVE"


def test_reports_missing_prerequisite_and_recovers(working_lab: Lab) -> None:
    source.disable_pitr(working_lab)
    source.load_items(working_lab, source.items(2))
    written = datetime.now(UTC)
    assert integration.wait_for_outcome(working_lab, written) == "NEEDS_ATTENTION"
    (error,) = integration.errors(working_lab).itertuples()
    assert error.code == "POINT_IN_TIME_RECOVERY_DISABLED"
    assert "CustomerAccounts" in str(error.message)
    source.enable_pitr(working_lab)
    integration.wait_until_recovered(working_lab)
    assert integration.wait_until_synced(working_lab, written) >= written


def test_wait_until_recovered_times_out(working_lab: Lab, lakehouse: Lakehouse) -> None:
    source.disable_pitr(working_lab)
    written = datetime.now(UTC) + timedelta(days=1)
    with without_waiting(lakehouse.zero_etl.refresh_now):
        assert integration.wait_for_outcome(working_lab, written) == "NEEDS_ATTENTION"
        with pytest.raises(WaitTimeoutError, match="Timed out"):
            integration.wait_until_recovered(working_lab, timeout=1)


def test_wait_functions_raise_error_if_integration_is_missing(lab: Lab) -> None:
    for wait in (integration.errors, integration.wait_until_recovered):
        with pytest.raises(IntegrationError, match=r"Create it with zetl\.integration\.create"):
            wait(lab)


def test_catch_up_fixes_faults_of_chapter_9(working_lab: Lab) -> None:
    working_lab.client("dynamodb").put_item(TableName=working_lab.table, Item=COLLISION)
    assert integration.wait_for_outcome(working_lab, datetime.now(UTC)) == "NEEDS_ATTENTION"
    source.disable_pitr(working_lab)
    chapters.catch_up(working_lab, 3)
    assert integration.errors(working_lab).empty
