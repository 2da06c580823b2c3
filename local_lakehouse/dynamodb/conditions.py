"""Condition and filter expressions, which are compiled once per request into a predicate on items.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from local_lakehouse.dynamodb import syntax
from local_lakehouse.dynamodb.documents import find
from local_lakehouse.dynamodb.names import ExpressionFault, Names, Steps, shown
from local_lakehouse.dynamodb.syntax import (
    Arithmetic,
    Between,
    Call,
    Compare,
    In,
    Literal,
    Logic,
    Name,
    Node,
    Path,
    Placeholder,
    SyntaxFault,
)
from local_lakehouse.dynamodb.values import (
    ORDERED,
    SETS,
    TYPES,
    Item,
    Value,
    decoded,
    equal,
    members,
    ordered,
    tag_of,
)
from local_lakehouse.dynamodb.values import (
    shown as shown_value,
)

Test = Callable[[Item], bool]
Operand = Callable[[Item], Value | None]

# The number of operands that each function takes.
_TESTS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
FUNCTIONS = frozenset({*_TESTS, "size"})
_UPDATES = frozenset({"if_not_exists", "list_append"})
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_MOST_OPTIONS = 100
# The types of the values that have a beginning.
BEGINNINGS = frozenset({"S", "B"})
_SIZED = frozenset({"S", "B", "L", "M"}) | SETS
MISPLACED = "The function is not allowed to be used this way in an expression"


def condition(text: str, names: Names) -> Test:
    """Compile a condition or filter expression.

    Raises:
        SyntaxFault: The expression has a syntax error.
        ExpressionFault: The expression is not valid.
    """
    return compiled(syntax.condition(text), names)


def paths_of(node: Node, names: Names) -> list[Steps]:
    """Return the paths in a condition."""
    if isinstance(node, Path | Name):
        return [names.steps(node)]
    return [path for below in _below(node) for path in paths_of(below, names)]


def _below(node: Node) -> tuple[Node, ...]:
    match node:
        case Logic():
            return node.conditions
        case Call():
            return node.operands
        case Compare() | Arithmetic():
            return (node.left, node.right)
        case Between():
            return (node.operand, node.low, node.high)
        case In():
            return (node.operand, *node.options)
        case _:
            return ()


def compiled(node: Node, names: Names) -> Test:
    """Compile a parsed condition."""
    match node:
        case Logic("NOT", (only,)):
            test = compiled(only, names)
            return lambda item: not test(item)
        case Logic("AND", conditions):
            tests = [compiled(each, names) for each in conditions]
            return lambda item: all(test(item) for test in tests)
        case Logic(_, conditions):
            tests = [compiled(each, names) for each in conditions]
            return lambda item: any(test(item) for test in tests)
        case Compare():
            return _comparison(node, names)
        case Between():
            return _between(node, names)
        case In():
            return _one_of(node, names)
        case Call():
            return _function(node, names)
        case _:
            # A path or value alone is not a condition.
            last = node.parts[-1] if isinstance(node, Path) else getattr(node, "name", "")
            raise SyntaxFault(f'Syntax error; token: "<EOF>", near: "{last}"')


def _operand(node: Node, names: Names) -> Operand:
    match node:
        case Path() | Name():
            steps = names.steps(node)
            name = str(steps[0])
            return (lambda item: item.get(name)) if len(steps) == 1 else (lambda item: find(item, steps))
        case Placeholder() | Literal():
            value = _constant(node, names)
            return lambda _: value
        case Call("size", operands):
            _require_count("size", operands, 1)
            return _size(operands[0], names)
        case Call(name):
            if name in _TESTS or name in _UPDATES:
                raise ExpressionFault(
                    f"The function is not allowed to be used this way in an expression; function: {name}"
                )
            raise ExpressionFault(f"Invalid function name; function: {name}")
        case _:
            raise ExpressionFault("A condition cannot be an operand of another condition")


def _constant(node: Node, names: Names) -> Value | None:
    if isinstance(node, Placeholder):
        return names.value(node.name)
    return node.value if isinstance(node, Literal) else None


def _require_count(name: str, operands: tuple[Node, ...], wanted: int) -> None:
    if len(operands) != wanted:
        raise ExpressionFault(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {len(operands)}"
        )


def require_type(name: str, node: Node, names: Names, allowed: frozenset[str]) -> None:
    """Reject a constant whose type an operator or function does not accept. Paths are not checked.

    Raises:
        ExpressionFault: The type is not accepted.
    """
    value = _constant(node, names)
    if value is not None and tag_of(value) not in allowed:
        raise ExpressionFault(
            "Incorrect operand type for operator or function; "
            f"operator or function: {name}, operand type: {tag_of(value)}"
        )


def _require_distinct(name: str, first: Node, others: tuple[Node, ...], names: Names) -> None:
    if isinstance(first, Path) and any(
        isinstance(each, Path) and names.steps(each) == names.steps(first) for each in others
    ):
        raise ExpressionFault(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {name}, first operand: {shown(names.steps(first))}"
        )


def _comparison(node: Compare, names: Names) -> Test:
    left, right = _operand(node.left, names), _operand(node.right, names)
    _require_distinct(node.operator, node.left, (node.right,), names)
    if node.operator in ("=", "<>"):
        wanted = node.operator == "="

        def same(item: Item) -> bool:
            one, other = left(item), right(item)
            return (one is not None and other is not None and equal(one, other)) is wanted

        return same
    for each in (node.left, node.right):
        require_type(node.operator, each, names, ORDERED)
    order = _ORDERS[node.operator]
    return lambda item: _ordered_by(order, left(item), right(item))


def _ordered_by(order: Callable[[Any, Any], bool], one: Value | None, other: Value | None) -> bool:
    if one is None or other is None:
        return False
    tag = tag_of(one)
    return tag in ORDERED and tag == tag_of(other) and order(ordered(one), ordered(other))


def _between(node: Between, names: Names) -> Test:
    operand, low, high = (_operand(each, names) for each in (node.operand, node.low, node.high))
    for each in (node.operand, node.low, node.high):
        require_type("BETWEEN", each, names, ORDERED)
    require_bounds(_constant(node.low, names), _constant(node.high, names))

    def between(item: Item) -> bool:
        value = operand(item)
        return _ordered_by(operator.ge, value, low(item)) and _ordered_by(operator.le, value, high(item))

    return between


def require_bounds(low: Value | None, high: Value | None) -> None:
    """Reject bounds if the upper bound is less than the lower bound or has a different type.

    Raises:
        ExpressionFault: The bounds are invalid.
    """
    if low is None or high is None:
        return
    both = f"lower bound operand: {shown_value(low)}, upper bound operand: {shown_value(high)}"
    if tag_of(low) != tag_of(high):
        raise ExpressionFault(f"The BETWEEN operator requires same data type for lower and upper bounds; {both}")
    if ordered(low) > ordered(high):
        raise ExpressionFault(
            f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {both}"
        )


def _one_of(node: In, names: Names) -> Test:
    if len(node.options) > _MOST_OPTIONS:
        raise ExpressionFault(
            "Incorrect number of operands for operator or function; "
            f"operator or function: IN, number of operands: {len(node.options)}"
        )
    operand = _operand(node.operand, names)
    options = [_operand(each, names) for each in node.options]
    _require_distinct("IN", node.operand, node.options, names)

    def one_of(item: Item) -> bool:
        value = operand(item)
        if value is None:
            return False
        found = (option(item) for option in options)
        return any(each is not None and equal(value, each) for each in found)

    return one_of


def _function(node: Call, names: Names) -> Test:
    name, operands = node.name, node.operands
    if name == "size" or name in _UPDATES:
        raise ExpressionFault(f"{MISPLACED}; function: {name}")
    if name not in _TESTS:
        raise ExpressionFault(f"Invalid function name; function: {name}")
    _require_count(name, operands, _TESTS[name])
    first = _operand(operands[0], names)
    if name in ("attribute_exists", "attribute_not_exists"):
        if not isinstance(operands[0], Path | Name):
            raise ExpressionFault(f"Operator or function requires a document path; operator or function: {name}")
        wanted = name == "attribute_exists"
        return lambda item: (first(item) is not None) is wanted
    second = _operand(operands[1], names)
    _require_distinct(name, operands[0], operands[1:], names)
    if name == "attribute_type":
        return _type_test(first, operands[1], names)
    if name == "begins_with":
        for each in operands:
            require_type(name, each, names, BEGINNINGS)
        return lambda item: begins_with(first(item), second(item))
    return lambda item: contains(first(item), second(item))


def _type_test(first: Operand, wanted: Node, names: Names) -> Test:
    require_type("attribute_type", wanted, names, frozenset({"S"}))
    value = _constant(wanted, names)
    if value is None:
        raise ExpressionFault(
            "Incorrect operand type for operator or function; operator or function: attribute_type, "
            "operand type: a document path"
        )
    if value["S"] not in TYPES:
        raise ExpressionFault(
            f"Invalid attribute type name found; type: {value['S']}, valid types: {{{','.join(sorted(TYPES))}}}"
        )
    return lambda item: (found := first(item)) is not None and tag_of(found) == value["S"]


def begins_with(value: Value | None, prefix: Value | None) -> bool:
    """Return whether a string or binary value starts with another value."""
    if value is None or prefix is None or tag_of(value) != tag_of(prefix):
        return False
    if "S" in value:
        return bool(value["S"].startswith(prefix["S"]))
    return "B" in value and decoded(value["B"]).startswith(decoded(prefix["B"]))


def contains(value: Value | None, part: Value | None) -> bool:
    """Return whether a string or binary value contains another value, or a set or list contains a member."""
    if value is None or part is None:
        return False
    ((tag, held),) = value.items()
    wanted = tag_of(part)
    if tag == "S":
        return wanted == "S" and part["S"] in held
    if tag == "B":
        return wanted == "B" and decoded(part["B"]) in decoded(held)
    if tag in SETS:
        return wanted == tag[0] and ordered(part) in members(value)
    return tag == "L" and any(equal(member, part) for member in held)


def _size(node: Node, names: Names) -> Operand:
    operand = _operand(node, names)
    require_type("size", node, names, _SIZED)
    if isinstance(node, Call):
        # The only function that can be an operand is `size`, and a number has no size.
        raise ExpressionFault(
            "Incorrect operand type for operator or function; operator or function: size, operand type: N"
        )

    def size(item: Item) -> Value | None:
        value = operand(item)
        if value is None:
            return None
        ((tag, held),) = value.items()
        if tag == "S":
            return {"N": str(len(held.encode()))}
        if tag == "B":
            return {"N": str(len(decoded(held)))}
        return {"N": str(len(held))} if tag in SETS or tag in ("M", "L") else None

    return size
