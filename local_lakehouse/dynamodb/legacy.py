"""Conversion of legacy parameters to the nodes of equivalent expressions.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_lakehouse.dynamodb.syntax import Action, Between, Call, Compare, In, Literal, Logic, Name, Node
from local_lakehouse.dynamodb.values import SETS, accept, invalid, ordered, require_name, tag_of

_COMPARATORS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_COUNTS = {
    **dict.fromkeys(_COMPARATORS, 1), "NULL": 0, "NOT_NULL": 0, "CONTAINS": 1, "NOT_CONTAINS": 1, "BEGINS_WITH": 1,
    "BETWEEN": 2,
}  # fmt: skip
_INVALID = "One or more parameter values were invalid: "

# The expression that replaces each legacy parameter.
REPLACED = {
    "AttributesToGet": "ProjectionExpression", "AttributeUpdates": "UpdateExpression",
    "Expected": "ConditionExpression", "KeyConditions": "KeyConditionExpression", "QueryFilter": "FilterExpression",
    "ScanFilter": "FilterExpression", "ConditionalOperator": "ConditionExpression",
}  # fmt: skip
_EXPRESSIONS = (
    "ProjectionExpression", "UpdateExpression", "ConditionExpression", "KeyConditionExpression", "FilterExpression",
)  # fmt: skip


def require_one_way(request: Mapping[str, Any]) -> None:
    """Reject a request that has both expressions and legacy parameters.

    Raises:
        Fault: ``ValidationException``.
    """
    new = [name for name in _EXPRESSIONS if request.get(name) is not None]
    if not new:
        return
    old = sorted(name for name in REPLACED if request.get(name) is not None)
    if "KeyConditions" in old and "KeyConditionExpression" not in new:
        # A query with `KeyConditions` can have a filter expression and a projection expression.
        old.remove("KeyConditions")
    if old:
        raise invalid(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
            f"{{{', '.join(old)}}} Expression parameters: {{{', '.join(new)}}}"
        )


def filter_of(request: Mapping[str, Any], member: str) -> Node | None:
    """Convert a legacy filter to a condition. Without a filter, return None.

    Raises:
        Fault: The parameter is not a valid filter (``ValidationException``).
    """
    return _joined(request, member, [_comparison(name, each) for name, each in (request.get(member) or {}).items()])


def expected(request: Mapping[str, Any]) -> Node | None:
    """Return the condition for ``Expected``, or None if the parameter is missing.

    Raises:
        Fault: The parameter is not a valid condition (``ValidationException``).
    """
    return _joined(request, "Expected", [_expected(*each) for each in (request.get("Expected") or {}).items()])


def _joined(request: Mapping[str, Any], member: str, conditions: list[Node]) -> Node | None:
    operator = request.get("ConditionalOperator")
    if operator is not None and not conditions:
        raise invalid(f"ConditionalOperator cannot be used without Filter or Expected ({member})")
    if operator is not None and operator not in ("AND", "OR"):
        raise invalid(
            f"1 validation error detected: Value '{operator}' at 'conditionalOperator' failed to satisfy constraint: "
            "Member must satisfy enum value set: [OR, AND]"
        )
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else Logic(operator or "AND", tuple(conditions))


def key_conditions(request: Mapping[str, Any]) -> list[Node]:
    """Return the conditions for ``KeyConditions``.

    Raises:
        Fault: The parameter is not a valid condition (``ValidationException``).
    """
    return [_comparison(name, each) for name, each in (request.get("KeyConditions") or {}).items()]


def attributes_to_get(request: Mapping[str, Any]) -> list[tuple[str | int, ...]] | None:
    """Return the paths in ``AttributesToGet``, or None if the parameter is missing.

    Raises:
        Fault: The list is empty, or names an attribute twice (``ValidationException``).
    """
    names = request.get("AttributesToGet")
    if names is None:
        return None
    if not names:
        raise invalid(
            "1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    for name in names:
        require_name(name)
        if names.count(name) > 1:
            raise invalid(f"{_INVALID}Duplicate value in attribute name: {name}")
    return [(name,) for name in names]


def attribute_updates(request: Mapping[str, Any]) -> list[Action]:
    """Return the actions for ``AttributeUpdates``.

    Raises:
        Fault: The parameter is not valid (``ValidationException``).
    """
    return [_action(name, each) for name, each in (request.get("AttributeUpdates") or {}).items()]


def _action(name: str, update: Mapping[str, Any]) -> Action:
    kind = update.get("Action", "PUT")
    if kind not in ("PUT", "ADD", "DELETE"):
        raise invalid(
            f"1 validation error detected: Value '{kind}' at 'attributeUpdates.{name}.member.action' failed to satisfy "
            "constraint: Member must satisfy enum value set: [ADD, PUT, DELETE]"
        )
    if update.get("Value") is None:
        if kind != "DELETE":
            raise invalid(f"{_INVALID}Only DELETE action is allowed when no attribute value is specified")
        return Action("REMOVE", _named(name))
    value = accept(update["Value"])[0]
    allowed = {"PUT": None, "ADD": SETS | {"N"}, "DELETE": SETS}[kind]
    if allowed is not None and tag_of(value) not in allowed:
        raise invalid(f"{_INVALID}{kind} action is not supported for the type {tag_of(value)}")
    return Action("SET" if kind == "PUT" else kind, _named(name), Literal(value))


def _expected(name: str, given: Mapping[str, Any]) -> Node:
    if "Value" in given and "AttributeValueList" in given:
        raise invalid(f"{_INVALID}Value and AttributeValueList cannot be used together for Attribute: {name}")
    if "ComparisonOperator" in given:
        if "Exists" in given:
            raise invalid(f"{_INVALID}Exists and ComparisonOperator cannot be used together for Attribute: {name}")
        values = [given["Value"]] if "Value" in given else given.get("AttributeValueList", [])
        condition = _comparison(name, {**given, "AttributeValueList": values})
        if given["ComparisonOperator"] == "NOT_CONTAINS":
            # Unlike NE, NOT_CONTAINS fails if the attribute is missing.
            return Logic("AND", (Call("attribute_exists", (Name(name),)), condition))
        return condition
    if "AttributeValueList" in given:
        raise invalid(f"{_INVALID}AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if given.get("Exists") is False:
        if "Value" in given:
            raise invalid(f"{_INVALID}Value cannot be used when Exists is false for Attribute: {name}")
        return Call("attribute_not_exists", (_named(name),))
    if "Value" not in given:
        exists = "true" if given.get("Exists") else "null"
        raise invalid(f"{_INVALID}Value must be provided when Exists is {exists} for Attribute: {name}")
    return Compare("=", _named(name), Literal(accept(given["Value"])[0]))


def _comparison(name: str, given: Mapping[str, Any]) -> Node:
    operator = given.get("ComparisonOperator")
    values = given.get("AttributeValueList") or []
    if operator not in _COUNTS and operator != "IN":
        raise invalid(
            f"1 validation error detected: Value '{operator}' at 'comparisonOperator' failed to satisfy constraint: "
            "Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, "
            "BEGINS_WITH, GE, CONTAINS]"
        )
    if (operator == "IN" and not values) or (operator != "IN" and len(values) != _COUNTS[operator]):
        raise invalid(f"{_INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator")
    operands = tuple(Literal(accept(value)[0]) for value in values)
    if len({tag_of(operand.value) for operand in operands}) > 1:
        raise invalid(f"{_INVALID}AttributeValues inside AttributeValueList must be of same type")
    for operand in operands:
        _require_type(operator, tag_of(operand.value))
    if operator == "BETWEEN" and ordered(operands[0].value) > ordered(operands[1].value):
        raise invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
    return _node(operator, _named(name), operands)


def _named(name: str) -> Name:
    """Return the path of an attribute.

    Raises:
        Fault: The name is empty or too long (``ValidationException``).
    """
    require_name(name)
    return Name(name)


def _node(operator: str, name: Name, operands: tuple[Literal, ...]) -> Node:
    match operator:
        case "NULL":
            return Call("attribute_not_exists", (name,))
        case "NOT_NULL":
            return Call("attribute_exists", (name,))
        case "CONTAINS":
            return Call("contains", (name, *operands))
        case "NOT_CONTAINS":
            return Logic("NOT", (Call("contains", (name, *operands)),))
        case "BEGINS_WITH":
            return Call("begins_with", (name, *operands))
        case "BETWEEN":
            return Between(name, *operands)
        case "IN":
            return In(name, operands)
        case _:
            return Compare(_COMPARATORS[operator], name, operands[0])


def _require_type(operator: str, tag: str) -> None:
    allowed = {
        **dict.fromkeys(("LT", "LE", "GT", "GE", "BETWEEN"), ("S", "N", "B")),
        "BEGINS_WITH": ("S", "B"),
        "IN": ("S", "N", "B"),
        "CONTAINS": ("S", "N", "B", "BOOL", "NULL"),
        "NOT_CONTAINS": ("S", "N", "B", "BOOL", "NULL"),
    }.get(operator)
    if allowed is not None and tag not in allowed:
        raise invalid(f"{_INVALID}ComparisonOperator {operator} is not valid for {tag} AttributeValue type")
