from datetime import UTC, datetime

import pytest

from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers import integration, lakehouse, source
from zetl_helpers._wait import WaitTimeoutError, wait_for, without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.integration import IntegrationError
from zetl_helpers.lab import Lab


@pytest.fixture
def ready_lab(lab: Lab) -> Lab:
    """Provide a lab after chapter 1."""
    with without_waiting():
        chapters.catch_up(lab, 2)
    return lab


def test_steps_are_idempotent(ready_lab: Lab) -> None:
    for make in (integration.set_target_role, integration.set_table_properties, integration.create):
        assert [make(ready_lab).did, make(ready_lab).did] == ["created", "already there"]


def test_set_table_properties_applies_changes(ready_lab: Lab) -> None:
    integration.set_table_properties(ready_lab, unnest="FULL")
    assert integration.set_table_properties(ready_lab, unnest="TOPLEVEL").did == "changed"


def test_creating_integration_reports_options_that_differ_from_existing_integration(ready_lab: Lab) -> None:
    key = ready_lab.client("kms").create_key()["KeyMetadata"]["Arn"]
    integration.set_target_role(ready_lab)
    integration.create(ready_lab, refresh_minutes=60)
    assert "60 minutes" in set(integration.describe(ready_lab)["value"])
    assert [integration.create(ready_lab).note, integration.create(ready_lab, refresh_minutes=60).note] == ["", ""]
    step = integration.create(ready_lab, refresh_minutes=15, kms_key=key)
    assert str(step) == (
        "integration ddb-to-lakehouse: already there. Its refresh interval is still 60 minutes, not 15. Change it with "
        "ModifyIntegration. Its KMS key and encryption context cannot be changed. Delete the integration and create it "
        "again."
    )
    assert "still 60 minutes, not 15" in step._repr_html_()


@pytest.mark.parametrize("minutes", [5, 14, 8641])
def test_interval_out_of_range_is_rejected(lab: Lab, minutes: int) -> None:
    with pytest.raises(ValueError, match=rf"^The refresh interval {minutes} is out of range. AWS accepts 15 to"):
        integration.create(lab, refresh_minutes=minutes)


def test_integration_becomes_active_and_creates_table(ready_lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready_lab, 3)
    found = integration.require(ready_lab)
    assert found["Status"] == "ACTIVE"
    assert found["IntegrationConfig"]["RefreshInterval"] == "15"
    assert list(lakehouse.schema(ready_lab)["field id"]) == list(range(1, 10))


def test_wait_until_synced_waits_for_write(ready_lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready_lab, 3)
    written = chapters.apply_changes(ready_lab)
    assert integration.wait_until_synced(ready_lab, written, timeout=30) >= written
    assert len(lakehouse.schema(ready_lab)) == 16


def test_wait_until_synced_times_out_with_hint(ready_lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready_lab, 3)
    with without_waiting(), pytest.raises(WaitTimeoutError, match=r"Check zetl.monitoring.log_events"):
        integration.wait_until_synced(ready_lab, datetime(2999, 1, 1, tzinfo=UTC), timeout=3600)


def test_reports_deleted_target_table(ready_lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready_lab, 3)
    ready_lab.client("glue").delete_table(DatabaseName=ready_lab.database, Name=ready_lab.target_table)
    with pytest.raises(IntegrationError, match=r"customeraccounts was deleted after the initial load.*create it again"):
        chapters.catch_up(ready_lab, 3)
    with without_waiting(lakehouse_ticks.zero_etl.refresh_now):
        integration.delete(ready_lab)
        chapters.catch_up(ready_lab, 3)
    assert len(lakehouse.schema(ready_lab)) > 0


def test_integration_needs_attention_without_point_in_time_recovery(ready_lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    source.disable_pitr(ready_lab)
    integration.set_target_role(ready_lab)
    integration.create(ready_lab)
    with pytest.raises(IntegrationError, match=r"'ddb-to-lakehouse' needs attention: .*[Pp]oint-in-time recovery"):
        integration.wait_until_active(ready_lab, timeout=30)
    source.enable_pitr(ready_lab)
    wait_for("the repair", lambda: integration.require(ready_lab)["Status"] == "ACTIVE" or None, timeout=30, hint="")
    assert not integration.require(ready_lab).get("Errors")


def test_error_for_missing_integration_says_how_to_create_it(lab: Lab) -> None:
    with pytest.raises(IntegrationError, match=r"Create it with zetl\.integration\.create\(lab\)"):
        integration.describe(lab)


def test_deleting_integration_keeps_table_and_files(ready_lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready_lab, 3)
    files = len(lakehouse.objects(ready_lab))
    assert [integration.delete(ready_lab).did, integration.delete(ready_lab).did] == ["deleted", "already gone"]
    assert integration.delete_table_properties(ready_lab).did == "deleted"
    assert integration.delete_resource_property(ready_lab).did == "deleted"
    assert integration.delete_resource_property(ready_lab).did == "already gone"
    assert len(lakehouse.objects(ready_lab)) == files
    assert len(lakehouse.schema(ready_lab)) == 9
