"""Tests that the planner selects the files that PyIceberg selects, and reads the manifests of a version once."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyiceberg.expressions import AlwaysTrue, And, BooleanExpression
from pyiceberg.expressions.parser import parse
from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestEntry, ManifestFile
from pyiceberg.table import Table

from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.iceberg.scans import Planner
from local_lakehouse.iceberg.versions import planned
from tests.local_lakehouse.athena.conftest import Athena

LAYOUTS = ("", "PARTITIONED BY (n)", "PARTITIONED BY (bucket(3, n))", "PARTITIONED BY (truncate(10, n), s)")
NUMBERS = st.integers(-5, 45).map(str)
TEXTS = st.sampled_from(["''", "'a'", "'b'", "'bb'", "'z'"])
OPERATORS = st.sampled_from(["=", "<", "<=", ">", ">="])


def _comparisons(column: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[BooleanExpression]:
    return st.one_of(
        st.builds("{} {} {}".format, st.just(column), OPERATORS, values),
        st.builds("{0} = {1} OR {0} = {2}".format, st.just(column), values, values),
    ).map(parse)


FILTERS = st.lists(_comparisons("c0", NUMBERS) | _comparisons("c1", TEXTS), min_size=1, max_size=3)


def _table(athena: Athena, name: str, layout: str = "") -> Table:
    """Create a table with five rows in two inserts."""
    athena.run(
        f"CREATE TABLE {name} (n int, s string) {layout} LOCATION 's3://lab/{name}/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run(f"INSERT INTO {name} VALUES (1, 'a'), (2, 'b'), (30, NULL)")
    athena.run(f"INSERT INTO {name} VALUES (11, 'bb'), (NULL, 'z'), (40, '')")
    athena.run(f"DELETE FROM {name} WHERE n = 2")
    return load_catalog(athena.clients).load_table(("lab", name))


@pytest.fixture
def table(athena: Athena) -> Table:
    return _table(athena, "t")


def test_planner_selects_the_same_files_as_pyiceberg(athena: Athena) -> None:
    planner = Planner()
    tables = [_table(athena, f"t{number}", layout) for number, layout in enumerate(LAYOUTS)]

    @settings(deadline=None, max_examples=50)
    @given(table=st.sampled_from(tables), filters=FILTERS)
    def check(table: Table, filters: list[BooleanExpression]) -> None:
        row_filter: BooleanExpression = AlwaysTrue()
        for condition in filters:
            row_filter = And(row_filter, condition)
        expected = {task.file.file_path for task in planned(table, None).scan(row_filter=row_filter).plan_files()}

        assert {file.path for file in planner.scan(table, None, filters).files} == expected

    check()


def test_filter_skips_files_that_cannot_match(table: Table) -> None:
    planner = Planner()

    assert len(planner.scan(table, None).files) == 2
    assert len(planner.scan(table, None, [parse("c0 > 30")]).files) == 1
    assert len(planner.scan(table, None, [parse("c0 > 40")]).files) == 0


def test_manifests_are_read_once_for_all_filters(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = Planner()
    planner.scan(table, None)

    def read_again(manifest: ManifestFile, io: FileIO, discard_deleted: bool = True) -> list[ManifestEntry]:
        raise AssertionError(f"{manifest.manifest_path} is read again")

    monkeypatch.setattr(ManifestFile, "fetch_manifest_entry", read_again)
    assert planner.scan(table, None, [parse("c1 = 'bb'")]).files


def test_file_whose_bounds_cannot_be_compared_is_selected(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = Planner()
    planner.scan(table, None)

    def fail(*_: object) -> bool:
        raise struct.error("unpack requires a buffer of 8 bytes")

    monkeypatch.setattr("local_lakehouse.iceberg.scans._InclusiveMetricsEvaluator.eval", fail)

    assert len(planner.scan(table, None, [parse("c0 = 99")]).files) == 2
