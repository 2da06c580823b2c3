"""The log events, metrics and EventBridge events of zero-ETL.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-monitoring.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.zero_etl.matching import Counts

_LOG = logging.getLogger(__name__)

LOG_GROUP = "/aws-glue/zeroETL-integrations/logs/"
NAMESPACE = "AWS/Glue/ZeroETL"
# AWS does not document the values of the dimension `loadType`, so these values are our choice.
FULL_LOAD = "FULL_LOAD"
INCREMENTAL_LOAD = "INCREMENTAL_LOAD"
# The sample rule in the AWS documentation uses this prefix. The detail types in the table on the same page start with
# "AWS " instead.
_DETAIL_TYPE = "Glue Zero ETL"


@dataclass(frozen=True)
class Run:
    """An ingestion.

    Args:
        integration: The integration's ID.
        arn: The integration's ARN.
        table: The target table.
        load_type: The type of load, which is `FULL_LOAD` or `INCREMENTAL_LOAD`.
        logs: Whether the target role is allowed to write log events.
        metrics: Whether the target role is allowed to put metrics.
        event_bus: The event bus, or None for the account's default bus.
    """

    integration: str
    arn: str
    table: str
    load_type: str
    logs: bool
    metrics: bool
    event_bus: str | None = None


class Telemetry:
    """A writer for an integration's log events, metrics and EventBridge events.

    Args:
        clients: The AWS clients for the lakehouse.
        clock: A function that returns the current time in seconds since 1970.
    """

    def __init__(self, clients: ServiceClients, clock: Callable[[], float]) -> None:
        self._clients = clients
        self._clock = clock

    def completed(self, run: Run, counts: Counts, synced: float) -> None:
        """Report a completed ingestion.

        Args:
            run: The ingestion.
            counts: The row counts.
            synced: The time up to which the target reflects the source, in seconds since 1970.
        """
        milliseconds = int(synced * 1000)
        self._log(
            run,
            ("IngestionStarted", {"tableName": run.table, "message": "Ingestion Job started"}),
            (
                "IngestionProcessingStats",
                {
                    "tableName": run.table,
                    "insert_count": counts.inserted,
                    "update_count": counts.updated,
                    "delete_count": counts.deleted,
                },
            ),
            (
                "IngestionCompleted",
                {
                    "tableName": run.table,
                    "message": "Ingestion Job completed",
                    "lastSyncedTimestamp": str(milliseconds),
                },
            ),
        )
        self._measure(
            run,
            {
                "InsertCount": counts.inserted,
                "UpdateCount": counts.updated,
                "DeleteCount": counts.deleted,
                "IngestionSucceeded": 1,
                "LastSyncTimestamp": milliseconds,
            },
        )
        self.event(run, "Ingestion Completed", {"tableName": run.table})

    def failed(self, run: Run, message: str) -> None:
        """Report a failed ingestion."""
        self._log(
            run,
            ("IngestionStarted", {"tableName": run.table, "message": "Ingestion Job started"}),
            (
                "IngestionFailed",
                {"tableName": run.table, "errorMessage": message, "error_code": "client_error"},
            ),
        )
        # A metric is emitted only when the counted event occurs, so a successful run does not emit IngestionFailed with
        # the value 0.
        self._measure(run, {"IngestionFailed": 1})
        self.event(run, "Ingestion Failed", {"tableName": run.table, "errorMessage": message})

    def event(self, run: Run, what: str, detail: Mapping[str, str]) -> None:
        """Put an event on the event bus. AWS does not document the ``detail`` of these events."""
        entry = {
            "Source": "aws.glue-zero-etl",
            "DetailType": f"{_DETAIL_TYPE} {what}",
            "Detail": json.dumps({"integrationArn": run.arn, **detail}),
            "Resources": [run.arn],
        }
        if run.event_bus:
            entry["EventBusName"] = run.event_bus
        try:
            self._clients.client("events").put_events(Entries=[entry])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            # Replication does not depend on telemetry.
            _LOG.warning("the event bus %s does not exist; the event %s is not sent", run.event_bus, what)

    def _log(self, run: Run, *messages: tuple[str, Mapping[str, object]]) -> None:
        if not run.logs:
            return
        now = int(self._clock() * 1000)
        events = [
            {
                "timestamp": now,
                "message": json.dumps({"integrationArn": run.arn, "messageType": kind, "details": details}),
            }
            for kind, details in messages
        ]
        stream = {"logGroupName": LOG_GROUP, "logStreamName": run.integration}
        logs = self._clients.client("logs")
        try:
            logs.put_log_events(**stream, logEvents=events)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            self._create_stream(stream)
            logs.put_log_events(**stream, logEvents=events)

    def _create_stream(self, stream: Mapping[str, str]) -> None:
        """Create a log stream and, if necessary, its log group."""
        logs = self._clients.client("logs")
        try:
            logs.create_log_group(logGroupName=stream["logGroupName"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
        logs.create_log_stream(**stream)

    def _measure(self, run: Run, values: Mapping[str, float]) -> None:
        if not run.metrics:
            return
        dimensions = [
            {"Name": "integrationArn", "Value": run.arn},
            {"Name": "loadType", "Value": run.load_type},
            {"Name": "tableName", "Value": run.table},
        ]
        moment = datetime.fromtimestamp(self._clock(), UTC)
        self._clients.client("cloudwatch").put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {"MetricName": name, "Dimensions": dimensions, "Value": value, "Timestamp": moment}
                for name, value in values.items()
            ],
        )
