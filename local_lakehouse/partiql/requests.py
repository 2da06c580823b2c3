"""Conversion of PartiQL statements to requests for DynamoDB's other operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local_lakehouse.partiql.expressions import Expressions, attributes, conjuncts, equality, joined, key_of
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.partiql import Delete, Exists, Insert, Select, Statement, Update
from local_lakehouse.protocol.partiql.tree import (
    Between,
    Call,
    Compare,
    Condition,
    Either,
    In,
    Is,
    Literal,
    Not,
    Path,
    TypedValue,
)
from local_lakehouse.protocol.partiql.values import invalid

_RANGED = ("=", "<", "<=", ">", ">=")
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Table:
    """The description of a statement's table.

    Args:
        name: The table's name in the statement.
        keys: The key attributes, with the partition key first.
        types: The types of key attributes, including those of indexes.
        indexes: The key attributes of each index.
    """

    name: str
    keys: tuple[str, ...]
    types: Mapping[str, str]
    indexes: Mapping[str, tuple[str, ...]]

    @staticmethod
    def described(name: str, description: Mapping[str, Any]) -> Table:
        """Return a table from the result of ``DescribeTable``."""
        indexes = [*description.get("GlobalSecondaryIndexes", []), *description.get("LocalSecondaryIndexes", [])]
        return Table(
            name,
            _keys(description["KeySchema"]),
            {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]},
            {each["IndexName"]: _keys(each["KeySchema"]) for each in indexes},
        )


def _keys(schema: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(each["AttributeName"] for each in sorted(schema, key=lambda each: each["KeyType"]))


@dataclass(frozen=True)
class Request:
    """A request to a DynamoDB operation."""

    operation: str
    members: dict[str, Any]


def write(statement: Statement, table: Table) -> Request:
    """Return the request for a statement that writes or checks an item.

    Raises:
        Fault: The statement does not refer to exactly one item (``ValidationException``).
    """
    expressions = Expressions()
    absent = Is(Path((table.keys[0],)), None)
    present = Not(absent)
    match statement:
        case Insert(_, item):
            for name in table.keys:
                if name not in item:
                    raise invalid(f"Key attribute should be present in the item: Key {name}")
                if list(item[name]) != [table.types[name]]:
                    raise invalid(f"Key attribute's data type should match its data type in table's schema: Key {name}")
            members: dict[str, Any] = {"Item": dict(item), "ConditionExpression": expressions.condition(absent)}
            return _request("PutItem", table, members, expressions)
        case Update(_, actions, where, returning):
            key, rest = key_of(where, table.keys, table.types)
            members = {"Key": key, "UpdateExpression": expressions.update(actions)}
            members["ConditionExpression"] = expressions.condition(joined([present, *rest]))
            return _request("UpdateItem", table, _returning(members, returning), expressions)
        case Delete(_, where, returning):
            key, rest = key_of(where, table.keys, table.types)
            members = {"Key": key}
            if not rest:
                return _request("DeleteItem", table, _returning(members, returning), Expressions())
            # Deleting an item that does not exist is not an error, regardless of the condition.
            members["ConditionExpression"] = expressions.condition(Either((absent, joined(rest))))
            return _request("DeleteItem", table, _returning(members, returning), expressions)
        case Exists(select):
            if select.index is not None:
                raise invalid("Operations on indices are not supported in transactions")
            key, rest = _single(select, table, "EXISTS() must contain a single item read with additional condition")
            if not rest:
                raise invalid("EXISTS() must contain a single item read with additional condition")
            members = {"Key": key, "ConditionExpression": expressions.condition(joined([present, *rest]))}
            return _request("ConditionCheck", table, members, expressions)
        case _:
            raise invalid("Unsupported operation in transaction.")


def get(select: Select, table: Table, where_asked: str) -> Request:
    """Return the request that reads the single item that a statement selects.

    Args:
        select: The statement.
        table: The table of the statement.
        where_asked: The operation, which is ``ExecuteTransaction`` or ``BatchExecuteStatement``.

    Raises:
        Fault: The statement does not refer to exactly one item (``ValidationException``).
    """
    if select.index is not None:
        raise invalid("Reads on indices are not supported within transactions.")
    message = f"Select statements within {where_asked} must specify the primary key in the where clause."
    key, rest = _single(select, table, message)
    if rest or select.order:
        raise invalid(message)
    expressions = Expressions()
    members: dict[str, Any] = {"Key": key, **_projection(select, expressions)}
    return _request("GetItem", table, members, expressions)


def read(select: Select, table: Table) -> list[Request]:
    """Return the requests that read a statement's items. They are queries if the statement specifies partitions.

    Raises:
        Fault: ``ValidationException``.
    """
    if select.index is not None and select.index not in table.indexes:
        raise invalid("The table does not have the specified index")
    keys = table.keys if select.index is None else table.indexes[select.index]
    partitions, ranged, rest = _divided(list(conjuncts(select.where)), keys)
    # Unlike a query's filter, a scan's filter can refer to keys, and a scan returns a partition in sort-key order.
    scanned = not partitions or any(name in keys for each in rest for name in attributes(each))
    partitions, descending = _order(select, keys, partitions, scanned=scanned)
    if scanned:
        return [_read(select, table, [], list(conjuncts(select.where)), descending=False)]
    path = Path((keys[0],))
    return [
        _read(select, table, [Compare("=", path, each), *ranged], rest, descending=descending) for each in partitions
    ]


def _read(
    select: Select, table: Table, conditions: Sequence[Condition], rest: Sequence[Condition], *, descending: bool
) -> Request:
    expressions = Expressions()
    members: dict[str, Any] = {**_projection(select, expressions)}
    if select.index is not None:
        members["IndexName"] = select.index
    if rest:
        members["FilterExpression"] = expressions.condition(joined(rest))
    if not conditions:
        return _request("Scan", table, members, expressions)
    members["KeyConditionExpression"] = " AND ".join(expressions.condition(each) for each in conditions)
    if descending:
        members["ScanIndexForward"] = False
    return _request("Query", table, members, expressions)


def _order(
    select: Select, keys: Sequence[str], partitions: list[Literal], *, scanned: bool
) -> tuple[list[Literal], bool]:
    """Return the partitions in the order in which they are read, and whether each is read backward.

    Raises:
        Fault: The ``ORDER BY`` clause is invalid or not supported (``ValidationException``).
    """
    if not select.order:
        return partitions, False
    if select.where is None:
        raise invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
    order = dict(select.order)
    for name in order:
        if name not in keys:
            raise invalid(f"Variable reference {name} in ORDER BY clause must be part of the primary key")
    if not partitions:
        raise invalid(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
        )
    if len(partitions) > 1 and keys[0] not in order:
        raise invalid(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause."
        )
    descending = any(down for name, down in order.items() if name != keys[0])
    if scanned and (descending or len(partitions) > 1):
        raise Fault(
            "ValidationException",
            "The local lakehouse does not support ORDER BY with this condition on the sort key; AWS does. "
            "Keep only one comparison on the sort key in the WHERE clause.",
        )
    if keys[0] in order:
        partitions = sorted(partitions, key=lambda each: sort_key(each.value), reverse=order[keys[0]])
    return partitions, descending


def sort_key(value: TypedValue) -> Any:
    """Return a Python value that has the same sort order as a key value in DynamoDB."""
    ((tag, content),) = value.items()
    return Decimal(content) if tag == "N" else content.encode() if tag == "S" else content


def _divided(
    conditions: Sequence[Condition], keys: Sequence[str]
) -> tuple[list[Literal], list[Condition], list[Condition]]:
    """Split conditions into partition key values, sort key conditions for a query, and all other conditions."""
    hashed = [(each, found) for each in conditions if (found := _partitions(keys[0], each))]
    if len(hashed) != 1:
        return [], [], list(conditions)
    ((about_hash, partitions),) = hashed
    rest = [each for each in conditions if each is not about_hash]
    if len(keys) == 2:
        about = [each for each in rest if keys[1] in attributes(each)]
        ranged = [turned for each in about if (turned := _on(keys[1], each))]
        if len(ranged) == len(about) == 1:
            return partitions, ranged, [each for each in rest if each is not about[0]]
    return partitions, [], rest


def _partitions(name: str, condition: Condition) -> list[Literal]:
    """Return the values that a condition allows for an attribute, or an empty list if they are unknown."""
    equal = equality(condition)
    if equal is not None and equal[0] == name:
        return [Literal(equal[1])]
    match condition:
        case In(Path((each,)), options) if each == name and all(isinstance(option, Literal) for option in options):
            distinct: list[Literal] = []
            for option in options:
                if isinstance(option, Literal) and option not in distinct:
                    distinct.append(option)
            return distinct
    return []


def _on(name: str, condition: Condition) -> Condition | None:
    """Return a sort key condition for a query, with the key on the left, or None for any other condition."""
    match condition:
        case Compare(operator, Path((each,)), Literal()) if each == name and operator in _RANGED:
            return condition
        case Compare(operator, Literal() as value, Path((each,)) as path) if each == name and operator in _RANGED:
            return Compare(_MIRRORED[operator], path, value)
        case Between(Path((each,)), Literal(), Literal()) | Call("begins_with", Path((each,)), Literal()):
            return condition if each == name else None
    return None


def _single(select: Select, table: Table, message: str) -> tuple[dict[str, TypedValue], list[Condition]]:
    try:
        return key_of(select.where, table.keys, table.types)
    except Fault as fault:
        raise invalid(message) from fault


def _projection(select: Select, expressions: Expressions) -> dict[str, str]:
    if select.paths is None:
        return {}
    for path in select.paths:
        if len(path.steps) > 1:
            raise Fault(
                "ValidationException",
                "The local lakehouse does not support paths into attributes in a SELECT list; AWS does. "
                f"Select {path.steps[0]} as a whole.",
            )
        if select.paths.count(path) > 1:
            raise invalid(f"Duplicate identifiers in select clause: {path.steps[0]}")
    return {"ProjectionExpression": ", ".join(map(expressions.path, select.paths))}


def _returning(members: dict[str, Any], returning: str | None) -> dict[str, Any]:
    return members if returning is None else {**members, "ReturnValues": returning}


def _request(operation: str, table: Table, members: dict[str, Any], expressions: Expressions) -> Request:
    return Request(operation, {"TableName": table.name, **members, **expressions.members()})
