"""Translation of DuckDB's errors to Athena's errors."""

from __future__ import annotations

import logging
import re

from local_lakehouse.sql.failures import QueryFailure

_LOG = logging.getLogger(__name__)
_FAILURE = re.compile(r"ATHENA\|([A-Z_]*)\|(.*?)\|ANEHTA", re.DOTALL)
_INTEGERS = {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}
_OVERFLOW = re.compile(r"Overflow in (\w+) of (INT\d+|DECIMAL\(\d+\)) \((.*?)\)[;!.]", re.DOTALL)
_OUT_OF_RANGE = re.compile(
    r"Type \w+ with value (\S+) can't be cast because the value is out of range for the destination type (INT\d+)"
)
_ABS = re.compile(r"Overflow on abs\((-\d+)\)")
# Only the minimum of each integer type has no absolute value in that type, so the value identifies the type.
_LEAST = {-(2**7): "tinyint", -(2**15): "smallint", -(2**31): "integer", -(2**63): "bigint"}
_TO_DECIMAL = re.compile(
    r"Could not (?:cast|convert) (?:value|string|VARCHAR) \"?(\S+?)\"? to DECIMAL\((\d+), ?(\d+)\)"
)


def failure_of(text: str) -> QueryFailure:
    """Return Athena's failure for a DuckDB error message."""
    if match := _FAILURE.search(text):
        return QueryFailure(match.group(1), match.group(2))
    if match := _OVERFLOW.search(text):
        return _overflow(match)
    if match := _ABS.search(text):
        value = int(match.group(1))
        return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", f"Value {value} is out of range for abs({_LEAST[value]})")
    if match := _OUT_OF_RANGE.search(text):
        return _out_of_range(match)
    if match := _TO_DECIMAL.search(text):
        return QueryFailure(
            "INVALID_CAST_ARGUMENT", f"Cannot cast '{match.group(1)}' to DECIMAL({match.group(2)}, {match.group(3)})"
        )
    if "More than one row returned by a subquery" in text:
        return QueryFailure("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows")
    if "Map keys must be unique" in text:
        return QueryFailure("INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed")
    if "Out of Memory Error" in text:
        return QueryFailure(
            "EXCEEDED_LOCAL_MEMORY_LIMIT",
            "Query exceeded its memory limit in the local lakehouse. Read fewer rows or columns, or aggregate earlier.",
        )
    if text.startswith(("Out of Range Error", "Conversion Error")):
        return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", "A value is out of range for its type")
    _LOG.warning("DuckDB rejected a statement: %s", text)
    return QueryFailure("NOT_SUPPORTED", "The local Athena cannot run this statement: its query engine rejected it")


def _overflow(match: re.Match[str]) -> QueryFailure:
    operation, type_, operands = match.groups()
    name = _INTEGERS.get(type_)
    if name is None:
        return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")
    if operation == "subtraction" and operands.startswith("0 - "):
        # Negations are written as subtractions from 0, so that the operand is computed only once.
        operation, operands = "negation", operands.removeprefix("0 - ")
    return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", f"{name} {operation} overflow: {operands}")


def _out_of_range(match: re.Match[str]) -> QueryFailure:
    value, type_ = match.groups()
    if "INT128" in match.group():
        return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", f"bigint addition overflow: {value}")
    return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", f"Out of range for {_INTEGERS.get(type_, type_)}: {value}")
