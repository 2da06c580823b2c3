"""An in-memory DuckDB database with locked settings, no extensions, and access only to specified folders."""

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

# Importing a topic registers its functions.
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
# DuckDB 2 also has threads for reading files.
_WITHOUT_THREADS = {"threads": 1} if duckdb.__version__.startswith("1.") else {"threads": 1, "async_threads": 0}
_SETTINGS = {
    "TimeZone": "UTC",
    "default_null_order": "nulls_last",
    # With these optimizers, DuckDB would evaluate the cheaper of two conditions first, even if that condition can fail.
    # DuckDB would also move repeated subexpressions out of a TRY, which then could not catch their failures.
    "disabled_optimizers": "reorder_filter,common_subexpressions",
    "enable_external_access": "false",
    "lock_configuration": "true",
}


def prepare() -> duckdb.DuckDBPyConnection:
    """Return a new DuckDB connection with Athena's functions.

    The connection must be restricted with `restrict` before it is used. It uses a single thread, so that the process
    can still be forked.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            **_WITHOUT_THREADS,
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
    """Register a Python function in DuckDB."""
    # A string that a Python function returns is in Arrow's memory. COALESCE in DuckDB 1.5.1 keeps a pointer to the
    # string after that memory is freed. A concatenation copies the string to DuckDB's memory.
    empty = _EMPTY.get(function.result)
    name = f"{function.name}_python" if empty else function.name
    connection.create_function(  # type: ignore[call-overload]  # DuckDB's stubs declare only the enums
        name,
        function.function,
        list(function.parameters),
        function.result,
        type="arrow",
        # By default, DuckDB does not allow a Python function to return NULL.
        null_handling="special",
    )
    if empty:
        parameters = ", ".join(f"p{place}" for place in range(len(function.parameters)))
        connection.execute(f"CREATE MACRO {function.name}({parameters}) AS {name}({parameters}) || {empty}")


def restrict(
    connection: duckdb.DuckDBPyConnection, memory_limit: str, threads: int, readable: Sequence[str] = ()
) -> None:
    """Permanently limit the memory and threads that statements can use, and the folders that they can read.

    Args:
        connection: The result of `prepare`.
        memory_limit: The memory limit, in DuckDB syntax.
        threads: The number of threads per statement.
        readable: The folders whose files statements can read.
    """
    connection.execute(f"SET threads = {threads}")
    connection.execute(f"SET memory_limit = '{memory_limit}'")
    if readable:
        connection.execute("SET allowed_directories = $folders", {"folders": list(readable)})
    for name, value in _SETTINGS.items():
        connection.execute(f"SET {name} = '{value}'")
