"""Analysis of constants, which determines their types and DuckDB SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.precision import Parts, held
from local_lakehouse.sql.analysis.typed import Typed, constant, quote
from local_lakehouse.sql.failures import QueryFailure, not_offered
from local_lakehouse.sql.grammar.tree import IntervalLiteral, Literal, TypedLiteral
from local_lakehouse.sql.json_text import canonical_json
from local_lakehouse.sql.moment_text import Moment, day_number, offset_of, parse_time, parse_timestamp
from local_lakehouse.sql.types import DAY_INTERVAL, MONTH_INTERVAL, Type
from local_lakehouse.sql.zones import to_instant, zone_name

_RANGES = {"tinyint": 2**7, "smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_INTEGER_NAMES = {**{name: name for name in types.INTEGERS}, "int": "integer"}
_BOOLEANS = {**dict.fromkeys(("true", "t", "1"), "true"), **dict.fromkeys(("false", "f", "0"), "false")}
_JAVA_SPACES = "".join(map(chr, range(33)))
_WHOLE = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"([-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|NaN|Infinity))[dDfF]?", re.ASCII)
_DECIMAL = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?", re.ASCII)
_DATE = re.compile(r"([-+]?\d{1,6})-(\d{1,2})-(\d{1,2})", re.ASCII)
_NOT_OFFERED = ("ipaddress", "interval", "hyperloglog", "tdigest", "qdigest", "geometry", "unknown")
_DAY_TO_SECOND = ("DAY", "HOUR", "MINUTE", "SECOND")
_MILLIS = {"DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1000}


def literal(node: Literal) -> Typed:
    """Analyze a constant without a type name, such as ``7`` or ``'a'``."""
    if node.kind == "null":
        return constant("NULL", types.UNKNOWN)
    if node.kind == "boolean":
        return constant(node.value.upper(), types.BOOLEAN, literal=node.value)
    if node.kind == "varchar":
        return constant(f"CAST({quote(node.value)} AS VARCHAR)", types.varchar(len(node.value)), literal=node.value)
    if node.kind == "varbinary":
        return _binary(node)
    if node.kind == "double":
        return double(float(node.value))
    return _integer(node)


def double(value: float) -> Typed:
    """Return a constant of type double."""
    # The literal for NaN is None, because comparisons with a literal do not check for NaN.
    found = constant(f"CAST('{value!r}' AS DOUBLE)", types.DOUBLE, literal=repr(value) if value == value else None)
    return replace(found, limit=abs(value)) if value == value else found


def _binary(node: Literal) -> Typed:
    digits = re.sub(r"\s", "", node.value)
    if len(digits) % 2 or not re.fullmatch(r"[0-9A-Fa-f]*", digits):
        raise QueryFailure("INVALID_LITERAL", "Binary literal must contain an even number of digits", node.position)
    return constant(f"from_hex('{digits}')", types.VARBINARY, literal=digits)


def _integer(node: Literal) -> Typed:
    digits = node.value
    sign = -1 if digits.startswith("-") else 1
    number = sign * int(
        digits.removeprefix("-"), 0 if digits.removeprefix("-")[:2].lower() in ("0x", "0o", "0b") else 10
    )
    for type_ in (types.INTEGER, types.BIGINT):
        if -_RANGES[type_.name] <= number < _RANGES[type_.name]:
            return whole_number(number, type_)
    raise QueryFailure("INVALID_LITERAL", f"Invalid numeric literal: {digits}", node.position)


def whole_number(number: int, type_: Type) -> Typed:
    """Return a constant of an integer type."""
    return constant(f"CAST({number} AS {type_.name.upper()})", type_, literal=str(number))


def typed_literal(node: TypedLiteral) -> Typed:
    """Analyze a typed constant, such as ``DATE '2024-12-17'``."""
    name, text = node.type_name, node.value
    if name in _INTEGER_NAMES:
        return _typed_integer(node, Type(_INTEGER_NAMES[name]))
    if name in ("decimal", "numeric"):
        return _decimal(node)
    if name == "double":
        return double(float(_float(node)))
    if name == "real":
        number = _float(node)
        return constant(f"CAST('{number}' AS FLOAT)", types.REAL, literal=text if "NaN" not in number else None)
    if name == "varchar":
        return constant(f"CAST({quote(text)} AS VARCHAR)", types.VARCHAR, literal=text)
    if name == "char":
        return constant(f"CAST({quote(text)} AS VARCHAR)", types.char(max(1, len(text))), literal=text)
    if name == "boolean":
        value = _BOOLEANS.get(text.lower())
        if value is None:
            raise _invalid(node)
        return constant(value.upper(), types.BOOLEAN, literal=value)
    if name == "json":
        return _json(node)
    if name == "date":
        return _date(node)
    if name == "timestamp":
        return _timestamp(node)
    if name == "time":
        return _time(node)
    if name == "uuid":
        return constant(f"CAST({quote(text)} AS UUID)", types.UUID, literal=text)
    if name in _NOT_OFFERED:
        raise not_offered(f"constants of type {name}", node.position)
    raise QueryFailure("TYPE_NOT_FOUND", f"Unknown type: {name}", node.position)


def _invalid(node: TypedLiteral) -> QueryFailure:
    return QueryFailure(
        "INVALID_LITERAL", f"'{node.value}' is not a valid {node.type_name.upper()} literal", node.position
    )


def _typed_integer(node: TypedLiteral, type_: Type) -> Typed:
    if _WHOLE.fullmatch(node.value) is None:
        raise _invalid(node)
    number = int(node.value)
    if not -_RANGES[type_.name] <= number < _RANGES[type_.name]:
        raise _invalid(node)
    return whole_number(number, type_)


def _float(node: TypedLiteral) -> str:
    """Return the text of a floating-point constant without its suffix."""
    match = _FLOAT.fullmatch(node.value.strip(_JAVA_SPACES))
    if match is None:
        raise _invalid(node)
    return match.group(1)


def _decimal(node: TypedLiteral) -> Typed:
    match = _DECIMAL.fullmatch(node.value)
    if match is None or not (match.group(2) or match.group(3)):
        raise _invalid(node)
    whole, fraction = match.group(2).lstrip("0"), match.group(3) or ""
    precision = max(1, len(whole) + len(fraction))
    if precision > types.MAX_PRECISION:
        raise _invalid(node)
    type_ = types.decimal(precision, len(fraction))
    digits = f"{match.group(1).replace('+', '')}{whole or '0'}.{fraction or '0'}"
    return constant(f"CAST('{digits}' AS {types.duckdb_type(type_)})", type_, literal=digits)


def _json(node: TypedLiteral) -> Typed:
    try:
        text = canonical_json(node.value)
    except json.JSONDecodeError as error:
        raise _invalid(node) from error
    return constant(f"CAST({quote(text)} AS VARCHAR)", types.JSON, literal=text)


def _date(node: TypedLiteral) -> Typed:
    match = _DATE.fullmatch(node.value.strip())
    try:
        if match is None:
            raise _invalid(node)
        days = day_number(int(match.group(1)), int(match.group(2)), int(match.group(3)))
    except ValueError as error:
        raise _invalid(node) from error
    return constant(f"(DATE '1970-01-01' + CAST({days} AS INTEGER))", types.DATE, literal=node.value.strip())


def _moment(node: TypedLiteral, parse: Callable[[str], Moment]) -> Moment:
    try:
        return parse(node.value)
    except ValueError as error:
        raise _invalid(node) from error


def _timestamp(node: TypedLiteral) -> Typed:
    moment = _moment(node, parse_timestamp)
    if moment.zone is None:
        type_ = types.timestamp(moment.digits)
        sql = held(Parts(f"make_timestamp(CAST({moment.micros} AS BIGINT))", str(moment.picos)), type_)
        return constant(sql, type_, literal=node.value)
    try:
        zone = zone_name(moment.zone)
    except ValueError as error:
        raise _invalid(node) from error
    type_ = types.timestamp_tz(moment.digits)
    instant = f"make_timestamp(CAST({to_instant(moment.micros, zone)} AS BIGINT))"
    return constant(held(Parts(instant, str(moment.picos), quote(zone)), type_), type_)


def _time(node: TypedLiteral) -> Typed:
    moment = _moment(node, parse_time)
    type_ = types.time(moment.digits) if moment.zone is None else types.time_tz(moment.digits)
    zone = "" if moment.zone is None else str(offset_of(moment.zone))
    clock = Parts(f"make_timestamp(CAST({moment.micros} AS BIGINT))", str(moment.picos), zone)
    return constant(held(clock, type_), type_, literal=node.value)


def interval(node: IntervalLiteral) -> Typed:
    """Analyze an interval constant."""
    text = node.value.strip()
    sign = -1 if node.negative else 1
    if text.startswith(("-", "+")):
        sign *= -1 if text[0] == "-" else 1
        text = text[1:]
    months = node.start in ("YEAR", "MONTH")
    number = sign * (_months(node, text) if months else _milliseconds(node, text))
    held = "integer" if months else "bigint"
    if not -_RANGES[held] <= number < _RANGES[held]:
        raise _bad_interval(node)
    return whole_number_of(number, MONTH_INTERVAL if months else DAY_INTERVAL, held.upper())


def whole_number_of(number: int, type_: Type, held: str) -> Typed:
    """Return a constant of a type that is stored as an integer."""
    return constant(f"CAST({number} AS {held})", type_)


def _bad_interval(node: IntervalLiteral) -> QueryFailure:
    return QueryFailure("INVALID_LITERAL", f"'{node.value}' is not a valid INTERVAL literal", node.position)


def _months(node: IntervalLiteral, text: str) -> int:
    parts = text.split("-")
    if not all(part.isdigit() for part in parts):
        raise _bad_interval(node)
    if node.start == "YEAR" and node.end == "MONTH" and len(parts) == 2:
        return int(parts[0]) * 12 + int(parts[1])
    if len(parts) != 1 or node.end not in (None, node.start):
        raise _bad_interval(node)
    return int(parts[0]) * (12 if node.start == "YEAR" else 1)


def _milliseconds(node: IntervalLiteral, text: str) -> int:
    units = _DAY_TO_SECOND[_DAY_TO_SECOND.index(node.start) :]
    end = node.end or node.start
    units = units[: units.index(end) + 1] if end in units else ()
    parts = re.split(r"[ :]", text)
    if len(parts) > len(units) or not parts[0]:
        raise _bad_interval(node)
    total = 0
    for part, unit in zip(parts, units, strict=False):
        if not re.fullmatch(r"\d+(\.\d{1,9})?" if unit == "SECOND" else r"\d+", part):
            raise _bad_interval(node)
        # Only seconds can have a fraction. Other numbers are exact because they are computed as integers.
        total += round(float(part) * _MILLIS[unit]) if "." in part else int(part) * _MILLIS[unit]
    return total
