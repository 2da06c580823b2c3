"""Parsing and formatting of Glue Data Catalog types, such as ``struct<a:int>`` and ``decimal(10,2)``."""

from __future__ import annotations

from local_lakehouse.sql import types
from local_lakehouse.sql.types import Type

_SIMPLE = {
    "boolean": types.BOOLEAN,
    "tinyint": types.TINYINT,
    "smallint": types.SMALLINT,
    "int": types.INTEGER,
    "integer": types.INTEGER,
    "bigint": types.BIGINT,
    "long": types.BIGINT,
    "float": types.REAL,
    "real": types.REAL,
    "double": types.DOUBLE,
    "string": types.VARCHAR,
    "binary": types.VARBINARY,
    "varbinary": types.VARBINARY,
    "date": types.DATE,
    "timestamp": types.timestamp(3),
    "timestamp with time zone": types.timestamp_tz(3),
    "uuid": types.UUID,
    "json": types.JSON,
}
_GLUE = {
    "integer": "int",
    "real": "float",
    "varbinary": "binary",
    "varchar": "string",
}
_LONGEST_DECIMAL = 38
_LONGEST = {"varchar": 65_535, "char": 255}


class UnknownTypeError(ValueError):
    """The text is not a valid Glue Data Catalog type."""


def parse_glue_type(text: str) -> Type:
    """Parse a type in the Glue Data Catalog's syntax.

    Raises:
        UnknownTypeError: The type is unknown.
    """
    written = text.strip()
    lowered = written.lower()
    if lowered in _SIMPLE:
        return _SIMPLE[lowered]
    for name, opening, closing in (("array", "<", ">"), ("map", "<", ">"), ("struct", "<", ">"), ("row", "(", ")")):
        if lowered.startswith(name + opening) and lowered.endswith(closing):
            return _structure(name, written[len(name) + 1 : -1])
    name, _, rest = lowered.partition("(")
    if rest.endswith(")") and name in ("decimal", "varchar", "char", "timestamp"):
        parts = [part.strip() for part in rest[:-1].split(",")]
        if not all(map(str.isdecimal, parts)) or len(parts) > (2 if name == "decimal" else 1):
            raise UnknownTypeError(f"'{text}' is not a Glue Data Catalog type")
        numbers = tuple(map(int, parts))
        if name == "decimal":
            return types.decimal(numbers[0], numbers[1] if len(numbers) > 1 else 0)
        return Type(name, numbers)
    if lowered == "decimal":
        return types.decimal(10, 0)
    if lowered == "varchar":
        return types.VARCHAR
    raise UnknownTypeError(f"'{text}' is not a Glue Data Catalog type")


def is_valid(type_: Type) -> bool:
    """Return whether Hive allows the lengths and precisions of a type.

    https://docs.aws.amazon.com/athena/latest/ug/data-types.html
    """
    if not all(map(is_valid, type_.children)):
        return False
    if type_.name == "decimal":
        return 1 <= type_.precision <= _LONGEST_DECIMAL and type_.scale <= type_.precision
    if type_.name in _LONGEST and type_.numbers:
        return 1 <= type_.precision <= _LONGEST[type_.name]
    return type_.name != "timestamp" or type_ == types.timestamp(3)


def _structure(name: str, inner: str) -> Type:
    parts = _split(inner)
    if name == "array":
        return types.array(parse_glue_type(inner))
    if name == "map":
        return types.map_of(parse_glue_type(parts[0]), parse_glue_type(",".join(parts[1:])))
    separator = ":" if name == "struct" else " "
    fields = [part.strip().partition(separator) for part in parts]
    return types.row(
        tuple(parse_glue_type(type_) for _, _, type_ in fields), tuple(field.strip().lower() for field, _, _ in fields)
    )


def _split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += {"<": 1, ">": -1, "(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def glue_type(type_: Type) -> str:
    """Format a type in the Glue Data Catalog's syntax."""
    if type_.name == "array":
        return f"array<{glue_type(type_.element)}>"
    if type_.name == "map":
        return f"map<{glue_type(type_.key)},{glue_type(type_.value)}>"
    if type_.name == "row":
        fields = ",".join(
            f"{name or f'field{index}'}:{glue_type(child)}"
            for index, (name, child) in enumerate(zip(type_.fields, type_.children, strict=False))
        )
        return f"struct<{fields}>"
    if type_.name == "decimal":
        return f"decimal({type_.precision},{type_.scale})"
    if type_.name == "varchar" and type_.numbers:
        return f"varchar({type_.precision})"
    if type_.name == "char":
        return f"char({type_.precision})"
    return _GLUE.get(type_.name, type_.name)
