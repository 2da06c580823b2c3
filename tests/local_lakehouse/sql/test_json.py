"""Tests for JSON functions with a special grammar, and for nested JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.runtime.json_path import read_path
from local_lakehouse.sql.runtime.json_path_steps import PathFailure
from tests.local_lakehouse.sql.conftest import Run

PROFILE = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text("aé'\"\\\n\t x", max_size=6)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(lambda items: {f"k{index}": item for index, item in enumerate(items)})
    ),
    max_leaves=12,
)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _constructor(value: Any) -> str:
    """Write a value as calls to json_object and json_array."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return f"BIGINT '{value}'"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"json_array({', '.join(map(_constructor, value))}{' NULL ON NULL' if value else ''})"
    members = (f"{_text(key)}: {_constructor(item)}" for key, item in value.items())
    return f"json_object({', '.join(members)})"


@PROFILE
@given(st.lists(values, max_size=4))
def test_nested_constructors_return_the_value(run: Run, value: list[Any]) -> None:
    text = run(f"SELECT {_constructor(value)} AS x").rows[0][0]
    assert json.loads(text or "") == value


@PROFILE
@given(values)
def test_json_strings_round_trip(run: Run, value: Any) -> None:
    text = _text(json.dumps(value))
    answer = run(
        f"SELECT json_format(json_parse({text})), json_query({text}, 'strict $'), "
        f"json_format(json_extract({text}, '$'))"
    )
    plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    in_order = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    assert answer.rows == [[in_order, plain, plain]]


EXAMPLES = [
    ("json_object('a': json_object('b': 1))", '{"a":{"b":1}}'),
    ("json_array(json_query('[1]', 'lax $'), json_value('[1]', 'lax $[0]'))", '[[1],"1"]'),
    ("json_query(json_object('a': json_array(1, 2)), 'lax $.a')", "[1,2]"),
    ("json_object('a': '[1 , 2]', 'b': '[1 , 2]' FORMAT JSON)", '{"a":"[1 , 2]","b":[1,2]}'),
    ("json_object('a': 'no json' FORMAT JSON)", "JSON_INPUT_CONVERSION_ERROR"),
    ("json_object('a': 1, 'a': 2 WITH UNIQUE KEYS)", "INVALID_FUNCTION_ARGUMENT"),
    ("json_object('a': 1, 'a': 2)", "NOT_SUPPORTED"),
    ("json_object('a': NULL, 'b': 1 ABSENT ON NULL)", '{"b":1}'),
    ("json_object(KEY 'k' VALUE DATE '2020-01-01' RETURNING varchar(30))", '{"k":"2020-01-01"}'),
    ("json_object('key_1': 1, 'key_2': 2)", '{"key_2":2,"key_1":1}'),
    ("json_object('x': X'5B0035005D00' FORMAT JSON ENCODING UTF16)", '{"x":[5]}'),
    ("json_object('x': 1 RETURNING varbinary)", "7b 22 78 22 3a 31 7d"),
    ("json_array(1, NULL)", "[1]"),
    ("json_array(1, NULL NULL ON NULL)", "[1,null]"),
    ("json_array_get('[\"a\", 2]', 0)", "a"),
    ("json_array_get('[null]', 0)", None),
    ("json_extract('{\"b\": 1, \"a\": 2}', '$')", '{"b":1,"a":2}'),
    ("json_format(JSON '{\"b\": 1, \"a\": 2}')", '{"a":2,"b":1}'),
    ("json_value('{\"a\": [1, 2]}', 'lax $.a[last]' RETURNING bigint)", "2"),
    ("json_value('{\"a\": 1.7}', 'lax $.a' RETURNING bigint)", "2"),
    ("json_value('{\"a\": \"x\"}', 'lax $.a' RETURNING bigint)", None),
    ("json_value('{\"a\": \"x\"}', 'lax $.a' RETURNING bigint DEFAULT -1 ON ERROR)", "-1"),
    ("json_value('{\"a\": \"x\"}', 'lax $.a' RETURNING bigint ERROR ON ERROR)", "JSON_VALUE_RESULT_ERROR"),
    ("json_value('{}', 'lax $.a' DEFAULT 'none' ON EMPTY)", "none"),
    ("json_value('{}', 'strict $.a' DEFAULT 'none' ON EMPTY DEFAULT 'wrong' ON ERROR)", "wrong"),
    ("json_value('[1, 2]', 'lax $[*]')", None),
    ("json_value('{\"a\": null}', 'lax $.a' DEFAULT 'none' ON EMPTY DEFAULT 'wrong' ON ERROR)", None),
    ("json_query('{\"a\": \"t\"}', 'lax $.a')", '"t"'),
    ("json_query('{\"a\": \"t\"}', 'lax $.a' OMIT QUOTES ON SCALAR STRING)", "t"),
    ("json_query('[1, 2]', 'lax $[*]')", None),
    ("json_query('[1, 2]', 'lax $[*]' WITH WRAPPER)", "[1,2]"),
    ("json_query('[1]', 'lax $' WITH CONDITIONAL ARRAY WRAPPER)", "[1]"),
    ("json_query('[1]', 'lax $' WITH UNCONDITIONAL WRAPPER)", "[[1]]"),
    ("json_query('[1]', 'lax $[7]' EMPTY OBJECT ON EMPTY)", "{}"),
    ("json_query('[1]', 'strict $.a' EMPTY ARRAY ON ERROR)", "[]"),
    ("json_query('[1]', 'lax $' WITH WRAPPER KEEP QUOTES)", "INVALID_FUNCTION_ARGUMENT"),
    ("json_query('[1, 5, 9]', 'lax $[*] ? (@ > $low)' PASSING 4 AS \"low\" WITH WRAPPER)", "[5,9]"),
    ("json_query('1', 'lax $x[0]' PASSING '[7]' FORMAT JSON AS \"x\")", "7"),
    ("json_query('1', 'lax $x')", "INVALID_PATH"),
    ("json_value('1', 'lax $x' PASSING 1 AS \"x\", 2 AS \"x\")", "DUPLICATE_PARAMETER_NAME"),
    ("json_exists('[1, 5]', 'strict $[*] ? (@ > 3)')", "true"),
    ("json_exists('no json', 'lax $' UNKNOWN ON ERROR)", None),
    ("json_exists('no json', 'lax $' ERROR ON ERROR)", "JSON_INPUT_CONVERSION_ERROR"),
    ("json_exists('[]', '$')", "INVALID_PATH"),
    ("json_exists('[]', 'lax $.datetime()')", "NOT_SUPPORTED"),
    ("json_exists('\"a\"', 'lax $ ? (@ like_regex \"a\")')", "NOT_SUPPORTED"),
    ("CAST(JSON '\"128.9\"' AS bigint)", "INVALID_CAST_ARGUMENT"),
    ("CAST(CAST(DECIMAL '123456789012345678901234567890.12345678' AS json) AS decimal(38, 8))",
     "123456789012345678901234567890.12345678"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES)
def test_json_function_returns_the_documented_value(run: Run, expression: str, expected: str | None) -> None:
    try:
        shown = run(f"SELECT {expression} AS x").rows[0][0]
    except QueryFailure as failure:
        shown = failure.name
    assert shown == expected


DOCUMENT = {"a": [1, 2, [3]], "b": {"x": 1.5, "y": "text"}, "n": None, "t": True}
PATHS: list[tuple[str, list[Any] | None]] = [
    ("lax $.a[0]", [1]),
    ("lax $.a[1 to last]", [2, [3]]),
    ("strict $.a[7]", None),
    ("lax $.a[7]", []),
    ("lax $.b.*", [1.5, "text"]),
    ('lax $."b"."y"', ["text"]),
    ("lax $.a.x", []),
    ("strict $.a.x", None),
    ("lax $.t[0]", [True]),
    ("strict $.t[0]", None),
    ("lax $.a.size()", [3]),
    ("lax $.t.size()", [1]),
    ("lax $.*.type()", ["array", "object", "null", "boolean"]),
    ("lax $.b.x.ceiling() + 1", [3.0]),
    ("lax -$.a[0 to 1]", [-1, -2]),
    ("lax 7 % 4 - 10 / 4", [1]),
    ("lax 1 / 0", None),
    ("lax $.a[0, 1] ? (@ >= 2 || @ == 7)", [2]),
    ("lax $.a ? ((@ == 1) is unknown)", []),
    ("lax $ ? (exists(@.b.y) && !(@.t == false)).t", [True]),
    ("lax $ ? (@.n == null).b.y", ["text"]),
    ('lax $.b ? (@.y starts with "te").x', [1.5]),
    ("lax $.b.keyvalue().name", ["x", "y"]),
    ('lax "1.5".double()', [1.5]),
    ('lax "x".double()', None),
    ("lax $.b.x.abs().floor()", [1.0]),
]


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_json_path_finds_items(path: str, expected: list[Any] | None) -> None:
    try:
        found = read_path(path).find(DOCUMENT, {})
    except PathFailure:
        assert expected is None
    else:
        assert found == expected


# These are the errors for each function with ERROR ON ERROR or ERROR ON EMPTY:
# https://trino.io/docs/current/functions/json.html
ERRORS = [
    ("json_exists('{}', 'strict $.a' ERROR ON ERROR)",
     "PATH_EVALUATION_ERROR: path evaluation failed: structural error: missing member 'a' in JSON object"),
    ("json_query('[]', 'strict $[0]' ERROR ON ERROR)",
     "PATH_EVALUATION_ERROR: path evaluation failed: structural error: invalid array subscript for empty array"),
    ("json_value('[1, 2]', 'strict $[5]' ERROR ON ERROR)",
     ("PATH_EVALUATION_ERROR: path evaluation failed: structural error: invalid array subscript: [5, 5] for array of "
     "size 2")),
    ("json_value('1', 'strict $.a' ERROR ON ERROR)",
     "PATH_EVALUATION_ERROR: path evaluation failed: invalid item type. Expected: OBJECT, actual: NUMBER"),
    ("json_query('{\"a\": \"x\"}', 'lax -$.a' ERROR ON ERROR)",
     "PATH_EVALUATION_ERROR: path evaluation failed: invalid item type. Expected: NUMBER, actual: STRING"),
    ("json_exists('no', 'lax $' ERROR ON ERROR)", "JSON_INPUT_CONVERSION_ERROR: conversion to JSON failed: "),
    ("json_query('no', 'lax $' ERROR ON ERROR)", "JSON_INPUT_CONVERSION_ERROR: conversion to JSON failed: "),
    ("json_value('no', 'lax $' ERROR ON ERROR)", "JSON_INPUT_CONVERSION_ERROR: conversion to JSON failed: "),
    ("json_exists('1', 'lax $x' PASSING 'no' FORMAT JSON AS \"x\" ERROR ON ERROR)",
     "JSON_INPUT_CONVERSION_ERROR: conversion to JSON failed: "),
    ("json_query('{}', 'lax $.a' ERROR ON EMPTY)",
     "JSON_OUTPUT_CONVERSION_ERROR: conversion from JSON failed: JSON path found no items"),
    ("json_query('[1, 2]', 'lax $[*]' ERROR ON ERROR)",
     "JSON_OUTPUT_CONVERSION_ERROR: conversion from JSON failed: JSON path found multiple items"),
    ("json_value('{}', 'lax $.a' ERROR ON EMPTY)",
     "JSON_VALUE_RESULT_ERROR: cannot extract SQL scalar from JSON: JSON path found no items"),
    ("json_value('[1, 2]', 'lax $[*]' ERROR ON ERROR)",
     "JSON_VALUE_RESULT_ERROR: cannot extract SQL scalar from JSON: JSON path found multiple items"),
    ("json_value('[1, 2]', 'lax $' ERROR ON ERROR)",
     "JSON_VALUE_RESULT_ERROR: cannot extract SQL scalar from JSON: JSON path found an item that cannot be converted"),
    ("json_value('\"a\"', 'lax $' RETURNING integer ERROR ON ERROR)",
     ("JSON_VALUE_RESULT_ERROR: cannot extract SQL scalar from JSON: Cannot cast value of type varchar to declared "
     "return type of function JSON_VALUE: integer")),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "message"), ERRORS)
def test_error_on_error_clause_returns_the_documented_message(run: Run, expression: str, message: str) -> None:
    with pytest.raises(QueryFailure) as raised:
        run(f"SELECT {expression}")
    assert str(raised.value).startswith(message)
