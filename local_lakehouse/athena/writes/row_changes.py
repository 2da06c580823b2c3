"""Execution of ``UPDATE``, ``DELETE`` and ``MERGE`` on Iceberg tables.

https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-updating-iceberg-table-data.html

Data files with changed rows are rewritten, whereas Athena writes position deletes. Queries return the same rows in both
cases.
"""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from pyiceberg.table import Table

from local_lakehouse.athena.context import Context, Outcome
from local_lakehouse.athena.tables.catalog import StatementTables, offer
from local_lakehouse.athena.tables.lake import is_iceberg
from local_lakehouse.athena.tables.loads import PLACE_COLUMNS, all_columns, relation
from local_lakehouse.athena.writes.iceberg_commits import changing, fresh, replace_files, row_writer, table_columns
from local_lakehouse.athena.writes.inserts import target_of, written_rows
from local_lakehouse.athena.writes.storing import can_store, stored_sql
from local_lakehouse.iceberg.scans import Scan
from local_lakehouse.sql.analysis.analysis import Analysis
from local_lakehouse.sql.analysis.relations import From, nested
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import NOTHING, Facts, Typed, null_of, union
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.types import Type
from local_lakehouse.sql.workers.pool import WorkerSession

# The temporary tables of a MERGE statement.
_SOURCE = "merge_source"
_MATCHED = "merge_matched"
_MISSING = "merge_missing"


@dataclass
class _Target:
    """The table to change, with its files and the analyzed reference to it."""

    context: Context
    table: Table
    columns: list[tuple[str, Type]]
    scan: Scan
    tables: StatementTables
    analyzer: Analysis
    relation: From
    facts: Facts = NOTHING

    @property
    def name(self) -> str:
        """The table's name in DuckDB."""
        return self.relation.sql.partition(" AS ")[0]

    @property
    def alias(self) -> str:
        """The table's alias in DuckDB."""
        return self.relation.sql.rpartition(" AS ")[2]

    @property
    def places(self) -> str:
        """The number of a row's file and the row's number in the file, as DuckDB SQL."""
        return f"{self.alias}.f AS f, {self.alias}.n AS n"

    def scope(self) -> Scope:
        """Return the names that are visible in the statement."""
        return Scope([field for field in self.relation.fields if not field.hidden])

    def expression(self, node: tree.Expression, scope: Scope) -> Typed:
        """Analyze an expression of the statement, and record the columns that it reads."""
        value = self.analyzer.expression(node, scope)
        self.facts |= value.facts
        return value

    def boolean(self, node: tree.Expression, scope: Scope, subject: str) -> str:
        """Return a condition as DuckDB SQL, and record the columns that it reads."""
        value = self.analyzer.boolean(node, scope, subject)
        self.facts |= value.facts
        return value.sql

    def read_rows(self) -> None:
        """Record that the statement reads complete rows of the table."""
        self.facts = union(self.facts, *(field.facts for field in self.relation.fields if not field.hidden))

    def register(self) -> None:
        """Pass the table's rows with their positions, and all other relations of the statement, to DuckDB."""
        self.context.register(self.tables, self.analyzer.scans(self.facts))
        self._offer(self.name, self.scan)

    def _offer(self, name: str, scan: Scan) -> None:
        offer(self.context.worker, name, relation(self.context.lake, scan, all_columns(scan) | set(PLACE_COLUMNS)))

    def apply(self, come: Sequence[Iterable[pa.RecordBatch]], gone: Callable[[], pa.Table]) -> int:
        """Insert and remove rows in the table, and return the number of inserted rows.

        Args:
            come: The new rows, as one or more streams.
            gone: A function that returns the positions of the removed rows after the new rows have been read.
        """
        lake = self.context.lake
        with row_writer(lake, self.table.metadata) as writer:
            for rows in come:
                writer.write(rows)
            count, places = writer.row_count, gone()
            touched = np.unique(places.column("f").to_numpy()).tolist()
            if touched:
                writer.write(self._kept(places, touched))
            removed = [self.scan.files[number].entry for number in touched]
            replace_files(lake, self.table, removed, writer, same_rows=False)
        return count

    def _kept(self, places: pa.Table, touched: list[int]) -> pa.RecordBatchReader:
        """Return the unchanged rows of the files to rewrite."""
        name = f"{self.name}_touched"
        self._offer(name, replace(self.scan, files=tuple(self.scan.files[number] for number in touched)))
        numbers = np.searchsorted(touched, places.column("f").to_numpy()).astype(np.int32)
        self.context.worker.register(f"{name}_gone", pa.table({"f": numbers, "n": places.column("n")}))
        shown = ", ".join(f"t.c{index}" for index in range(len(self.columns)))
        return self.context.worker.stream(
            f"SELECT {shown} FROM {name} AS t ANTI JOIN {name}_gone AS g ON t.f = g.f AND t.n = g.n",
        )


def _target(context: Context, names: tuple[tree.Name, ...], position: Position, alias: tree.Name | None) -> _Target:
    database, name, entry = target_of(context, names, position)
    if not is_iceberg(entry):
        raise QueryFailure(
            "NOT_SUPPORTED", "Modifying Hive table rows is only supported for transactional tables", position
        )
    table = fresh(context.lake, database, name)
    tables = context.tables()
    analyzer = Analysis(context.session(tables))
    node: tree.Relation = tree.Table(names, position=position)
    if alias is not None:
        node = tree.Aliased(node, alias, (), position=position)
    found = analyzer.relation(node, None, [])
    return _Target(context, table, table_columns(table), context.lake.scan(table, None), tables, analyzer, found)


def _locked(context: Context, names: tuple[tree.Name, ...], position: Position, change: object) -> Outcome:
    database, name, _ = target_of(context, names, position)
    return changing(database, name, change)  # type: ignore[arg-type]


def delete(statement: nodes.Delete, context: Context) -> Outcome:
    """Delete the rows that match a condition."""

    def change() -> Outcome:
        target = _target(context, statement.table, statement.table_position, None)
        condition = _condition(target, statement.where)
        sql = f"SELECT {target.places} FROM {target.relation.sql} WHERE {condition}"
        target.register()
        gone = context.worker.read(sql)
        target.apply((), lambda: gone)
        return written_rows(gone.num_rows)

    return _locked(context, statement.table, statement.table_position, change)


def _condition(target: _Target, where: tree.Expression | None) -> str:
    if where is None:
        return "TRUE"
    return target.boolean(where, target.scope().in_clause("WHERE clause"), "WHERE clause")


def update(statement: nodes.Update, context: Context) -> Outcome:
    """Update columns of the rows that match a condition."""

    def change() -> Outcome:
        target = _target(context, statement.table, statement.table_position, None)
        condition = _condition(target, statement.where)
        values = _assigned(target, statement.assignments, target.scope(), "UPDATE")
        read = _read(target, values)
        sql = f"SELECT {target.places}, {read} FROM {target.relation.sql} WHERE {condition}"
        target.register()
        found = _Places(context.worker.stream(sql))
        return written_rows(target.apply([found], found.table))

    return _locked(context, statement.table, statement.table_position, change)


class _Places:
    """A stream of rows whose first two columns are positions, which are collected as the rows are read."""

    def __init__(self, rows: pa.RecordBatchReader) -> None:
        self._rows = rows
        self._places: list[pa.RecordBatch] = []

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._rows:
            self._places.append(batch.select([0, 1]))
            yield batch.select(range(2, batch.num_columns))

    def table(self) -> pa.Table:
        """Return the positions of the rows that were read."""
        return pa.Table.from_batches(self._places, pa.schema(list(self._rows.schema)[:2]))


def _assigned(target: _Target, assignments: Sequence[nodes.Assignment], scope: Scope, verb: str) -> dict[str, str]:
    """Return the new values as DuckDB SQL, keyed by column name."""
    wanted = {name.lower(): type_ for name, type_ in target.columns}
    values: dict[str, Typed] = {}
    for assignment in assignments:
        if assignment.column.key not in wanted:
            raise QueryFailure(
                "COLUMN_NOT_FOUND",
                f"The {verb} SET target column {assignment.column.value} doesn't exist",
                assignment.position,
            )
        if assignment.column.key in values:
            raise QueryFailure(
                "SYNTAX_ERROR", f"Multiple assignments for same column: {assignment.column.value}", assignment.position
            )
        values[assignment.column.key] = target.expression(assignment.value, scope.in_clause(f"{verb} SET"))
    given = [value.type for value in values.values()]
    expected = [wanted[name] for name in values]
    if not all(map(can_store, given, expected)):
        raise QueryFailure(
            "TYPE_MISMATCH",
            f"{verb} table column types don't match SET expressions: Table: [{', '.join(map(str, expected))}], "
            f"Expressions: [{', '.join(map(str, given))}]",
            assignments[0].position,
        )
    return {name: stored_sql(value.sql, value.type, wanted[name]) for name, value in values.items()}


def _read(target: _Target, values: dict[str, str]) -> str:
    target.read_rows()
    return ", ".join(
        f"{values.get(name.lower(), f'{target.alias}.c{index}')} AS c{index}"
        for index, (name, _) in enumerate(target.columns)
    )


def merge(statement: nodes.Merge, context: Context) -> Outcome:
    """Merge a source's rows into a table."""

    def change() -> Outcome:
        target = _target(context, statement.table, statement.table_position, statement.alias)
        return _Merge(statement, target).run()

    return _locked(context, statement.table, statement.table_position, change)


class _Counted:
    """The rows from several consecutive statements, which are counted as they are read."""

    def __init__(self, worker: WorkerSession, statements: Sequence[str]) -> None:
        self._worker = worker
        self._statements = statements
        self.count = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for sql in self._statements:
            for batch in self._worker.stream(sql):
                self.count += batch.num_rows
                yield batch


class _Merge:
    """A ``MERGE`` statement.

    The source, the join and the choice of a ``WHEN`` clause for each row are evaluated once and kept in temporary
    tables, because a second evaluation could return other rows, for example with ``random()`` or ``LIMIT``.
    """

    def __init__(self, statement: nodes.Merge, target: _Target) -> None:
        self._statement = statement
        self._target = target
        source = target.analyzer.relation(statement.source, None, [])
        self._source_sql = nested(statement.source, source)
        self._source_fields = source.fields
        self._fields = [
            replace(field, sql=f"{_SOURCE}.c{index}") for index, field in enumerate(source.fields) if not field.hidden
        ]
        self._scope = Scope([*target.scope().fields, *self._fields])
        target.facts |= source.facts
        self._on = target.boolean(statement.condition, self._scope.in_clause("MERGE"), "MERGE ON clause")

    def run(self) -> Outcome:
        """Run the statement."""
        target = self._target
        matched = [case for case in self._statement.cases if case.matched]
        missing = [case for case in self._statement.cases if not case.matched]
        joined = (
            f"SELECT {target.places}, {_SOURCE}.rowid AS r, {self._choice(matched, self._scope)} AS k "
            f"FROM {target.relation.sql} JOIN {_SOURCE} ON {self._on}"
        )
        left = (
            f"SELECT rowid AS r, {self._choice(missing, Scope(self._fields))} AS k FROM {_SOURCE} "
            f"WHERE rowid NOT IN (SELECT r FROM {_MATCHED})"
        )
        updates = [self._update_sql(case, number) for number, case in enumerate(matched) if case.action == "UPDATE"]
        inserts = [self._insert_sql(case, number) for number, case in enumerate(missing)]
        target.register()
        worker = target.context.worker
        worker.define(f"CREATE TEMP TABLE {_SOURCE} AS {self._read_source()}")
        worker.define(f"CREATE TEMP TABLE {_MATCHED} AS {joined}")
        if missing:
            worker.define(f"CREATE TEMP TABLE {_MISSING} AS {left}")
        gone = worker.read(f"SELECT f, n FROM {_MATCHED} WHERE k IS NOT NULL")
        self._check_single(gone)
        added, changed = _Counted(worker, inserts), _Counted(worker, updates)
        target.apply([changed, added], lambda: gone)
        return written_rows(gone.num_rows + added.count)

    def _read_source(self) -> str:
        """Return the query of the source's columns that the statement uses."""
        columns = [
            f"{field.sql} AS c{index}"
            for index, field in enumerate(self._source_fields)
            if field.facts.reads <= self._target.facts.reads
        ]
        # A statement can use no column of its source.
        return f"SELECT {', '.join(columns) or '1 AS c'} FROM {self._source_sql}"

    def _choice(self, cases: Sequence[nodes.MergeCase], scope: Scope) -> str:
        """Return SQL that yields the number of the ``WHEN`` clause that applies to a row, or NULL if none applies."""
        branches = []
        for number, case in enumerate(cases):
            condition = "TRUE"
            if case.condition is not None:
                condition = self._target.boolean(case.condition, scope.in_clause("MERGE"), "MERGE WHEN clause")
            branches.append(f"WHEN {condition} THEN {number}")
        return f"CASE {' '.join(branches)} END" if branches else "CAST(NULL AS INTEGER)"

    def _update_sql(self, case: nodes.MergeCase, number: int) -> str:
        values = _assigned(self._target, case.assignments, self._scope, "MERGE")
        alias = self._target.alias
        return (
            f"SELECT {_read(self._target, values)} FROM {self._target.relation.sql} "
            f"JOIN {_MATCHED} AS x ON x.f = {alias}.f AND x.n = {alias}.n AND x.k = {number} "
            f"JOIN {_SOURCE} ON {_SOURCE}.rowid = x.r"
        )

    def _insert_sql(self, case: nodes.MergeCase, number: int) -> str:
        scope = Scope(self._fields)
        wanted = {name.lower(): type_ for name, type_ in self._target.columns}
        names = [column.key for column in case.columns] or list(wanted)
        for column in case.columns:
            if column.key not in wanted:
                raise QueryFailure(
                    "COLUMN_NOT_FOUND",
                    f"Merge column name does not exist in target table: {column.value}",
                    case.position,
                )
        twice = next((column for column in case.columns if names.count(column.key) > 1), None)
        if twice is not None:
            raise QueryFailure(
                "DUPLICATE_COLUMN_NAME", f"Merge column name is specified more than once: {twice.value}", case.position
            )
        values = [self._target.expression(value, scope.in_clause("MERGE")) for value in case.values]
        expected = [wanted[name] for name in names]
        given = [value.type for value in values]
        if len(values) != len(names) or not all(map(can_store, given, expected)):
            raise QueryFailure(
                "TYPE_MISMATCH",
                f"MERGE table column types don't match for MERGE case: Table: [{', '.join(map(str, expected))}], "
                f"Expressions: [{', '.join(map(str, given))}]",
                case.position,
            )
        by_name = {
            name: stored_sql(value.sql, value.type, wanted[name]) for name, value in zip(names, values, strict=False)
        }
        read = ", ".join(
            f"{by_name.get(name.lower(), null_of(type_))} AS c{index}"
            for index, (name, type_) in enumerate(self._target.columns)
        )
        return f"SELECT {read} FROM {_SOURCE} JOIN {_MISSING} AS x ON x.r = {_SOURCE}.rowid AND x.k = {number}"

    def _check_single(self, gone: pa.Table) -> None:
        places = set(zip(gone.column("f").to_pylist(), gone.column("n").to_pylist(), strict=False))
        if len(places) != gone.num_rows:
            raise QueryFailure(
                "MERGE_TARGET_ROW_MULTIPLE_MATCHES", "One MERGE target table row matched more than one source row"
            )
