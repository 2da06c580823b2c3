"""One DuckDB for all statements: in memory, without files, network, extensions or settings to change."""

from __future__ import annotations

import logging
import re
import threading

import duckdb
import pyarrow as pa

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.runtime import (
    json_functions,
    moment_functions,
    number_functions,
    regexp_functions,
    text_functions,
    url_functions,
)
from local_lakehouse.sql.runtime.macros import macro_statements
from local_lakehouse.sql.runtime.udf import all_udfs

# Importing a topic offers its functions.
_LOG = logging.getLogger(__name__)
_TOPICS = (json_functions, moment_functions, number_functions, regexp_functions, text_functions, url_functions)
_SETTINGS = {
    "TimeZone": "UTC",
    "default_null_order": "nulls_last",
    # DuckDB would otherwise compute the cheaper of two conditions first, even where it can fail.
    "disabled_optimizers": "reorder_filter",
    "enable_external_access": "false",
    "lock_configuration": "true",
}
_BATCH_ROWS = 100_000
_RESULT_BYTES = 256 * 2**20
_FAILURE = re.compile(r"ATHENA\|([A-Z_]*)\|(.*?)\|ANEHTA", re.DOTALL)
_INTEGERS = {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}
_OVERFLOW = re.compile(r"Overflow in (\w+) of (INT\d+|DECIMAL\(\d+\)) \((.*?)\)[;!.]", re.DOTALL)
_OUT_OF_RANGE = re.compile(
    r"Type \w+ with value (\S+) can't be cast because the value is out of range for the destination type (INT\d+)"
)
_TO_DECIMAL = re.compile(
    r"Could not (?:cast|convert) (?:value|string|VARCHAR) \"?(\S+?)\"? to DECIMAL\((\d+), ?(\d+)\)"
)


class Engine:
    """Runs DuckDB's SQL.

    Args:
        memory_limit: How much memory all statements together may take, as DuckDB writes it.
    """

    def __init__(self, memory_limit: str = "2GB") -> None:
        self._memory_limit = memory_limit
        self._lock = threading.Lock()
        # Opened by the first statement, which not every lakehouse sees.
        self._connection: duckdb.DuckDBPyConnection | None = None

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": self._memory_limit,
                "temp_directory": "",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "python_enable_replacements": "false",
            },
        )
        for one in all_udfs():
            connection.create_function(  # type: ignore[call-overload]  # its stubs know the enums only
                one.name,
                one.function,
                list(one.parameters),
                one.result,
                type="arrow",
                # By default DuckDB refuses a function that returns NULL.
                null_handling="special",
            )
        for statement in macro_statements():
            connection.execute(statement)
        for name, value in _SETTINGS.items():
            connection.execute(f"SET {name} = '{value}'")
        return connection

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of one statement's own."""
        with self._lock:
            self._connection = self._connection or self._connect()
            cursor = self._connection.cursor()
            try:
                cursor.execute("SELECT 1").fetchall()
            except duckdb.FatalException:
                # After a fatal error DuckDB answers nothing any more.
                self._connection = self._connect()
                cursor = self._connection.cursor()
            return cursor

    def constant(self, sql: str) -> object:
        """Compute an expression that reads no table.

        Raises:
            QueryFailure: Computing it fails.
        """
        cursor = self.cursor()
        try:
            row = run(cursor, f"SELECT {sql}").to_pylist()[0]
        finally:
            cursor.close()
        return next(iter(row.values()))


def run(cursor: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """Run a statement and return its rows.

    Raises:
        QueryFailure: It fails; never with DuckDB's own words.
        duckdb.InterruptException: It was stopped.
    """
    try:
        # Read batch by batch: a whole result that DuckDB hands over at once is bound by no limit.
        return _bounded(cursor.sql(sql).to_arrow_reader(_BATCH_ROWS))
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        if "INTERRUPT Error" in str(error):
            raise duckdb.InterruptException from error
        raise failure_of(error) from error


def _bounded(reader: pa.RecordBatchReader) -> pa.Table:
    batches, size = [], 0
    for batch in reader:
        size += batch.nbytes
        if size > _RESULT_BYTES:
            raise QueryFailure(
                "EXCEEDED_LOCAL_MEMORY_LIMIT",
                f"The result is larger than the {_RESULT_BYTES // 2**20} MB that the local lakehouse holds. Select "
                "fewer rows or columns, or aggregate.",
            )
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def failure_of(error: Exception) -> QueryFailure:
    """Return the failure that Athena would report where DuckDB reports an error."""
    text = str(error)
    if match := _FAILURE.search(text):
        return QueryFailure(match.group(1), match.group(2))
    if match := _OVERFLOW.search(text):
        return _overflow(match)
    if match := _OUT_OF_RANGE.search(text):
        return _out_of_range(match)
    if match := _TO_DECIMAL.search(text):
        return QueryFailure(
            "INVALID_CAST_ARGUMENT", f"Cannot cast '{match.group(1)}' to DECIMAL({match.group(2)}, {match.group(3)})"
        )
    if "More than one row returned by a subquery" in text:
        return QueryFailure("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows")
    if "Out of Memory Error" in text:
        return QueryFailure(
            "EXCEEDED_LOCAL_MEMORY_LIMIT",
            "Query exceeded the memory that the local lakehouse gives to it. Read fewer rows or columns, or aggregate "
            "earlier.",
        )
    if text.startswith(("Out of Range Error", "Conversion Error")):
        return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", "A value is out of the range of its type")
    _LOG.warning("DuckDB refuses a statement: %s", text)
    return QueryFailure("NOT_SUPPORTED", "The local Athena cannot run this statement: its engine refuses it")


def _overflow(match: re.Match[str]) -> QueryFailure:
    operation, type_, operands = match.groups()
    name = _INTEGERS.get(type_)
    if name is None:
        return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")
    return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", f"{name} {operation} overflow: {operands}")


def _out_of_range(match: re.Match[str]) -> QueryFailure:
    value, type_ = match.groups()
    if "INT128" in match.group():
        return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", f"bigint addition overflow: {value}")
    return QueryFailure("NUMERIC_VALUE_OUT_OF_RANGE", f"Out of range for {_INTEGERS.get(type_, type_)}: {value}")
