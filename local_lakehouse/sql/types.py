"""Athena's types, with their names, implicit conversions and DuckDB types."""

from __future__ import annotations

from dataclasses import dataclass

MAX_PRECISION = 38


@dataclass(frozen=True)
class Type:
    """An Athena type.

    Args:
        name: The name without parameters, such as ``decimal`` or ``timestamp with time zone``.
        numbers: The type's numeric parameters: a length, a precision, or a precision and a scale.
        children: The nested types: an array's element type, a map's key and value types, a row's field types, or a
            function's parameter and result types.
        fields: The names of a row's fields, with None for unnamed fields.
    """

    name: str
    numbers: tuple[int, ...] = ()
    children: tuple[Type, ...] = ()
    fields: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        """Return the type's name as Athena's ``typeof`` returns it."""
        if self.name == "row":
            parts = [
                f"{name} {child}" if name else str(child)
                for name, child in zip(self.fields, self.children, strict=False)
            ]
            return f"row({', '.join(parts)})"
        if self.name == "function":
            return f"function({','.join(str(child) for child in self.children)})"
        if self.children:
            return f"{self.name}({', '.join(str(child) for child in self.children)})"
        if self.numbers:
            head, _, tail = self.name.partition(" ")
            return f"{head}({','.join(map(str, self.numbers))})" + (f" {tail}" if tail else "")
        return self.name

    @property
    def precision(self) -> int:
        """A decimal's precision, a string's length, or the number of fractional digits of a second."""
        return self.numbers[0]

    @property
    def scale(self) -> int:
        """A decimal's scale."""
        return self.numbers[1]

    @property
    def element(self) -> Type:
        """The type of an array's elements."""
        return self.children[0]

    @property
    def key(self) -> Type:
        """The type of a map's keys."""
        return self.children[0]

    @property
    def value(self) -> Type:
        """The type of a map's values."""
        return self.children[1]


BOOLEAN = Type("boolean")
TINYINT = Type("tinyint")
SMALLINT = Type("smallint")
INTEGER = Type("integer")
BIGINT = Type("bigint")
REAL = Type("real")
DOUBLE = Type("double")
VARCHAR = Type("varchar")
VARBINARY = Type("varbinary")
JSON = Type("json")
DATE = Type("date")
UUID = Type("uuid")
UNKNOWN = Type("unknown")
DAY_INTERVAL = Type("interval day to second")
MONTH_INTERVAL = Type("interval year to month")


def varchar(length: int | None) -> Type:
    """Return the varchar type with a maximum length, or the unbounded varchar type if the length is None."""
    return VARCHAR if length is None else Type("varchar", (length,))


def char(length: int) -> Type:
    """Return the char type whose values are padded to the given length."""
    return Type("char", (length,))


def decimal(precision: int, scale: int) -> Type:
    """Return a decimal type."""
    return Type("decimal", (precision, scale))


def timestamp(precision: int = 3) -> Type:
    """Return the type for a timestamp without a zone."""
    return Type("timestamp", (precision,))


def timestamp_tz(precision: int = 3) -> Type:
    """Return the type for a timestamp with a zone."""
    return Type("timestamp with time zone", (precision,))


def time(precision: int = 3) -> Type:
    """Return the type for a time of day."""
    return Type("time", (precision,))


def time_tz(precision: int = 3) -> Type:
    """Return the type for a time of day with an offset from UTC."""
    return Type("time with time zone", (precision,))


def array(element: Type) -> Type:
    """Return an array type."""
    return Type("array", children=(element,))


def map_of(key: Type, value: Type) -> Type:
    """Return a map type."""
    return Type("map", children=(key, value))


def row(children: tuple[Type, ...], fields: tuple[str | None, ...] | None = None) -> Type:
    """Return a row type."""
    return Type("row", children=children, fields=fields or (None,) * len(children))


def function(*parts: Type) -> Type:
    """Return the type of a lambda with the given parameter types and result type."""
    return Type("function", children=parts)


INTEGERS = ("tinyint", "smallint", "integer", "bigint")
FLOATS = ("real", "double")
NUMERICS = (*INTEGERS, "decimal", *FLOATS)
_INTEGER_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_DUCKDB = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "varbinary": "BLOB",
    "json": "VARCHAR",
    "date": "DATE",
    "uuid": "UUID",
    "timestamp": "TIMESTAMP",
    "time": "TIME",
    # The instant in UTC, and the name of the display zone.
    "timestamp with time zone": "STRUCT(i TIMESTAMP, z VARCHAR)",
    # The picoseconds of the day in UTC, and the offset in minutes.
    "time with time zone": "STRUCT(n BIGINT, o INTEGER)",
    "interval day to second": "BIGINT",
    "interval year to month": "INTEGER",
    "unknown": "INTEGER",
}
_MICRO_DIGITS = 6
_FINE = {
    "time": "STRUCT(u TIME, p INTEGER)",
    "timestamp": "STRUCT(u TIMESTAMP, p INTEGER)",
    "timestamp with time zone": "STRUCT(i TIMESTAMP, z VARCHAR, p INTEGER)",
}


def duckdb_type(type_: Type) -> str:
    """Return the DuckDB type for an Athena type.

    Day intervals are stored in milliseconds, and month intervals in months. Row fields are named ``f0``, ``f1`` and so
    on, so that DuckDB does not interpret their original names.
    """
    if type_.name == "decimal":
        return f"DECIMAL({type_.precision}, {type_.scale})"
    if type_.name == "array":
        return f"{duckdb_type(type_.element)}[]"
    if type_.name == "map":
        return f"MAP({duckdb_type(type_.key)}, {duckdb_type(type_.value)})"
    if type_.name == "row":
        fields = ", ".join(f"f{index} {duckdb_type(child)}" for index, child in enumerate(type_.children))
        return f"STRUCT({fields})"
    return _FINE[type_.name] if is_fine(type_) else _DUCKDB[type_.name]


def is_fine(type_: Type) -> bool:
    """Return whether a type's values are times or timestamps with more digits than DuckDB supports."""
    return type_.name in _FINE and type_.precision > _MICRO_DIGITS


def is_text(type_: Type) -> bool:
    """Return whether a type's values are strings."""
    return type_.name in ("varchar", "char")


def is_numeric(type_: Type) -> bool:
    """Return whether a type's values are numbers."""
    return type_.name in NUMERICS


def is_integer(type_: Type) -> bool:
    """Return whether a type's values are integers."""
    return type_.name in INTEGERS


def is_interval(type_: Type) -> bool:
    """Return whether a type's values are intervals."""
    return type_ in (DAY_INTERVAL, MONTH_INTERVAL)


def as_decimal(type_: Type) -> Type:
    """Return the decimal type that can represent every value of an integer or decimal type."""
    return type_ if type_.name == "decimal" else decimal(_INTEGER_DIGITS[type_.name], 0)


def is_comparable(type_: Type) -> bool:
    """Return whether a type's values are comparable."""
    return type_.name != "function" and all(is_comparable(child) for child in type_.children)


def is_orderable(type_: Type) -> bool:
    """Return whether a type's values are orderable."""
    return type_.name not in ("function", "map", "json") and all(is_orderable(child) for child in type_.children)


def common_type(left: Type, right: Type) -> Type | None:
    """Return the common type to which two types are implicitly converted, or None if they have no common type."""
    if left == right:
        return left
    if left == UNKNOWN:
        return right
    if right == UNKNOWN:
        return left
    if is_numeric(left) and is_numeric(right):
        return _common_number(left, right)
    if is_text(left) and is_text(right):
        return _common_text(left, right)
    if left.name == right.name:
        return _common_of_same_name(left, right)
    names = {left.name, right.name}
    if names <= {"date", "timestamp", "timestamp with time zone"}:
        precision = max(type_.precision if type_.numbers else 0 for type_ in (left, right))
        return timestamp_tz(precision) if "timestamp with time zone" in names else timestamp(precision)
    if names == {"time", "time with time zone"}:
        return time_tz(max(left.precision, right.precision))
    return None


def can_coerce(source: Type, target: Type) -> bool:
    """Return whether one type can be implicitly converted to another, regardless of the names of row fields."""
    if source.name == "char" and target.name == "varchar":
        return True
    common = common_type(source, target)
    return common is not None and _unnamed(common) == _unnamed(target)


def _unnamed(type_: Type) -> Type:
    """Return a type without the names of its row fields."""
    if not type_.children:
        return type_
    return Type(type_.name, type_.numbers, tuple(map(_unnamed, type_.children)))


def _common_number(left: Type, right: Type) -> Type:
    names = {left.name, right.name}
    if "double" in names:
        return DOUBLE
    if "real" in names:
        return REAL
    if "decimal" in names:
        return _common_decimal(as_decimal(left), as_decimal(right))
    return max(left, right, key=lambda type_: INTEGERS.index(type_.name))


def _common_decimal(left: Type, right: Type) -> Type:
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return decimal(min(MAX_PRECISION, whole + scale), scale)


def _common_text(left: Type, right: Type) -> Type:
    if not left.numbers or not right.numbers:
        return VARCHAR
    length = max(left.precision, right.precision)
    return char(length) if "char" in (left.name, right.name) else varchar(length)


def _common_of_same_name(left: Type, right: Type) -> Type | None:
    if left.numbers:
        return max(left, right, key=lambda type_: type_.precision)
    if len(left.children) != len(right.children):
        return None
    children = [common_type(mine, its) for mine, its in zip(left.children, right.children, strict=False)]
    known = tuple(child for child in children if child is not None)
    if len(known) != len(children):
        return None
    fields = tuple(mine if mine == its else None for mine, its in zip(left.fields, right.fields, strict=False))
    return Type(left.name, left.numbers, known, fields)
