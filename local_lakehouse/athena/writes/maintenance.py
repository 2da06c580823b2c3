"""Execution of ``OPTIMIZE`` and ``VACUUM`` on Iceberg tables.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-data-optimization.html
"""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pyiceberg.manifest import DataFileContent
from pyiceberg.table import Table

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.tables.catalog import offer
from local_lakehouse.athena.tables.lake import is_iceberg
from local_lakehouse.athena.tables.loads import all_columns, relation
from local_lakehouse.athena.writes.iceberg_commits import changing, fresh, replace_files, row_writer
from local_lakehouse.athena.writes.iceberg_properties import METADATA_FILES
from local_lakehouse.athena.writes.inserts import target_of
from local_lakehouse.iceberg.forms import Form
from local_lakehouse.iceberg.scans import Scan, ScanFile
from local_lakehouse.iceberg.versions import column_name
from local_lakehouse.sql.analysis.analysis import Analysis
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.tree import Name
from local_lakehouse.sql.grammar.tree import Table as TableNode

_DEFAULT_AGE_SECONDS = 432_000
# Each file is uploaded to S3 in one request, so the files are smaller than on AWS (512 MB).
_TARGET_BYTES = 128 * 2**20
_SMALL_SHARE = 0.75
# AWS: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-creating-tables.html
_DEFAULT_DATA_FILES = 5
_DEFAULT_DELETE_FILES = 2
_START = Position(1, 1)


def _iceberg(context: Context, names: tuple[Name, ...], position: Position) -> tuple[str, str]:
    database, name, entry = target_of(context, names, position)
    if not is_iceberg(entry):
        raise QueryFailure("NOT_SUPPORTED", f"Table {database}.{name} is not an Iceberg table", position)
    return database, name


def optimize(statement: nodes.Optimize, context: Context) -> Outcome:
    """Rewrite small files, files with deleted rows, and files with an outdated partition specification."""
    database, name = _iceberg(context, statement.table, statement.table_position)

    def change() -> Outcome:
        table = fresh(context.lake, database, name)
        scan = context.lake.scan(table, None)
        partitions: dict[str, list[ScanFile]] = defaultdict(list)
        for file in scan.files:
            if _rewritable(table, file) and _chosen(statement, context, table, scan, file):
                partitions[f"{file.entry.spec_id} {file.entry.partition!r}"].append(file)
        scattered = replace(
            scan, files=tuple(file for files in partitions.values() if _worth_it(table, files) for file in files)
        )
        least = int(table.properties.get("optimize_rewrite_data_file_threshold", _DEFAULT_DATA_FILES))
        if len(scattered.files) >= least:
            _rewrite(context, table, scattered)
        return Outcome(body=False)

    return changing(database, name, change)


def _rewritable(table: Table, file: ScanFile) -> bool:
    """Return whether a file is small, contains deleted rows or has an outdated partition specification."""
    target = min(int(table.properties.get("write.target-file-size-bytes", _TARGET_BYTES)), _TARGET_BYTES)
    least = int(table.properties.get("optimize_rewrite_min_data_file_size_bytes", int(target * _SMALL_SHARE)))
    return file.size < least or _must_change(table, file)


def _must_change(table: Table, file: ScanFile) -> bool:
    """Return whether a file must be rewritten even if it is the only file of its partition."""
    deletes = int(table.properties.get("optimize_rewrite_delete_file_threshold", _DEFAULT_DELETE_FILES))
    largest = table.properties.get("optimize_rewrite_max_data_file_size_bytes")
    too_large = largest is not None and file.size > int(largest)
    return len(file.deletes) >= deletes or too_large or file.entry.spec_id != table.spec().spec_id


def _worth_it(table: Table, files: list[ScanFile]) -> bool:
    return len(files) > 1 or any(_must_change(table, file) for file in files)


def _rewrite(context: Context, table: Table, scan: Scan) -> None:
    name = "optimized"
    offer(context.worker, name, relation(context.lake, scan, all_columns(scan)))
    shown = ", ".join(column_name(index) for index in range(len(scan.schema.fields)))
    with row_writer(context.lake, table.metadata) as writer:
        writer.write(context.worker.stream(f"SELECT {shown} FROM {name}"))
        replace_files(context.lake, table, [file.entry for file in scan.files], writer, same_rows=True)


def _chosen(statement: nodes.Optimize, context: Context, table: Table, scan: Scan, file: ScanFile) -> bool:
    """Return whether a file is in a partition that the statement selects."""
    if statement.where is None:
        return True
    sources = {field.source_id for field in table.spec().fields if str(field.transform) == "identity"}
    tables = context.tables()
    analyzer = Analysis(context.session(tables))
    found = analyzer.relation(TableNode(statement.table, position=statement.table_position), None, [])
    fields = [
        shown for shown, column in zip(found.fields, table.schema().fields, strict=False) if column.field_id in sources
    ]
    if not fields:
        raise QueryFailure(
            "NOT_SUPPORTED", "OPTIMIZE with WHERE requires a partition column without a transform", statement.position
        )
    condition = analyzer.boolean(statement.where, Scope(fields), "WHERE clause")
    relation_name, _, alias = found.sql.partition(" AS ")
    wanted = [
        (column_name(index), column) for index, column in enumerate(scan.schema.fields) if column.field_id in sources
    ]
    rows = context.lake.reader.read(file, wanted, Form.ENGINE, scan.mapping)
    context.worker.register(relation_name, rows.slice(0, 1))
    return bool(context.worker.read(f"SELECT 1 FROM {relation_name} AS {alias} WHERE {condition.sql}").num_rows)


def vacuum(statement: nodes.Vacuum, context: Context) -> Outcome:
    """Expire old snapshots, and delete the files that no remaining snapshot needs."""
    database, name = _iceberg(context, statement.table, _START)

    def change() -> Outcome:
        table = fresh(context.lake, database, name)
        before = _files(table)
        expired = _expired(table)
        if expired:
            table.maintenance.expire_snapshots().by_ids(expired).commit()
            after = _files(fresh(context.lake, database, name))
            for path in sorted(before - after):
                table.io.delete(path)
        if METADATA_FILES in table.properties:
            _delete_old_metadata(context, fresh(context.lake, database, name))
        return Outcome(header=True)

    return changing(database, name, change)


def _delete_old_metadata(context: Context, table: Table) -> None:
    """Delete the metadata files that the current metadata no longer lists.

    Newer files are kept, because another writer may be about to commit them.
    """
    newest = _version(table.metadata_location)
    kept = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    folder = f"{table.metadata.location}/metadata/"
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    for page in context.lake.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            path = f"s3://{bucket}/{item['Key']}"
            if path not in kept and -1 < _version(path) < newest:
                table.io.delete(path)


def _version(path: str) -> int:
    """Return the version in a metadata file's name, or -1 for any other name."""
    found = re.search(r"/(\d+)-[^/]+\.metadata\.json$", path)
    return int(found[1]) if found else -1


def _expired(table: Table) -> list[int]:
    properties = table.properties
    age = int(properties.get("vacuum_max_snapshot_age_seconds", _DEFAULT_AGE_SECONDS))
    keep = int(properties.get("vacuum_min_snapshots_to_keep", "1"))
    oldest = (datetime.now(UTC) - timedelta(seconds=age)).timestamp() * 1000
    snapshots = sorted(table.metadata.snapshots, key=lambda entry: entry.timestamp_ms, reverse=True)
    protected = {ref.snapshot_id for ref in table.metadata.refs.values()}
    return [
        snapshot.snapshot_id
        for place, snapshot in enumerate(snapshots)
        if place >= keep and snapshot.timestamp_ms < oldest and snapshot.snapshot_id not in protected
    ]


def _files(table: Table) -> set[str]:
    """Return all files that a table's snapshots need."""
    found: set[str] = set()
    manifests: dict[str, Any] = {}
    for snapshot in table.metadata.snapshots:
        found.add(snapshot.manifest_list)
        manifests.update({item.manifest_path: item for item in snapshot.manifests(table.io)})
    for path, manifest in manifests.items():
        found.add(path)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            if entry.data_file.content in tuple(DataFileContent):
                found.add(entry.data_file.file_path)
    return found
