"""Tests for an integration's refreshes, and for Athena statements on the same table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local_lakehouse.athena.api import AthenaService
from local_lakehouse.iceberg import commits
from local_lakehouse.iceberg.catalog import load_catalog
from local_lakehouse.sql.workers.pool import WorkerPool
from local_lakehouse.zero_etl import target
from tests.local_lakehouse.athena.conftest import Athena
from tests.local_lakehouse.zero_etl.conftest import DATABASE, World, world

__all__ = ["world"]


@pytest.fixture
def world_athena(world: World, workers: WorkerPool) -> Iterator[Athena]:
    """Provide an Athena service on the lakehouse in `world`."""
    service = AthenaService(world.clients, workers)
    world.clients.client("s3").create_bucket(Bucket="lab")
    yield Athena(service, world.clients)
    service.stop()


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
    table = f"{DATABASE}.orders"
    assert world_athena.run(f"SELECT pk, n FROM {table} WHERE n = 'three'") == [["c", "three"]]
    assert world_athena.run(f"SELECT pk, n FROM {table} FOR VERSION AS OF {first} WHERE n > 1.5") == [["b", "2.0"]]
    both = world_athena.run(
        f"SELECT o.n, n.n FROM {table} FOR VERSION AS OF {first} o JOIN {table} n ON o.pk = n.pk WHERE o.n = 1"
    )
    assert both == [["1.0", "1"]]


def test_refresh_is_retried_after_a_concurrent_statement(
    world: World,
    world_athena: Athena,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _loaded(world)
    original = commits.commit

    def late(*arguments: Any) -> None:
        monkeypatch.setattr(target, "commit", original)
        world_athena.run(f"DELETE FROM {DATABASE}.orders WHERE pk = 'a'")
        original(*arguments)

    monkeypatch.setattr(target, "commit", late)
    world.put("Orders", {"pk": {"S": "b"}, "n": {"N": "20"}})
    world.put("Orders", {"pk": {"S": "c"}, "n": {"N": "30"}})
    world.refresh()

    rows = world_athena.run(f"SELECT pk, n FROM {DATABASE}.orders ORDER BY pk")
    assert rows == [["b", "20.0"], ["c", "30.0"]]


def test_zero_etl_and_athena_share_the_row_cache(world: World, world_athena: Athena) -> None:
    _loaded(world)
    rows = load_catalog(world.clients).rows

    size = rows.size
    assert size > 0
    world_athena.run(f"SELECT pk, n FROM {DATABASE}.orders")
    assert rows.size == size
