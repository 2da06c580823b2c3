"""Changed rows into the target table: one Iceberg commit, copy-on-write, only the data files that hold changed rows.

Rows are matched by the columns of the item's key. Two keys may share their columns' values (numbers that become the
same double): such rows are one group here, replaced together, so that two rows stay two rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyiceberg.manifest import DataFile
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata

from zetl_helpers.local.zero_etl.partitions import transformed
from zetl_helpers.local.zero_etl.snapshots import Change, RowCache, Updates, live_files, read_files, snapshot_updates


class Workbench:
    """What stays from one merge to the next: rows of data files, and a database that joins Arrow tables."""

    def __init__(self) -> None:
        self.rows = RowCache()
        self.database = duckdb.connect()


@dataclass(frozen=True)
class Counts:
    """How many rows of the target a refresh inserted, updated and deleted."""

    inserted: int
    updated: int
    deleted: int

    def __bool__(self) -> bool:
        return bool(self.inserted or self.updated or self.deleted)


@dataclass(frozen=True)
class Delta:
    """What a refresh brings.

    Args:
        rows: The final rows of the changed items that exist, in the table's new schema.
        keys: The key columns of all changed items; None when `rows` are all the rows there are.
        key_columns: The names of the key columns.
    """

    rows: pa.Table
    keys: pa.Table | None
    key_columns: Sequence[str]


def merge(table: Table, metadata: TableMetadata, delta: Delta, workbench: Workbench) -> tuple[Counts, Updates]:
    """Write the data files of a refresh.

    Args:
        table: The target table as it is.
        metadata: Its metadata with the new schema.
        delta: What the refresh brings.
        workbench: What stays from one merge to the next.

    Returns:
        What happened to rows, and the updates to commit; no updates when no row changes.
    """
    with closing(workbench.database.cursor()) as connection:
        return _Merge(table, metadata, delta, workbench.rows, connection).run()


class _Merge:
    def __init__(
        self,
        table: Table,
        metadata: TableMetadata,
        delta: Delta,
        cache: RowCache,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        self._table = table
        self._after = metadata
        self._delta = delta
        self._cache = cache
        self._sql = connection
        self._key_names = [f"k{position}" for position in range(len(delta.key_columns))]

    def run(self) -> tuple[Counts, Updates]:
        entries = live_files(self._table)
        files, rows_of, old = self._old_rows([entry.data_file for entry in entries])
        same_old, same_new = self._unchanged(old)
        old = old.filter(pa.array(~same_old))
        new = self._delta.rows.filter(pa.array(~same_new))
        counts = self._counts(old, new)
        if not counts:
            return counts, ()
        file_of, row_of = (old.column(name).to_numpy() for name in ("__file", "__row"))
        touched = np.unique(file_of)
        kept = [_without(rows_of[file], row_of[file_of == file]) for file in touched]
        change = Change(new, [files[file] for file in touched], kept, _summary(counts))
        return counts, snapshot_updates(self._table, self._after, change, self._cache)

    def _old_rows(self, files: Sequence[DataFile]) -> tuple[Sequence[DataFile], dict[int, pa.Table], pa.Table]:
        """Return the data files to look at, the rows of those that hold changed keys, and the rows of these keys."""
        touched = self._delta.keys
        if touched is not None:
            files = _candidates(files, touched, self._after.spec(), self._after.schema())
        tables = read_files(self._table, self._after, files, self._cache)
        matches = (
            {number: np.arange(rows.num_rows) for number, rows in enumerate(tables)}
            if touched is None
            else self._matches([rows.select(self._delta.key_columns) for rows in tables], touched)
        )
        rows_of = {number: tables[number] for number in matches}
        old = [
            _numbered(rows.take(pa.array(matches[number])), number, matches[number]) for number, rows in rows_of.items()
        ]
        empty = _numbered(self._delta.rows.slice(0, 0), 0, np.arange(0))
        return files, rows_of, pa.concat_tables([empty, *old])

    def _matches(self, keys: Sequence[pa.Table], touched: pa.Table) -> dict[int, NDArray[np.int64]]:
        """Find the changed keys in data files: the row numbers by the number of the file."""
        if not keys:
            return {}
        lengths = [file.num_rows for file in keys]
        everything = pa.concat_tables(keys).rename_columns(self._key_names)
        self._register("present", everything.append_column("__at", pa.array(np.arange(sum(lengths)))))
        self._register("touched", touched.rename_columns(self._key_names))
        found = self._fetch(_MATCHES.format(keys=", ".join(self._key_names)), "__at")
        starts = np.concatenate(([0], np.cumsum(lengths)))
        found.sort()
        file_of = np.searchsorted(starts, found, side="right") - 1
        return {int(file): found[file_of == file] - starts[file] for file in np.unique(file_of)}

    def _unchanged(self, old: pa.Table) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Pair the rows that are in the table already, exactly as they come."""
        new = self._delta.rows
        same_old, same_new = np.zeros(old.num_rows, bool), np.zeros(new.num_rows, bool)
        if old.num_rows and new.num_rows:
            columns = [f"c{position}" for position in range(len(new.column_names))]
            self._register("old_rows", _counted(old.drop_columns(["__file", "__row"]).rename_columns(columns)))
            self._register("new_rows", _counted(new.rename_columns(columns)))
            pairs = self._sql.execute(_PAIRS.format(columns=", ".join(columns), equal=_equal(columns))).fetchnumpy()
            same_old[pairs["old_at"]] = True
            same_new[pairs["new_at"]] = True
        return same_old, same_new

    def _counts(self, old: pa.Table, new: pa.Table) -> Counts:
        self._register("old_keys", old.select(self._delta.key_columns).rename_columns(self._key_names))
        self._register("new_keys", new.select(self._delta.key_columns).rename_columns(self._key_names))
        keys = ", ".join(self._key_names)
        inserted, updated, deleted = self._sql.execute(_COUNTS.format(keys=keys)).fetchall()[0]
        return Counts(int(inserted), int(updated), int(deleted))

    def _register(self, name: str, rows: pa.Table) -> None:
        self._sql.register(name, rows)

    def _fetch(self, query: str, column: str) -> NDArray[np.int64]:
        return np.asarray(self._sql.execute(query).fetchnumpy()[column], np.int64)


_MATCHES = "SELECT __at FROM present SEMI JOIN touched USING ({keys})"

# Equal rows are numbered, so that of two equal old rows and one new row only one pair is found.
_PAIRS = """
WITH o AS (SELECT *, row_number() OVER (PARTITION BY {columns}) AS copy FROM old_rows),
     n AS (SELECT *, row_number() OVER (PARTITION BY {columns}) AS copy FROM new_rows)
SELECT o.at AS old_at, n.at AS new_at FROM o JOIN n ON o.copy = n.copy AND {equal}
"""

_COUNTS = """
WITH o AS (SELECT {keys}, count(*) AS olds FROM old_keys GROUP BY ALL),
     n AS (SELECT {keys}, count(*) AS news FROM new_keys GROUP BY ALL),
     g AS (SELECT coalesce(olds, 0) AS olds, coalesce(news, 0) AS news FROM o FULL JOIN n USING ({keys}))
SELECT coalesce(sum(greatest(news - olds, 0)), 0), coalesce(sum(least(news, olds)), 0),
       coalesce(sum(greatest(olds - news, 0)), 0)
FROM g
"""


def _equal(columns: Sequence[str]) -> str:
    return " AND ".join(f"o.{column} IS NOT DISTINCT FROM n.{column}" for column in columns)


def _counted(rows: pa.Table) -> pa.Table:
    return rows.append_column("at", pa.array(np.arange(rows.num_rows)))


def _numbered(rows: pa.Table, file: int, row_numbers: NDArray[np.int64]) -> pa.Table:
    numbers = pa.array(np.full(len(row_numbers), file))
    return rows.append_column("__file", numbers).append_column("__row", pa.array(row_numbers))


def _without(rows: pa.Table, row_numbers: NDArray[np.int64]) -> pa.Table:
    keep = np.ones(rows.num_rows, bool)
    keep[row_numbers] = False
    return rows.filter(pa.array(keep))


def _candidates(files: Sequence[DataFile], keys: pa.Table, spec: PartitionSpec, schema: Schema) -> list[DataFile]:
    """Leave out the files in whose partition no changed key can be."""
    sources = {schema.find_field(field.source_id).name for field in spec.fields}
    if spec.is_unpartitioned() or not sources <= set(keys.column_names):
        return list(files)
    values = transformed(keys, spec, schema)
    wanted = {tuple(row.values()) for row in values.group_by(values.column_names).aggregate([]).to_pylist()}
    return [
        file
        for file in files
        if file.spec_id != spec.spec_id or tuple(file.partition[n] for n in range(len(file.partition))) in wanted
    ]


def _summary(counts: Counts) -> dict[str, str]:
    return {
        "zero-etl.inserted-rows": str(counts.inserted),
        "zero-etl.updated-rows": str(counts.updated),
        "zero-etl.deleted-rows": str(counts.deleted),
    }
