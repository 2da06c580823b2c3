r"""Arrays, maps and structs in text files, in the format of Hive's LazySimpleSerDe.

Each level of nesting has a separator. For example, ``\x02`` separates the elements of an array, and ``\x03`` separates
the elements of a nested array or a key from its value.

AWS: https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from local_lakehouse.sql.types import Type

_DEFAULTS = tuple(map(chr, range(2, 9)))
_CODES = 128


def column_separator(parameters: Mapping[str, str]) -> str:
    """Return the column separator. As in Hive, a number is a character code."""
    written = parameters.get("field.delim", parameters.get("serialization.format", "\x01"))
    is_code = written.isascii() and written.isdecimal() and int(written) < _CODES
    return chr(int(written)) if is_code else written


def separators(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the separators below the column separator, outermost first."""
    # Hive's original name for the first property contains a typo, which older tables still have.
    first = parameters.get("collection.delim") or parameters.get("colelction.delim") or _DEFAULTS[0]
    return (first, parameters.get("mapkey.delim") or _DEFAULTS[1], *_DEFAULTS[2:])


def read(text: str | None, type_: Type, levels: Sequence[str], null: str, scalar: Callable[[str, Type], Any]) -> Any:
    """Parse a string as a type that can contain other values.

    Args:
        text: The string, or None for NULL.
        type_: The type.
        levels: The separators, outermost first.
        null: The string for NULL.
        scalar: A function that parses a string as a type that does not contain other values.
    """
    if text is None or text == null:
        return None
    if type_.name not in ("array", "map", "row"):
        return scalar(text, type_)
    parts = text.split(levels[0]) if text and levels else []
    if type_.name == "array":
        return [read(part, type_.element, levels[1:], null, scalar) for part in parts]
    if type_.name == "row":
        given: list[str | None] = [*parts, *[None] * len(type_.children)]
        return {
            f"f{index}": read(given[index], child, levels[1:], null, scalar)
            for index, child in enumerate(type_.children)
        }
    entries: dict[Any, Any] = {}
    for part in parts:
        key, found, value = part.partition(levels[1])
        name = read(key, type_.key, levels[2:], null, scalar)
        if name is not None:
            # As in Hive, the first of several entries with the same key is kept.
            entries.setdefault(name, read(value if found else None, type_.value, levels[2:], null, scalar))
    return list(entries.items())


def written(value: Any, type_: Type, levels: Sequence[str] = _DEFAULTS, null: str = r"\N") -> str:
    """Format a value so that `read` returns the same value, except for an empty string in an array.

    Args:
        value: The value, with row fields named ``f0``, ``f1`` and so on.
        type_: The value's type.
        levels: The separators, outermost first.
        null: The string for NULL.
    """
    if value is None:
        return null
    if type_.name == "array":
        return levels[0].join(written(each, type_.element, levels[1:], null) for each in value)
    if type_.name == "row":
        members = [value[f"f{index}"] for index in range(len(type_.children))]
        return levels[0].join(
            written(each, child, levels[1:], null) for each, child in zip(members, type_.children, strict=True)
        )
    if type_.name == "map":
        entries = value.items() if isinstance(value, dict) else value
        return levels[0].join(
            f"{written(key, type_.key, levels[2:], null)}{levels[1]}{written(each, type_.value, levels[2:], null)}"
            for key, each in entries
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
