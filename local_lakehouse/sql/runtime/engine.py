"""DuckDB in memory: no extensions, no settings to change, no files but those of folders that are named."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from local_lakehouse.sql.runtime import (
    aggregate_functions,
    json_functions,
    moment_functions,
    number_functions,
    regexp_functions,
    text_functions,
    url_functions,
)
from local_lakehouse.sql.runtime.macros import macro_statements
from local_lakehouse.sql.runtime.udf import Udf, all_udfs

# Importing a topic offers its functions.
_TOPICS = (
    aggregate_functions,
    json_functions,
    moment_functions,
    number_functions,
    regexp_functions,
    text_functions,
    url_functions,
)
_EMPTY = {"VARCHAR": "''", "BLOB": "''::BLOB"}
_SETTINGS = {
    "TimeZone": "UTC",
    "default_null_order": "nulls_last",
    # DuckDB would otherwise compute the cheaper of two conditions first, even where it can fail, and take what stands
    # twice in a TRY out of it, where nothing catches its failure.
    "disabled_optimizers": "reorder_filter,common_subexpressions",
    "enable_external_access": "false",
    "lock_configuration": "true",
}


def prepare() -> duckdb.DuckDBPyConnection:
    """Return a new DuckDB with Athena's functions, for `restrict` to make ready.

    It has one thread, so that a process may still be forked.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )
    for function in all_udfs():
        _offer(connection, function)
    for statement in macro_statements():
        connection.execute(statement)
    return connection


def _offer(connection: duckdb.DuckDBPyConnection, function: Udf) -> None:
    """Make a Python function known to DuckDB."""
    # A text that a Python function returned lies in Arrow's memory. COALESCE of DuckDB 1.5.1 keeps a pointer to it when
    # that memory is gone; a concatenation copies the text into DuckDB's own.
    empty = _EMPTY.get(function.result)
    name = f"{function.name}_python" if empty else function.name
    connection.create_function(  # type: ignore[call-overload]  # its stubs know the enums only
        name,
        function.function,
        list(function.parameters),
        function.result,
        type="arrow",
        # By default DuckDB refuses a function that returns NULL.
        null_handling="special",
    )
    if empty:
        parameters = ", ".join(f"p{place}" for place in range(len(function.parameters)))
        connection.execute(f"CREATE MACRO {function.name}({parameters}) AS {name}({parameters}) || {empty}")


def restrict(
    connection: duckdb.DuckDBPyConnection, memory_limit: str, threads: int, readable: Sequence[str] = ()
) -> None:
    """Bound what statements may take and reach, permanently.

    Args:
        connection: What `prepare` returned.
        memory_limit: How much memory statements may take, as DuckDB writes it.
        threads: How many threads work on a statement.
        readable: The folders whose files statements may read.
    """
    connection.execute(f"SET threads = {threads}")
    connection.execute(f"SET memory_limit = '{memory_limit}'")
    if readable:
        connection.execute("SET allowed_directories = $folders", {"folders": list(readable)})
    for name, value in _SETTINGS.items():
        connection.execute(f"SET {name} = '{value}'")
