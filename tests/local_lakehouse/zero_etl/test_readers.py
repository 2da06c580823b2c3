"""Tests that other tools read the target's files, metadata and catalog entry correctly."""

from __future__ import annotations

import io
from typing import Any

import awswrangler as wr
import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.local_lakehouse.zero_etl.conftest import BUCKET, DATABASE, World


@pytest.fixture
def loaded(world: World) -> World:
    world.create_table("Orders")
    for number in range(30):
        item: dict[str, Any] = {"pk": {"S": f"k{number:02}"}, "n": {"N": str(number)}, "tags": {"SS": ["a", "b"]}}
        world.put("Orders", item)
    world.integrate("Orders")
    world.refresh()
    world.put("Orders", {"pk": {"S": "k00"}, "n": {"N": "100"}, "later": {"BOOL": True}})
    world.delete("Orders", {"pk": {"S": "k01"}})
    world.refresh()
    return world


def _files(world: World) -> list[io.BytesIO]:
    s3 = world.clients.client("s3")
    paths = world.table("orders").inspect.files().column("file_path").to_pylist()
    keys = [path.removeprefix(f"s3://{BUCKET}/") for path in paths]
    return [io.BytesIO(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys]


def test_pandas_and_duckdb_read_the_files(loaded: World) -> None:
    wanted = {row["pk"]: row["n"] for row in loaded.rows("orders")}
    frame = pd.concat([pd.read_parquet(file) for file in _files(loaded)])
    assert dict(zip(frame["pk"], frame["n"], strict=True)) == wanted
    found: dict[str, float] = {}
    for file in _files(loaded):
        table = pq.read_table(file)
        found.update(duckdb.arrow(table).project("pk, n").fetchall())
    assert found == wanted


def test_files_have_field_ids_statistics_and_compression(loaded: World) -> None:
    schema = loaded.table("orders").schema()
    for file in _files(loaded):
        parquet = pq.ParquetFile(file)
        for field in parquet.schema_arrow:
            assert int(field.metadata[b"PARQUET:field_id"]) == schema.find_field(field.name).field_id
        assert parquet.metadata.row_group(0).column(0).compression == "ZSTD"
    files = loaded.table("orders").inspect.files().to_pylist()
    assert all(file["lower_bounds"] and file["upper_bounds"] and file["value_counts"] for file in files)


def test_awswrangler_reads_the_catalog(loaded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    glue = loaded.clients.client("glue")
    monkeypatch.setattr("awswrangler._utils.client", lambda **_: glue)
    assert wr.catalog.get_table_types(DATABASE, "orders") == {
        "pk": "string",
        "n": "double",
        "tags": "array<string>",
        "later": "boolean",
    }


def test_filtered_scan_returns_the_matching_rows(loaded: World) -> None:
    table = loaded.table("orders")
    assert table.scan("pk = 'k00'").to_arrow().column("n").to_pylist() == [100.0]
    assert table.scan("n > 28").count() == 2
    assert table.scan("pk = 'k01'").count() == 0


def test_metadata_tables_describe_the_refreshes(loaded: World) -> None:
    table = loaded.table("orders")
    snapshots = table.inspect.snapshots().to_pylist()
    assert [snapshot["operation"] for snapshot in snapshots] == ["append", "overwrite"]
    assert snapshots[1]["parent_id"] == snapshots[0]["snapshot_id"]
    totals = dict(snapshots[1]["summary"])
    assert int(totals["total-records"]) == table.scan().count() == 29
    assert int(totals["total-data-files"]) == len(table.inspect.files())
    added, deleted = int(totals["added-records"]), int(totals["deleted-records"])
    assert added - deleted == -1
    history = table.inspect.history().to_pylist()
    assert [entry["is_current_ancestor"] for entry in history] == [True, True]


def test_number_of_manifests_stays_low_after_many_refreshes(world: World) -> None:
    world.create_table("Orders")
    world.integrate("Orders")
    world.refresh()
    for number in range(40):
        world.put("Orders", {"pk": {"S": f"k{number}"}})
        world.refresh()
    table = world.table("orders")
    assert len(table.snapshots()) == 40
    assert len(table.inspect.manifests()) <= 13
    assert table.scan().count() == 40
    for count, snapshot in enumerate(table.snapshots(), 1):
        assert table.scan(snapshot_id=snapshot.snapshot_id).count() == count
