"""Reuse of query results.

https://docs.aws.amazon.com/athena/latest/ug/reusing-query-results.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from local_lakehouse.athena.executions import Execution, Executions

_DEFAULT_MINUTES = 60
_UNSTABLE = re.compile(r"\b(rand|random|uuid|shuffle|now|current_\w+|localtime\w*)\b", re.IGNORECASE)


def find_reusable(execution: Execution, executions: Executions) -> Execution | None:
    """Return an earlier execution whose result can be reused, or None if there is no such execution.

    Args:
        execution: The new execution.
        executions: The account's executions.
    """
    settings = execution.reuse.get("ResultReuseByAgeConfiguration", {})
    if not settings.get("Enabled") or execution.substatement_type != "SELECT" or not _is_stable(execution.query):
        return None
    oldest = datetime.now(UTC) - timedelta(minutes=settings.get("MaxAgeInMinutes", _DEFAULT_MINUTES))
    for earlier in executions.of_workgroup(execution.workgroup):
        same = (
            earlier.query == execution.query
            and earlier.database == execution.database
            and earlier.catalog == execution.catalog
            and earlier.parameters == execution.parameters
            and earlier.result_configuration == execution.result_configuration
            and _folder(earlier) == _folder(execution)
        )
        if same and earlier.state == "SUCCEEDED" and not earlier.reused and (earlier.completed or oldest) > oldest:
            return earlier
    return None


def _is_stable(query: str) -> bool:
    limited = re.search(r"\blimit\b", query, re.IGNORECASE) and not re.search(r"\border\s+by\b", query, re.IGNORECASE)
    return not _UNSTABLE.search(query) and not limited


def _folder(execution: Execution) -> str:
    return (execution.output_location or "").rpartition("/")[0]
