import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zetl_helpers as zetl
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.course.exercises.steps import as_loaded
from zetl_helpers import _integration_lookup
from zetl_helpers._wait import without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.course.exercises import Chapter, Progress
from zetl_helpers.course.exercises.shipments import fixed
from zetl_helpers.lab import Lab, local_environment
from zetl_helpers.payments import payments


@pytest.fixture(scope="package")
def exercise_lab() -> Iterator[Lab]:
    """Provide a lab with all resources that the chapters create.

    Every wait for a refresh triggers a refresh.
    """
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    with without_waiting(lakehouse.zero_etl.refresh_now), pytest.MonkeyPatch.context() as patch:
        for name, value in local_environment(lakehouse.url, "us-east-1").items():
            patch.setenv(name, value)
        patch.setattr(zetl.lakehouse, "_POLL_SECONDS", 0.01)
        lab = connect_to(lakehouse.url)
        zetl.catch_up(lab, 8)
        # The late ingestion is logged before other integrations exist, because they log to the same log group.
        log_a_late_ingestion(lab)
        chapters.share(lab)
        zetl.source.import_items(lab.with_table("Payments"), payments(50))
        replicate(lab.with_table("Payments"))
        ship(lab.with_table("Shipments"))
        yield lab
    lakehouse.stop()


def replicate(lab: Lab) -> None:
    """Replicate a lab's table to the lakehouse, as chapter 11 does with the payments."""
    zetl.source.enable_pitr(lab)
    zetl.source.put_policy(lab)
    zetl.target.merge_catalog_policy(lab)
    zetl.integration.create(lab)
    zetl.integration.wait_until_loaded(lab)


def ship(shipments: Lab) -> None:
    """Replicate the corrected shipments, delete the integration, and put the faulty shipments back into the source."""
    zetl.source.create_table(shipments, keys={"ShipmentID": "S"})
    zetl.source.load_items(shipments, fixed())
    replicate(shipments)
    zetl.integration.delete(shipments)
    as_loaded(shipments)


def log_a_late_ingestion(lab: Lab) -> None:
    """Log a delay of one minute for one ingestion, because otherwise all ingestions may take equally long."""
    logs = lab.client("logs")
    events = logs.filter_log_events(logGroupName=zetl.integration.LOG_GROUP)["events"]
    current = _integration_lookup.find(lab)
    assert current is not None
    mine = current["IntegrationArn"].rpartition(":")[2]
    event = next(
        event
        for event in reversed(events)
        if "IngestionCompleted" in event["message"] and mine in event["logStreamName"]
    )
    message = json.loads(event["message"])
    message["details"]["lastSyncedTimestamp"] = str(event["timestamp"] - 60_000)
    logs.put_log_events(
        logGroupName=zetl.integration.LOG_GROUP,
        logStreamName=event["logStreamName"],
        logEvents=[{"timestamp": event["timestamp"], "message": json.dumps(message)}],
    )


@pytest.fixture
def chapter(exercise_lab: Lab, tmp_path: Path) -> Callable[[int], Chapter]:
    """Provide a function that returns a chapter's exercises, none of which has been attempted."""
    return lambda number: zetl.exercises.chapter(exercise_lab, number, progress=Progress(tmp_path))
