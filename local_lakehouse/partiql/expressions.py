"""Conversion of PartiQL conditions and updates to DynamoDB expressions with placeholders.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, assert_never

from local_lakehouse.protocol.partiql.tree import (
    All,
    Append,
    Arithmetic,
    Between,
    Call,
    ChangeSet,
    Compare,
    Condition,
    Either,
    In,
    Is,
    Literal,
    NewValue,
    Not,
    Operand,
    Path,
    Remove,
    Set,
    Size,
    TypedValue,
)
from local_lakehouse.protocol.partiql.values import invalid


class Expressions:
    """The expressions of one request, with the names and values that they use."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: list[TypedValue] = []

    def members(self) -> dict[str, Any]:
        """Return the request members that define the names and values in the expressions."""
        found: dict[str, Any] = {}
        if self._names:
            found["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in self._names.items()}
        if self._values:
            found["ExpressionAttributeValues"] = {f":v{at}": value for at, value in enumerate(self._values)}
        return found

    def path(self, path: Path) -> str:
        """Return the text of a path, with placeholders for names."""
        written = ""
        for step in path.steps:
            written += f"[{step}]" if isinstance(step, int) else f".{self._name(step)}"
        return written.removeprefix(".")

    def value(self, value: TypedValue) -> str:
        """Return the placeholder for a value."""
        self._values.append(value)
        return f":v{len(self._values) - 1}"

    def operand(self, operand: Operand) -> str:
        """Return the text of a condition's operand."""
        match operand:
            case Path():
                return self.path(operand)
            case Literal(value):
                return self.value(value)
            case Size(path):
                return f"size({self.path(path)})"
            case _:
                assert_never(operand)

    def condition(self, condition: Condition) -> str:
        """Return the text of a condition."""
        match condition:
            case Compare(operator, left, right):
                return f"{self.operand(left)} {operator} {self.operand(right)}"
            case Between(operand, low, high):
                return f"{self.operand(operand)} BETWEEN {self.operand(low)} AND {self.operand(high)}"
            case In(operand, options):
                return f"{self.operand(operand)} IN ({', '.join(map(self.operand, options))})"
            case Is(path, None):
                return f"attribute_not_exists({self.path(path)})"
            case Is(path, tag):
                return f"attribute_type({self.path(path)}, {self.value({'S': tag})})"
            case Call(name, path, argument):
                return f"{name}({self.path(path)}, {self.operand(argument)})"
            case Not(Is(path, None)):
                return f"attribute_exists({self.path(path)})"
            case Not(inner):
                return f"NOT ({self.condition(inner)})"
            case All(conditions):
                return " AND ".join(f"({self.condition(each)})" for each in conditions)
            case Either(conditions):
                return " OR ".join(f"({self.condition(each)})" for each in conditions)
            case _:
                assert_never(condition)

    def update(self, actions: Sequence[Set | Remove]) -> str:
        """Return the text of an update expression."""
        clauses: dict[str, list[str]] = {}
        for action in actions:
            if isinstance(action, Remove):
                clauses.setdefault("REMOVE", []).append(self.path(action.path))
            elif isinstance(action.value, ChangeSet):
                change = action.value
                if change.path != action.path:
                    raise invalid(f"The first argument to SET_{change.verb} must equal the assignment value")
                members = self.value(change.members.value)
                clauses.setdefault(change.verb, []).append(f"{self.path(action.path)} {members}")
            else:
                clauses.setdefault("SET", []).append(f"{self.path(action.path)} = {self._new_value(action.value)}")
        return " ".join(f"{verb} {', '.join(written)}" for verb, written in clauses.items())

    def _new_value(self, value: NewValue) -> str:
        match value:
            case Path():
                return self.path(value)
            case Literal(typed):
                return self.value(typed)
            case Arithmetic(operator, left, right):
                return f"{self._new_value(left)} {operator} {self._new_value(right)}"
            case Append(left, right):
                return f"list_append({self._new_value(left)}, {self._new_value(right)})"
            case ChangeSet():
                raise invalid(f"Unsupported operator in Update Expression. Operator: SET_{value.verb}")
            case _:
                assert_never(value)

    def _name(self, name: str) -> str:
        return self._names.setdefault(name, f"#n{len(self._names)}")


def joined(conditions: Sequence[Condition]) -> Condition:
    """Join conditions with ``AND``, without redundant parentheses, which DynamoDB rejects."""
    return conditions[0] if len(conditions) == 1 else All(tuple(conditions))


def conjuncts(condition: Condition | None) -> Iterator[Condition]:
    """Yield the terms of a conjunction."""
    if isinstance(condition, All):
        for each in condition.conditions:
            yield from conjuncts(each)
    elif condition is not None:
        yield condition


def equality(condition: Condition) -> tuple[str, TypedValue] | None:
    """Return the attribute and the value of an equality condition, or None for other conditions."""
    if not isinstance(condition, Compare) or condition.operator != "=":
        return None
    match condition.left, condition.right:
        case (Path((str(name),)), Literal(value)) | (Literal(value), Path((str(name),))):
            return name, value
    return None


def attributes(condition: Condition) -> Iterator[str]:
    """Yield the names of the attributes in a condition."""
    match condition:
        case Compare(_, left, right):
            yield from _attributes(left, right)
        case Between(operand, low, high):
            yield from _attributes(operand, low, high)
        case In(operand, options):
            yield from _attributes(operand, *options)
        case Is(path, _):
            yield from _attributes(path)
        case Call(_, path, argument):
            yield from _attributes(path, argument)
        case Not(inner):
            yield from attributes(inner)
        case All(conditions) | Either(conditions):
            for each in conditions:
                yield from attributes(each)


def _attributes(*operands: Operand) -> Iterator[str]:
    for operand in operands:
        if isinstance(operand, Path):
            yield str(operand.steps[0])
        elif isinstance(operand, Size):
            yield str(operand.path.steps[0])


def key_of(
    where: Condition | None, names: Sequence[str], types: Mapping[str, str]
) -> tuple[dict[str, TypedValue], list[Condition]]:
    """Return the key that a condition specifies, and the remaining conditions.

    Args:
        where: The condition.
        names: The table's key attributes.
        types: The types of the key attributes.

    Raises:
        Fault: The condition does not specify exactly one key (``ValidationException``).
    """
    key: dict[str, TypedValue] = {}
    rest: list[Condition] = []
    for condition in conjuncts(where):
        equal = equality(condition)
        if equal is None or equal[0] not in names:
            rest.append(condition)
            continue
        name, value = equal
        if name in key:
            raise invalid(
                f"Multiple conditions on same key {name}. Only single item Update/Insert/Delete are supported"
            )
        if list(value) != [types[name]]:
            raise invalid(f"Key attribute's data type should match its data type in table's schema: Key {name}")
        key[name] = value
    if len(key) < len(names) or any(name in names for each in rest for name in attributes(each)):
        raise invalid("Where clause does not contain a mandatory equality on all key attributes")
    return key, rest
