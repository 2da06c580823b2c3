"""The executions of statements, and what is told about each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
ENGINE = "Athena engine version 3"
_INTERRUPTED = "The local lakehouse was stopped while this query ran. Run it again."


@dataclass
class Execution:
    """One execution of a statement.

    All fields hold plain data, so that executions outlive the process.
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

    @property
    def final(self) -> bool:
        """Whether its state will not change any more."""
        return self.state in FINAL

    def finish(self, state: str, reason: str | None = None, error: dict[str, Any] | None = None) -> None:
        """Note how it ended."""
        self.completed = datetime.now(UTC)
        self.reason, self.error = reason, error
        self.state = state

    def document(self) -> dict[str, Any]:
        """Return it as ``GetQueryExecution`` does."""
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
        if self.parameters:
            document["ExecutionParameters"] = self.parameters
        return document

    def statistics(self) -> dict[str, Any]:
        """Return its times and sizes as ``GetQueryExecution`` does."""
        total = round(((self.completed or datetime.now(UTC)) - self.submitted).total_seconds() * 1000)
        statistics: dict[str, Any] = {
            "EngineExecutionTimeInMillis": total,
            "DataScannedInBytes": self.scanned_bytes,
            "TotalExecutionTimeInMillis": total,
            "QueryQueueTimeInMillis": 0,
            "ServicePreProcessingTimeInMillis": 0,
            "QueryPlanningTimeInMillis": self.planning_millis,
            "ServiceProcessingTimeInMillis": 0,
            "ResultReuseInformation": {"ReusedPreviousResult": self.reused},
        }
        if self.manifest_location:
            statistics["DataManifestLocation"] = self.manifest_location
        return statistics


class Executions:
    """All executions, oldest first."""

    def __init__(self) -> None:
        self._executions: OrderedDict[str, Execution] = OrderedDict()
        self._tokens: dict[str, tuple[object, str]] = {}
        self._lock = threading.Lock()

    def add(self, execution: Execution) -> None:
        """Keep a new execution."""
        with self._lock:
            self._executions[execution.id] = execution

    def get(self, execution_id: str) -> Execution | None:
        """Return an execution, or None if there is none."""
        with self._lock:
            return self._executions.get(execution_id)

    def of_workgroup(self, workgroup: str) -> list[Execution]:
        """Return the executions of a workgroup, newest first."""
        with self._lock:
            return [one for one in reversed(self._executions.values()) if one.workgroup == workgroup]

    def claim(self, token: str, request: object, execution_id: str) -> tuple[object, str]:
        """Take a client's token for a request, or return the request and execution it was taken for."""
        with self._lock:
            return self._tokens.setdefault(token, (request, execution_id))

    def release(self, token: str) -> None:
        """Give back a token whose request was refused."""
        with self._lock:
            self._tokens.pop(token, None)

    def dump(self) -> object:
        """Return all executions as plain data."""
        with self._lock:
            listed = [
                {one.name: getattr(execution, one.name) for one in fields(execution)}
                for execution in self._executions.values()
            ]
            return {"executions": listed, "tokens": dict(self._tokens)}

    def load(self, state: Any) -> None:
        """Put back what `dump` returned; what was still running then has failed."""
        executions = [Execution(**values) for values in state["executions"]]
        for one in executions:
            if not one.final:
                error = {"ErrorCategory": 1, "ErrorType": 9999, "Retryable": True, "ErrorMessage": _INTERRUPTED}
                one.finish("FAILED", _INTERRUPTED, error)
        with self._lock:
            self._executions = OrderedDict((one.id, one) for one in executions)
            self._tokens = dict(state["tokens"])
