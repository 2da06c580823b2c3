"""The JSON functions, and the casts to and from JSON."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from local_lakehouse.sql.json_text import is_number_text, json_string, parse_json, write_json
from local_lakehouse.sql.runtime.json_path import PathSyntaxError, read_path
from local_lakehouse.sql.runtime.json_path_steps import PathFailure, UnsupportedPath
from local_lakehouse.sql.runtime.udf import AthenaError, udf

_STEP = re.compile(
    r"""\.(?:\*|([A-Za-z_0-9\-:$]+)|"((?:[^"\\]|\\.)*)")|\[(?:(\d+)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\*))\]"""
)
_RANGES = {"tinyint": 2**7, "smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_MISSING = object()


@functools.lru_cache(maxsize=512)
def _path(text: str) -> tuple[str | int, ...]:
    written = text.strip()
    if not written.startswith("$"):
        written = "$." + written
    steps: list[str | int] = []
    place = 1
    while place < len(written):
        match = _STEP.match(written, place)
        if match is None or match.group() == ".*" or match.group(6):
            raise AthenaError(f"Invalid JSON path: '{text}'")
        if match.group(3) is not None:
            steps.append(int(match.group(3)))
        else:
            name = next(part for part in match.group(1, 2, 4, 5) if part is not None)
            steps.append(re.sub(r"\\(.)", r"\1", name))
        place = match.end()
    return tuple(steps)


def _found(text: str, steps: tuple[str | int, ...]) -> Any:
    try:
        value = parse_json(text)
    except (ValueError, RecursionError):
        return _MISSING
    for step in steps:
        if isinstance(value, list) and (isinstance(step, int) or step.isdigit()):
            index = int(step)
            value = value[index] if index < len(value) else _MISSING
        elif isinstance(value, dict):
            value = value.get(str(step), _MISSING)
        else:
            return _MISSING
        if value is _MISSING:
            return _MISSING
    return value


def _scalar_text(value: Any) -> str | None:
    if value is None or value is _MISSING or isinstance(value, dict | list):
        return None
    return value if isinstance(value, str) and not is_number_text(value) else write_json(value)


@udf("s:s")
def json_parse(text: str) -> str:
    """Parse JSON and format it with sorted object members."""
    try:
        return write_json(parse_json(text), ordered=True)
    except (ValueError, RecursionError) as error:
        raise AthenaError(f"Cannot convert value to JSON: '{text}'") from error


@udf("ss:s")
def json_extract(text: str, path: str) -> str | None:
    """Return the JSON at a path, or NULL if the path does not exist."""
    found = _found(text, _path(path))
    return None if found is _MISSING else write_json(found)


@udf("ss:s")
def json_extract_scalar(text: str, path: str) -> str | None:
    """Return the scalar at a path as a string, or NULL if there is no scalar at the path."""
    return _scalar_text(_found(text, _path(path)))


@udf("ss:n")
def json_size(text: str, path: str) -> int | None:
    """Return the number of members of the object or array at a path.

    The result is 0 for a scalar and NULL if the path does not exist.
    """
    found = _found(text, _path(path))
    if found is _MISSING:
        return None
    return len(found) if isinstance(found, dict | list) else 0


@udf("s:n")
def json_array_length(text: str) -> int | None:
    """Return the length of an array, or NULL for any other value."""
    found = _found(text, ())
    return len(found) if isinstance(found, list) else None


@udf("sn:s")
def json_array_get(text: str, index: int) -> str | None:
    """Return an element of an array. Indexes start at 0, and negative indexes count from the end.

    A string is returned without quotes, and JSON null as NULL, although the result's type is JSON.
    """
    found = _found(text, ())
    if not isinstance(found, list) or not -len(found) <= index < len(found):
        return None
    item = found[index]
    return write_json(item) if isinstance(item, dict | list) else _scalar_text(item)


@udf("ss:b")
def json_array_contains(text: str, wanted: str) -> bool | None:
    """Return whether an array contains a value, or NULL if the JSON text is not an array."""
    found = _found(text, ())
    if not isinstance(found, list):
        return None
    return any(_same(item, parse_json(wanted)) for item in found)


def _same(item: Any, wanted: Any) -> bool:
    numbers = [
        entry
        for entry in (item, wanted)
        if is_number_text(entry) or (isinstance(entry, int) and not isinstance(entry, bool))
    ]
    if len(numbers) == 2:
        return is_number_text(item) == is_number_text(wanted) and float(item) == float(wanted)
    return type(item) is type(wanted) and bool(item == wanted)


@udf("s:b")
def is_json_scalar(text: str) -> bool:
    """Return whether a JSON value is neither an object nor an array."""
    found = _found(text, ())
    if found is _MISSING:
        raise AthenaError(f"Invalid JSON value: {text}")
    return not isinstance(found, dict | list)


@udf("s:s", nulls=True)
def json_string_(text: str | None) -> str | None:
    """Format a string as a JSON string."""
    return None if text is None else json_string(text)


@udf("s:s")
def json_number(text: str) -> str:
    """Convert the text of a double to JSON. NaN and infinities become JSON strings."""
    return f'"{text}"' if text in ("NaN", "Infinity", "-Infinity") else text


def _bad(text: str, target: str) -> AthenaError:
    return AthenaError(f"Cannot cast to {target}. {text}", "INVALID_CAST_ARGUMENT")


@udf("s:s")
def json_varchar(text: str) -> str | None:
    """Cast a JSON scalar to a string. JSON null becomes NULL."""
    value = parse_json(text)
    if isinstance(value, dict | list):
        raise AthenaError(f"Cannot cast '{text}' to varchar", "INVALID_CAST_ARGUMENT")
    return _scalar_text(value)


def _number(text: str, target: str) -> Decimal | None:
    value = parse_json(text)
    if value is None:
        return None
    if isinstance(value, bool):
        return Decimal(int(value))
    if isinstance(value, dict | list):
        raise AthenaError(f"Cannot cast '{text}' to {target}", "INVALID_CAST_ARGUMENT")
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise AthenaError(f"Cannot cast '{value}' to {target}", "INVALID_CAST_ARGUMENT") from error


@udf("ss:n")
def json_bigint(text: str, target: str) -> int | None:
    """Cast a JSON scalar to an integer. JSON null becomes NULL."""
    written = parse_json(text)
    if isinstance(written, str) and not is_number_text(written) and not re.fullmatch(r"[+-]?\d+", written, re.ASCII):
        raise AthenaError(f"Cannot cast '{text}' to {target}", "INVALID_CAST_ARGUMENT")
    number = _number(text, target)
    if number is None:
        return None
    if not number.is_finite():
        raise AthenaError(f"Cannot cast '{text}' to {target}", "INVALID_CAST_ARGUMENT")
    if is_number_text(written):
        number = Decimal(float(number))
    value = int(number.quantize(Decimal(1), rounding=ROUND_HALF_UP, context=Context(prec=400)))
    if not -_RANGES[target] <= value < _RANGES[target]:
        raise AthenaError(f"Cannot cast '{text}' to {target}", "INVALID_CAST_ARGUMENT")
    return value


@udf("ss:d")
def json_double(text: str, target: str) -> float | None:
    """Cast a JSON scalar to a double. JSON null becomes NULL."""
    number = _number(text, target)
    return None if number is None else float(number)


@udf("ss:s")
def json_decimal(text: str, target: str) -> str | None:
    """Cast a JSON scalar to the text of a decimal. JSON null becomes NULL."""
    number = _number(text, target)
    if number is None:
        return None
    written = json.loads(text, parse_float=Decimal)
    return format(written if isinstance(written, Decimal) else number, "f")


@udf("s:b")
def json_boolean(text: str) -> bool | None:
    """Cast a JSON scalar to a boolean. JSON null becomes NULL."""
    value = parse_json(text)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -_RANGES["bigint"] <= value < _RANGES["bigint"]:
        return value != 0
    if is_number_text(value):
        return float(value) != 0
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise AthenaError(f"Cannot cast '{text}' to boolean", "INVALID_CAST_ARGUMENT")


@udf("ss:S")
def json_items(text: str, target: str) -> list[str] | None:
    """Return an array's elements as JSON, or NULL for JSON null."""
    value = parse_json(text)
    if value is None:
        return None
    if not isinstance(value, list):
        raise _bad(f"Expected a json array, but got {text}", target)
    return [write_json(item) for item in value]


def _object(text: str, target: str) -> dict[str, Any] | None:
    value = parse_json(text)
    if value is None or isinstance(value, dict):
        return value
    raise _bad(f"Expected a json object, but got {text}", target)


@udf("ss:S")
def json_keys(text: str, target: str) -> list[str] | None:
    """Return an object's keys, or NULL for JSON null."""
    value = _object(text, target)
    return None if value is None else list(value)


@udf("ss:S")
def json_values(text: str, target: str) -> list[str] | None:
    """Return an object's values as JSON, or NULL for JSON null."""
    value = _object(text, target)
    return None if value is None else [write_json(item) for item in value.values()]


@udf("sSs:S")
def json_fields(text: str, names: list[str], target: str) -> list[str | None] | None:
    """Return the JSON values of a row's fields, by name from an object or by position from an array.

    The result is NULL for JSON null.
    """
    value = parse_json(text)
    if value is None:
        return None
    if isinstance(value, list):
        if len(value) != len(names):
            raise _bad(f"Expected {len(names)} elements, but got {text}", target)
        return [write_json(item) for item in value]
    if not isinstance(value, dict):
        raise _bad(f"Expected a json array or object, but got {text}", target)
    if not all(names):
        raise _bad("Anonymous fields cannot be read from a json object", target)
    members = {key.lower(): item for key, item in value.items()}
    return [write_json(members[name.lower()]) if name.lower() in members else None for name in names]


def _items(text: str, path: str, names: list[str], values: list[str | None]) -> list[Any]:
    """Return the values at a path.

    Raises:
        AthenaError: The path is invalid or not supported.
        PathFailure: Evaluation fails.
        _InputFailure: The text is not JSON.
    """
    try:
        steps = read_path(path)
    except PathSyntaxError as error:
        raise AthenaError(f"invalid JSON path: {path}", "INVALID_PATH") from error
    except UnsupportedPath as error:
        raise AthenaError(f"The local Athena does not support this JSON path: '{path}'", "NOT_SUPPORTED") from error
    unknown = steps.variables - set(names)
    if unknown:
        raise AthenaError(f"no value passed for parameter {min(unknown)}", "INVALID_PATH")
    parameters = {name: [] if value is None else [_loaded(value)] for name, value in zip(names, values, strict=True)}
    try:
        return steps.find(_loaded(text), parameters)
    except UnsupportedPath as error:
        raise AthenaError(f"The local Athena does not support this JSON path: '{path}'", "NOT_SUPPORTED") from error
    except RecursionError as error:
        raise PathFailure("the JSON value is nested too deeply") from error


class _InputFailure(ValueError):
    """A string that must contain JSON is not valid JSON."""


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _InputFailure(f"conversion to JSON failed: {error}") from error


def _failure_name(error: PathFailure | _InputFailure) -> str:
    return "PATH_EVALUATION_ERROR" if isinstance(error, PathFailure) else "JSON_INPUT_CONVERSION_ERROR"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


@udf("ssSSs:b")
def json_exists(text: str, path: str, names: list[str], values: list[str | None], on_error: str) -> bool | None:
    """Return whether a path finds a value. If evaluation fails, `on_error` determines the result."""
    try:
        return bool(_items(text, path, names, values))
    except (PathFailure, _InputFailure) as error:
        if on_error == "ERROR":
            raise AthenaError(str(error), _failure_name(error)) from error
    return {"TRUE": True, "FALSE": False, "UNKNOWN": None}[on_error]


@udf("ssSS:S", nulls=True)
def json_scalar(text: str | None, path: str, names: list[str], values: list[str | None]) -> list[str | None]:
    """Find the scalar at a path.

    Returns:
        ``NULL``, ``FOUND`` with the scalar's type and text, or ``EMPTY`` or ``ERROR`` with a message.
    """
    if text is None:
        return ["NULL", None, None]
    try:
        items = _items(text, path, names, values)
    except (PathFailure, _InputFailure) as error:
        return ["ERROR", None, f"{_failure_name(error)}|{error}"]
    if not items:
        return ["EMPTY", None, _no_scalar("no items")]
    item = items[0]
    if len(items) > 1:
        return ["ERROR", None, _no_scalar("multiple items")]
    if isinstance(item, dict | list):
        return ["ERROR", None, _no_scalar("an item that cannot be converted to an SQL value")]
    if item is None:
        return ["NULL", None, None]
    if isinstance(item, bool):
        return ["FOUND", "boolean", str(item).lower()]
    if isinstance(item, str):
        return ["FOUND", "varchar", item]
    if isinstance(item, int) and not -(2**63) <= item < 2**63:
        return ["ERROR", None, _no_scalar("an item that cannot be converted to an SQL value")]
    kind = "bigint" if isinstance(item, int) else "double" if isinstance(item, float) else "varchar"
    return ["FOUND", kind, write_json(item)]


def _no_scalar(found: str) -> str:
    return f"JSON_VALUE_RESULT_ERROR|cannot extract SQL scalar from JSON: JSON path found {found}"


@udf("ssSSssss:s", nulls=True)
def json_query(
    text: str | None,
    path: str,
    names: list[str],
    values: list[str | None],
    wrapper: str,
    quotes: str,
    empty: str,
    error: str,
) -> str | None:
    """Return the JSON at a path.

    `wrapper` and `quotes` determine the format. `empty` determines the result if the path finds no value, and `error`
    determines the result if an error occurs.
    """
    if text is None:
        return None
    try:
        items = _items(text, path, names, values)
    except (PathFailure, _InputFailure) as failure:
        return _instead(error, str(failure), _failure_name(failure))
    if not items:
        return _instead(empty, "conversion from JSON failed: JSON path found no items")
    if wrapper == "UNCONDITIONAL" or (
        wrapper == "CONDITIONAL" and (len(items) > 1 or not isinstance(items[0], dict | list))
    ):
        items = [items]
    if len(items) > 1:
        return _instead(error, "conversion from JSON failed: JSON path found multiple items")
    if quotes == "OMIT" and isinstance(items[0], str):
        return items[0]
    return write_json(items[0])


def _instead(behavior: str, message: str, name: str = "JSON_OUTPUT_CONVERSION_ERROR") -> str | None:
    if behavior == "ERROR":
        raise AthenaError(message, name)
    return {"EMPTY": "[]", "EMPTY ARRAY": "[]", "EMPTY OBJECT": "{}"}.get(behavior)


@udf("s:s")
def json_input(text: str) -> str:
    """Parse JSON, and format it without white space."""
    try:
        return write_json(_loaded(text))
    except _InputFailure as error:
        raise AthenaError(str(error), _failure_name(error)) from error


@udf("SSbb:s", nulls=True)
def json_object(keys: list[str | None], values: list[str | None], null_on_null: bool, unique: bool) -> str:
    """Build an object from keys and JSON values, in the order of Trino's hash table."""
    members: dict[str, str] = {}
    for key, value in zip(keys, values, strict=True):
        if key is None:
            raise AthenaError(
                "null value passed for JSON object key to JSON_OBJECT function", "INVALID_FUNCTION_ARGUMENT"
            )
        if value is None and not null_on_null:
            continue
        if key in members and unique:
            raise AthenaError("duplicate key passed to JSON_OBJECT function", "INVALID_FUNCTION_ARGUMENT")
        if key in members:
            raise AthenaError("cannot construct a JSON object with duplicate key", "NOT_SUPPORTED")
        members[key] = "null" if value is None else value
    return "{" + ",".join(f"{json_string(key)}:{members[key]}" for key in _in_hash_order(members)) + "}"


def _in_hash_order(keys: Iterable[str]) -> list[str]:
    """Return keys in the order of Java's ``HashMap``."""
    listed = list(keys)
    size = 16
    while len(listed) > size * 3 // 4:
        size *= 2
    return sorted(listed, key=lambda key: _java_hash(key) % size)


def _java_hash(text: str) -> int:
    value = 0
    units = text.encode("utf-16-be", errors="surrogatepass")
    for place in range(0, len(units), 2):
        value = (31 * value + int.from_bytes(units[place : place + 2], "big")) & 0xFFFFFFFF
    return value ^ (value >> 16)


_CODECS = {"": "utf-8", "UTF8": "utf-8", "UTF16": "utf-16-le", "UTF32": "utf-32-le"}


@udf("xs:s")
def json_decoded(value: bytes, encoding: str) -> str:
    """Decode JSON bytes, and replace invalid bytes."""
    return value.decode(_CODECS[encoding], errors="replace")


@udf("ss:x")
def json_encoded(text: str, encoding: str) -> bytes:
    """Encode JSON as bytes."""
    return text.encode(_CODECS[encoding], errors="surrogatepass")


@udf("Sb:s", nulls=True)
def json_array(items: list[str | None], null_on_null: bool) -> str:
    """Build an array from JSON values."""
    kept = [item for item in items if item is not None or null_on_null]
    return "[" + ",".join("null" if item is None else item for item in kept) + "]"
