"""Preparation of the account-wide settings for a class in one account."""

from __future__ import annotations

from collections.abc import Sequence

from zetl_helpers import _administrators, _governed, permissions, studio, target
from zetl_helpers._aws import absent
from zetl_helpers._steps import Step
from zetl_helpers.lab import Lab


def prepare(lab: Lab, labs: Sequence[Lab] = ()) -> list[Step]:
    """Change the account's settings for a class, so that no learner needs permission to change them.

    Anyone who can write the Data Catalog policy can allow access to every table in the account. Anyone who can write
    the data lake settings can replace the Lake Formation administrators. The instructor therefore adds one statement
    for all learners to the policy, and becomes a Lake Formation administrator. If Lake Formation governs the account,
    this function also grants permissions on the lab's existing database to each learner's role and target role.
    Chapter 1 creates the databases, so call this function again after chapter 1.

    Args:
        lab: Any lab in the account, with the instructor's credentials.
        labs: The learners' existing labs.

    Returns:
        The steps and their outcomes.
    """
    steps = [target.merge_class_statement(lab), _join(lab)]
    for entry in labs:
        steps += _governed.grant(entry, learner_role(entry))
    return steps


def share(labs: Sequence[Lab]) -> list[Step]:
    """Share the learners' tables with the project, as chapter 3 does.

    Args:
        labs: The learners' labs, with a Lake Formation administrator's credentials.

    Returns:
        The steps and their outcomes.

    Raises:
        StudioError: The domain or the project does not exist.
    """
    return [step for lab in labs for step in studio.share_with_project(lab, studio.find_project(lab))]


def undo(lab: Lab, *, administrator: bool = False) -> list[Step]:
    """Remove the class statement from the Data Catalog policy.

    If requested, also remove the instructor from the Lake Formation administrators.

    Args:
        lab: Any lab in the account, with the instructor's credentials.
        administrator: Whether to remove the instructor from the Lake Formation administrators.

    Returns:
        The steps and their outcomes.
    """
    steps = [target.remove_class_statement(lab)]
    return [*steps, _leave(lab)] if administrator else steps


def has_target(lab: Lab) -> bool:
    """Return whether a lab's target table exists."""
    with absent("EntityNotFoundException"):
        lab.client("glue").get_table(DatabaseName=lab.database, Name=lab.target_table)
        return True
    return False


def learner_role(lab: Lab) -> str:
    """Return the ARN of the role that an instructor creates for a learner."""
    return f"arn:{lab.partition}:iam::{lab.account}:role/{lab.prefix}_{permissions.LEARNER_ROLE}"


def _join(lab: Lab) -> Step:
    me = permissions.caller_principal(lab)
    with lab.recording() as calls:
        before, _ = _administrators.rewrite(lab, lambda names: names if me in names else [*names, me])
    return Step(f"Lake Formation administrator {me}", "already there" if me in before else "created", calls)


def _leave(lab: Lab) -> Step:
    me = permissions.caller_principal(lab)
    with lab.recording() as calls:
        before, _ = _administrators.rewrite(lab, lambda names: [name for name in names if name != me])
    return Step(f"Lake Formation administrator {me}", "deleted" if me in before else "already gone", calls)
