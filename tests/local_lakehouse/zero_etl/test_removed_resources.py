"""Tests that an integration's error names a resource that is removed during a refresh."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from local_lakehouse.backend import preparations
from local_lakehouse.backend.moto_backend import Backend
from tests.local_lakehouse.zero_etl.conftest import BUCKET, DATABASE, World

Break = Callable[[World], object]


def _delete_bucket(world: World) -> None:
    s3 = world.clients.client("s3")
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    s3.delete_bucket(Bucket=BUCKET)


REMOVALS: dict[str, tuple[Break, str]] = {
    "database": (
        lambda world: world.clients.client("glue").delete_database(Name=DATABASE),
        "TARGET_DATABASE_NOT_FOUND",
    ),
    "location": (
        lambda world: (
            world.clients.client("glue").update_database(Name=DATABASE, DatabaseInput={"Name": DATABASE}) and None
        ),
        "TARGET_LOCATION_MISSING",
    ),
    "bucket": (_delete_bucket, "TARGET_BUCKET_NOT_FOUND"),
    "source": (
        lambda world: world.dynamodb("DeleteTable", TableName="Orders") and None,
        "SOURCE_TABLE_NOT_FOUND",
    ),
}


@pytest.mark.parametrize(("removed", "step"), [("database", 1), ("location", 5), ("bucket", 5), ("source", 4)])
def test_error_names_the_resource_that_was_deleted_during_a_refresh(removed: str, step: int) -> None:
    remove, code = REMOVALS[removed]
    moments = itertools.takewhile(lambda moment: _refreshed(remove, moment, code), itertools.count(1, step))
    assert sum(step for _ in moments) > 10


def _refreshed(remove: Break, moment: int, code: str) -> bool:
    """Remove a resource before a given call in a refresh, and return whether the refresh reached that call."""
    preparations.prepare("s3", "local_lakehouse.iam.bucket_policies")
    with closing(Backend("us-east-1")) as backend, pytest.MonkeyPatch.context() as patch:
        world = World(backend.clients)
        world.create_table("Orders")
        arn = world.integrate("Orders")
        world.refresh()
        world.put("Orders", {"pk": {"S": "b"}})
        ask, calls = world.clients.client, itertools.count(1)
        removed = False

        def removing(service: str) -> Any:
            nonlocal removed
            if not removed and next(calls) == moment:
                removed = True
                remove(world)
            return ask(service)

        patch.setattr(world.clients, "client", removing)
        world.refresh()
        patch.undo()
        seen = (world.status(arn), world.codes(arn))
        assert seen in [named := ("NEEDS_ATTENTION", [code]), ("ACTIVE", []), ("SYNCING", [])], f"at call {moment}"
        if code != "SOURCE_TABLE_NOT_FOUND":
            world.put("Orders", {"pk": {"S": "c"}})
        world.refresh()
        assert (world.status(arn), world.codes(arn)) == (named if removed else ("ACTIVE", [])), f"at call {moment}"
        return removed
