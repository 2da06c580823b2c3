"""JSON functions, and casts to and from JSON."""

from __future__ import annotations

import functools
import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from local_lakehouse.sql.json_text import is_number_text, json_string, parse_json, write_json
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
    """Read JSON and write it canonically."""
    try:
        return write_json(parse_json(text))
    except (ValueError, RecursionError) as error:
        raise AthenaError(f"Cannot convert value to JSON: '{text}'") from error


@udf("ss:s")
def json_extract(text: str, path: str) -> str | None:
    """Return the JSON at a path."""
    found = _found(text, _path(path))
    return None if found is _MISSING else write_json(found)


@udf("ss:s")
def json_extract_scalar(text: str, path: str) -> str | None:
    """Return the text of the scalar at a path."""
    return _scalar_text(_found(text, _path(path)))


@udf("ss:n")
def json_size(text: str, path: str) -> int | None:
    """Return the number of members of the object or array at a path."""
    found = _found(text, _path(path))
    if found is _MISSING:
        return None
    return len(found) if isinstance(found, dict | list) else 0


@udf("s:n")
def json_array_length(text: str) -> int | None:
    """Return the length of an array."""
    found = _found(text, ())
    return len(found) if isinstance(found, list) else None


@udf("sn:s")
def json_array_get(text: str, index: int) -> str | None:
    """Return an element of an array, counting from 0, or from the end if negative."""
    found = _found(text, ())
    if not isinstance(found, list) or not -len(found) <= index < len(found):
        return None
    return write_json(found[index])


@udf("ss:b")
def json_array_contains(text: str, wanted: str) -> bool | None:
    """Tell whether an array has an element."""
    found = _found(text, ())
    if not isinstance(found, list):
        return None
    return any(_same(item, parse_json(wanted)) for item in found)


def _same(item: Any, wanted: Any) -> bool:
    numbers = [
        one for one in (item, wanted) if is_number_text(one) or (isinstance(one, int) and not isinstance(one, bool))
    ]
    if len(numbers) == 2:
        return is_number_text(item) == is_number_text(wanted) and float(item) == float(wanted)
    return type(item) is type(wanted) and bool(item == wanted)


@udf("s:b")
def is_json_scalar(text: str) -> bool:
    """Tell whether JSON is neither an object nor an array."""
    found = _found(text, ())
    if found is _MISSING:
        raise AthenaError(f"Invalid JSON value: {text}")
    return not isinstance(found, dict | list)


@udf("s:s", nulls=True)
def json_string_(text: str | None) -> str | None:
    """Write a text as JSON."""
    return None if text is None else json_string(text)


@udf("s:s")
def json_number(text: str) -> str:
    """Write a double's text as JSON."""
    return f'"{text}"' if text in ("NaN", "Infinity", "-Infinity") else text


def _bad(text: str, target: str) -> AthenaError:
    return AthenaError(f"Cannot cast to {target}. {text}", "INVALID_CAST_ARGUMENT")


@udf("s:s")
def json_varchar(text: str) -> str | None:
    """CAST a JSON scalar to a text."""
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
    """CAST a JSON scalar to a whole number."""
    number = _number(text, target)
    if number is None:
        return None
    if not number.is_finite():
        raise AthenaError(f"Cannot cast '{text}' to {target}", "INVALID_CAST_ARGUMENT")
    value = int(number.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    if not -_RANGES[target] <= value < _RANGES[target]:
        raise AthenaError(f"Cannot cast '{text}' to {target}", "INVALID_CAST_ARGUMENT")
    return value


@udf("ss:d")
def json_double(text: str, target: str) -> float | None:
    """CAST a JSON scalar to a double."""
    number = _number(text, target)
    return None if number is None else float(number)


@udf("ss:s")
def json_decimal(text: str, target: str) -> str | None:
    """CAST a JSON scalar to a decimal's text."""
    number = _number(text, target)
    return None if number is None else format(number, "f")


@udf("s:b")
def json_boolean(text: str) -> bool | None:
    """CAST a JSON scalar to a boolean."""
    value = parse_json(text)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if is_number_text(value):
        return float(value) != 0
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise AthenaError(f"Cannot cast '{text}' to boolean", "INVALID_CAST_ARGUMENT")


@udf("ss:S")
def json_items(text: str, target: str) -> list[str] | None:
    """Return an array's elements as JSON."""
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
    """Return an object's keys."""
    value = _object(text, target)
    return None if value is None else list(value)


@udf("ss:S")
def json_values(text: str, target: str) -> list[str] | None:
    """Return an object's values as JSON."""
    value = _object(text, target)
    return None if value is None else [write_json(item) for item in value.values()]


@udf("sSs:S")
def json_fields(text: str, names: list[str], target: str) -> list[str | None] | None:
    """Return a row's fields as JSON, from an object by their names or from an array by their places."""
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


def _lax(text: str, path: str) -> tuple[str, Any]:
    mode, _, rest = path.strip().partition(" ")
    if mode not in ("lax", "strict") or not re.fullmatch(r"\$.*", rest.strip()):
        raise AthenaError(f"Failed to parse JSON path: '{path}'", "INVALID_PATH")
    try:
        steps = _path(rest.strip())
    except AthenaError as error:
        raise AthenaError(f"This JSON path is not supported: '{path}'", "NOT_SUPPORTED") from error
    try:
        parse_json(text)
    except (ValueError, RecursionError):
        return "ERROR", None
    found = _found(text, steps)
    if found is not _MISSING:
        return "FOUND", found
    if mode == "lax" and _meets_array(text, steps):
        raise AthenaError(f"Unwrapping arrays in a lax JSON path is not supported: '{path}'", "NOT_SUPPORTED")
    return ("EMPTY" if mode == "lax" else "ERROR"), None


def _meets_array(text: str, steps: tuple[str | int, ...]) -> bool:
    return any(
        isinstance(_found(text, steps[:count]), list) and isinstance(steps[count], str) for count in range(len(steps))
    ) or any(
        isinstance(steps[count], int)
        and steps[count] == 0
        and not isinstance(_found(text, steps[:count]), list | type(_MISSING))
        for count in range(len(steps))
    )


@udf("sss:b")
def json_exists(text: str, path: str, on_error: str) -> bool | None:
    """Tell whether a path leads to something."""
    state, _ = _lax(text, path)
    if state != "ERROR":
        return state == "FOUND"
    if on_error == "ERROR":
        raise AthenaError("path evaluation failed", "PATH_EVALUATION_ERROR")
    return {"TRUE": True, "FALSE": False, "UNKNOWN": None}[on_error]


@udf("ssssss:s", nulls=True)
def json_value(
    text: str | None, path: str, empty: str, error: str, empty_default: str | None, error_default: str | None
) -> str | None:
    """Return the scalar at a path."""
    if text is None:
        return None
    state, found = _lax(text, path)
    if state == "FOUND" and isinstance(found, dict | list):
        state = "ERROR"
    if state == "FOUND":
        return _scalar_text(found)
    behaviour, default = (empty, empty_default) if state == "EMPTY" else (error, error_default)
    if behaviour == "ERROR":
        raise AthenaError("cannot extract SQL value from JSON", "PATH_EVALUATION_ERROR")
    return default


@udf("ssssss:s", nulls=True)
def json_query(text: str | None, path: str, wrapper: str, quotes: str, empty: str, error: str) -> str | None:
    """Return the JSON at a path."""
    if text is None:
        return None
    state, found = _lax(text, path)
    if state == "FOUND":
        if wrapper == "UNCONDITIONAL" or (wrapper == "CONDITIONAL" and not isinstance(found, dict | list)):
            found = [found]
        if quotes == "OMIT" and isinstance(found, str) and not is_number_text(found):
            return str(found)
        return write_json(found)
    behaviour = empty if state == "EMPTY" else error
    if behaviour == "ERROR":
        raise AthenaError("cannot extract JSON value", "PATH_EVALUATION_ERROR")
    return {"EMPTY": "[]", "EMPTY ARRAY": "[]", "EMPTY OBJECT": "{}"}.get(behaviour)
