"""Query executions, their storage, and their descriptions for the API."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.store.codec import PLAIN_VALUES, Codec, dumps, loads
from local_lakehouse.store.database import Database, Schema, StorageError
from local_lakehouse.store.documents import checksum

_LOG = logging.getLogger(__name__)
_CODEC = Codec(PLAIN_VALUES)
_SCHEMA = Schema(
    "executions", 1,
    (
        """
        CREATE TABLE executions (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, workgroup TEXT NOT NULL,
        token TEXT UNIQUE, asked TEXT, final INTEGER NOT NULL, body TEXT NOT NULL, crc INTEGER NOT NULL)
        """,
        "CREATE INDEX executions_of_workgroup ON executions (workgroup, number)",
        "CREATE INDEX executions_running ON executions (number) WHERE NOT final",
    ),
    large=("executions",),
)  # fmt: skip

FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
ENGINE = "Athena engine version 3"
_INTERRUPTED = "The local lakehouse was stopped while this query was running. Run it again."


@dataclass
class Execution:
    """A query execution.

    All fields except `keep` are plain data, so that an execution can be stored and survive a restart.
    """

    id: str
    query: str
    statement_type: str
    substatement_type: str
    workgroup: str
    database: str | None
    catalog: str | None
    output_location: str | None
    result_configuration: dict[str, Any]
    parameters: list[str]
    reuse: dict[str, Any]
    state: str = "QUEUED"
    reason: str | None = None
    error: dict[str, Any] | None = None
    submitted: datetime = field(default_factory=lambda: datetime.now(UTC))
    completed: datetime | None = None
    planning_millis: int = 0
    scanned_bytes: int = 0
    reused: bool = False
    columns: list[dict[str, Any]] = field(default_factory=list)
    has_header: bool = False
    update_count: int | None = None
    row_count: int = 0
    manifest_location: str | None = None
    # Whether Athena stores the results in a managed location that clients do not see.
    managed: bool = False
    # Whether the workgroup requires its own location for all results, including the data of new Hive tables.
    enforced_location: bool = False
    # The number of bytes that the query can scan, or None if the workgroup has no limit.
    scan_limit: int | None = None
    # The text of the prepared statement that an EXECUTE statement ran.
    prepared_query: str | None = None
    # A function that receives the execution and its final state before the state becomes visible.
    keep: Callable[[Execution, str], None] | None = field(default=None, repr=False, compare=False)

    @property
    def final(self) -> bool:
        """Whether the execution's state is final."""
        return self.state in FINAL

    def finish(self, state: str, reason: str | None = None, error: dict[str, Any] | None = None) -> None:
        """Record the execution's end."""
        self.completed = datetime.now(UTC)
        self.reason, self.error = reason, error
        if self.keep is not None:
            self.keep(self, state)
        self.state = state

    def adopt(self, earlier: Execution) -> None:
        """Take over the result of an earlier execution."""
        self.output_location = earlier.output_location
        self.columns, self.has_header = earlier.columns, earlier.has_header
        self.update_count, self.row_count = earlier.update_count, earlier.row_count
        self.reused = True

    def document(self) -> dict[str, Any]:
        """Return the execution as ``GetQueryExecution`` describes it."""
        status: dict[str, Any] = {"State": self.state, "SubmissionDateTime": self.submitted}
        if self.completed:
            status["CompletionDateTime"] = self.completed
        if self.reason is not None:
            status["StateChangeReason"] = self.reason
        if self.error is not None:
            status["AthenaError"] = self.error
        context = {"Database": self.database, "Catalog": self.catalog}
        document: dict[str, Any] = {
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": self.statement_type,
            "SubstatementType": self.substatement_type,
            "ResultConfiguration": {**self.result_configuration, "OutputLocation": self.output_location},
            "ResultReuseConfiguration": self.reuse or {"ResultReuseByAgeConfiguration": {"Enabled": False}},
            "QueryExecutionContext": {key: value for key, value in context.items() if value is not None},
            "Status": status,
            "Statistics": self.statistics(),
            "WorkGroup": self.workgroup,
            "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE},
        }
        if self.managed:
            del document["ResultConfiguration"]
            document["ManagedQueryResultsConfiguration"] = {"Enabled": True}
        if self.parameters:
            document["ExecutionParameters"] = self.parameters
        return document

    def statistics(self) -> dict[str, Any]:
        """Return the execution's times and sizes as ``GetQueryExecution`` reports them."""
        total = round(((self.completed or datetime.now(UTC)) - self.submitted).total_seconds() * 1000)
        statistics: dict[str, Any] = {
            "EngineExecutionTimeInMillis": total,
            "DataScannedInBytes": self.scanned_bytes,
            "TotalExecutionTimeInMillis": total,
            # On AWS, every statement waits in a queue, so the queue time is at least 1 ms. PyAthena's tests rely on
            # this minimum.
            "QueryQueueTimeInMillis": 1,
            "ServicePreProcessingTimeInMillis": 0,
            "QueryPlanningTimeInMillis": self.planning_millis,
            "ServiceProcessingTimeInMillis": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": self.reused},
        }
        if self.manifest_location:
            statistics["DataManifestLocation"] = self.manifest_location
        return statistics


class Executions:
    """All query executions, which are stored in the database. Running executions are also in memory.

    Args:
        database: The database that stores the executions.
    """

    def __init__(self, database: Database) -> None:
        database.define(_SCHEMA)
        self._database = database
        self._active: dict[str, Execution] = {}
        self._tokens: dict[str, tuple[object, str]] = {}
        self._unsaved: dict[str, Execution] = {}
        self._lock = threading.Lock()
        self._claim_settled = threading.Condition(self._lock)
        self._end_interrupted()

    def add(self, execution: Execution) -> None:
        """Save a new execution.

        Raises:
            StorageError: The execution cannot be saved.
        """
        with self._lock:
            claims = [(token, asked) for token, (asked, known) in self._tokens.items() if known == execution.id]
            token, asked = claims[0] if claims else (None, None)
        execution.keep = self._finished
        body = _written(execution, execution.state)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO executions (id, workgroup, token, asked, final, body, crc) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (execution.id, execution.workgroup, token, dumps(_CODEC.encode(asked)), False, body, checksum(body)),
            )
        with self._lock:
            self._active[execution.id] = execution
            if token is not None:
                del self._tokens[token]
                self._claim_settled.notify_all()

    def get(self, execution_id: str) -> Execution | None:
        """Return an execution, or None if it does not exist."""
        with self._lock:
            active = self._active.get(execution_id)
        if active is not None:
            return active
        found = self._rows("WHERE id = ?", execution_id)
        return next(found, None)

    def ids_of(self, workgroup: str) -> list[str]:
        """Return the IDs of a workgroup's executions, newest first."""
        with self._database.view() as connection:
            rows = connection.execute(
                "SELECT id FROM executions WHERE workgroup = ? ORDER BY number DESC", (workgroup,)
            ).fetchall()
        return [row[0] for row in rows]

    def of_workgroup(self, workgroup: str) -> Iterator[Execution]:
        """Yield the executions of a workgroup, newest first."""
        with self._lock:
            active = dict(self._active)
        for execution in self._rows("WHERE workgroup = ? ORDER BY number DESC", workgroup):
            yield active.get(execution.id, execution)

    def claim(self, token: str, request: object, execution_id: str) -> tuple[object, str]:
        """Reserve a client token for a request, unless an earlier request used the token.

        Return the request and the execution ID for which the token is reserved.

        A client retries a request that takes too long. The retry waits until the first request is accepted or rejected,
        so that the execution in the response exists.
        """
        with self._claim_settled:
            while token in self._tokens:
                self._claim_settled.wait()
            with self._database.view() as connection:
                row = connection.execute("SELECT asked, id FROM executions WHERE token = ?", (token,)).fetchone()
            if row is not None:
                return _CODEC.decode(loads(row[0])), row[1]
            self._tokens[token] = (request, execution_id)
            return request, execution_id

    def release(self, token: str) -> None:
        """Release the token of a rejected request."""
        with self._lock:
            self._tokens.pop(token, None)
            self._claim_settled.notify_all()

    def save_again(self) -> None:
        """Retry saving the executions whose end could not be saved.

        Raises:
            StorageError: An execution still could not be saved.
        """
        with self._lock:
            unsaved = list(self._unsaved.values())
        for execution in unsaved:
            self._save(execution, execution.state)
            with self._lock:
                self._unsaved.pop(execution.id, None)
                self._active.pop(execution.id, None)

    def _finished(self, execution: Execution, state: str) -> None:
        """Save a finished execution before its final state becomes visible."""
        try:
            self._save(execution, state)
        except StorageError:
            _LOG.exception("the end of query %s could not be saved; the save will be retried", execution.id)
            with self._lock:
                self._unsaved[execution.id] = execution
            return
        with self._lock:
            self._active.pop(execution.id, None)

    def _save(self, execution: Execution, state: str) -> None:
        body = _written(execution, state)
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE executions SET final = ?, body = ?, crc = ? WHERE id = ?",
                (state in FINAL, body, checksum(body), execution.id),
            )

    def _end_interrupted(self) -> None:
        """Mark executions as failed if they were running when the process ended."""
        for execution in list(self._rows("WHERE NOT final")):
            error = {"ErrorCategory": 1, "ErrorType": 9999, "Retryable": True, "ErrorMessage": _INTERRUPTED}
            execution.finish("FAILED", _INTERRUPTED, error)
            self._save(execution, execution.state)

    def _rows(self, condition: str, *values: str) -> Iterator[Execution]:
        with self._database.view() as connection:
            statement = f"SELECT body, crc FROM executions {condition}"  # noqa: S608  (fixed conditions)
            for body, crc in connection.execute(statement, values):
                if checksum(body) != crc:
                    raise StorageError(
                        f"An execution in {self._database.path} is damaged. "
                        "Restore the last backup with: zetl local reset --to-backup"
                    )
                yield Execution(**_CODEC.decode(loads(body)))


def _written(execution: Execution, state: str) -> str:
    values = {each.name: getattr(execution, each.name) for each in fields(execution) if each.name != "keep"}
    return dumps(_CODEC.encode({**values, "state": state}))
