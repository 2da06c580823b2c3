"""The state of the lab at the start of each chapter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from zetl_helpers import attention, integration, permissions, source, studio, target
from zetl_helpers.course.exercises import faults
from zetl_helpers.lab import Lab

PARTITION_BY = ({"FieldName": "State", "FunctionSpec": "identity"},)


def catch_up(lab: Lab, chapter: int) -> str:
    """Create what a chapter needs from earlier chapters and is missing, and nothing else.

    What a break and repair exercise left broken is fixed where the chapter needs it, and an integration that has
    failed for good is created again. Chapter 3 is optional: no other chapter needs a project or a grant.

    Args:
        lab: The lab.
        chapter: The chapter that is about to begin, 1 to 12.

    Returns:
        A sentence.
    """
    for create in _NEEDS.get(chapter, ()):
        create(lab)
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


def share(lab: Lab) -> None:
    """Do what chapter 3 does: become a Lake Formation administrator and share the target with the project.

    Raises:
        StudioError: There is no domain or no project.
    """
    studio.add_administrator(lab)
    studio.share_with_project(lab, studio.find_project(lab))


def _source(lab: Lab) -> None:
    source.create_table(lab)
    _remove_strays(lab)
    source.enable_pitr(lab)
    if not _changed(lab):
        source.load_items(lab)
    source.put_policy(lab)


def _target(lab: Lab) -> None:
    target.create_bucket(lab)
    target.create_prefix(lab)
    target.create_database(lab)
    target.merge_catalog_policy(lab)
    permissions.create_target_role(lab)


def _ready_target(lab: Lab) -> None:
    """Let integrations of any table write into the database."""
    _target(lab)
    integration.set_target_role(lab)


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


_LOADED = (_source, _target, _integrate)
_CHANGED = (*_LOADED, _evolve)
# Chapters 10 and 11 create tables and integrations of their own, into the same database.
_NEEDS: dict[int, tuple[Callable[[Lab], None], ...]] = {
    2: (_source, _target),
    **dict.fromkeys((3, 4, 5, 6), _LOADED),
    **dict.fromkeys((7, 8, 9), _CHANGED),
    **dict.fromkeys((10, 11), (_ready_target,)),
}
