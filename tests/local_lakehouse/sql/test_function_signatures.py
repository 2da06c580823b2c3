"""Tests that DuckDB accepts the generated SQL of every supported function with every signature."""

from __future__ import annotations

import pytest

from local_lakehouse.sql.analysis import calls
from local_lakehouse.sql.analysis.signatures import Pattern, Signature
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.functions import registry
from local_lakehouse.sql.functions.absent import is_absent
from tests.local_lakehouse.sql.conftest import Run

# A call that fails because of a NULL or an invalid unit still proves that DuckDB accepts the SQL.
_EXPECTED_FAILURES = ("INVALID_FUNCTION_ARGUMENT", "INVALID_CAST_ARGUMENT", "MISSING_GROUP_BY")
_PAIR = "row(a integer, b integer)"
_TYPES = {"decimal": "decimal(5, 2)", "timestamp": "timestamp(3)", "time": "time(3)"}


def _type(pattern: Pattern) -> str:
    if pattern.is_variable:
        return {"row": _PAIR, "row_or_unknown": _PAIR}.get(pattern.constraint, "integer")
    if pattern.children:
        return f"{pattern.name}({', '.join(map(_type, pattern.children))})"
    return _TYPES.get(pattern.name, pattern.name)


def _argument(pattern: Pattern) -> str:
    if pattern.name == "function":
        *parameters, result = pattern.children
        names = ", ".join(f"p{index}" for index in range(len(parameters)))
        return f"({names}) -> CAST(NULL AS {_type(result)})"
    return f"CAST(NULL AS {_type(pattern)})"


def _call(signature: Signature) -> str:
    arguments = [_argument(pattern) for pattern in signature.parameters]
    if signature.name == "normalize":
        return "normalize(CAST(NULL AS varchar), NFD)"
    if signature.name == "listagg":
        return "listagg(CAST(NULL AS varchar), ',') WITHIN GROUP (ORDER BY 1)"
    if signature.name.startswith("approx_percentile"):
        arguments[1] = "0.5" if arguments[1].endswith("double)") else "ARRAY[0.5]"
    if signature.name in ("min", "max", "min_by", "max_by") and arguments[-1] == "CAST(NULL AS bigint)":
        arguments[-1] = "2"
    if signature.name in ("round", "truncate") and len(arguments) == 2:
        arguments[1] = "1"
    over = " OVER (ORDER BY 1)" if signature.kind == "window" else ""
    return f"{signature.name}({', '.join(arguments)}){over}"


_SIGNATURES = [entry for name in registry.all_names() for entry in registry.signatures(name) if name != "grouping"]
_WITHOUT_PARENTHESES = ("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp")


def test_registry_contains_all_topics() -> None:
    assert len(calls.all_topics()) == 7
    assert len(_SIGNATURES) > 400


@pytest.mark.parametrize("signature", _SIGNATURES, ids=str)
def test_every_signature_can_be_called(run: Run, signature: Signature) -> None:
    sql = signature.name if signature.name in _WITHOUT_PARENTHESES else _call(signature)
    try:
        answer = run(f"SELECT {sql} AS x")
    except QueryFailure as failure:
        if failure.name not in _EXPECTED_FAILURES and "The local Athena does not support" not in failure.reason:
            raise
    else:
        assert len(answer.rows) == 1


def test_registered_functions_are_not_listed_as_absent() -> None:
    assert [name for name in registry.all_names() if is_absent(name)] == []
