"""The steps and predicates in the path language of the SQL/JSON functions.

https://trino.io/docs/current/functions/json.html#json-path-language
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

_BIGINT = 2**63
_INT = 2**31
_KINDS = {type(None): "NULL", bool: "BOOLEAN", str: "STRING", list: "ARRAY", dict: "OBJECT"}


class UnsupportedPath(ValueError):
    """A path uses an unsupported part of Trino's path language."""


class PathFailure(ValueError):
    """A path cannot be evaluated for a JSON value.

    Args:
        message: Trino's message, without its prefix.
        structural: Whether the path refers to a missing element or member.
    """

    def __init__(self, message: str, *, structural: bool = False) -> None:
        super().__init__(f"path evaluation failed: {'structural error: ' if structural else ''}{message}")


def wrong_item(expected: str, item: Any) -> PathFailure:
    """Return the failure for a step that does not accept an item's type."""
    kind = _KINDS.get(type(item), "NUMBER")
    return PathFailure(f"invalid item type. Expected: {expected}, actual: {kind}")


@dataclass
class Context:
    """The context of a path's evaluation.

    Args:
        root: The JSON value.
        parameters: The values that are passed to the path, keyed by name. NULL is passed as an empty sequence.
        lax: Whether arrays are unwrapped and missing parts are skipped.
        item: The item that a filter tests.
        last: The last position of the current array, or None outside an array subscript.
    """

    root: Any
    parameters: dict[str, list[Any]]
    lax: bool
    item: Any = None
    last: int | None = None
    ids: list[int] = field(default_factory=lambda: [0])

    def at(self, **changes: Any) -> Context:
        """Return a copy of this context with changed fields."""
        return Context(**{**self.__dict__, **changes})


Step = Callable[[Context], list[Any]]
Predicate = Callable[[Context], bool | None]


def constant(value: Any) -> Step:
    """Return a step that yields a constant."""
    return lambda _: [value]


def last_place(context: Context) -> list[Any]:
    """Return the last position of the current array."""
    if context.last is None:
        raise PathFailure("accessing the last array index with no enclosing array")
    return [context.last]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _unwrapped(context: Context, items: list[Any]) -> list[Any]:
    if not context.lax:
        return items
    return [part for item in items for part in (item if isinstance(item, list) else [item])]


def _numeric(value: Any) -> Any:
    if not _is_number(value) or (isinstance(value, int) and not -_BIGINT <= value < _BIGINT):
        raise wrong_item("NUMBER", value)
    return value


def arithmetic(operator: str, left: Step, right: Step) -> Step:
    """Return a step that applies an arithmetic operation to two numbers."""

    def step(context: Context) -> list[Any]:
        sides = [_unwrapped(context, side(context)) for side in (left, right)]
        if any(len(side) != 1 for side in sides):
            raise PathFailure("arithmetic binary expression requires singleton operands")
        return [_computed(operator, _numeric(sides[0][0]), _numeric(sides[1][0]))]

    return step


def _computed(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
        if operator in "/%" and right == 0:
            return float("nan") if operator == "%" or left == 0 else left * float("inf")
        if operator == "/":
            return left / right
        if operator == "%":
            return math.fmod(left, right)
        return left + right if operator == "+" else left - right if operator == "-" else left * right
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return _decimal(operator, Decimal(left), Decimal(right))
    if operator in "/%" and right == 0:
        _by_zero()
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1) if operator in "/%" else 0
    result = {"+": left + right, "-": left - right, "*": left * right, "/": quotient, "%": left - quotient * right}[
        operator
    ]
    size = _INT if all(-_INT <= side < _INT for side in (left, right)) else _BIGINT
    if not -size <= result < size:
        raise PathFailure("arithmetic overflow")
    return result


def _decimal(operator: str, left: Decimal, right: Decimal) -> Decimal:
    if operator == "/":
        # The scale of a quotient depends on the operands' declared types, which numbers in JSON do not have.
        raise UnsupportedPath("division of decimals")
    if operator == "%":
        if not right:
            _by_zero()
        return left % right
    return left + right if operator == "+" else left - right if operator == "-" else left * right


def _by_zero() -> NoReturn:
    raise PathFailure("Division by zero")


def signed(sign: str, base: Step) -> Step:
    """Return a step that applies a unary sign."""

    def step(context: Context) -> list[Any]:
        values = [_numeric(item) for item in _unwrapped(context, base(context))]
        return values if sign == "+" else [-value for value in values]

    return step


def members(base: Step, key: str | None) -> Step:
    """Return a step that selects an object's member, or all members if `key` is None."""

    def step(context: Context) -> list[Any]:
        found: list[Any] = []
        for item in _unwrapped(context, base(context)):
            if not isinstance(item, dict):
                if not context.lax:
                    raise wrong_item("OBJECT", item)
            elif key is None:
                found.extend(item.values())
            elif key in item:
                found.append(item[key])
            elif not context.lax:
                raise PathFailure(f"missing member '{key}' in JSON object", structural=True)
        return found

    return step


def elements(base: Step, subscripts: list[tuple[Step, Step | None]]) -> Step:
    """Return a step that selects the array elements at `subscripts`, or all elements if `subscripts` is empty."""

    def step(context: Context) -> list[Any]:
        found: list[Any] = []
        for item in base(context):
            if not isinstance(item, list) and not context.lax:
                raise wrong_item("ARRAY", item)
            elements = item if isinstance(item, list) else [item]
            if not subscripts:
                found.extend(elements)
            elif elements:
                found.extend(_selected(context.at(last=len(elements) - 1), elements, subscripts))
            elif not context.lax:
                raise PathFailure("invalid array subscript for empty array", structural=True)
        return found

    return step


def _selected(context: Context, elements: list[Any], subscripts: list[tuple[Step, Step | None]]) -> list[Any]:
    found: list[Any] = []
    for first, last in subscripts:
        start = _index(context, first)
        end = start if last is None else _index(context, last)
        inside = 0 <= start <= end < len(elements)
        if not inside and not context.lax:
            size = len(elements)
            raise PathFailure(f"invalid array subscript: [{start}, {end}] for array of size {size}", structural=True)
        if start <= end:
            found.extend(elements[max(0, start) : max(0, end + 1)])
    return found


def _index(context: Context, step: Step) -> int:
    values = step(context)
    if len(values) != 1:
        raise PathFailure("array subscript 'from' value must be singleton numeric")
    value = _numeric(values[0])
    return int(value) if isinstance(value, int) else int(Decimal(value).to_integral_value("ROUND_HALF_UP"))


def filtered(base: Step, predicate: Predicate) -> Step:
    """Return a step that filters items by a predicate."""

    def step(context: Context) -> list[Any]:
        items = _unwrapped(context, base(context))
        return [item for item in items if predicate(context.at(item=item)) is True]

    return step


def method(base: Step, name: str) -> Step:
    """Return a step that calls a method on items."""

    def step(context: Context) -> list[Any]:
        items = base(context)
        if name == "type":
            return [_type_name(item) for item in items]
        if name == "size":
            return [_size(context, item) for item in items]
        items = _unwrapped(context, items)
        if name == "keyvalue":
            return [entry for item in items for entry in _entries(context, item)]
        return [_applied(name, item) for item in items]

    return step


def _type_name(item: Any) -> str:
    if item is None:
        return "null"
    names = ((bool, "boolean"), (str, "string"), (list, "array"), (dict, "object"))
    return next((name for kind, name in names if isinstance(item, kind)), "number")


def _size(context: Context, item: Any) -> int:
    if isinstance(item, list):
        return len(item)
    if not context.lax:
        raise wrong_item("ARRAY", item)
    return 1


def _entries(context: Context, item: Any) -> list[Any]:
    if not isinstance(item, dict):
        raise wrong_item("OBJECT", item)
    found = []
    for key, value in item.items():
        found.append({"name": key, "value": value, "id": context.ids[0]})
        context.ids[0] += 1
    return found


def _applied(name: str, item: Any) -> Any:
    if name == "double":
        try:
            return float(item if isinstance(item, str) else _numeric(item))
        except ValueError as error:
            raise PathFailure(f"cannot convert {item} to double") from error
    value = _numeric(item)
    if name == "abs":
        return abs(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return float(
            value if value != value or value in (float("inf"), float("-inf")) else _whole(name, Decimal(value))
        )
    return _whole(name, value)


def _whole(name: str, value: Decimal) -> Decimal:
    return value.to_integral_value("ROUND_CEILING" if name == "ceiling" else "ROUND_FLOOR")


def attempt(test: Predicate) -> Predicate:
    """Return a predicate that runs a test. If the test cannot be evaluated, the result is unknown."""

    def predicate(context: Context) -> bool | None:
        try:
            return test(context)
        except PathFailure:
            return None

    return predicate


def both(left: Predicate, right: Predicate) -> Predicate:
    """Return the conjunction of two predicates."""

    def predicate(context: Context) -> bool | None:
        sides = (left(context), right(context))
        return False if False in sides else None if None in sides else True

    return predicate


def either(left: Predicate, right: Predicate) -> Predicate:
    """Return the disjunction of two predicates."""

    def predicate(context: Context) -> bool | None:
        sides = (left(context), right(context))
        return True if True in sides else None if None in sides else False

    return predicate


def comparison(operator: str, left: Step, right: Step) -> Predicate:
    """Return a predicate that compares two sequences."""

    def test(context: Context) -> bool | None:
        sides = [_unwrapped(context, side(context)) for side in (left, right)]
        return _compared(context, operator, *sides)

    return attempt(test)


def _compared(context: Context, operator: str, left: list[Any], right: list[Any]) -> bool | None:
    if not left or not right:
        return False
    kinds = [{_category(item) for item in side} for side in (left, right)]
    if ("structure" in kinds[0] and kinds[1] - {"null"}) or ("structure" in kinds[1] and kinds[0] - {"null"}):
        return None
    found = operator == "==" and all("null" in side for side in kinds)
    if operator == "<>" and any("null" in mine and its - {"null"} for mine, its in (kinds, kinds[::-1])):
        found = True
    if found and context.lax:
        return True
    scalars = [[item for item in side if _category(item) == "scalar"] for side in (left, right)]
    for mine in scalars[0]:
        for its in scalars[1]:
            result = _pair(operator, mine, its)
            if result is None:
                return None
            found = found or result
            if found and context.lax:
                return True
    return found


def _category(item: Any) -> str:
    return "null" if item is None else "structure" if isinstance(item, dict | list) else "scalar"


def _pair(operator: str, left: Any, right: Any) -> bool | None:
    if _is_number(left) and _is_number(right):
        left, right = _numeric(left), _numeric(right)
        if isinstance(left, float) or isinstance(right, float):
            left, right = float(left), float(right)
    elif type(left) is not type(right):
        return None
    return bool(
        {
            "==": lambda: left == right,
            "<>": lambda: left != right,
            "<": lambda: left < right,
            ">": lambda: left > right,
            "<=": lambda: left <= right,
            ">=": lambda: left >= right,
        }[operator]()
    )


def starts_with(whole: Step, prefix: Step) -> Predicate:
    """Return a predicate that tests whether strings start with a prefix."""

    def test(context: Context) -> bool | None:
        prefixes = prefix(context)
        if len(prefixes) != 1 or not isinstance(prefixes[0], str):
            return None
        found = False
        for item in _unwrapped(context, whole(context)):
            if not isinstance(item, str):
                return None
            found = found or item.startswith(prefixes[0])
            if found and context.lax:
                return True
        return found

    return attempt(test)
