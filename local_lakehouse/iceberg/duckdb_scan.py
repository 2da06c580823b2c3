"""Conversion of scans to DuckDB SQL that reads Parquet files on the local disk.

DuckDB reads only the columns that a statement needs, and only row groups that can match the statement's conditions.
"""

# ruff: noqa: S608 - This module builds SQL from schemas and paths, never from a caller's text.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
from pyiceberg import types as iceberg
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, StructType

from local_lakehouse.iceberg.forms import StoredField
from local_lakehouse.iceberg.scans import ScanFile

Layout = tuple[StoredField, ...]
_ARROW_TYPES: dict[type[IcebergType], tuple[pa.DataType, ...]] = {
    iceberg.BooleanType: (pa.bool_(),),
    iceberg.IntegerType: (pa.int32(),),
    iceberg.LongType: (pa.int64(),),
    iceberg.FloatType: (pa.float32(),),
    iceberg.DoubleType: (pa.float64(),),
    iceberg.StringType: (pa.string(), pa.large_string(), pa.string_view()),
    iceberg.BinaryType: (pa.binary(), pa.large_binary(), pa.binary_view()),
    iceberg.DateType: (pa.date32(),),
    iceberg.TimeType: (pa.time64("us"),),
    iceberg.TimestampType: (pa.timestamp("us"),),
}
_NARROWER: dict[type[IcebergType], tuple[pa.DataType, ...]] = {
    iceberg.IntegerType: (pa.int8(), pa.int16()),
    iceberg.LongType: (pa.int8(), pa.int16(), pa.int32()),
    iceberg.DoubleType: (pa.float32(),),
}
_SQL_TYPES: dict[type[IcebergType], str] = {
    iceberg.BooleanType: "BOOLEAN",
    iceberg.IntegerType: "INTEGER",
    iceberg.LongType: "BIGINT",
    iceberg.FloatType: "FLOAT",
    iceberg.DoubleType: "DOUBLE",
    iceberg.StringType: "VARCHAR",
    iceberg.BinaryType: "BLOB",
    iceberg.DateType: "DATE",
    iceberg.TimeType: "TIME",
    iceberg.TimestampType: "TIMESTAMP",
}


class NotReadableError(Exception):
    """DuckDB would read a file in a way that does not match the table's schema."""


def scan_sql(
    files: Sequence[tuple[ScanFile, Path, Layout]],
    fields: Sequence[tuple[str, NestedField]],
    *,
    path_column: str | None = None,
    place_columns: tuple[str, str] | None = None,
) -> str:
    """Return the ``SELECT`` that reads columns of data files.

    Args:
        files: The files, the local paths of their content, and their fields. None of the files has deleted rows.
        fields: The names of the result's columns, and their fields in the schema of the table version.
        path_column: The name of a column for each row's file location, or None to omit this column.
        place_columns: The names of columns for file numbers and row numbers, or None to omit these columns.

    Raises:
        NotReadableError: DuckDB would read a column in a way that does not match the table's schema.
    """
    groups: dict[Layout, list[tuple[int, ScanFile, Path]]] = {}
    for number, (file, path, layout) in enumerate(files):
        groups.setdefault(layout, []).append((number, file, path))
    return " UNION ALL ".join(
        _group_sql(layout, members, fields, path_column, place_columns) for layout, members in groups.items()
    )


def _group_sql(
    layout: Layout,
    members: Sequence[tuple[int, ScanFile, Path]],
    fields: Sequence[tuple[str, NestedField]],
    path_column: str | None,
    place_columns: tuple[str, str] | None,
) -> str:
    _check_names(layout)
    by_id = {stored.field_id: stored for stored in layout}
    group = [file for _, file, _ in members]
    shown = [f"{_column_sql(by_id.get(field.field_id), field, group)} AS {name}" for name, field in fields]
    options = "hive_partitioning = false"
    if path_column or place_columns:
        options += ", filename = 'athena_file'"
    if path_column:
        shown.append(f"{_by_path({str(path): _quoted(file.path) for _, file, path in members})} AS {path_column}")
    if place_columns:
        options += ", file_row_number = true"
        shown.append(f"{_by_path({str(path): str(number) for number, _, path in members})} AS {place_columns[0]}")
        shown.append(f"file_row_number AS {place_columns[1]}")
    paths = ", ".join(_quoted(str(path)) for _, _, path in members)
    return f"SELECT {', '.join(shown) or '1 AS one'} FROM read_parquet([{paths}], {options})"


def _check_names(layout: Layout) -> None:
    names = [stored.name.lower() for stored in layout]
    if len(set(names)) != len(names) or {"athena_file", "file_row_number"} & set(names):
        raise NotReadableError("column names differ only in case, or are names of DuckDB's virtual columns")


def _by_path(values: Mapping[str, str]) -> str:
    if len(values) == 1:
        return next(iter(values.values()))
    keys = ", ".join(map(_quoted, values))
    return f"list_extract([{', '.join(values.values())}], list_position([{keys}], athena_file))"


def _column_sql(stored: StoredField | None, field: NestedField, group: Sequence[ScanFile]) -> str:
    if stored is None:
        if any(file.constants.get(field.field_id) is not None for file in group):
            raise NotReadableError(f"column {field.name} is only in the partition's values")
        return f"CAST(NULL AS {engine_type(field.field_type)})"
    sql = _value_sql(_name(stored.name), stored, field.field_type)
    return without_bounds(sql) if _has_floats(field.field_type) else sql


def without_bounds(sql: str) -> str:
    """Wrap the SQL that reads a value from a Parquet file so that DuckDB does not use the file's bounds for the value.

    The bounds of floating-point numbers ignore NaN. DuckDB 2.0 does not take this into account: ``isnan`` is never
    true, and comparisons that both bounds satisfy are also true for NaN. DuckDB has no bounds for members of a union,
    so the value is wrapped in a union.
    """
    return f"union_extract(union_value(v := {sql}), 'v')"


def _has_floats(type_: IcebergType) -> bool:
    if isinstance(type_, StructType):
        return any(_has_floats(child.field_type) for child in type_.fields)
    if isinstance(type_, ListType):
        return _has_floats(type_.element_type)
    if isinstance(type_, MapType):
        return _has_floats(type_.key_type) or _has_floats(type_.value_type)
    return isinstance(type_, iceberg.FloatType | iceberg.DoubleType)


def engine_type(type_: IcebergType) -> str:
    """Return the DuckDB type that represents an Iceberg type.

    Raises:
        NotReadableError: The type is not supported.
    """
    if isinstance(type_, StructType):
        fields = ", ".join(f"f{index} {engine_type(child.field_type)}" for index, child in enumerate(type_.fields))
        return f"STRUCT({fields})"
    if isinstance(type_, ListType):
        return f"{engine_type(type_.element_type)}[]"
    if isinstance(type_, MapType):
        return f"MAP({engine_type(type_.key_type)}, {engine_type(type_.value_type)})"
    if isinstance(type_, iceberg.DecimalType):
        return f"DECIMAL({type_.precision}, {type_.scale})"
    if isinstance(type_, iceberg.TimestamptzType):
        return "STRUCT(i TIMESTAMP, z VARCHAR)"
    if type(type_) not in _SQL_TYPES:
        raise NotReadableError(f"type {type_}")
    return _SQL_TYPES[type(type_)]


def _value_sql(sql: str, stored: StoredField, type_: IcebergType) -> str:
    """Return the SQL that converts a stored field, including nested fields, to a type."""
    if isinstance(type_, StructType):
        return _row_sql(sql, stored, type_)
    if isinstance(type_, ListType):
        element = _value_sql("e", stored.children[0], type_.element_type)
        return sql if element == "e" else f"list_transform({sql}, lambda e: {element})"
    if isinstance(type_, MapType):
        key = _value_sql("e", stored.children[0], type_.key_type)
        value = _value_sql("e", stored.children[1], type_.value_type)
        if key == value == "e":
            return sql
        keys = f"list_transform(map_keys({sql}), lambda e: {key})"
        values = f"list_transform(map_values({sql}), lambda e: {value})"
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE map({keys}, {values}) END"
    return _simple_sql(sql, stored, type_)


def _row_sql(sql: str, stored: StoredField, type_: StructType) -> str:
    names = [child.name.lower() for child in stored.children]
    if len(set(names)) != len(names):
        raise NotReadableError(f"fields of {stored.name} differ only in case")
    by_id = {child.field_id: child for child in stored.children}
    parts = []
    for index, child in enumerate(type_.fields):
        known = by_id.get(child.field_id)
        if known is None:
            parts.append(f"f{index} := CAST(NULL AS {engine_type(child.field_type)})")
        else:
            inner = _value_sql(f"struct_extract({sql}, {_quoted(known.name)})", known, child.field_type)
            parts.append(f"f{index} := {inner}")
    return f"CASE WHEN {sql} IS NULL THEN NULL ELSE struct_pack({', '.join(parts)}) END"


def _simple_sql(sql: str, stored: StoredField, type_: IcebergType) -> str:
    found = stored.type
    if isinstance(type_, iceberg.TimestamptzType):
        if not pa.types.is_timestamp(found) or found.unit == "ns" or found.tz is None:
            raise NotReadableError(f"column {stored.name} is stored as {found}")
        return (
            f"CASE WHEN {sql} IS NULL THEN NULL ELSE struct_pack(i := make_timestamp(epoch_us({sql})), z := 'UTC') END"
        )
    if _is_same(found, type_):
        return sql
    if _is_narrower(found, type_):
        return f"CAST({sql} AS {engine_type(type_)})"
    raise NotReadableError(f"column {stored.name} is stored as {found}")


def _is_same(found: pa.DataType, type_: IcebergType) -> bool:
    if isinstance(type_, iceberg.DecimalType):
        return isinstance(found, pa.Decimal128Type) and (found.precision, found.scale) == (
            type_.precision,
            type_.scale,
        )
    return found in _ARROW_TYPES.get(type(type_), ())


def _is_narrower(found: pa.DataType, type_: IcebergType) -> bool:
    if isinstance(type_, iceberg.DecimalType):
        return isinstance(found, pa.Decimal128Type) and found.scale == type_.scale and found.precision < type_.precision
    return found in _NARROWER.get(type(type_), ())


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
