"""A reader for Parquet files written by other programs."""

from __future__ import annotations

import functools
import io
import tempfile
from collections.abc import Callable
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type

# PyArrow reads INT96 timestamps as nanoseconds by default, which silently overflows outside the years 1677 to 2262.
INT96_UNIT = "us"


def read(content: bytes) -> pa.Table:
    """Return the rows of a Parquet file."""
    rows = pq.read_table(pa.BufferReader(content), coerce_int96_timestamp_unit=INT96_UNIT)
    old = _int96_columns(content)
    if not old or not _misreads_early_years():
        return rows
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file, duckdb.connect() as connection:
        file.write(content)
        file.flush()
        found = connection.read_parquet(file.name).to_arrow_table()
    for index, name in enumerate(rows.column_names):
        if name in old:
            rows = rows.set_column(index, name, found.column(index).cast(rows.field(index).type))
    return rows


def mismatch(path: str, column: str, stored: pa.DataType, type_: Type) -> QueryFailure:
    """Return the failure for a column whose stored type is incompatible with the declared type.

    AWS: https://docs.aws.amazon.com/athena/latest/ug/troubleshooting-athena.html
    """
    return QueryFailure(
        "HIVE_BAD_DATA",
        f"Field {column}'s type {_physical_type(stored)} in parquet file {path} is incompatible with type {type_} "
        "defined in table schema",
    )


def _physical_type(stored: pa.DataType) -> str:
    if pa.types.is_decimal(stored):
        return "FIXED_LEN_BYTE_ARRAY"
    return next((name for name, is_type in _PHYSICAL_TYPES.items() if is_type(stored)), "BINARY")


_PHYSICAL_TYPES: dict[str, Callable[[pa.DataType], bool]] = {
    "BOOLEAN": pa.types.is_boolean,
    "INT64": lambda stored: stored in (pa.int64(), pa.uint64()) or pa.types.is_timestamp(stored),
    "INT32": lambda stored: pa.types.is_integer(stored) or pa.types.is_date(stored),
    "FLOAT": pa.types.is_float32,
    "DOUBLE": pa.types.is_float64,
    "group": pa.types.is_nested,
}


def _int96_columns(content: bytes) -> set[str]:
    """Return the names of the columns that are INT96 timestamps or contain them."""
    schema = pq.read_metadata(pa.BufferReader(content)).schema
    columns = [schema.column(index) for index in range(len(schema))]
    return {column.path.split(".")[0] for column in columns if column.physical_type == "INT96"}


@functools.cache
def _misreads_early_years() -> bool:
    """Return whether PyArrow misreads early INT96 timestamps. For example, PyArrow 21 shifts them by 584 years."""
    early = pa.table({"early": pa.array([datetime(1, 1, 1, 0, 0, 0, 1000)], pa.timestamp("us"))})
    file = io.BytesIO()
    pq.write_table(early, file, use_deprecated_int96_timestamps=True)
    read_again = pq.read_table(io.BytesIO(file.getvalue()), coerce_int96_timestamp_unit=INT96_UNIT)
    return not read_again.equals(early)
