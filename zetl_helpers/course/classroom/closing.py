"""Cleanup of all labs in a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from zetl_helpers import cleanup
from zetl_helpers._counts import counted
from zetl_helpers.cleanup import LeftoverError, Plan
from zetl_helpers.course.classroom.progress import NO_PREFIX
from zetl_helpers.lab import Lab


def plan(labs: Sequence[Lab]) -> list[Plan]:
    """Find the remaining resources of each learner's lab, without changing anything.

    Args:
        labs: The learners' labs, from `roster.learners`.

    Returns:
        A plan for each lab that has remaining resources, shares a name with another owner's resource, or could not be
        checked completely.
    """
    return [found for lab in labs if (found := cleanup.plan(lab)) or found.foreign or found.unseen]


def transcript(plans: Sequence[Plan]) -> str:
    """Return the text of a cleanup dry run for each learner, without changing anything.

    Args:
        plans: The result of `plan`.

    Returns:
        The text of the dry run.
    """
    things = sum(len(entry) for entry in plans)
    last = (
        f"Cleanup would delete {counted(things, 'resource')} of {counted(len(plans), 'learner')}. Nothing was changed."
    )
    return "\n\n".join([*(cleanup.transcript(item) for item in plans), last])


def apply(plans: Sequence[Plan], *, tell: Callable[[str], object] = lambda _: None) -> pd.DataFrame:
    """Delete the plans' resources, and continue after failures.

    Args:
        plans: The result of `plan`, or a part of it.
        tell: A function that is called with a line of text for each learner and for each resource.

    Returns:
        One row for each resource, with the columns ``learner``, ``kind``, ``name`` and ``outcome``. The outcome is
        ``deleted``, ``kept`` with the reason, or ``failed`` with the error.
    """
    done = []
    for entry in plans:
        learner = entry.lab.prefix or NO_PREFIX
        tell(f"{learner}:")
        outcomes = cleanup.apply(entry, tell=tell)
        outcomes.insert(0, "learner", learner)
        done.append(outcomes)
    return pd.concat(done, ignore_index=True) if done else pd.DataFrame(columns=["learner", "kind", "name", "outcome"])


def verify(labs: Sequence[Lab], *, timeout: float = 60) -> str:
    """Check every learner's lab again, and confirm that no resources remain.

    Args:
        labs: The labs that were cleaned up.
        timeout: Maximum seconds to search, per lab.

    Returns:
        A confirmation that no resources remain.

    Raises:
        LeftoverError: At least one lab has remaining resources. All labs are checked before the error is raised.
    """
    left = []
    for lab in labs:
        try:
            cleanup.verify(lab, timeout=timeout)
        except LeftoverError as error:
            left.append(f"{lab.prefix or NO_PREFIX}: {error}")
    if left:
        raise LeftoverError("\n".join(left))
    names = [lab.prefix or NO_PREFIX for lab in labs]
    return f"No resources remain for {' and '.join(filter(None, [', '.join(names[:-1]), *names[-1:]]))}."
