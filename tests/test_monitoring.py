import pytest

from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers import integration, monitoring
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab


@pytest.fixture
def evolved(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """A lab as chapter 6 leaves it."""
    chapters.catch_up(lab, 3)
    integration.wait_until_synced(lab, chapters.apply_changes(lab), timeout=30)
    return lab


def test_the_log_tells_what_each_ingestion_did(evolved: Lab) -> None:
    events = monitoring.log_events(evolved)
    stats = events[events["messageType"] == "IngestionProcessingStats"]
    first = stats.iloc[0]
    assert (first["inserts"], first["updates"], first["deletes"]) == (25, 0, 0)
    rest = stats.iloc[1:]
    assert (rest["inserts"].sum(), rest["updates"].sum(), rest["deletes"].sum()) == (1, 1, 1)


def test_the_metrics_say_the_same(evolved: Lab) -> None:
    sums = monitoring.metrics(evolved).groupby("metric")["sum"].sum()
    assert (sums["InsertCount"], sums["UpdateCount"], sums["DeleteCount"]) == (26, 1, 1)
    assert sums["IngestionFailed"] == 0


def test_freshness_is_counted_from_the_newest_ingestion(evolved: Lab) -> None:
    assert 0 <= monitoring.freshness(evolved).total_seconds() < 60
    ingestions = monitoring.ingestions(evolved)
    assert (ingestions["completed_at"] >= ingestions["last_synced_at"]).all()


def test_the_alarm_is_made_once_and_watches_this_integration(evolved: Lab) -> None:
    assert [monitoring.create_alarm(evolved).did, monitoring.create_alarm(evolved).did] == ["created", "already there"]
    name = monitoring.alarm_name(evolved)
    alarm = evolved.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    arn = integration.require(evolved)["IntegrationArn"]
    assert {"Name": "integrationArn", "Value": arn} in alarm["Dimensions"]


def test_before_anything_was_ingested_there_is_no_freshness(lab: Lab) -> None:
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    integration.create(lab)
    assert monitoring.log_events(lab).empty
    assert monitoring.metrics(lab).empty
    with pytest.raises(integration.IntegrationError, match="has ingested nothing yet"):
        monitoring.freshness(lab)
