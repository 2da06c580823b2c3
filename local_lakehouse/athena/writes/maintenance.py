"""``OPTIMIZE`` and ``VACUUM`` on Iceberg tables.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-data-optimization.html
"""

# ruff: noqa: S608 - SQL is written here from analysed parts, never from a caller's text.

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from pyiceberg.manifest import DataFileContent
from pyiceberg.table import Table

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.tables.iceberg_scans import ScannedFile, concatenated, scan, schema_of
from local_lakehouse.athena.tables.lake import is_iceberg
from local_lakehouse.athena.writes.iceberg_commits import changing, fresh, replace_files
from local_lakehouse.athena.writes.inserts import target_of
from local_lakehouse.sql.analysis.analysis import Analysis
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.tree import Name
from local_lakehouse.sql.grammar.tree import Table as TableNode

_DEFAULT_AGE_SECONDS = 432_000
_START = Position(1, 1)


def _iceberg(context: Context, names: tuple[Name, ...], position: Position) -> tuple[str, str]:
    database, name, entry = target_of(context, names, position)
    if not is_iceberg(entry):
        raise QueryFailure("NOT_SUPPORTED", f"Table {database}.{name} is not an Iceberg table", position)
    return database, name


def optimize(statement: nodes.Optimize, context: Context) -> Outcome:
    """Write the small files of each partition as one."""
    database, name = _iceberg(context, statement.table, statement.table_position)

    def change() -> Outcome:
        table = fresh(context.lake, database, name)
        partitions: dict[str, list[ScannedFile]] = defaultdict(list)
        for one in scan(table, None, (), context.cache):
            if _chosen(statement, context, table, one):
                partitions[repr(one.task.file.partition)].append(one)
        scattered = [one for files in partitions.values() if _worth_it(files) for one in files]
        rows = concatenated((one.rows for one in scattered), schema_of(table, None))
        replace_files(table, [one.task.file for one in scattered], rows, same_rows=True)
        return Outcome(body=False)

    return changing(database, name, change)


def _worth_it(files: list[ScannedFile]) -> bool:
    return len(files) > 1 or any(one.task.delete_files for one in files)


def _chosen(statement: nodes.Optimize, context: Context, table: Table, file: ScannedFile) -> bool:
    """Tell whether a file is in a partition that the statement chooses."""
    if statement.where is None:
        return True
    sources = {field.source_id for field in table.spec().fields if str(field.transform) == "identity"}
    tables = context.tables()
    analyzer = Analysis(context.session(tables))
    relation = analyzer.relation(TableNode(statement.table, position=statement.table_position), None, [])
    fields = [
        one for one, column in zip(relation.fields, table.schema().fields, strict=False) if column.field_id in sources
    ]
    if not fields:
        raise QueryFailure(
            "NOT_SUPPORTED", "OPTIMIZE with WHERE needs a table partitioned by columns", statement.position
        )
    condition = analyzer.boolean(statement.where, Scope(fields), "WHERE clause")
    relation_name, _, alias = relation.sql.partition(" AS ")
    context.worker.register(relation_name, file.rows.slice(0, 1))
    return bool(context.worker.read(f"SELECT 1 FROM {relation_name} AS {alias} WHERE {condition.sql}").num_rows)


def vacuum(statement: nodes.Vacuum, context: Context) -> Outcome:
    """Forget old snapshots and delete the files that only they need."""
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
        return Outcome(header=True)

    return changing(database, name, change)


def _expired(table: Table) -> list[int]:
    properties = table.properties
    age = int(properties.get("vacuum_max_snapshot_age_seconds", _DEFAULT_AGE_SECONDS))
    keep = int(properties.get("vacuum_min_snapshots_to_keep", "1"))
    oldest = (datetime.now(UTC) - timedelta(seconds=age)).timestamp() * 1000
    snapshots = sorted(table.metadata.snapshots, key=lambda one: one.timestamp_ms, reverse=True)
    protected = {ref.snapshot_id for ref in table.metadata.refs.values()}
    return [
        one.snapshot_id
        for place, one in enumerate(snapshots)
        if place >= keep and one.timestamp_ms < oldest and one.snapshot_id not in protected
    ]


def _files(table: Table) -> set[str]:
    """Return all files that a table's snapshots need."""
    found: set[str] = set()
    manifests: dict[str, Any] = {}
    for snapshot in table.metadata.snapshots:
        found.add(snapshot.manifest_list)
        manifests.update({one.manifest_path: one for one in snapshot.manifests(table.io)})
    for path, manifest in manifests.items():
        found.add(path)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            if entry.data_file.content in tuple(DataFileContent):
                found.add(entry.data_file.file_path)
    return found
