"""Execution of queries, ``EXPLAIN``, ``PREPARE`` and ``DEALLOCATE``."""

from __future__ import annotations

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.explain import explain_query
from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes


def column_names(compiled: Compiled) -> list[str]:
    """Return the displayed names of a query's columns."""
    return [column.name or f"_col{index}" for index, column in enumerate(compiled.columns)]


def select(statement: nodes.Select, context: Context) -> Outcome:
    """Run a query."""
    compiled, batches = context.query(statement.query)
    found = [column.type for column in compiled.columns]
    columns = list(zip(column_names(compiled), found, strict=False))
    return Outcome(columns, batches=batches, update_count=0, header=True)


def explain(statement: nodes.Explain, context: Context) -> Outcome:
    """Explain a statement and, with ``ANALYZE``, also run it."""
    query = _explained_query(statement.statement)
    if statement.analyze and not isinstance(query, nodes.Select):
        raise QueryFailure("NOT_SUPPORTED", "The local Athena supports EXPLAIN ANALYZE only for SELECT")
    lines = explain_query(query, statement, context)
    return Outcome([("Query Plan", types.VARCHAR)], [[line] for line in lines], header=True)


def _explained_query(statement: nodes.Statement) -> nodes.Statement:
    if isinstance(statement, nodes.Select | nodes.Insert | nodes.CreateTableAs | nodes.Unload):
        return statement
    raise QueryFailure(
        "NOT_SUPPORTED", "The local Athena supports EXPLAIN only for SELECT, INSERT, CREATE TABLE AS and UNLOAD"
    )


def prepare(statement: nodes.Prepare, context: Context) -> Outcome:
    """Store a prepared statement."""
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
