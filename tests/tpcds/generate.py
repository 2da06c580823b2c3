"""A TPC-DS generator that writes tables, queries and DuckDB's results to a folder.

It runs in a separate environment, in which ``duckdb`` and ``duckdb-extension-tpcds`` have the same version.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

SCALE = 0.01


def main(folder: Path) -> None:
    """Write ``TABLE.parquet`` for each table, and ``queries.json`` with each query's text and result.

    Args:
        folder: The folder for the files.
    """
    import duckdb_extension_tpcds  # type: ignore[import-not-found] # installed only in a separate environment

    package = Path(duckdb_extension_tpcds.__file__).parent
    extension = next(package.glob("extensions/*/tpcds.duckdb_extension"))
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute(f"LOAD '{extension}'")
    connection.execute(f"CALL dsdgen(sf={SCALE})")
    folder.mkdir(parents=True, exist_ok=True)
    for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
        connection.execute(f"COPY {table} TO '{folder / table}.parquet'")
    queries = {}
    for number, text in connection.execute("SELECT query_nr, query FROM tpcds_queries()").fetchall():
        rows = connection.execute(text).fetchall()
        shown = [[None if value is None else str(value) for value in row] for row in rows]
        queries[number] = {"text": text, "rows": shown}
    (folder / "queries.json").write_text(json.dumps(queries))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
