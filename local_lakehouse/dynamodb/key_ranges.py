"""Conversion of key conditions to the range of rows that a query reads.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local_lakehouse.dynamodb.conditions import BEGINNINGS, require_bounds, require_type
from local_lakehouse.dynamodb.names import ExpressionFault, Names
from local_lakehouse.dynamodb.syntax import Between, Call, Compare, In, Literal, Logic, Name, Node, Path, Placeholder
from local_lakehouse.dynamodb.tables import empty
from local_lakehouse.dynamodb.values import ORDERED, Value, invalid, tag_of
from local_lakehouse.store import item_keys
from local_lakehouse.store.items import Index

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_SEVERAL_NAMES = "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
_UNSUPPORTED = "Query key condition not supported"


@dataclass(frozen=True)
class _Condition:
    name: str
    operator: str
    values: tuple[Value, ...]


def bounds(nodes: Sequence[Node], names: Names, keys: Index, types: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Return exclusive bounds that enclose exactly the rows of a query.

    Args:
        nodes: The conditions, joined by AND.
        names: The names and values in the conditions.
        keys: The key attributes of the table or index.
        types: The types of the key attributes.

    Raises:
        Fault: The conditions do not select a range of keys (``ValidationException``).
        ExpressionFault: The conditions are not valid.
    """
    given: dict[str, _Condition] = {}
    for condition in (each for node in nodes for each in _conditions(node, names)):
        if condition.name in given:
            raise invalid("KeyConditionExpressions must only contain one condition per key")
        given[condition.name] = condition
    for name in keys.hash_names:
        if name not in given:
            raise invalid(f"Query condition missed key schema element: {name}")
        if given[name].operator != "=":
            raise invalid(_UNSUPPORTED)
    ranged = [name for name in keys.range_names if name in given]
    if unknown := [name for name in given if name not in keys.hash_names and name not in ranged]:
        missed = next((name for name in keys.range_names if name not in given), None)
        raise invalid(f"Query condition missed key schema element: {missed}" if missed else _unknown(unknown))
    if ranged != list(keys.range_names[: len(ranged)]) or any(given[name].operator != "=" for name in ranged[:-1]):
        raise invalid(_UNSUPPORTED)
    for condition in given.values():
        _require_values(condition, types[condition.name])
    prefix = item_keys.partition(b"".join(_encoded(given[name].values[0]) for name in keys.hash_names))
    prefix += b"".join(_encoded(given[name].values[0]) for name in ranged[:-1])
    # In a table without a sort key, the only key of a partition is equal to its prefix.
    return _narrowed(prefix, given[ranged[-1]]) if ranged else (item_keys.before(prefix), item_keys.after(prefix))


def _unknown(names: list[str]) -> str:
    return f"{_UNSUPPORTED}: {', '.join(names)}"


def _conditions(node: Node, names: Names) -> Iterator[_Condition]:
    match node:
        case Logic("AND", conditions):
            for each in conditions:
                yield from _conditions(each, names)
        case Logic(operator):
            raise _not_allowed(operator)
        case Compare("<>"):
            raise _not_allowed("<>")
        case Compare(operator, Path() | Name() as path, Placeholder() | Literal() as value):
            _require_ordered(operator, (value,), names)
            yield _Condition(_name(path, names), operator, (_value(value, names),))
        case Compare(operator, Placeholder() | Literal() as value, Path() | Name() as path):
            _require_ordered(operator, (value,), names)
            yield _Condition(_name(path, names), _MIRRORED[operator], (_value(value, names),))
        case Between(Path() | Name() as path, low, high):
            _require_ordered("BETWEEN", (low, high), names)
            values = _value(low, names), _value(high, names)
            require_bounds(*values)
            yield _Condition(_name(path, names), "BETWEEN", values)
        case Call("begins_with", (Path() | Name() as path, value)):
            require_type("begins_with", value, names, BEGINNINGS)
            yield _Condition(_name(path, names), "begins_with", (_value(value, names),))
        case Call(name):
            raise _not_allowed(name)
        case In():
            raise _not_allowed("IN")
        case Compare(_, Path(), Path()):
            raise ExpressionFault(_SEVERAL_NAMES)
        case _:
            raise ExpressionFault("Invalid condition in KeyConditionExpression: No key attribute specified")


def _require_ordered(operator: str, operands: Sequence[Node], names: Names) -> None:
    for operand in operands if operator != "=" else ():
        require_type(operator, operand, names, ORDERED)


def _not_allowed(operator: str) -> Exception:
    return invalid(f"Invalid operator used in KeyConditionExpression: {operator}")


def _name(path: Path | Name, names: Names) -> str:
    steps = names.steps(path)
    if len(steps) > 1:
        raise ExpressionFault("KeyConditionExpressions cannot have conditions on nested attributes")
    return str(steps[0])


def _value(node: Node, names: Names) -> Value:
    if isinstance(node, Placeholder):
        return names.value(node.name)
    if isinstance(node, Literal):
        return node.value  # type: ignore[no-any-return]
    raise ExpressionFault(_SEVERAL_NAMES)


def _require_values(condition: _Condition, wanted: str) -> None:
    for value in condition.values:
        if tag_of(value) != wanted:
            raise invalid(
                "One or more parameter values were invalid: Condition parameter type does not match schema type"
            )
        if (kind := empty(value)) is not None:
            raise invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                f"empty {kind} value. Key: {condition.name}"
            )
    if condition.operator == "begins_with" and wanted == "N":
        raise invalid(_UNSUPPORTED)


def _narrowed(prefix: bytes, condition: _Condition) -> tuple[bytes, bytes]:
    first, last = (prefix + _encoded(value) for value in (condition.values[0], condition.values[-1]))
    end = item_keys.after(prefix)
    match condition.operator:
        case "<":
            return prefix, first
        case "<=":
            return prefix, item_keys.after(first)
        case ">":
            return item_keys.after(first), end
        case ">=":
            return item_keys.before(first), end
        case "begins_with":
            return _beginning(prefix, condition.values[0])
        case _:
            return item_keys.before(first), item_keys.after(last)


def _beginning(prefix: bytes, value: Value) -> tuple[bytes, bytes]:
    ((tag, held),) = value.items()
    start = prefix + item_keys.beginning(tag, held)
    return start, item_keys.after(start)


def _encoded(value: Value) -> bytes:
    ((tag, held),) = value.items()
    return item_keys.encode(tag, held)
