"""Execution of queries, ``EXPLAIN``, ``PREPARE`` and ``DEALLOCATE``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.explain import explain_query
from local_lakehouse.athena.writes.ctas import check_create_table_as
from local_lakehouse.athena.writes.inserts import check_insert
from local_lakehouse.athena.writes.unloads import check_unload
from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.parser import parse_statement

_CHECKS: dict[type[nodes.Statement], Callable[[Any, Context], None]] = {
    nodes.Insert: check_insert,
    nodes.CreateTableAs: check_create_table_as,
    nodes.Unload: check_unload,
}


def column_names(compiled: Compiled) -> list[str]:
    """Return the displayed names of a query's columns."""
    return [column.name or f"_col{index}" for index, column in enumerate(compiled.columns)]


def select(statement: nodes.Select, context: Context) -> Outcome:
    """Run a query, or reuse the result of an earlier execution if the request allows it."""
    tables = context.tables()
    # The analysis checks the caller's access to the tables, which the caller also needs to reuse a result.
    compiled = context.compile(tables, statement.query)
    reused = context.results.find(context.execution) if tables.results_are_reusable() else None
    if reused is not None:
        return Outcome(reused=reused)
    batches = context.stream(tables, compiled)
    found = [column.type for column in compiled.columns]
    columns = list(zip(column_names(compiled), found, strict=False))
    return Outcome(columns, batches=batches, update_count=0, header=True)


def explain(statement: nodes.Explain, context: Context) -> Outcome:
    """Explain a statement and, with ``ANALYZE``, also run it."""
    query = _explained_query(statement.statement)
    if statement.analyze and not isinstance(query, nodes.Select):
        raise QueryFailure("NOT_SUPPORTED", "The local Athena supports EXPLAIN ANALYZE only for SELECT")
    if type(query) in _CHECKS:
        _CHECKS[type(query)](query, context)
    lines = explain_query(query, statement, context)
    if statement.kind == "VALIDATE":
        return Outcome([("Valid", types.BOOLEAN)], [["true"]], header=True)
    return Outcome([("Query Plan", types.VARCHAR)], [[line] for line in lines], header=True)


def _explained_query(statement: nodes.Statement) -> nodes.Statement:
    if isinstance(statement, nodes.Select | nodes.Insert | nodes.CreateTableAs | nodes.Unload):
        return statement
    raise QueryFailure(
        "NOT_SUPPORTED", "The local Athena supports EXPLAIN only for SELECT, INSERT, CREATE TABLE AS and UNLOAD"
    )


def prepare(statement: nodes.Prepare, context: Context) -> Outcome:
    """Store a prepared statement."""
    prepared = parse_statement(statement.sql)
    if isinstance(prepared, nodes.Prepare | nodes.Execute | nodes.Deallocate):
        kind = type(prepared).__name__.upper()
        raise QueryFailure("NOT_SUPPORTED", f"Invalid statement type for prepared statement: {kind}")
    context.prepared.put(context.execution.workgroup, statement.name, statement.sql)
    return Outcome()


def deallocate(statement: nodes.Deallocate, context: Context) -> Outcome:
    """Delete a prepared statement."""
    if not context.prepared.remove(context.execution.workgroup, statement.name):
        raise prepared_missing(statement.name)
    return Outcome()


def prepared_missing(name: str) -> QueryFailure:
    """Return the failure for a prepared statement that does not exist."""
    return QueryFailure("NOT_FOUND", f"PreparedStatement {name} was not found")
