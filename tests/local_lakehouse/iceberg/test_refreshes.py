"""Tests for an integration's refreshes, and for Athena statements on the same table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyiceberg.table import CommitTableResponse

from local_lakehouse.athena.api import AthenaService
from local_lakehouse.iceberg.catalog import LakehouseCatalog, load_catalog
from local_lakehouse.sql.workers.pool import WorkerPool
from tests.local_lakehouse.athena.conftest import Athena
from tests.local_lakehouse.zero_etl.conftest import DATABASE, World, world

__all__ = ["world"]

TABLE = f"{DATABASE}.orders"


@pytest.fixture
def world_athena(world: World, workers: WorkerPool) -> Iterator[Athena]:
    """Provide an Athena service on the lakehouse in `world`."""
    service = AthenaService(world.clients, workers)
    world.clients.client("s3").create_bucket(Bucket="lab")
    yield Athena(service, world.clients)
    service.stop()


@pytest.fixture
def before_next_commit(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Provide a function that makes another writer's change just before the next commit to an Iceberg table."""

    def arrange(change: Callable[[], object]) -> None:
        original = LakehouseCatalog.commit_table

        def late(catalog: LakehouseCatalog, *arguments: Any) -> CommitTableResponse:
            monkeypatch.setattr(LakehouseCatalog, "commit_table", original)
            change()
            return original(catalog, *arguments)

        monkeypatch.setattr(LakehouseCatalog, "commit_table", late)

    return arrange


def _loaded(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "a"}, "n": {"N": "1"}})
    world.put("Orders", {"pk": {"S": "b"}, "n": {"N": "2"}})
    world.integrate("Orders")
    world.refresh()


def test_widened_column_keeps_its_type_in_earlier_versions(
    world: World,
    world_athena: Athena,
) -> None:
    _loaded(world)
    world.put("Orders", {"pk": {"S": "c"}, "n": {"S": "three"}})
    world.refresh()
    world.refresh()

    first = world.snapshots("orders")[0].snapshot_id
    assert world_athena.run(f"SELECT pk, n FROM {TABLE} WHERE n = 'three'") == [["c", "three"]]
    assert world_athena.run(f"SELECT pk, n FROM {TABLE} FOR VERSION AS OF {first} WHERE n > 1.5") == [["b", "2.0"]]
    both = world_athena.run(
        f"SELECT o.n, n.n FROM {TABLE} FOR VERSION AS OF {first} o JOIN {TABLE} n ON o.pk = n.pk WHERE o.n = 1"
    )
    assert both == [["1.0", "1"]]


def test_refresh_is_retried_after_a_concurrent_statement(
    world: World, world_athena: Athena, before_next_commit: Callable[[Callable[[], object]], None]
) -> None:
    _loaded(world)
    before_next_commit(lambda: world_athena.run(f"DELETE FROM {TABLE} WHERE pk = 'a'"))
    world.put("Orders", {"pk": {"S": "b"}, "n": {"N": "20"}})
    world.put("Orders", {"pk": {"S": "c"}, "n": {"N": "30"}})
    world.refresh()

    rows = world_athena.run(f"SELECT pk, n FROM {TABLE} ORDER BY pk")
    assert rows == [["b", "20.0"], ["c", "30.0"]]


@pytest.mark.parametrize(
    ("statements", "columns"),
    [
        (["ADD COLUMNS (note string)"], ["pk", "n", "note", "color"]),
        (["ADD COLUMNS (color string)"], ["pk", "n", "color"]),
        (["ADD COLUMNS (note string)", "DROP COLUMN note"], ["pk", "n", "color"]),
        (["CHANGE COLUMN n m double", "CHANGE COLUMN m n double"], ["pk", "n", "color"]),
    ],
    ids=["another column is added", "the same column is added", "added and dropped", "renamed twice"],
)
def test_added_column_keeps_its_values_after_concurrent_alter_statements(
    world: World,
    world_athena: Athena,
    before_next_commit: Callable[[Callable[[], object]], None],
    statements: list[str],
    columns: list[str],
) -> None:
    _loaded(world)
    before_next_commit(lambda: [world_athena.run(f"ALTER TABLE {TABLE} {each}") for each in statements])
    world.put("Orders", {"pk": {"S": "c"}, "n": {"N": "3"}, "color": {"S": "red"}})
    world.refresh()

    assert [field.name for field in world.table("orders").schema().fields] == columns
    values = {"pk": "c", "n": 3.0, "color": "red"}
    assert world.rows("orders")[2] == {name: values.get(name) for name in columns}
    schema_ids = [schema.schema_id for schema in world.table("orders").metadata.schemas]
    assert len(set(schema_ids)) == len(schema_ids)


def test_alter_statement_fails_after_a_refresh_adds_a_column(
    world: World, world_athena: Athena, before_next_commit: Callable[[Callable[[], object]], None]
) -> None:
    _loaded(world)
    world.put("Orders", {"pk": {"S": "c"}, "n": {"N": "3"}, "color": {"S": "red"}})
    before_next_commit(world.refresh)
    add = f"ALTER TABLE {TABLE} ADD COLUMNS (note string)"

    assert "ICEBERG_COMMIT_ERROR" in world_athena.fail(add)
    world_athena.run(add)

    assert world_athena.run(f"SELECT pk, n, color, note FROM {TABLE} WHERE pk = 'c'") == [["c", "3.0", "red", None]]


def test_alter_statement_succeeds_after_a_refresh_that_adds_no_column(
    world: World, world_athena: Athena, before_next_commit: Callable[[Callable[[], object]], None]
) -> None:
    _loaded(world)
    world.put("Orders", {"pk": {"S": "c"}, "n": {"N": "3"}})
    before_next_commit(world.refresh)

    world_athena.run(f"ALTER TABLE {TABLE} ADD COLUMNS (note string)")

    assert world_athena.run(f"SELECT pk, n, note FROM {TABLE} WHERE pk = 'c'") == [["c", "3.0", None]]


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("CHANGE COLUMN n m double", [["a", "1.0"], ["b", "20.0"]]),
        ("DROP COLUMN n", [["a"], ["b"]]),
        ("ADD COLUMNS (note string)", [["a", "1.0", None], ["b", "20.0", None]]),
    ],
)
def test_refresh_without_new_columns_precedes_a_concurrent_alter_statement(
    world: World,
    world_athena: Athena,
    before_next_commit: Callable[[Callable[[], object]], None],
    statement: str,
    rows: list[list[str | None]],
) -> None:
    _loaded(world)
    before_next_commit(lambda: world_athena.run(f"ALTER TABLE {TABLE} {statement}"))
    world.put("Orders", {"pk": {"S": "b"}, "n": {"N": "20"}})
    world.refresh()

    # The files have the columns of the table as the refresh read it, which is also how time travel shows them.
    assert world_athena.run(f"SELECT * FROM {TABLE} ORDER BY pk") == rows
    [_, refreshed] = world.snapshots("orders")
    version = world_athena.run(f"SELECT pk, n FROM {TABLE} FOR VERSION AS OF {refreshed.snapshot_id} ORDER BY pk")
    assert version == [["a", "1.0"], ["b", "20.0"]]


def test_insert_fails_if_a_load_replaces_one_of_its_columns(
    world: World, world_athena: Athena, before_next_commit: Callable[[Callable[[], object]], None]
) -> None:
    _loaded(world)
    world.put("Orders", {"pk": {"S": "c"}, "n": {"S": "three"}})

    def load() -> None:
        world.refresh()
        world.refresh()

    before_next_commit(load)

    # The rows have the earlier column's field ID, so `n` would be null in all of them.
    assert "ICEBERG_COMMIT_ERROR" in world_athena.fail(f"INSERT INTO {TABLE} (pk, n) VALUES ('d', 4.0)")
    assert world_athena.run(f"SELECT pk, n FROM {TABLE} ORDER BY pk") == [["a", "1"], ["b", "2"], ["c", "three"]]


def test_zero_etl_and_athena_share_the_row_cache(world: World, world_athena: Athena) -> None:
    _loaded(world)
    rows = load_catalog(world.clients).rows

    size = rows.size
    assert size > 0
    world_athena.run(f"SELECT pk, n FROM {TABLE}")
    assert rows.size == size
