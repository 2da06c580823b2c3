"""Fixes for CloudWatch Logs Insights queries. moto would ignore commands that it does not support.

AWS: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogQuery
from moto.logs.responses import LogsResponse

_FIELDS = ("@timestamp", "@message", "@logStream")
_DEFAULT_FIELDS = ("@timestamp", "@message")
_MOST_RESULTS = 10_000
_GROUP_ARN = re.compile(r"arn:[^:]*:logs:[^:]*:\d*:log-group:")
_GROUPS = ("logGroupName", "logGroupNames", "logGroupIdentifiers")


@dataclass
class InsightsQuery:
    """The parts of a query that the local lakehouse supports."""

    fields: tuple[str, ...] = ()
    order: str = "desc"
    limit: int = _MOST_RESULTS

    def for_moto(self) -> str:
        """Return an equivalent query that contains only supported commands."""
        return f"fields {', '.join(self.fields)} | sort @timestamp {self.order} | limit {self.limit}"


def apply() -> None:
    """Apply the fixes to moto, once per process."""
    if not hasattr(LogQuery.to_result_json, "__wrapped__"):
        LogQuery.to_result_json = _as_aws(LogQuery.to_result_json)  # type: ignore[method-assign]
        LogsResponse.start_query = _start_query  # type: ignore[method-assign]
        LogsResponse.get_query_results = _known(LogsResponse.get_query_results)  # type: ignore[method-assign]


def parse_query(text: str) -> InsightsQuery:
    """Parse a query.

    Raises:
        InvalidParameterException: The local lakehouse does not support a command in the query.
    """
    query = InsightsQuery()
    for command in text.split("|"):
        name, _, rest = command.strip().partition(" ")
        rest = rest.strip()
        names = tuple(field.strip() for field in rest.split(","))
        order = re.fullmatch(r"@timestamp\s+(asc|desc)", rest)
        if name == "fields" and set(names) <= set(_FIELDS):
            query.fields = tuple(dict.fromkeys((*query.fields, *names)))
        elif name == "sort" and order:
            query.order = order[1]
        elif name == "limit" and rest.isdecimal() and 0 < int(rest) <= _MOST_RESULTS:
            query.limit = int(rest)
        else:
            raise InvalidParameterException(
                f"The local lakehouse does not support '{command.strip()}' in CloudWatch Logs Insights; AWS may "
                f"support it. Use only these commands: fields ({', '.join(_FIELDS)}), sort @timestamp (asc or "
                "desc), and limit."
            )
    query.fields = query.fields or _DEFAULT_FIELDS
    return query


def _start_query(self: LogsResponse) -> str:
    """Answer ``StartQuery``."""
    asked = self.told.parameters  # type: ignore[attr-defined]
    given = [name for name in _GROUPS if asked.get(name)]
    if len(given) != 1:
        raise InvalidParameterException(f"Specify exactly one of {', '.join(_GROUPS)}.")
    if asked.get("queryLanguage", "CWLI") != "CWLI":
        raise InvalidParameterException(
            "The local lakehouse supports only the query language CWLI; AWS supports others."
        )
    named = asked[given[0]]
    groups = [_GROUP_ARN.sub("", each).removesuffix(":*") for each in ([named] if isinstance(named, str) else named)]
    backend = self.logs_backend
    query_id = backend.start_query(
        groups, int(asked["startTime"]), int(asked["endTime"]), parse_query(asked["queryString"]).for_moto()
    )
    backend.queries[query_id].query = asked["queryString"]
    return json.dumps({"queryId": query_id})


def _known(get: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(get)
    def getting(self: LogsResponse) -> str:
        if self.told.parameters["queryId"] not in self.logs_backend.queries:  # type: ignore[attr-defined]
            raise ResourceNotFoundException("The specified query does not exist.")
        return get(self)

    return getting


def _as_aws(to_json: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return the fields in the query's order, and times as strings."""

    @functools.wraps(to_json)
    def showing(self: LogQuery) -> dict[str, Any]:
        fields = (*parse_query(self.query).fields, "@ptr")
        results = [[{"field": name, "value": _text(name, each[name])} for name in fields] for each in self.results]
        return {**to_json(self), "results": results}

    return showing


def _text(name: str, value: Any) -> str:
    if name != "@timestamp":
        return str(value)
    return datetime.fromtimestamp(int(value) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
