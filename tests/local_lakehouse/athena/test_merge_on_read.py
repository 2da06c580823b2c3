"""Tests for reading, changing and compacting tables with delete files, which Athena on AWS writes."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    ManifestWriterV2,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.typedef import Record

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.iceberg.catalog import load_catalog
from tests.local_lakehouse.athena.conftest import Athena


class _DeletesWriter(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES


class _Deletes(_FastAppendFiles):
    """A snapshot producer that adds one delete file."""

    file: DataFile

    def _existing_manifests(self) -> list[ManifestFile]:
        metadata = self._transaction.table_metadata
        with _DeletesWriter(
            metadata.spec(), metadata.schema(), self.new_manifest_output(), self._snapshot_id, "deflate"
        ) as writer:
            writer.add(ManifestEntry.from_args(
                status=ManifestEntryStatus.ADDED, snapshot_id=self._snapshot_id, data_file=self.file
            ))  # fmt: skip
        return [*super()._existing_manifests(), writer.to_manifest_file()]


def _delete(table: Table, rows: pa.Table, content: DataFileContent) -> None:
    """Commit a delete file."""
    path = f"{table.location()}/data/{content.name.lower()}.parquet"
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    body = sink.getvalue().to_pybytes()
    with table.io.new_output(path).create() as stream:
        stream.write(body)
    transaction = table.transaction()
    deletes = _Deletes(operation=Operation.APPEND, transaction=transaction, io=table.io)
    with deletes:
        deletes.file = DataFile.from_args(
            content=content, file_path=path, file_format=FileFormat.PARQUET, partition=Record(),
            record_count=rows.num_rows, file_size_in_bytes=len(body), equality_ids=[1],
        )  # fmt: skip
        deletes.file.spec_id = table.spec().spec_id
    transaction.commit_transaction()


@pytest.fixture
def deleted(accounts: Athena, clients: ServiceClients) -> Athena:
    """Provide a table of three accounts in one file, and a position delete file that removes the second account."""
    table = load_catalog(clients).load_table(("lab", "accounts"))
    [task] = table.scan().plan_files()
    positions = pa.table({"file_path": [task.file.file_path], "pos": pa.array([1], pa.int64())})
    _delete(table, positions, DataFileContent.POSITION_DELETES)
    return accounts


def _rows(athena: Athena) -> list[list[str | None]]:
    return athena.run("SELECT id, state FROM accounts ORDER BY id")


def test_deleted_rows_are_not_read(deleted: Athena) -> None:
    assert _rows(deleted) == [["1", "CA"], ["3", None]]
    assert deleted.run("SELECT count(*) FROM accounts") == [["2"]]
    assert deleted.run('SELECT content, record_count FROM "accounts$files" ORDER BY 1') == [["0", "3"], ["1", "1"]]


def test_writes_do_not_restore_deleted_rows(deleted: Athena) -> None:
    assert deleted.write("UPDATE accounts SET state = 'TX' WHERE id <= 2") == 1
    assert _rows(deleted) == [["1", "TX"], ["3", None]]
    assert deleted.write("DELETE FROM accounts WHERE id = 3") == 1
    merge = "MERGE INTO accounts t USING (VALUES 1, 2) s(id) ON t.id = s.id"
    assert deleted.write(f"{merge} WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)") == 2
    assert _rows(deleted) == [["2", None]]


def test_optimize_applies_the_deletes(deleted: Athena) -> None:
    thresholds = "'optimize_rewrite_data_file_threshold'='1', 'optimize_rewrite_delete_file_threshold'='1'"
    deleted.run(f"ALTER TABLE accounts SET TBLPROPERTIES ({thresholds})")
    deleted.run("OPTIMIZE accounts REWRITE DATA USING BIN_PACK")

    assert _rows(deleted) == [["1", "CA"], ["3", None]]
    assert deleted.run('SELECT record_count FROM "accounts$files" WHERE content = 0') == [["2"]]
    operations = deleted.run('SELECT operation FROM "accounts$snapshots" ORDER BY committed_at DESC LIMIT 1')
    assert operations == [["replace"]]


@pytest.mark.parametrize(("threshold", "rows"), [("'1'", "2"), ("'2'", "3"), (None, "3")])
def test_optimize_keeps_files_with_fewer_deletes_than_the_threshold(
    deleted: Athena, threshold: str | None, rows: str
) -> None:
    properties = ["'optimize_rewrite_data_file_threshold'='1'", "'optimize_rewrite_min_data_file_size_bytes'='0'"]
    if threshold:
        properties.append(f"'optimize_rewrite_delete_file_threshold'={threshold}")
    deleted.run(f"ALTER TABLE accounts SET TBLPROPERTIES ({', '.join(properties)})")
    deleted.run("OPTIMIZE accounts REWRITE DATA USING BIN_PACK")

    assert deleted.run('SELECT record_count FROM "accounts$files" WHERE content = 0') == [[rows]]
    assert _rows(deleted) == [["1", "CA"], ["3", None]]


def test_equality_deletes_are_rejected(accounts: Athena, clients: ServiceClients) -> None:
    table = load_catalog(clients).load_table(("lab", "accounts"))
    _delete(table, pa.table({"id": pa.array([1], pa.int32())}), DataFileContent.EQUALITY_DELETES)

    for sql in ("SELECT * FROM accounts", "DELETE FROM accounts WHERE id = 2"):
        assert accounts.fail(sql) == (
            "NOT_SUPPORTED: The local Athena does not read equality deletes, which the table accounts contains"
        )
