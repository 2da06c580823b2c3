"""Reuse of query results.

https://docs.aws.amazon.com/athena/latest/ug/reusing-query-results.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from local_lakehouse.athena.executions import Execution, Executions
from local_lakehouse.backend.clients import ServiceClients

_DEFAULT_MINUTES = 60
_UNSTABLE = re.compile(r"\b(rand|random|uuid|shuffle|now|current_\w+|localtime\w*)\b", re.IGNORECASE)


class ReusableResults:
    """The earlier results that executions can reuse.

    Args:
        executions: The account's executions.
        clients: The AWS clients for the lakehouse.
    """

    def __init__(self, executions: Executions, clients: ServiceClients) -> None:
        self._executions = executions
        self._clients = clients

    def find(self, execution: Execution) -> Execution | None:
        """Return an earlier execution whose result can be reused, or None if there is no such execution.

        The code that calls this method must first check that the caller has access to the query's tables.

        Args:
            execution: The new execution.
        """
        settings = execution.reuse.get("ResultReuseByAgeConfiguration", {})
        if not settings.get("Enabled") or not _is_stable(execution.prepared_query or execution.query):
            return None
        oldest = datetime.now(UTC) - timedelta(minutes=settings.get("MaxAgeInMinutes", _DEFAULT_MINUTES))
        earlier = next(
            (
                candidate
                for candidate in self._executions.of_workgroup(execution.workgroup)
                if candidate.state == "SUCCEEDED"
                and not candidate.reused
                and (candidate.completed or oldest) > oldest
                and _is_same(candidate, execution)
            ),
            None,
        )
        return earlier if earlier is not None and self._is_readable(earlier) else None

    def _is_readable(self, earlier: Execution) -> bool:
        """Return whether the caller can read an execution's result object, which a client may have deleted."""
        bucket, _, key = (earlier.output_location or "").removeprefix("s3://").partition("/")
        try:
            self._clients.client("s3").head_object(Bucket=bucket, Key=key)
        except ClientError:
            return False
        return True


def _is_same(earlier: Execution, execution: Execution) -> bool:
    return (
        earlier.query == execution.query
        and earlier.prepared_query == execution.prepared_query
        and earlier.database == execution.database
        and earlier.catalog == execution.catalog
        and earlier.parameters == execution.parameters
        and earlier.result_configuration == execution.result_configuration
        and _folder(earlier) == _folder(execution)
    )


def _is_stable(query: str) -> bool:
    limited = re.search(r"\blimit\b", query, re.IGNORECASE) and not re.search(r"\border\s+by\b", query, re.IGNORECASE)
    return not _UNSTABLE.search(query) and not limited


def _folder(execution: Execution) -> str:
    return (execution.output_location or "").rpartition("/")[0]
