"""The states, refreshes and retries of integrations.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-creating-managing.html
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Sequence

from local_lakehouse.backend.changes import ChangeLog
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.dynamodb_source import DynamoDbSource, Item
from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.lake_formation.governance import Governance
from local_lakehouse.store.streams import expiring
from local_lakehouse.zero_etl.checks import Checks, Endpoints
from local_lakehouse.zero_etl.integrations import (
    ACTIVE,
    CREATING,
    DELETING,
    FAILED,
    MODIFYING,
    NEEDS_ATTENTION,
    SYNCING,
    Integration,
    LoadedAs,
)
from local_lakehouse.zero_etl.problems import FailedForGoodError, NeedsAttentionError, Problem, SnapshotNeededError
from local_lakehouse.zero_etl.properties import Properties
from local_lakehouse.zero_etl.replication import Job, Replicator
from local_lakehouse.zero_etl.telemetry import FULL_LOAD, INCREMENTAL_LOAD, Run, Telemetry

_LOG = logging.getLogger(__name__)

# The name under which the service's documents are registered.
PARTICIPANT = "zero_etl"
SEVEN_DAYS = 7 * 24 * 3600.0
# The duration of a transient status that no caller reads, and the longest interval between retries, both in refresh
# intervals.
_PATIENCE = 3
_LONGEST_BACKOFF = 8


class Lifecycle:
    """The lifecycle of all integrations, which each `tick` advances.

    State that is shared with API operations is read under `clients.lock` and changed in a transaction. Work on the
    target needs neither the lock nor a transaction, so requests can run in parallel.

    Args:
        clients: The AWS clients for the lakehouse.
        changes: The record of writes to DynamoDB.
        properties: A function that returns the resource and table properties.
        clock: A function that returns the current time in seconds since 1970.
        refresh_seconds: The maximum time between two ticks, in seconds.
        governance: Lake Formation's access checks, or None to disable them.
    """

    def __init__(
        self,
        clients: ServiceClients,
        changes: ChangeLog,
        properties: Callable[[], Properties],
        clock: Callable[[], float],
        refresh_seconds: float,
        governance: Governance | None = None,
    ) -> None:
        self.integrations: dict[str, Integration] = {}
        self.checks = Checks(clients, governance)
        self._clients = clients
        self._changes = changes
        self._properties = properties
        self._clock = clock
        self._refresh_seconds = refresh_seconds
        self._source = DynamoDbSource(clients)
        self._replicator = Replicator(clients, load_catalog(clients), changes)
        self._telemetry = Telemetry(clients, clock)
        self._ticking = threading.Lock()
        # For each integration, the lakehouse's revision at the start of the last step that succeeded.
        self._calm: dict[str, int] = {}

    def tick(self, *, now: bool = False) -> None:
        """Run the next step of every integration.

        Args:
            now: Whether to skip transient statuses and retry immediately.
        """
        with self._ticking:
            self._expire_items()
            with self._clients.lock:
                integrations = list(self.integrations.values())
            for integration in integrations:
                try:
                    self._step(integration, now)
                except Exception:  # noqa: BLE001  (logged)
                    # A failure in one integration must not stop the other integrations or the schedule.
                    _LOG.exception("a step of the integration %s failed", integration.name)

    def _expire_items(self) -> None:
        """Delete expired items. DynamoDB does this in the background, but moto never does."""
        with self._clients.lock:
            expired = self._source.expired(self._clock())
            if not expired:
                return
            with self._clients.changing(PARTICIPANT), expiring():
                for table, key in expired:
                    self._clients.client("dynamodb").delete_item(TableName=table, Key=_for_boto3(key))
                    self._changes.note("DeleteItem", {"TableName": table, "Key": key})

    def _step(self, integration: Integration, now: bool) -> None:
        if integration.status == DELETING:
            if now or self._was_seen(integration):
                self._remove(integration)
            return
        if integration.status == FAILED:
            return
        if integration.status in (CREATING, MODIFYING) and not (now or self._was_seen(integration)):
            return
        if integration.status == NEEDS_ATTENTION and not (now or self._clock() >= integration.retry_at):
            return
        revision = self._clients.revision
        if integration.status == ACTIVE and self._calm.get(integration.identity) == revision and not now:
            return
        try:
            self._replicate(integration)
            self._calm[integration.identity] = revision
        except NeedsAttentionError as error:
            self._ask_for_attention(integration, error.problems)
        except FailedForGoodError as error:
            self._fail(integration, [error.problem])
        except Exception as error:  # noqa: BLE001  (logged and shown)
            self._explain(integration, error)

    def _explain(self, integration: Integration, error: Exception) -> None:
        """Report a failed ingestion in the integration's errors, so that the other integrations continue."""
        try:
            self._plan(integration)
        except NeedsAttentionError as gone:
            # A client has removed a prerequisite since the check.
            self._ask_for_attention(integration, gone.problems)
            return
        except Exception as unexpected:  # noqa: BLE001  (logged and shown)
            error = unexpected
        _LOG.error("integration %s failed", integration.name, exc_info=error)
        problem = Problem("INTERNAL_ERROR", f"{type(error).__name__}: {error}. The integration retries automatically.")
        self._ask_for_attention(integration, [problem])

    def _replicate(self, integration: Integration) -> None:
        ends, layout, location = self._plan(integration)
        job = Job(
            integration.identity,
            integration.table,
            layout.mode,
            layout.rules,
            integration.database,
            layout.target_table,
            f"{location}/{layout.target_table}",
        )
        if integration.status == DELETING:
            # A concurrent request deleted the integration, so no more data is written.
            return
        if integration.status in (CREATING, MODIFYING):
            # A full load starts only when the integration is active.
            self._set(integration, ACTIVE)
        if integration.loaded is None or integration.reload:
            self._load(integration, job, layout, ends)
            return
        # The changes are read after this time, so they include all earlier writes.
        synced = self._clock()
        try:
            if integration.loaded != layout:
                raise SnapshotNeededError
            counts = self._replicator.refresh(job, integration.memory)
        except SnapshotNeededError:
            # The load starts with the next step, so that a caller can see the status.
            with self._clients.changing(PARTICIPANT):
                integration.reload = True
                self._set(integration, SYNCING)
            return
        with self._clients.changing(PARTICIPANT):
            self._set(integration, ACTIVE)
        if counts is not None:
            synced = self._in_sync_until(integration, synced)
            self._telemetry.completed(self._run(integration, ends, INCREMENTAL_LOAD), counts, synced)

    def _load(self, integration: Integration, job: Job, layout: LoadedAs, ends: Endpoints) -> None:
        again = integration.loaded is not None
        synced = self._clock()
        # Columns are kept only if the layout is unchanged. Otherwise, columns from a different layout would remain
        # alongside new columns with equivalent names.
        counts = self._replicator.load(job, integration.memory, keep=integration.loaded == layout)
        with self._clients.changing(PARTICIPANT):
            integration.loaded, integration.reload = layout, False
            self._set(integration, ACTIVE)
        run = self._run(integration, ends, FULL_LOAD)
        self._telemetry.completed(run, counts, self._in_sync_until(integration, synced))
        if again:
            self._telemetry.event(run, "Integration Resynced", {"tableName": job.target_table})

    def _in_sync_until(self, integration: Integration, taken: float) -> float:
        """Return the time up to which the target contains the source's changes.

        This is the current time or, if the source was written after its changes were read, `taken`.
        A client can note the time after a write, and then wait until the target reflects the source as of a later time.
        Because the current time is returned if there was no later write, this wait ends even if the client notes the
        time during the refresh.
        """
        with self._clients.lock:
            return self._clock() if self._changes.nothing_since(integration.identity) else taken

    def _plan(self, integration: Integration) -> tuple[Endpoints, LoadedAs, str]:
        """Check the prerequisites of an ingestion.

        Raises:
            NeedsAttentionError: A prerequisite is missing.
        """
        ends, layout = self._ends(integration)
        problems, location = self.checks.problems(ends)
        while problems and (problems, location) != (again := self.checks.problems(ends)):
            # A client removed a prerequisite between two checks, so their results describe different states of the
            # account.
            problems, location = again
        other = self._owner(integration, layout.target_table)
        if other is not None:
            problems.append(
                Problem(
                    "TARGET_TABLE_IN_USE",
                    f"The target table {integration.database}.{layout.target_table} belongs to the integration "
                    f"{other.name}. Give one of the two integrations a different TargetTableName in its table "
                    "properties. The integration then retries automatically.",
                )
            )
        if problems:
            raise NeedsAttentionError(*problems)
        return ends, layout, location

    def _ends(self, integration: Integration) -> tuple[Endpoints, LoadedAs]:
        with self._clients.lock:
            properties = self._properties()
            layout = properties.layout(integration.target_arn, integration.table)
            ends = Endpoints(
                integration.arn,
                integration.source_arn,
                integration.table,
                integration.target_arn,
                integration.database,
                layout.target_table,
                properties.role(integration.target_arn),
            )
        return ends, layout

    def _owner(self, integration: Integration, target_table: str) -> Integration | None:
        """Return the older integration that uses the same target table, or None if there is none."""
        with self._clients.lock:
            for other in self.integrations.values():
                if other is integration:
                    return None
                layout = self._properties().layout(other.target_arn, other.table)
                if other.target_arn == integration.target_arn and layout.target_table == target_table:
                    return other
        return None

    def _run(self, integration: Integration, ends: Endpoints, load_type: str) -> Run:
        logs, metrics = self.checks.telemetry_rights(ends.role_arn) if ends.role_arn else (False, False)
        return Run(
            integration.identity,
            integration.arn,
            ends.target_table,
            load_type,
            logs=logs,
            metrics=metrics,
            event_bus=self._properties().event_bus(integration.target_arn),
        )

    def _set(self, integration: Integration, status: str, errors: Sequence[Problem] = ()) -> bool:
        """Set an integration's status unless it is being deleted, and return whether the status changed."""
        with self._clients.changing(PARTICIPANT):
            if integration.status == DELETING:
                return False
            integration.errors = tuple(errors)
            if status != NEEDS_ATTENTION:
                integration.failures = 0
            if integration.status == status:
                return False
            integration.status, integration.since, integration.seen = status, self._clock(), False
            return True

    def _ask_for_attention(self, integration: Integration, problems: Sequence[Problem]) -> None:
        if integration.status == NEEDS_ATTENTION and self._clock() - integration.since >= SEVEN_DAYS:
            self._fail(integration, problems)
            return
        with self._clients.changing(PARTICIPANT):
            new = self._set(integration, NEEDS_ATTENTION, problems)
            pause = min(2**integration.failures, _LONGEST_BACKOFF) * self._refresh_seconds
            integration.failures += 1
            integration.retry_at = self._clock() + pause
        if new:
            self._tell(integration, "Integration Needs Attention", problems)

    def _fail(self, integration: Integration, problems: Sequence[Problem]) -> None:
        with self._clients.changing(PARTICIPANT):
            new = self._set(integration, FAILED, problems)
            self._changes.forget(integration.identity)
        if new:
            self._tell(integration, "Integration Failed", problems)

    def _tell(self, integration: Integration, what: str, problems: Sequence[Problem]) -> None:
        ends, _ = self._ends(integration)
        run = self._run(integration, ends, INCREMENTAL_LOAD if integration.loaded else FULL_LOAD)
        message = " ".join(problem.message for problem in problems)
        self._telemetry.failed(run, " ".join(problem.logged or problem.message for problem in problems))
        self._telemetry.event(run, what, {"errorMessage": message})

    def _was_seen(self, integration: Integration) -> bool:
        return integration.seen or self._clock() - integration.since >= _PATIENCE * self._refresh_seconds

    def _remove(self, integration: Integration) -> None:
        with self._clients.changing(PARTICIPANT):
            self.integrations.pop(integration.identity, None)
            self._calm.pop(integration.identity, None)
            self._changes.forget(integration.identity)


def _for_boto3(key: Item) -> Item:
    """Decode binary values, because boto3 expects bytes."""
    return {
        name: {tag: base64.b64decode(value) if tag == "B" else value for tag, value in tagged.items()}
        for name, tagged in key.items()
    }
