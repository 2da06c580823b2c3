"""The five planted problems in the unknown table in chapter 13, and judges that check whether they are fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from zetl_helpers import preflight, source
from zetl_helpers._aws import absent
from zetl_helpers.course.exercises.engine import IncorrectError, UntouchedError
from zetl_helpers.course.exercises.sql import Sql
from zetl_helpers.lab import Lab

__all__ = ["FOUND", "MISSING_TIME", "SOURCE", "Live", "fixed", "judge_repair"]

SOURCE = "Shipments"
"""The table's name, in the form that `Lab.with_table` accepts."""
FOUND: Mapping[str, str] = {
    "a colon in a name": "SHP0019",
    "two names for one column": "SHP0025",
    "a weight that is text": "SHP0007",
    "a tracking number that is a number": "SHP0012",
    "no time": "SHP0031",
}
"""The shipment in which each problem is planted."""
MISSING_TIME = "2026-10-13T09:30:00Z"
"""The departure time that the chapter gives for the shipment whose time is missing."""

_Item = Mapping[str, Mapping[str, Any]]


def fixed() -> list[dict[str, Any]]:
    """Return the shipments with all five problems fixed."""
    items = {item["ShipmentID"]["S"]: item for item in source.file_items(source.sample_file("shipments.json"))}
    items["SHP0019"]["GeoHash"] = items["SHP0019"].pop("geo:hash")
    items["SHP0025"]["email"] = items["SHP0025"].pop("Email")
    items["SHP0007"]["WeightKg"] = {"N": items["SHP0007"]["WeightKg"]["S"]}
    items["SHP0012"]["Tracking"] = {"S": items["SHP0012"]["Tracking"]["N"]}
    items["SHP0031"]["ShippedAt"] = {"S": MISSING_TIME}
    return list(items.values())


def judge_repair(lab: Lab, _: object) -> None:
    """Judge whether the five problems are fixed in the DynamoDB table, without other changes.

    Raises:
        IncorrectError: A problem is not fixed, a shipment or a value was lost, or another shipment has changed.
        UntouchedError: The table does not exist, has none of the items, or is unchanged.
    """
    shipments = lab.with_table(SOURCE)
    found, original = _read(shipments), _by_key(source.file_items(source.sample_file("shipments.json")))
    if not found:
        raise UntouchedError(f"There are no items in table {shipments.table}. Run the cells above first.")
    if found == original:
        raise UntouchedError(f"The items in table {shipments.table} have not changed.")
    lost = sorted(original.keys() - found.keys())
    if lost:
        raise IncorrectError(f"Shipment {lost[0]} was deleted. Write the item again, and then fix it.")
    for shipment, complaint in _CHECKS.items():
        if said := complaint(found[shipment]):
            raise IncorrectError(f"{shipment}: {said}")
    changed = [entry for entry in sorted(original) if entry not in _CHECKS and found[entry] != original[entry]]
    if changed:
        raise IncorrectError(f"{changed[0]} had no problem, but it has changed. Restore it from the file.")
    errors = [
        finding.message for finding in preflight.of_items(list(found.values())).findings if finding.severity == "error"
    ]
    if errors:
        raise IncorrectError(f"Preflight still finds an error: {errors[0]}")


def _read(shipments: Lab) -> dict[str, dict[str, Any]]:
    """Return the table's items for the sample's shipments, keyed by the items' keys."""
    keys = [{"ShipmentID": item["ShipmentID"]} for item in source.file_items(source.sample_file("shipments.json"))]
    found: list[dict[str, Any]] = []
    request: dict[str, Any] = {shipments.table: {"Keys": keys, "ConsistentRead": True}}
    with absent("ResourceNotFoundException"):
        while request:
            answer = shipments.client("dynamodb").batch_get_item(RequestItems=request)
            found += answer["Responses"].get(shipments.table, [])
            request = answer.get("UnprocessedKeys") or {}
    return _by_key(found)


def _by_key(items: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["ShipmentID"]["S"]: {name: _comparable(value) for name, value in item.items()} for item in items}


def _comparable(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value in a normalized form, because DynamoDB does not keep the order of a set and returns 4.0 as 4."""
    match value:
        case {"SS": texts}:
            return {"SS": sorted(texts)}
        case {"N": number}:
            return {"N": f"{Decimal(number).normalize():f}"}
    return value


def _colon(item: _Item) -> str:
    if "geo:hash" in item:
        return (
            "the name geo:hash is still there. DynamoDB can't rename an attribute: SET a new name and REMOVE the "
            "old one."
        )
    return "" if {"S": "9qf"} in item.values() else "the value 9qf is lost. Keep it under a name without a colon."


def _one_email(item: _Item) -> str:
    if "Email" in item:
        return "the attribute Email is still there, but the other shipments have email."
    return "" if item.get("email") == {"S": "receiver25@example.com"} else "the address is lost. It belongs in email."


def _weight(item: _Item) -> str:
    weight = item.get("WeightKg", {})
    if "S" in weight:
        return "WeightKg is still a string. Its type must be N, as in the other shipments."
    return "" if weight == {"N": "12.5"} else "WeightKg must keep its value, 12.5, as a number."


def _tracking(item: _Item) -> str:
    tracking = item.get("Tracking", {})
    if "N" in tracking:
        return "Tracking is still a number. Its type must be S, as in the other shipments."
    right = {"S": "94001102000000000012"}
    return "" if tracking == right else "Tracking must keep all of its digits: 94001102000000000012."


def _time(item: _Item) -> str:
    if "ShippedAt" not in item:
        return "ShippedAt is still missing."
    if item["ShippedAt"] == {"S": MISSING_TIME}:
        return ""
    return (
        f"ShippedAt is {item['ShippedAt']}, but according to the dispatcher, it should be the string (S) "
        f"{MISSING_TIME}."
    )


_CHECKS: Mapping[str, Callable[[_Item], str]] = {
    "SHP0019": _colon,
    "SHP0025": _one_email,
    "SHP0007": _weight,
    "SHP0012": _tracking,
    "SHP0031": _time,
}


class Live:
    """A judge for SQL statements that query the shipments in the lakehouse.

    Args:
        judge: The judge for the statement.
    """

    def __init__(self, judge: Sql) -> None:
        self._judge = judge

    def __call__(self, lab: Lab, answer: Any) -> None:
        """Judge an answer.

        Raises:
            IncorrectError: The statement returns the wrong rows.
            QueryError: Athena rejects the statement.
            UnreadableError: The answer is neither a SELECT nor rows.
            UntouchedError: The shipments are not in the lakehouse yet.
        """
        shipments = lab.with_table(SOURCE)
        found = None
        with absent("EntityNotFoundException"):
            found = lab.client("glue").get_table(DatabaseName=lab.database, Name=shipments.target_table)
        if found is None:
            raise UntouchedError(
                f"There is no table {lab.database}.{shipments.target_table} yet. Bring the shipments into the "
                "lakehouse first, as the exercise describes."
            )
        self._judge(shipments, answer)
