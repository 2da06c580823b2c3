"""The state of the lab at the start of each chapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from zetl_helpers import _place, integration, lakehouse, permissions, source, studio, target
from zetl_helpers._aws import error_code
from zetl_helpers._errors import UserError
from zetl_helpers._rights import DENIED
from zetl_helpers._steps import Step
from zetl_helpers.course.exercises import faults
from zetl_helpers.lab import Lab

__all__ = ["PARTITION_BY", "apply_changes", "catch_up", "catch_up_steps", "share"]

PARTITION_BY = ({"FieldName": "State", "FunctionSpec": "identity"},)


def catch_up(lab: Lab, chapter: int) -> str:
    """Create any missing resources from earlier chapters that a chapter needs.

    This function also fixes any fault that a break-and-repair exercise left behind, and recreates an integration that
    failed permanently. Chapter 3 is optional, because no other chapter needs a project or a grant.

    Args:
        lab: The lab.
        chapter: The number of the chapter to start, from 0 to 13.

    Returns:
        A confirmation that the lab is ready.
    """
    catch_up_steps(lab, chapter)
    return f"Ready for chapter {chapter}."


def catch_up_steps(lab: Lab, chapter: int) -> list[Step]:
    """Perform the steps of `catch_up`, and return the steps that changed something.

    Args:
        lab: The lab.
        chapter: The number of the chapter to start, from 0 to 13.

    Raises:
        MemberError: The caller is a member of a Studio project, and the chapter is not for members or has not been
            prepared.
        ValueError: The chapter does not exist.
    """
    if chapter not in _NEEDS:
        raise ValueError(f"There is no chapter {chapter!r}. Use a number from {min(_NEEDS)} to {max(_NEEDS)}.")
    if lab.is_members:
        _require_shared(lab, chapter)
        return []
    steps = [step for create in _NEEDS[chapter] for step in create(lab)]
    return [step for step in steps if step.did != "already there"]


class MemberError(UserError):
    """A chapter is not available, or not ready, for members of a Studio project. The message says what they can do."""


def _require_shared(lab: Lab, chapter: int) -> None:
    """Check whether a project member, who cannot create resources, can run or read a chapter."""
    if chapter not in _MEMBERS:
        raise MemberError(
            f"Chapter {chapter} creates or changes AWS resources, and the permissions boundary of the project's role "
            f"denies these actions. In this project, {_place.MEMBERS_CHAPTERS}."
        )
    if chapter == 0:
        return
    ask = (
        "Ask the administrator or instructor to run chapters 1 to 3 with the same ZETL_PREFIX. "
        f"They also need the ARN of the project's role: {permissions.caller_principal(lab)}."
    )
    try:
        columns = set(lakehouse.schema(lab)["column"])
    except lab.client("glue").exceptions.EntityNotFoundException as error:
        raise MemberError(f"There is no table {lab.database}.{lab.target_table} yet. {ask}") from error
    except ClientError as error:
        if error_code(error) not in DENIED:
            raise
        raise MemberError(f"Table {lab.database}.{lab.target_table} is not shared with this project. {ask}") from error
    if chapter > 6 and "email" not in columns:
        raise MemberError(f"The changes in chapter 6 have not been made yet. {ask.replace('1 to 3', '1 to 3 and 6')}")


# The chapters that a project member can run or read.
_MEMBERS = (0, 4, 5, 6, 7, 8)


def apply_changes(lab: Lab) -> datetime:
    """Create one item, change another and delete a third, as in chapter 6.

    Args:
        lab: The lab.

    Returns:
        A time after the last write, in UTC.
    """
    dynamodb = lab.client("dynamodb")
    writes = source.changes()
    dynamodb.put_item(TableName=lab.table, **writes["put_item"])
    dynamodb.update_item(TableName=lab.table, **writes["update_item"])
    dynamodb.delete_item(TableName=lab.table, **writes["delete_item"])
    return datetime.now(UTC)


def share(lab: Lab) -> None:
    """Become a Lake Formation administrator and share the target with the project, as in chapter 3.

    Raises:
        StudioError: The domain or the project does not exist.
    """
    studio.add_administrator(lab)
    studio.share_with_project(lab, studio.find_project(lab))


def _source(lab: Lab) -> Iterator[Step]:
    yield source.create_table(lab)
    yield from _remove_strays(lab)
    yield source.enable_pitr(lab)
    if not _changed(lab):
        yield source.load_items(lab)
    yield source.put_policy(lab)


def _target(lab: Lab) -> Iterator[Step]:
    yield target.create_bucket(lab)
    yield target.create_prefix(lab)
    yield target.create_database(lab)
    yield target.merge_catalog_policy(lab)
    yield from permissions.create_target_role(lab)


def _ready_target(lab: Lab) -> Iterator[Step]:
    """Create the target, so that an integration for any table can write to the database."""
    yield from _target(lab)
    yield integration.set_target_role(lab)


def _integrate(lab: Lab) -> Iterator[Step]:
    yield integration.set_target_role(lab)
    yield integration.set_table_properties(lab, unnest="TOPLEVEL", partition_by=PARTITION_BY)
    found = integration.find(lab)
    if found is not None and found["Status"] == "FAILED":
        yield integration.delete(lab)
    yield integration.create(lab)
    if found is not None and found["Status"] == "NEEDS_ATTENTION":
        # The steps above have fixed every fault that an exercise can leave behind.
        integration.wait_until_recovered(lab, timeout=1800)
        yield Step(f"integration {lab.integration}", "changed")
    integration.wait_until_active(lab)
    integration.wait_until_loaded(lab)


def _remove_strays(lab: Lab) -> Iterator[Step]:
    """Delete the items that chapter 9 and the exercises write, in case a learner was interrupted."""
    for customer, account in (("CUST0099", "ACC000099"), *faults.ITEMS):
        if source.get_item(lab, customer, account) is not None:
            key = {"CustomerID": {"S": customer}, "AccountNumber": {"S": account}}
            lab.client("dynamodb").delete_item(TableName=lab.table, Key=key)
            yield Step(f"item {customer}, {account}", "deleted")


def _evolve(lab: Lab) -> Iterator[Step]:
    if not _changed(lab):
        integration.wait_until_synced(lab, apply_changes(lab))
        yield Step("the three changes from chapter 06", "created")


def _changed(lab: Lab) -> bool:
    """Return whether all three writes in chapter 6 were made."""
    writes = source.changes()
    put, update, delete = (
        source.get_item(lab, key["CustomerID"]["S"], key["AccountNumber"]["S"])
        for key in (writes["put_item"]["Item"], writes["update_item"]["Key"], writes["delete_item"]["Key"])
    )
    return put is not None and update is not None and "Email" in update and delete is None


_LOADED = (_source, _target, _integrate)
_CHANGED = (*_LOADED, _evolve)
# Chapters 10, 11 and 13 create additional tables, each with an integration that targets the same database.
_NEEDS: dict[int, tuple[Callable[[Lab], Iterator[Step]], ...]] = {
    **dict.fromkeys((0, 1, 12), ()),
    2: (_source, _target),
    **dict.fromkeys((3, 4, 5, 6), _LOADED),
    **dict.fromkeys((7, 8, 9), _CHANGED),
    **dict.fromkeys((10, 11, 13), (_ready_target,)),
}
