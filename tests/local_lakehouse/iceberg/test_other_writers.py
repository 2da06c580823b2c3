"""Tests that Athena reads correct values after PyIceberg changes nested fields or adds existing data files."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.table.name_mapping import create_mapping_from_schema
from pyiceberg.table.update.schema import UpdateSchema
from pyiceberg.typedef import Record
from pyiceberg.types import IntegerType

from local_lakehouse.athena.tables import loads
from local_lakehouse.iceberg.catalog import load_catalog
from tests.local_lakehouse.athena.conftest import Athena

NESTED = {
    "row": ("struct<a:int,b:int>", "CAST(ROW({}, {}) AS row(a int, b int))", "s", "s.{}"),
    "array of rows": (
        "array<struct<a:int,b:int>>",
        "ARRAY[CAST(ROW({}, {}) AS row(a int, b int))]",
        "s.element",
        "s[1].{}",
    ),
    "map of rows": (
        "map<string,struct<a:int,b:int>>",
        "MAP(ARRAY['k'], ARRAY[CAST(ROW({}, {}) AS row(a int, b int))])",
        "s.value",
        "s['k'].{}",
    ),
}


@pytest.fixture(params=["cached", "read by DuckDB"])
def every_scan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with Arrow's cached columns, and again with files that DuckDB reads as if they were large."""
    if request.param != "cached":
        monkeypatch.setattr(loads, "_SMALL_SCAN_BYTES", -1)


def _table(athena: Athena, name: str = "t") -> Table:
    return load_catalog(athena.clients).load_table(("lab", name))


def _create(athena: Athena, columns: str, partitioned: str = "", name: str = "t") -> None:
    athena.run(
        f"CREATE TABLE {name} ({columns}) {partitioned} LOCATION 's3://lab/{name}/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )


def _change(athena: Athena, *changes: Callable[[UpdateSchema], object]) -> None:
    for change in changes:
        with _table(athena).update_schema(allow_incompatible_changes=True) as update:
            change(update)


def _moved(athena: Athena, path: str) -> None:
    _change(athena, lambda update: update.move_first(f"{path}.b"))


def _swapped(athena: Athena, path: str) -> None:
    _change(
        athena,
        lambda update: update.rename_column(f"{path}.a", "x"),
        lambda update: update.rename_column(f"{path}.b", "a"),
        lambda update: update.rename_column(f"{path}.x", "b"),
    )


def _swapped_and_moved(athena: Athena, path: str) -> None:
    _swapped(athena, path)
    _change(athena, lambda update: update.move_first(f"{path}.a"))


def _replaced(athena: Athena, path: str) -> None:
    _change(
        athena,
        lambda update: update.delete_column(f"{path}.b"),
        lambda update: update.add_column((*path.split("."), "b"), IntegerType()),
    )


@pytest.mark.usefixtures("every_scan")
@pytest.mark.parametrize("nested", NESTED)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_moved, ["1", "2"]),
        (_swapped, ["2", "1"]),
        (_swapped_and_moved, ["2", "1"]),
        (_replaced, ["1", None]),
    ],
)
def test_nested_fields_have_their_values_after_a_schema_change(
    athena: Athena, nested: str, change: Callable[[Athena, str], None], expected: list[str | None]
) -> None:
    type_, value, path, shown = NESTED[nested]
    columns = f"{shown.format('a')}, {shown.format('b')}"
    _create(athena, f"id int, s {type_}")
    athena.run(f"INSERT INTO t SELECT 1, {value.format(1, 2)}")
    first = _table(athena).metadata.current_snapshot_id
    assert athena.run(f"SELECT {columns} FROM t") == [["1", "2"]]

    change(athena, path)

    assert athena.run(f"SELECT {columns} FROM t") == [expected]
    assert athena.run(f"SELECT {columns} FROM t FOR VERSION AS OF {first}") == [["1", "2"]]
    assert athena.run(f"SELECT {columns} FROM t") == [expected]


@pytest.mark.usefixtures("every_scan")
@pytest.mark.parametrize("nested", NESTED)
@pytest.mark.parametrize("optimized", [False, True])
def test_nested_field_that_replaced_another_has_only_its_own_values(
    athena: Athena, nested: str, optimized: bool
) -> None:
    type_, value, path, shown = NESTED[nested]
    _create(athena, f"id int, s {type_}")
    athena.run(f"INSERT INTO t SELECT 1, {value.format(1, 2)}")
    _replaced(athena, path)
    athena.run(f"INSERT INTO t SELECT 2, {value.format(3, 4)}")
    athena.run(f"INSERT INTO t SELECT 3, {value.format(5, 6)}")
    if optimized:
        athena.run("OPTIMIZE t REWRITE DATA USING BIN_PACK")

    columns = f"{shown.format('a')}, {shown.format('b')}"
    assert athena.run(f"SELECT {columns} FROM t ORDER BY id") == [["1", None], ["3", "4"], ["5", "6"]]


def _add(athena: Athena, name: str, key: str, rows: pa.Table, partition: Record | None = None) -> None:
    """Add a Parquet file to a table as an import does: the file has no field IDs and no partition columns."""
    body = io.BytesIO()
    pq.write_table(rows, body)
    athena.s3.put_object(Bucket="lab", Key=key, Body=body.getvalue())
    _append(athena, name, key, len(body.getvalue()), rows.num_rows, partition)


def _append(athena: Athena, name: str, key: str, size: int, count: int, partition: Record | None = None) -> None:
    table = _table(athena, name)
    if table.name_mapping() is None:
        mapping = create_mapping_from_schema(table.schema()).model_dump_json()
        with table.transaction() as transaction:
            transaction.set_properties({"schema.name-mapping.default": mapping})
    arguments: dict[str, Any] = {
        "content": DataFileContent.DATA,
        "file_path": f"s3://lab/{key}",
        "file_format": FileFormat.PARQUET,
        "partition": partition or Record(),
        "record_count": count,
        "file_size_in_bytes": size,
    }
    file = DataFile.from_args(**arguments)
    file.spec_id = table.spec().spec_id
    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as append:
        append.append_data_file(file)


@pytest.mark.usefixtures("every_scan")
def test_columns_of_files_without_field_ids_are_matched_by_name(athena: Athena) -> None:
    _create(athena, "id int, s struct<a:int,b:int>, l array<struct<a:int>>, m map<string,int>")
    pair = pa.struct([("b", pa.int32()), ("a", pa.int32())])
    rows = pa.table(
        {
            "m": pa.array([[("k", 6)]], pa.map_(pa.string(), pa.int32())),
            "l": pa.array([[{"a": 5}]], pa.list_(pa.struct([("a", pa.int32())]))),
            "s": pa.array([{"a": 2, "b": 3}], pair),
            "id": pa.array([1], pa.int32()),
        }
    )
    _add(athena, "t", "data/file.parquet", rows)

    assert athena.run("SELECT id, s.a, s.b, l[1].a, m['k'] FROM t") == [["1", "2", "3", "5", "6"]]


@pytest.mark.usefixtures("every_scan")
@pytest.mark.parametrize("partitions", [(None, "x"), ("x", None), ("x", "y"), (None, None)])
def test_partition_column_that_files_do_not_contain_has_the_value_of_each_file(
    athena: Athena, partitions: tuple[str | None, str | None]
) -> None:
    _create(athena, "id int, p string", "PARTITIONED BY (p)")
    for number, value in enumerate(partitions):
        _add(athena, "t", f"data/{number}.parquet", pa.table({"id": pa.array([number], pa.int32())}), Record(value))

    assert athena.run("SELECT id, p FROM t ORDER BY id") == [["0", partitions[0]], ["1", partitions[1]]]
    with_value = sum(value is not None for value in partitions)
    assert athena.run("SELECT count(*) FROM t WHERE p IS NOT NULL") == [[str(with_value)]]


@pytest.mark.usefixtures("every_scan")
def test_file_of_two_tables_has_the_values_of_each_table(athena: Athena) -> None:
    rows = pa.table({"a": pa.array([1], pa.int32()), "b": pa.array([2], pa.int32())})
    _create(athena, "a int, b int, p string", "PARTITIONED BY (p)")
    _create(athena, "b int, a int, p string", "PARTITIONED BY (p)", name="other")
    _create(athena, "a int, p string, b int", name="third")
    _add(athena, "t", "data/file.parquet", rows, Record("x"))
    size = athena.s3.head_object(Bucket="lab", Key="data/file.parquet")["ContentLength"]
    _append(athena, "other", "data/file.parquet", size, 1, Record("y"))
    _append(athena, "third", "data/file.parquet", size, 1)

    assert athena.run("SELECT a, b, p FROM t") == [["1", "2", "x"]]
    assert athena.run("SELECT a, b, p FROM other") == [["1", "2", "y"]]
    assert athena.run("SELECT a, b, p FROM third") == [["1", "2", None]]
    assert athena.run("SELECT a, b, p FROM t") == [["1", "2", "x"]]


@pytest.mark.usefixtures("every_scan")
def test_changed_name_mapping_applies_to_files_that_were_read_earlier(athena: Athena) -> None:
    _create(athena, "id int, b int")
    _add(athena, "t", "data/file.parquet", pa.table({"id": pa.array([1], pa.int32()), "c": pa.array([2], pa.int32())}))
    assert athena.run("SELECT id, b FROM t") == [["1", None]]

    table = _table(athena)
    mapping = '[{"field-id": 1, "names": ["id"]}, {"field-id": 2, "names": ["b", "c"]}]'
    with table.transaction() as transaction:
        transaction.set_properties({"schema.name-mapping.default": mapping})

    assert athena.run("SELECT id, b FROM t") == [["1", "2"]]
