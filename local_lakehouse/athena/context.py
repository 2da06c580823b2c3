"""The inputs and the result of a statement's execution."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from local_lakehouse.athena.executions import Execution
from local_lakehouse.athena.results import Text
from local_lakehouse.athena.reuse import ReusableResults
from local_lakehouse.athena.saved_queries import PreparedStatements
from local_lakehouse.athena.tables.catalog import StatementTables
from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.analysis.session import Session
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.tree import Expression, Query
from local_lakehouse.sql.types import Type
from local_lakehouse.sql.workers.pool import WorkerSession


class ScanLimitExceededError(Exception):
    """The query scanned more bytes than its workgroup allows."""


@dataclass
class Outcome:
    """The result of a statement.

    Args:
        columns: The names and types of the result's columns.
        rows: The result's rows, with each value as a string.
        update_count: The number of rows written, or None if Athena does not report it.
        header: Whether the rows that ``GetQueryResults`` returns start with the column names.
        manifest: The files that the statement wrote, or None if the statement has no manifest.
        body: Whether the execution writes a result file.
        batches: The rows in batches, which are used instead of `rows` if the result is streamed.
        reused: The earlier execution whose result is used instead of all other fields, or None.
    """

    columns: Sequence[tuple[str, Type]] = ()
    rows: list[list[Text]] = field(default_factory=list)
    update_count: int | None = None
    header: bool = False
    manifest: Sequence[str] | None = None
    body: bool = True
    batches: pa.RecordBatchReader | None = None
    reused: Execution | None = None


@dataclass
class Context:
    """The context of one execution.

    Args:
        execution: The execution.
        lake: The lakehouse's tables.
        worker: The worker that runs queries.
        prepared: The prepared statements.
        results: The earlier results that the execution can reuse.
        parameters: The values for the statement's ``?`` placeholders.
    """

    execution: Execution
    lake: Lake
    worker: WorkerSession
    prepared: PreparedStatements
    results: ReusableResults
    parameters: Sequence[Expression] = ()

    @property
    def database(self) -> str | None:
        """The default database, in lowercase and without backticks, or None if the request does not specify one."""
        name = self.execution.database
        return name.strip("`").lower() if name else None

    def tables(self) -> StatementTables:
        """Return the object that looks up and reads the tables of one statement."""
        return StatementTables(self.lake)

    def session(self, tables: StatementTables) -> Session:
        """Return the environment for the analysis of a statement."""
        now = datetime.now(UTC).replace(tzinfo=None)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return Session(tables, self.database, now, self.worker.constant, self.parameters)

    def query(self, query: Query) -> tuple[Compiled, pa.RecordBatchReader]:
        """Run a query.

        Returns:
            The compiled query, and its rows in batches.

        Raises:
            QueryFailure: The query fails.
            ScanLimitExceededError: The query scans too many bytes.
        """
        tables = self.tables()
        compiled = self.compile(tables, query)
        return compiled, self.stream(tables, compiled)

    def compile(self, tables: StatementTables, query: Query) -> Compiled:
        """Analyze a query, and check that the caller has access to its tables.

        Raises:
            QueryFailure: The query is not valid.
            ClientError: The caller is not allowed to read a table.
        """
        began = time.monotonic()
        compiled = compile_query(query, self.session(tables))
        self.execution.planning_millis += round((time.monotonic() - began) * 1000)
        return compiled

    def stream(self, tables: StatementTables, compiled: Compiled) -> pa.RecordBatchReader:
        """Run an analyzed query on the given tables, and return its rows in batches."""
        self.register(tables, compiled.scans)
        return self.worker.stream(compiled.sql)

    def register(self, tables: StatementTables, scans: Mapping[str, AbstractSet[str]]) -> None:
        """Read the tables of a statement and pass them to the worker.

        Args:
            tables: The tables.
            scans: The columns to read from each table.

        Raises:
            ScanLimitExceededError: The statement scans too many bytes.
        """
        tables.register(self.worker, scans)
        self.execution.scanned_bytes += tables.scanned_bytes
        limit = self.execution.scan_limit
        if limit is not None and self.execution.scanned_bytes > limit:
            # Athena stops reading at the limit.
            self.execution.scanned_bytes = limit
            raise ScanLimitExceededError


def table_of(context: Context, names: nodes.TableName) -> tuple[str, str]:
    """Return the database and name of a table in a Hive statement."""
    database = names[-2].key if len(names) > 1 else (context.database or "default")
    return database, names[-1].key
