"""Tests that every statement reads each version of a table with that version's schema."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.iceberg.versions import planned, schema_of
from tests.local_lakehouse.athena.conftest import Athena

Row = dict[str, int | None]


def _create(athena: Athena, partitioned: str = "") -> None:
    athena.run("DROP TABLE IF EXISTS t")
    athena.run(
        f"CREATE TABLE t (id int, c int, s string) {partitioned} LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run("INSERT INTO t VALUES (1, 10, 'a'), (2, 20, 'b')")
    athena.run("INSERT INTO t VALUES (3, 30, 'c')")


def _first(athena: Athena) -> str:
    [[found]] = athena.run('SELECT min_by(snapshot_id, committed_at) FROM "t$snapshots"')
    return str(found)


PARTITIONS = ["", "PARTITIONED BY (c)", "PARTITIONED BY (bucket(4, c), truncate(5, s))"]
CHANGES = {
    "renamed": ["ALTER TABLE t CHANGE COLUMN c d int"],
    "swapped": [
        "ALTER TABLE t CHANGE COLUMN c x int",
        "ALTER TABLE t CHANGE COLUMN id c int",
        "ALTER TABLE t CHANGE COLUMN x id int",
    ],
    "widened": ["ALTER TABLE t CHANGE COLUMN c c bigint"],
    "moved": ["ALTER TABLE t CHANGE COLUMN c c int FIRST"],
}
DROPS = {
    "dropped": ["ALTER TABLE t DROP COLUMN c"],
    "added again": ["ALTER TABLE t DROP COLUMN c", "ALTER TABLE t ADD COLUMNS (c string)"],
}


@pytest.mark.parametrize(
    ("change", "partitioned"),
    [
        (change, partitioned)
        for change in CHANGES
        for partitioned in PARTITIONS
        # Iceberg does not allow a column with the name of an identity partition.
        if (change, partitioned) != ("swapped", "PARTITIONED BY (c)")
    ],
)
def test_predicate_uses_the_columns_of_the_queried_version(athena: Athena, change: str, partitioned: str) -> None:
    _create(athena, partitioned)
    first = _first(athena)
    for statement in CHANGES[change]:
        athena.run(statement)
    athena.run(
        "INSERT INTO t VALUES (4, 40, 'd')" if change in ("renamed", "widened") else "DELETE FROM t WHERE s = 'c'"
    )

    for optimized in (False, True):
        if optimized:
            athena.run("OPTIMIZE t REWRITE DATA USING BIN_PACK")
        version_clause = f"FROM t FOR VERSION AS OF {first}"
        assert athena.run(f"SELECT id, c, s {version_clause} WHERE c = 20") == [["2", "20", "b"]]
        assert athena.run(f"SELECT id {version_clause} WHERE c > 10 AND s >= 'a' AND id < 9") == [["2"]]
        assert athena.run(f"SELECT id {version_clause} WHERE c IN (10, 30)") == [["1"]]
        assert athena.run(f"SELECT id {version_clause} WHERE c BETWEEN 15 AND 35 AND id = 2") == [["2"]]
        assert athena.run(f"SELECT count(*) {version_clause} WHERE id = 1") == [["1"]]


@pytest.mark.parametrize("partitioned", ["", "PARTITIONED BY (bucket(4, id))"])
@pytest.mark.parametrize("change", DROPS)
def test_dropped_column_is_readable_in_earlier_versions(athena: Athena, change: str, partitioned: str) -> None:
    _create(athena, partitioned)
    first = _first(athena)
    for statement in DROPS[change]:
        athena.run(statement)

    assert athena.run(f"SELECT id, c FROM t FOR VERSION AS OF {first} WHERE c < 15") == [["1", "10"]]
    if change == "dropped":
        assert "COLUMN_NOT_FOUND" in athena.fail("SELECT c FROM t")
    else:
        assert athena.run("SELECT count(c), count(*) FROM t") == [["0", "3"]]
        assert athena.run("SELECT count(*) FROM t WHERE c = '10'") == [["0"]]
        assert athena.run("SELECT count(*) FROM t WHERE c IS NULL") == [["3"]]


def test_two_versions_of_a_table_can_be_joined(athena: Athena) -> None:
    _create(athena)
    first = _first(athena)
    for statement in CHANGES["swapped"]:
        athena.run(statement)

    joined = athena.run(
        f"SELECT o.id, o.c, n.id, n.c FROM t FOR VERSION AS OF {first} o JOIN t n ON o.id = n.c "
        "WHERE o.c = 20 AND n.id = 20"
    )
    assert joined == [["2", "20", "20", "2"]]


def test_timestamp_and_tag_use_the_schema_of_their_snapshot(athena: Athena) -> None:
    _create(athena)
    table = load_catalog(athena.clients).load_table(("lab", "t"))
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.manage_snapshots().create_tag(snapshot.snapshot_id, "before").commit()
    [[moment]] = athena.run('SELECT CAST(max(committed_at) AS varchar) FROM "t$snapshots"')
    for statement in CHANGES["swapped"]:
        athena.run(statement)
    athena.run("INSERT INTO t VALUES (4, 40, 'd')")

    for version in ("VERSION AS OF 'before'", f"TIMESTAMP AS OF TIMESTAMP '{moment}'"):
        assert athena.run(f"SELECT id, c FROM t FOR {version} WHERE c = 20") == [["2", "20"]]
        assert athena.run(f"SELECT count(*) FROM t FOR {version} WHERE id > 3") == [["0"]]


def test_nested_fields_are_matched_by_id(athena: Athena) -> None:
    athena.run(
        "CREATE TABLE t (id int, r struct<a:int,b:int>, l array<struct<a:int>>) LOCATION 's3://lab/t/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run(
        "INSERT INTO t VALUES (1, CAST(ROW(1, 2) AS row(a integer, b integer)), "
        "ARRAY[CAST(ROW(5) AS row(a integer)), NULL]), (2, NULL, NULL)"
    )
    first = _first(athena)
    table = load_catalog(athena.clients).load_table(("lab", "t"))
    with table.update_schema() as update:
        update.rename_column("r.a", "x")
    with table.update_schema() as update:
        update.rename_column("r.b", "a")
        update.rename_column("l.element.a", "z")

    assert athena.run("SELECT r.x, r.a, l FROM t ORDER BY id") == [["1", "2", "[{z=5}, null]"], [None, None, None]]
    old = athena.run(f"SELECT r.a, r.b, l FROM t FOR VERSION AS OF {first} WHERE r.a = 1")
    assert old == [["1", "2", "[{a=5}, null]"]]


def test_rows_of_every_partition_spec_are_read_and_deleted(athena: Athena) -> None:
    _create(athena, "PARTITIONED BY (c)")
    first = _first(athena)
    table = load_catalog(athena.clients).load_table(("lab", "t"))
    with table.update_spec() as spec:
        spec.remove_field("c")
        spec.add_identity("s")
    athena.run("INSERT INTO t VALUES (4, 40, 'd')")
    athena.run("ALTER TABLE t DROP COLUMN c")
    athena.run("INSERT INTO t VALUES (5, 'e')")

    assert athena.run("SELECT id FROM t WHERE s > 'c' ORDER BY id") == [["4"], ["5"]]
    assert athena.run("SELECT id FROM t WHERE id <= 2 ORDER BY id") == [["1"], ["2"]]
    assert athena.run(f"SELECT id FROM t FOR VERSION AS OF {first} WHERE c = 20 AND s = 'b'") == [["2"]]
    athena.run("DELETE FROM t WHERE id = 1")
    assert athena.run("SELECT id, s FROM t ORDER BY id") == [["2", "b"], ["3", "c"], ["4", "d"], ["5", "e"]]


def test_planned_table_has_the_schema_of_the_queried_version(athena: Athena) -> None:
    _create(athena)
    first = int(_first(athena))
    athena.run("ALTER TABLE t DROP COLUMN c")
    table = load_catalog(athena.clients).load_table(("lab", "t"))

    assert [field.name for field in schema_of(table, first).fields] == ["id", "c", "s"]
    assert [(field.name, field.field_id) for field in planned(table, first).schema().fields] == [
        ("c0", 1),
        ("c1", 2),
        ("c2", 3),
    ]
    assert [(field.name, field.field_id) for field in planned(table, None).schema().fields] == [("c0", 1), ("c1", 3)]


@dataclass
class _Model:
    """A plain Python model of a table of integers, with its columns, rows and earlier versions."""

    columns: list[str] = field(default_factory=lambda: ["k", "a", "b"])
    rows: list[Row] = field(default_factory=list)
    versions: list[tuple[list[str], list[Row]]] = field(default_factory=list)

    def keep(self) -> None:
        """Store the current version."""
        self.versions.append((list(self.columns), [dict(row) for row in self.rows]))


NAMES = ["a", "b", "c", "d"]
numbers = st.integers(-3, 3) | st.none()
steps = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.lists(st.lists(numbers, min_size=5, max_size=5), min_size=1, max_size=3)),
        st.tuples(st.just("update"), st.tuples(st.integers(0, 3), numbers, st.integers(-3, 3))),
        st.tuples(st.just("delete"), st.tuples(st.integers(0, 3), st.integers(-3, 3))),
        st.tuples(st.just("add"), st.sampled_from(NAMES)),
        st.tuples(st.just("drop"), st.integers(0, 3)),
        st.tuples(st.just("rename"), st.tuples(st.integers(0, 3), st.sampled_from(NAMES))),
        st.tuples(st.just("widen"), st.integers(0, 3)),
        st.tuples(st.just("optimize"), st.none()),
    ),
    min_size=4,
    max_size=9,
)


class _Table:
    """An Athena table and its model, to which the same steps are applied."""

    def __init__(self, athena: Athena, partitioned: str) -> None:
        self.athena = athena
        self.model = _Model()
        athena.run("DROP TABLE IF EXISTS m")
        athena.run(
            f"CREATE TABLE m (k int, a int, b int) {partitioned} LOCATION 's3://lab/m/' "
            "TBLPROPERTIES ('table_type'='ICEBERG')"
        )

    def _column(self, number: int) -> str:
        return self.model.columns[number % len(self.model.columns)]

    def insert(self, rows: list[list[int | None]]) -> None:
        columns = self.model.columns
        shown = ", ".join("(" + ", ".join(_sql(value) for value in row[: len(columns)]) + ")" for row in rows)
        self.athena.run(f"INSERT INTO m VALUES {shown}")
        self.model.rows += [dict(zip(columns, row, strict=False)) for row in rows]
        self.model.keep()

    def update(self, given: tuple[int, int | None, int]) -> None:
        column, (_, value, limit) = self._column(given[0]), given
        hit = [row for row in self.model.rows if (row[column] is not None and row[column] > limit)]  # type: ignore[operator]
        self.athena.run(f"UPDATE m SET {column} = {_sql(value)} WHERE {column} > {limit}")
        for row in hit:
            row[column] = value
        if hit:
            self.model.keep()

    def delete(self, given: tuple[int, int]) -> None:
        column, limit = self._column(given[0]), given[1]
        kept = [row for row in self.model.rows if not (row[column] is not None and row[column] <= limit)]  # type: ignore[operator]
        self.athena.run(f"DELETE FROM m WHERE {column} <= {limit}")
        if len(kept) != len(self.model.rows):
            self.model.rows = kept
            self.model.keep()

    def add(self, name: str) -> None:
        if name not in self.model.columns and len(self.model.columns) < 5:
            self.athena.run(f"ALTER TABLE m ADD COLUMNS ({name} int)")
            self.model.columns.append(name)
            for row in self.model.rows:
                row[name] = None

    def drop(self, number: int) -> None:
        name = self._column(number)
        if name != "k" and len(self.model.columns) > 2:
            self.athena.run(f"ALTER TABLE m DROP COLUMN {name}")
            self.model.columns.remove(name)
            for row in self.model.rows:
                del row[name]

    def rename(self, given: tuple[int, str]) -> None:
        old, new = self._column(given[0]), given[1]
        if old != "k" and new not in self.model.columns:
            kind = "bigint" if self._is_wide(old) else "int"
            self.athena.run(f"ALTER TABLE m CHANGE COLUMN {old} {new} {kind}")
            self.model.columns[self.model.columns.index(old)] = new
            for row in self.model.rows:
                row[new] = row.pop(old)

    def widen(self, number: int) -> None:
        name = self._column(number)
        self.athena.run(f"ALTER TABLE m CHANGE COLUMN {name} {name} bigint")

    def optimize(self, _: None) -> None:
        before = self._count()
        self.athena.run("OPTIMIZE m REWRITE DATA USING BIN_PACK")
        if self._count() > before:
            self.model.keep()

    def _count(self) -> int:
        return len(self.athena.run('SELECT snapshot_id FROM "m$snapshots"'))

    def _is_wide(self, name: str) -> bool:
        return ["bigint"] in self.athena.run(
            f"SELECT data_type FROM information_schema.columns WHERE table_name = 'm' AND column_name = '{name}'"
        )

    def check(self) -> None:
        """Compare every version and the current rows with the model, with and without predicates."""
        snapshots = self.athena.run('SELECT snapshot_id FROM "m$history" ORDER BY made_current_at')
        assert len(snapshots) == len(self.model.versions)
        for [snapshot], (columns, rows) in zip(snapshots, self.model.versions, strict=True):
            self._check(f"m FOR VERSION AS OF {snapshot}", columns, rows)
        self._check("m", self.model.columns, self.model.rows)

    def _check(self, source: str, columns: list[str], rows: list[Row]) -> None:
        shown = ", ".join(columns)
        assert _sorted(self.athena.run(f"SELECT {shown} FROM {source}")) == _sorted(_texts(columns, rows))
        predicates = [
            (f"{name} {text}", functools.partial(test, name)) for name in columns for text, test in _TESTS.items()
        ]
        union = " UNION ALL ".join(
            f"SELECT {number} AS q, {shown} FROM {source} WHERE {text}" for number, (text, _) in enumerate(predicates)
        )
        expected = [
            [str(number), *texts]
            for number, (_, test) in enumerate(predicates)
            for texts in _texts(columns, [row for row in rows if test(row)])
        ]
        assert _sorted(self.athena.run(union)) == _sorted(expected)


def _above(name: str, row: Row) -> bool:
    value = row[name]
    return value is not None and value > 0


_TESTS: dict[str, Callable[[str, Row], bool]] = {
    "= 1": lambda name, row: row[name] == 1,
    "> 0": _above,
    "IN (-2, 2)": lambda name, row: row[name] in (-2, 2),
    "IS NULL": lambda name, row: row[name] is None,
}


def _sql(value: int | None) -> str:
    return "NULL" if value is None else str(value)


def _texts(columns: list[str], rows: list[Row]) -> list[list[str | None]]:
    return [[None if row[name] is None else str(row[name]) for name in columns] for row in rows]


def _sorted(rows: list[list[str | None]]) -> list[list[str | None]]:
    return sorted(rows, key=repr)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=steps, partitioned=st.sampled_from(["", "PARTITIONED BY (k)", "PARTITIONED BY (bucket(2, k))"]))
def test_every_version_matches_the_model(athena: Athena, changes: list[tuple[str, object]], partitioned: str) -> None:
    table = _Table(athena, partitioned)
    for name, argument in changes:
        getattr(table, name)(argument)
    table.check()
    table.optimize(None)
    table.check()
