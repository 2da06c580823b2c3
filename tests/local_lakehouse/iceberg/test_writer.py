"""Tests for the encodings in data files, and for the file object that a Parquet writer writes to."""

from __future__ import annotations

import gc
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.types import DoubleType, ListType, NestedField, StringType, StructType

from local_lakehouse.iceberg.file_io import SMALL_BYTES
from local_lakehouse.iceberg.writer import FileLayout, Sink, write_partitions

ROWS = 2_000


def test_only_columns_with_repeated_values_have_a_dictionary() -> None:
    pair = StructType(NestedField(6, "x", StringType()), NestedField(7, "y", DoubleType()))
    schema = Schema(
        NestedField(1, "unique", StringType()),
        NestedField(2, "repeated", StringType()),
        NestedField(3, "a.b", DoubleType()),
        NestedField(4, "absent", StringType()),
        NestedField(5, "pair", pair),
        NestedField(8, "list", ListType(9, StringType(), element_required=False)),
    )
    numbers = range(ROWS)
    rows = pa.table(
        {
            "unique": [f"customer {number}" for number in numbers],
            "repeated": ["new" if number % 2 else "old" for number in numbers],
            "a.b": [number / 3 for number in numbers],
            "absent": pa.nulls(ROWS, pa.string()),
            "pair": pa.array([{"x": "z", "y": 1.0}] * ROWS),
            "list": [["p", "q"]] * ROWS,
        }
    )
    written: list[bytes] = []
    files = SimpleNamespace(objects=SimpleNamespace(write=lambda _, content: written.append(content)))
    metadata = new_table_metadata(schema, UNPARTITIONED_PARTITION_SPEC, UNSORTED_SORT_ORDER, "s3://bucket/table")

    entries = write_partitions(FileLayout(metadata), cast("Any", files), [((), lambda: rows)], lambda *_: None)

    file = pq.ParquetFile(io.BytesIO(written[0]))
    columns = [file.metadata.row_group(0).column(index) for index in range(file.metadata.num_columns)]
    with_dictionary = {column.path_in_schema for column in columns if column.has_dictionary_page}
    assert with_dictionary == {"repeated", "absent", "pair.x", "pair.y", "list.list.element"}
    assert entries[0].record_count == ROWS
    assert file.read().to_pydict() == {**rows.rename_columns([*file.schema_arrow.names]).to_pydict()}


@pytest.mark.parametrize("size", [1, SMALL_BYTES + 1])
def test_discarded_writer_does_not_raise_error(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", problems.append)
    sink = Sink(cast("Any", SimpleNamespace(local=SimpleNamespace(new_path=lambda: tmp_path / "data"))))
    table = pa.table({"a": [bytes(size)]})
    writer = pq.ParquetWriter(sink, table.schema, compression="none", use_dictionary=False)
    writer.write_table(table)
    written = sink.size

    sink.discard()
    del writer
    gc.collect()

    assert problems == []
    assert sink.size == written
    assert list(tmp_path.iterdir()) == []
