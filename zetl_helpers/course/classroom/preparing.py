"""Preparation of a class in one account: the two settings of the whole account that only the instructor changes."""

from __future__ import annotations

from collections.abc import Sequence

from zetl_helpers import _administrators, _governed, permissions, studio, target
from zetl_helpers._aws import absent
from zetl_helpers._steps import Step
from zetl_helpers.lab import Lab


def prepare(lab: Lab, labs: Sequence[Lab] = ()) -> list[Step]:
    """Change the account's settings for a class, so that no learner needs the right to change them.

    Whoever may write the Data Catalog's policy can open every table of the account, and whoever may write the data lake
    settings can replace Lake Formation's administrators. The instructor adds one statement for all learners to the
    policy, and becomes an administrator. In an account that Lake Formation governs, the grants of those labs whose
    database exists are made too: prepare again after chapter 1.

    Args:
        lab: Any lab of the account, in the instructor's hands.
        labs: The learners' labs that are there already.

    Returns:
        What happened.
    """
    steps = [target.merge_class_statement(lab), _join(lab)]
    for one in labs:
        steps += _governed.grant(one, learner_role(one))
    return steps


def share(labs: Sequence[Lab]) -> list[Step]:
    """Show the learners' tables to the project, as chapter 3 does.

    Args:
        labs: The learners' labs, in the hands of a Lake Formation administrator.

    Returns:
        What happened.

    Raises:
        StudioError: There is no domain or no project.
    """
    return [step for one in labs for step in studio.share_with_project(one, studio.find_project(one))]


def undo(lab: Lab, *, administrator: bool = False) -> list[Step]:
    """Take back the statement of the class, and the instructor's administrator right where asked for.

    Args:
        lab: Any lab of the account, in the instructor's hands.
        administrator: Whether the instructor leaves Lake Formation's administrators.

    Returns:
        What happened.
    """
    steps = [target.remove_class_statement(lab)]
    return [*steps, _leave(lab)] if administrator else steps


def has_target(lab: Lab) -> bool:
    """Tell whether a lab's target table is there."""
    with absent("EntityNotFoundException"):
        lab.client("glue").get_table(DatabaseName=lab.database, Name=lab.target_table)
        return True
    return False


def learner_role(lab: Lab) -> str:
    """Return the ARN of the role that an instructor makes for a learner."""
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
