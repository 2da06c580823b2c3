"""Catching up: brings the lab to the start of any chapter, from whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from zetl_helpers import integration, permissions, source, studio, target
from zetl_helpers.lab import Lab

PARTITION_BY = ({"FieldName": "State", "FunctionSpec": "identity"},)


@dataclass(frozen=True)
class _Chapter:
    number: int
    make: Callable[[Lab], None]


def catch_up(lab: Lab, chapter: int) -> str:
    """Make whatever earlier chapters made and is not there.

    Args:
        lab: The lab.
        chapter: The chapter that is about to begin, 1 to 9.

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
    integration.create(lab)
    integration.wait_until_active(lab)
    integration.wait_until_loaded(lab)


def _share(lab: Lab) -> None:
    studio.add_administrator(lab)
    studio.share_with_project(lab, studio.find_project(lab))


def _evolve(lab: Lab) -> None:
    if not _changed(lab):
        integration.wait_until_synced(lab, apply_changes(lab))


def _changed(lab: Lab) -> bool:
    """Tell whether the writes of chapter 6 were made."""
    return source.get_item(lab, "CUST0026", "ACC839001") is not None


_CHAPTERS = (_Chapter(1, _set_up), _Chapter(2, _integrate), _Chapter(3, _share), _Chapter(6, _evolve))
