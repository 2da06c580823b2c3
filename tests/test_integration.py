from datetime import UTC, datetime

import pytest

from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers import integration, lakehouse, source
from zetl_helpers._wait import WaitTimeoutError, wait_for, without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.integration import IntegrationError
from zetl_helpers.lab import Lab


@pytest.fixture
def ready(lab: Lab) -> Lab:
    """Provide a lab after chapter 1."""
    with without_waiting():
        chapters.catch_up(lab, 2)
    return lab


def test_properties_and_integration_are_made_once(ready: Lab) -> None:
    for make in (integration.set_target_role, integration.set_table_properties, integration.create):
        assert [make(ready).did, make(ready).did] == ["created", "already there"]


def test_changed_properties_are_updated(ready: Lab) -> None:
    integration.set_table_properties(ready, unnest="FULL")
    assert integration.set_table_properties(ready, unnest="TOPLEVEL").did == "changed"


def test_an_existing_integration_says_which_options_it_does_not_have(ready: Lab) -> None:
    key = ready.client("kms").create_key()["KeyMetadata"]["Arn"]
    integration.set_target_role(ready)
    integration.create(ready, refresh_minutes=60)
    assert "60 minutes" in set(integration.describe(ready)["value"])
    assert [integration.create(ready).note, integration.create(ready, refresh_minutes=60).note] == ["", ""]
    step = integration.create(ready, refresh_minutes=15, kms_key=key)
    assert str(step) == (
        "integration ddb-to-lakehouse: already there. Its refresh interval is still 60 minutes, not 15. Change it with "
        "ModifyIntegration. Its KMS key and encryption context cannot change. Delete the integration and create it "
        "again."
    )
    assert "still 60 minutes, not 15" in step._repr_html_()


@pytest.mark.parametrize("minutes", [5, 14, 8641])
def test_an_interval_that_aws_does_not_accept_is_rejected_first(lab: Lab, minutes: int) -> None:
    with pytest.raises(ValueError, match=rf"^The refresh interval {minutes} is out of range. AWS accepts 15 to"):
        integration.create(lab, refresh_minutes=minutes)


def test_it_becomes_active_and_then_the_table_comes(ready: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready, 3)
    found = integration.require(ready)
    assert found["Status"] == "ACTIVE"
    assert found["IntegrationConfig"]["RefreshInterval"] == "15"
    assert list(lakehouse.schema(ready)["field id"]) == list(range(1, 10))


def test_a_write_is_waited_for(ready: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready, 3)
    written = chapters.apply_changes(ready)
    assert integration.wait_until_synced(ready, written, timeout=30) >= written
    assert len(lakehouse.schema(ready)) == 16


def test_a_write_that_never_comes_ends_in_a_hint(ready: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready, 3)
    with without_waiting(), pytest.raises(WaitTimeoutError, match=r"Check zetl.monitoring.log_events"):
        integration.wait_until_synced(ready, datetime(2999, 1, 1, tzinfo=UTC), timeout=3600)


def test_a_deleted_target_table_is_reported_instead_of_waited_for(ready: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready, 3)
    ready.client("glue").delete_table(DatabaseName=ready.database, Name=ready.target_table)
    with pytest.raises(IntegrationError, match=r"customeraccounts was deleted after the initial load.*create it again"):
        chapters.catch_up(ready, 3)
    with without_waiting(lakehouse_ticks.zero_etl.refresh_now):
        integration.delete(ready)
        chapters.catch_up(ready, 3)
    assert len(lakehouse.schema(ready)) > 0


def test_without_recovery_it_needs_attention_and_says_why(ready: Lab, lakehouse_ticks: Lakehouse) -> None:
    source.disable_pitr(ready)
    integration.set_target_role(ready)
    integration.create(ready)
    with pytest.raises(IntegrationError, match=r"'ddb-to-lakehouse' needs attention: .*[Pp]oint-in-time recovery"):
        integration.wait_until_active(ready, timeout=30)
    source.enable_pitr(ready)
    wait_for("the repair", lambda: integration.require(ready)["Status"] == "ACTIVE" or None, timeout=30, hint="")
    assert not integration.require(ready).get("Errors")


def test_an_integration_that_is_not_there_says_how_to_create_it(lab: Lab) -> None:
    with pytest.raises(IntegrationError, match=r"Create it with zetl\.integration\.create\(lab\)"):
        integration.describe(lab)


def test_deleting_leaves_the_table_and_its_files(ready: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(ready, 3)
    files = len(lakehouse.objects(ready))
    assert [integration.delete(ready).did, integration.delete(ready).did] == ["deleted", "already gone"]
    assert integration.delete_table_properties(ready).did == "deleted"
    assert integration.delete_resource_property(ready).did == "deleted"
    assert integration.delete_resource_property(ready).did == "already gone"
    assert len(lakehouse.objects(ready)) == files
    assert len(lakehouse.schema(ready)) == 9
