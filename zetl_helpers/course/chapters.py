"""Catching up: brings the lab to the start of any chapter, from whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from zetl_helpers import attention, integration, permissions, source, studio, target
from zetl_helpers.course.exercises import faults
from zetl_helpers.lab import Lab

PARTITION_BY = ({"FieldName": "State", "FunctionSpec": "identity"},)


@dataclass(frozen=True)
class _Chapter:
    number: int
    make: Callable[[Lab], None]


def catch_up(lab: Lab, chapter: int) -> str:
    """Make whatever earlier chapters made and is not there.

    What a break and repair exercise left broken is mended, and an integration that has failed for good is made again.

    Args:
        lab: The lab.
        chapter: The chapter that is about to begin, 1 to 12.

    Returns:
        A sentence.
    """
    for earlier in _CHAPTERS:
        if earlier.number < chapter:
            earlier.make(lab)
    return f"Ready for chapter {chapter}."


def apply_changes(lab: Lab) -> datetime:
    """Make the three writes of chapter 6: one new item, one changed, one deleted.

    Args:
        lab: The lab.

    Returns:
        A moment after the last write, UTC.
    """
    dynamodb = lab.client("dynamodb")
    writes = source.changes()
    dynamodb.put_item(TableName=lab.table, **writes["put_item"])
    dynamodb.update_item(TableName=lab.table, **writes["update_item"])
    dynamodb.delete_item(TableName=lab.table, **writes["delete_item"])
    return datetime.now(UTC)


def _set_up(lab: Lab) -> None:
    source.create_table(lab)
    _remove_strays(lab)
    source.enable_pitr(lab)
    if not _changed(lab):
        source.load_items(lab)
    source.put_policy(lab)
    target.create_bucket(lab)
    target.create_prefix(lab)
    target.create_database(lab)
    target.merge_catalog_policy(lab)
    permissions.create_target_role(lab)


def _integrate(lab: Lab) -> None:
    integration.set_target_role(lab)
    integration.set_table_properties(lab, unnest="TOPLEVEL", partition_by=PARTITION_BY)
    found = integration.find(lab)
    if found is not None and found["Status"] == "FAILED":
        integration.delete(lab)
    integration.create(lab)
    if found is not None and found["Status"] == "NEEDS_ATTENTION":
        # What it named is mended by now: all of it is made above.
        attention.wait_until_mended(lab, timeout=1800)
    integration.wait_until_active(lab)
    integration.wait_until_loaded(lab)


def _remove_strays(lab: Lab) -> None:
    """Take out the items that chapter 9 and the exercises write, should somebody have left in between."""
    for customer, account in (("CUST0099", "ACC000099"), *faults.ITEMS):
        if source.get_item(lab, customer, account) is not None:
            key = {"CustomerID": {"S": customer}, "AccountNumber": {"S": account}}
            lab.client("dynamodb").delete_item(TableName=lab.table, Key=key)


def _share(lab: Lab) -> None:
    studio.add_administrator(lab)
    studio.share_with_project(lab, studio.find_project(lab))


def _evolve(lab: Lab) -> None:
    if not _changed(lab):
        integration.wait_until_synced(lab, apply_changes(lab))


def _changed(lab: Lab) -> bool:
    """Tell whether the writes of chapter 6 were made, all three of them."""
    writes = source.changes()
    put, update, delete = (
        source.get_item(lab, key["CustomerID"]["S"], key["AccountNumber"]["S"])
        for key in (writes["put_item"]["Item"], writes["update_item"]["Key"], writes["delete_item"]["Key"])
    )
    return put is not None and update is not None and "Email" in update and delete is None


_CHAPTERS = (_Chapter(1, _set_up), _Chapter(2, _integrate), _Chapter(3, _share), _Chapter(6, _evolve))
