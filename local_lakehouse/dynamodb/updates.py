"""Update expressions, which compute the new version of an item.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local_lakehouse.dynamodb import documents, syntax
from local_lakehouse.dynamodb.conditions import FUNCTIONS, MISPLACED
from local_lakehouse.dynamodb.names import ExpressionFault, Names, Steps, require_apart
from local_lakehouse.dynamodb.syntax import Action, Arithmetic, Call, Literal, Name, Node, Path, Placeholder
from local_lakehouse.dynamodb.values import EXACT, SETS, Item, Unfit, Value, members, number_text, ordered, tag_of

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_TYPE_NAMES = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "NULL": "NULL", "M": "MAP", "L": "LIST",
    "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
}  # fmt: skip

# A function that computes a value from the original item. A missing attribute causes an error.
_Source = Callable[[Item], Value]


@dataclass(frozen=True)
class _Step:
    section: str
    path: Steps
    source: _Source | None


class Update:
    """A compiled update.

    Args:
        steps: The steps of the update.
    """

    def __init__(self, steps: Sequence[_Step]) -> None:
        self._steps = steps

    @property
    def paths(self) -> list[Steps]:
        """The paths that the expression updates."""
        return [step.path for step in self._steps]

    @property
    def creates_item(self) -> bool:
        """Whether the update creates a missing item. An update that only removes values does not create it."""
        return not self._steps or any(step.section in ("SET", "ADD") for step in self._steps)

    def applied(self, item: Item) -> dict[str, Any]:
        """Return an item with the update applied.

        Raises:
            Fault: The update cannot be applied to this item (``ValidationException``).
        """
        values = [(step, step.source(item)) for step in self._steps if step.source is not None]
        # A deep copy is needed only if nested values are changed in place.
        nested = any(len(step.path) > 1 for step in self._steps)
        new: dict[str, Any] = copy.deepcopy(dict(item)) if nested else dict(item)
        sets = [(step.path, value) for step, value in values if step.section == "SET"]
        removals = [step.path for step in self._steps if step.section == "REMOVE"]
        for step, value in values:
            if step.section == "ADD":
                sets.append((step.path, _added(documents.find(item, step.path), value)))
            elif step.section == "DELETE" and (old := documents.find(item, step.path)) is not None:
                left = _without(old, value)
                if left is None:
                    removals.append(step.path)
                else:
                    sets.append((step.path, left))
        # Elements beyond the end of a list are appended in the order of their positions.
        for path, value in sorted(sets, key=lambda each: each[0][-1] if isinstance(each[0][-1], int) else -1):
            documents.put(new, path, copy.deepcopy(value) if nested else value)
        documents.remove(new, removals)
        return new


def update(text: str, names: Names) -> Update:
    """Compile an update expression.

    Raises:
        SyntaxFault: The expression has a syntax error.
        ExpressionFault: The expression is not valid.
    """
    return compiled(syntax.update(text), names)


def compiled(actions: Iterable[Action], names: Names) -> Update:
    """Compile parsed actions."""
    steps = [_step(action, names) for action in actions]
    require_apart([step.path for step in steps])
    return Update(steps)


def _step(action: Action, names: Names) -> _Step:
    path = names.steps(action.path)
    if action.operand is None:
        return _Step(action.section, path, None)
    if action.section in ("ADD", "DELETE"):
        value = _constant(action.operand, names)
        allowed = SETS if action.section == "DELETE" else SETS | {"N"}
        if value is not None and tag_of(value) not in allowed:
            raise ExpressionFault(
                f"Incorrect operand type for operator or function; operator: {action.section}, "
                f"operand type: {_TYPE_NAMES[tag_of(value)]}, typeSet: ALLOWED_FOR_{action.section}_OPERAND"
            )
    return _Step(action.section, path, _source(action.operand, names))


def _constant(node: Node, names: Names) -> Value | None:
    if isinstance(node, Placeholder):
        return names.value(node.name)
    return node.value if isinstance(node, Literal) else None


def _source(node: Node, names: Names) -> _Source:
    match node:
        case Placeholder() | Literal():
            value = _constant(node, names)
            assert value is not None
            return lambda _: value
        case Path() | Name():
            steps = names.steps(node)
            return lambda item: _present(documents.find(item, steps))
        case Arithmetic():
            return _arithmetic(node, names)
        case Call("if_not_exists", operands):
            return _if_not_exists(operands, names)
        case Call("list_append", operands):
            return _list_append(operands, names)
        case Call(name):
            if name in FUNCTIONS:
                raise ExpressionFault(f"The function is not allowed in an update expression; function: {name}")
            raise ExpressionFault(f"Invalid function name; function: {name}")
        case _:
            raise ExpressionFault("A condition cannot be an operand of an update expression")


def _present(value: Value | None) -> Value:
    if value is None:
        raise Unfit(_MISSING)
    return value


def _require_count(name: str, operands: tuple[Node, ...]) -> None:
    if len(operands) != 2:
        raise ExpressionFault(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {len(operands)}"
        )


def _require_type(name: str, node: Node, names: Names, wanted: str) -> None:
    value = _constant(node, names)
    if value is not None and tag_of(value) != wanted:
        raise ExpressionFault(
            "Incorrect operand type for operator or function; "
            f"operator or function: {name}, operand type: {tag_of(value)}"
        )


def _arithmetic(node: Arithmetic, names: Names) -> _Source:
    for each in (node.left, node.right):
        _require_type(node.operator, each, names, "N")
    left, right = _source(node.left, names), _source(node.right, names)
    sign = 1 if node.operator == "+" else -1
    return lambda item: _sum(left(item), right(item), sign)


def _sum(left: Value, right: Value, sign: int) -> Value:
    if "N" not in left or "N" not in right:
        raise Unfit(_WRONG_TYPE)
    one, other = Decimal(left["N"]), Decimal(right["N"])
    return {"N": number_text(EXACT.add(one, other if sign > 0 else -other))}


def _if_not_exists(operands: tuple[Node, ...], names: Names) -> _Source:
    _require_count("if_not_exists", operands)
    if not isinstance(operands[0], Path):
        raise ExpressionFault("Operator or function requires a document path; operator or function: if_not_exists")
    steps, otherwise = names.steps(operands[0]), _source(operands[1], names)

    def value(item: Item) -> Value:
        found = documents.find(item, steps)
        return otherwise(item) if found is None else found

    return value


def _list_append(operands: tuple[Node, ...], names: Names) -> _Source:
    _require_count("list_append", operands)
    for each in operands:
        if isinstance(each, Call) and each.name == "list_append":
            raise ExpressionFault(f"{MISPLACED}; function: list_append")
        _require_type("list_append", each, names, "L")
    left, right = _source(operands[0], names), _source(operands[1], names)

    def value(item: Item) -> Value:
        one, other = left(item), right(item)
        if "L" not in one or "L" not in other:
            raise Unfit(_WRONG_TYPE)
        return {"L": [*one["L"], *other["L"]]}

    return value


def _added(old: Value | None, value: Value) -> Value:
    if old is None:
        return value
    if tag_of(old) != tag_of(value):
        raise Unfit(_WRONG_TYPE)
    if "N" in value:
        return _sum(old, value, 1)
    tag = tag_of(value)
    held = members(old)
    return {tag: [*old[tag], *(each for each in value[tag] if ordered({tag[0]: each}) not in held)]}


def _without(old: Value, value: Value) -> Value | None:
    if tag_of(old) != tag_of(value):
        raise Unfit(_WRONG_TYPE)
    tag = tag_of(value)
    gone = members(value)
    left = [each for each in old[tag] if ordered({tag[0]: each}) not in gone]
    return {tag: left} if left else None
