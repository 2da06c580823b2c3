"""The table version in ``FOR VERSION AS OF`` and ``FOR TIMESTAMP AS OF``.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-time-travel-and-version-travel-queries.html
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.session import Version
from local_lakehouse.sql.analysis.typed import Typed
from local_lakehouse.sql.analysis.value_texts import text_of
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import tree

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis

_MOMENTS = ("date", "timestamp", "timestamp with time zone")


def version_of(analysis: Analysis, node: tree.Table) -> Version | None:
    """Return the version that a table reference specifies, or None for the current version.

    Raises:
        QueryFailure: The operand is not constant, or its type or value does not identify a version.
    """
    if node.version is None:
        return None
    value = analysis.expression(node.version, Scope(clause="FOR clause"))
    place = node.position
    if not value.facts.constant:
        raise QueryFailure(
            "EXPRESSION_NOT_CONSTANT",
            "Constant expression cannot contain a subquery, a column or a function that is not deterministic",
            node.version.position,
        )
    if node.version_kind == "TIMESTAMP":
        return _moment(analysis, value, place)
    return _snapshot(analysis, value, place)


def _moment(analysis: Analysis, value: Typed, place: Position) -> Version:
    if value.type == types.UNKNOWN:
        raise QueryFailure("INVALID_ARGUMENTS", "Pointer value cannot be NULL", place)
    if value.type.name not in _MOMENTS:
        raise QueryFailure(
            "TYPE_MISMATCH",
            f"Type {value.type} invalid. Temporal pointers must be of type Timestamp, Timestamp with Time Zone, "
            "or Date.",
            place,
        )
    instant = f"athena_at({value.sql})" if value.type.name == "timestamp with time zone" else value.sql
    found = analysis.session.constant(instant)
    if found is None:
        raise QueryFailure("INVALID_ARGUMENTS", "Pointer value cannot be NULL", place)
    moment = found if isinstance(found, datetime) else datetime.combine(_as_date(found), datetime.min.time())
    if moment >= analysis.session.now:
        shown = analysis.session.constant(text_of(value.sql, value.type))
        raise QueryFailure("INVALID_ARGUMENTS", f"Pointer value '{shown}' is not in the past", place)
    return Version(moment=moment - timedelta(microseconds=moment.microsecond % 1000))


def _as_date(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"expected a date, got {value!r}")
    return value


def _snapshot(analysis: Analysis, value: Typed, place: Position) -> Version:
    if value.type == types.UNKNOWN:
        raise QueryFailure("INVALID_ARGUMENTS", "Pointer value cannot be NULL", place)
    if types.is_text(value.type):
        return Version(reference=str(analysis.session.constant(value.sql)))
    if not types.is_integer(value.type):
        raise QueryFailure("NOT_SUPPORTED", f"Unsupported type for table version: {value.type}")
    found = analysis.session.constant(value.sql)
    if found is None:
        raise QueryFailure("INVALID_ARGUMENTS", "Pointer value cannot be NULL", place)
    return Version(snapshot_id=int(str(found)))
