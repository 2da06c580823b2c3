"""Conversion of PartiQL literals to DynamoDB values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, DecimalException
from typing import Any

from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.partiql.tree import TypedValue

_EXACT = Context(prec=38, Emin=-130, Emax=125)
_SETS = {"S": "SS", "N": "NS", "B": "BS"}


def invalid(message: str) -> Fault:
    """Return the error for a syntactically correct statement that is invalid."""
    return Fault("ValidationException", message)


def number(text: str) -> TypedValue:
    """Return a number as a DynamoDB value.

    Raises:
        Fault: The number has more than 38 digits, or is out of range (``ValidationException``).
    """
    try:
        exact = Decimal(text)
    except DecimalException:
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}") from None
    digits = exact.normalize(Context(prec=len(text) + 1)).as_tuple().digits
    if len(digits) > _EXACT.prec:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    if exact and exact.adjusted() > _EXACT.Emax:
        raise invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if exact and exact.adjusted() < _EXACT.Emin:
        raise invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    plain = exact.normalize(_EXACT)
    return {"N": format(plain, "f") if plain else "0"}


def bag(members: Sequence[TypedValue]) -> TypedValue:
    """Return a set of values.

    Raises:
        Fault: The set is empty, or its values have different types or a type that sets do not support
            (``ValidationException``).
    """
    if not members:
        raise invalid("Empty bags are not supported")
    tags = {tag for member in members for tag in member}
    if len(tags) > 1 or not tags <= _SETS.keys():
        raise invalid("Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags")
    (tag,) = tags
    found: list[Any] = [member[tag] for member in members]
    if len({*found}) < len(found):
        raise invalid(
            f"One or more parameter values were invalid: Input collection [{', '.join(map(str, found))}] "
            "contains duplicates."
        )
    return {_SETS[tag]: found}


def struct(members: Sequence[tuple[str, TypedValue]]) -> Mapping[str, TypedValue]:
    """Return a map with the given members.

    Raises:
        Fault: A name is repeated (``ValidationException``).
    """
    names = [name for name, _ in members]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Duplicate keys in tuple. Key: {name} under {name}")
    return dict(members)
