"""Query failures, with Athena's error names, categories and types."""

from __future__ import annotations

from dataclasses import dataclass

_ERROR_TYPES = {
    "COLUMN_NOT_FOUND": 1006,
    "TABLE_NOT_FOUND": 1301,
    "SCHEMA_NOT_FOUND": 1301,
    "CATALOG_NOT_FOUND": 1006,
    "TYPE_MISMATCH": 1002,
    "FUNCTION_NOT_FOUND": 1303,
    "DIVISION_BY_ZERO": 1001,
    "INVALID_CAST_ARGUMENT": 1100,
    "NUMERIC_VALUE_OUT_OF_RANGE": 1100,
    "INVALID_PARAMETER_USAGE": 1100,
    "INVALID_ARGUMENTS": 1100,
    "INVALID_FUNCTION_ARGUMENT": 1106,
    "TABLE_ALREADY_EXISTS": 1110,
    "NOT_SUPPORTED": 1200,
    "EXCEEDED_TIME_LIMIT": 0,
    "EXCEEDED_LOCAL_MEMORY_LIMIT": 0,
    "GENERIC_INTERNAL_ERROR": 9999,
}
_SEMANTIC_ERROR = 1006
_USER = 2
_SYSTEM = 1


@dataclass(frozen=True)
class Position:
    """A position in a statement, with lines and columns that start at 1."""

    line: int
    column: int


class QueryFailure(Exception):
    """An accepted statement failed while it was running.

    Args:
        name: Athena's error name, such as ``COLUMN_NOT_FOUND``, or an empty string for Hive's errors.
        message: The error message, without the name and the position.
        position: The position in the statement, or None if it is unknown.
        category: Athena's error category: 1 (system), 2 (user) or 3 (other). If None, the name determines it.
        error_type: Athena's error type. If None, the name determines it.
    """

    def __init__(
        self,
        name: str,
        message: str,
        position: Position | None = None,
        *,
        category: int | None = None,
        error_type: int | None = None,
    ) -> None:
        self.name = name
        place = f"line {position.line}:{position.column}: " if position else ""
        self.reason = f"{name}: {place}{message}" if name else message
        super().__init__(self.reason)
        internal = name == "GENERIC_INTERNAL_ERROR"
        self.category = category if category is not None else (_SYSTEM if internal else _USER)
        self.error_type = error_type if error_type is not None else _ERROR_TYPES.get(name, _SEMANTIC_ERROR)


def not_offered(construct: str, position: Position) -> QueryFailure:
    """Return the failure for a construct that is valid in Athena but not supported here."""
    return QueryFailure("NOT_SUPPORTED", f"The local Athena does not support {construct}", position)


class MalformedQuery(Exception):
    """A statement is malformed, so it is rejected before it runs.

    Args:
        message: Athena's message.
        position: The position, or None if it is unknown.
        code: The response's ``AthenaErrorCode``.
    """

    def __init__(self, message: str, position: Position | None = None, *, code: str = "MALFORMED_QUERY") -> None:
        place = f"line {position.line}:{position.column}: " if position else ""
        super().__init__(place + message)
        self.message = place + message
        self.code = code
