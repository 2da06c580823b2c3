"""Fixes for the resource policy, table versions, table search and order of parameters in AWS Glue.

AWS: https://docs.aws.amazon.com/glue/latest/webapi/API_PutResourcePolicy.html
https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
https://docs.aws.amazon.com/glue/latest/webapi/API_SearchTables.html
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.glue.exceptions import EntityNotFoundException
from moto.glue.models import FakeDatabase, FakePartition, FakeTable, GlueBackend
from moto.glue.responses import GlueResponse

# AWS: https://docs.aws.amazon.com/glue/latest/dg/glue-resource-policies.html
_MOST_POLICY_BYTES = 10_240
# moto's errors for a failed condition on the Data Catalog's policy.
_BROKEN_CONDITIONS = ("ConcurrentModificationException", "ResourceNumberLimitExceededException")


def apply() -> None:
    """Apply the fixes to moto, once per process."""
    if not hasattr(GlueBackend.get_resource_policy, "__wrapped__"):
        GlueBackend.get_resource_policy = _found(GlueBackend.get_resource_policy)  # type: ignore[method-assign]
        GlueBackend.put_resource_policy = _conditional(GlueBackend.put_resource_policy)  # type: ignore[method-assign]
        GlueBackend.delete_resource_policy = _conditional(  # type: ignore[method-assign]
            GlueBackend.delete_resource_policy
        )
        GlueResponse.update_table = _versioned(GlueResponse.update_table)  # type: ignore[method-assign]
        GlueResponse.search_tables = _search_tables  # type: ignore[attr-defined]
        for model in (FakeDatabase, FakePartition, FakeTable):
            model.as_dict = _ordered(model.as_dict)  # type: ignore[method-assign]


def _found(get: Callable[..., Any]) -> Callable[..., Any]:
    """Return an error for a missing policy, as AWS does."""

    @functools.wraps(get)
    def finding(self: GlueBackend, *arguments: Any, **named: Any) -> Any:
        answer = get(self, *arguments, **named)
        if not answer:
            raise EntityNotFoundException("Policy not found")
        return answer

    return finding


def _conditional(write: Callable[..., Any]) -> Callable[..., Any]:
    """Report failed conditions as AWS does, reject hashes of deleted policies, and enforce the size limit."""

    @functools.wraps(write)
    def writing(self: GlueBackend, *arguments: Any, **named: Any) -> Any:
        arn = named.get("resource_arn") or self.default_catalog_arn
        size = len(str(named.get("policy_in_json") or "").encode())
        if size > _MOST_POLICY_BYTES:
            raise JsonRESTError(
                "InvalidInputException",
                f"The resource policy is {size:,} bytes long, but the maximum is {_MOST_POLICY_BYTES:,} bytes.",
            )
        if named.get("policy_hash_condition") and arn not in self.resource_policies:
            raise JsonRESTError("ConditionCheckFailureException", "The policy in the condition no longer exists.")
        try:
            return write(self, *arguments, **named)
        except JsonRESTError as error:
            if error.error_type not in _BROKEN_CONDITIONS:
                raise
            raise JsonRESTError("ConditionCheckFailureException", str(error.message)) from error

    return writing


def _versioned(update: Callable[..., Any]) -> Callable[..., Any]:
    """Reject an update with an outdated version, and discard the old version if ``SkipArchive`` is true.

    Iceberg writers rely on the rejection. Without it, one of two concurrent commits would be lost.
    """

    @functools.wraps(update)
    def updating(self: GlueResponse) -> Any:
        wanted = self.parameters
        table = self.glue_backend.get_table(str(wanted.get("DatabaseName")), str(wanted["TableInput"]["Name"]))
        before = str(table.as_dict()["VersionId"])
        if wanted.get("VersionId") not in (None, before):
            raise JsonRESTError(
                "ConcurrentModificationException",
                f"Update table failed due to concurrent modifications: version {wanted['VersionId']} was expected, "
                f"but the table has version {before}.",
            )
        answer = update(self)
        if wanted.get("SkipArchive"):
            table.versions.pop(before, None)
        return answer

    return updating


def _search_tables(self: GlueResponse) -> ActionResult:
    """Return the tables that match all filters and contain the search text in any property."""
    wanted = self.parameters
    text = str(wanted.get("SearchText") or "").strip('"').lower()
    filters = wanted.get("Filters") or []
    found = [
        described
        for database in self.glue_backend.databases.values()
        for described in (table.as_dict() for table in database.tables.values())
        if text in _searched(described) and all(_fits(described, condition) for condition in filters)
    ]
    for criterion in reversed(wanted.get("SortCriteria") or []):
        keyed = [(str(described.get(criterion.get("FieldName"), "")), described) for described in found]
        keyed.sort(key=operator.itemgetter(0), reverse=criterion.get("Sort") == "DESC")
        found = [described for _, described in keyed]
    limit = int(wanted.get("MaxResults") or 100)
    start = int(wanted.get("NextToken") or 0)
    answer: dict[str, Any] = {"TableList": found[start : start + limit]}
    if start + limit < len(found):
        answer["NextToken"] = str(start + limit)
    return ActionResult(answer)


def _searched(value: Any) -> str:
    """Return all strings in a table's description, in lowercase, because the search includes every property.

    AWS: https://docs.aws.amazon.com/glue/latest/webapi/API_SearchTables.html
    """
    if isinstance(value, dict):
        return "\n".join(_searched(each) for each in value.values())
    if isinstance(value, list):
        return "\n".join(map(_searched, value))
    return value.lower() if isinstance(value, str) else ""


def _fits(table: dict[str, Any], condition: dict[str, str]) -> bool:
    key, value = condition.get("Key", ""), condition.get("Value", "")
    known = {"databaseName": table["DatabaseName"], "name": table["Name"], **table.get("Parameters", {}), **table}
    found = known.get(key, known.get(key[:1].upper() + key[1:]))
    return found is not None and value.lower() in str(found).lower()


def _ordered(as_dict: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap ``as_dict`` so that its maps of parameters have the same key order as in AWS Glue's responses."""

    @functools.wraps(as_dict)
    def ordering(self: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
        described: dict[str, Any] = _in_answer_order(as_dict(self, *arguments, **named))
        return described

    return ordering


def _in_answer_order(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: hash_map_order(child) if name == "Parameters" and isinstance(child, dict) else _in_answer_order(child)
        for name, child in value.items()
    }


def hash_map_order(entries: dict[str, Any]) -> dict[str, Any]:
    """Return a map's entries in the order of Java's ``HashMap``, which AWS Glue's responses use.

    Java: https://docs.oracle.com/javase/8/docs/api/java/util/HashMap.html
    """
    buckets = 16
    while len(entries) > buckets * 3 // 4:
        buckets *= 2
    return dict(sorted(entries.items(), key=lambda entry: _spread_hash(entry[0]) % buckets))


@functools.lru_cache(maxsize=1_000)
def _spread_hash(text: str) -> int:
    units = text.encode("utf-16-be")
    found = 0
    for index in range(0, len(units), 2):
        found = (found * 31 + int.from_bytes(units[index : index + 2])) & 0xFFFFFFFF
    return found ^ found >> 16
