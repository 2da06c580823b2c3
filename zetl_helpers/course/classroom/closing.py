"""Clean-up of a whole class: the four moves of `cleanup`, for one learner after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from zetl_helpers import cleanup
from zetl_helpers.cleanup import LeftoverError, Plan
from zetl_helpers.course.classroom.progress import NO_PREFIX
from zetl_helpers.lab import Lab


def plan(labs: Sequence[Lab]) -> list[Plan]:
    """Find what is left of each learner's lab; nothing is changed.

    Args:
        labs: The learners' labs, as `roster.learners` finds them.

    Returns:
        A plan for each learner of whom something was found, or could not be looked for.
    """
    return [found for lab in labs if (found := cleanup.plan(lab)) or found.foreign or found.unseen]


def transcript(plans: Sequence[Plan]) -> str:
    """Say what clean-up would do for each learner; nothing is changed.

    Args:
        plans: What `plan` returned.

    Returns:
        The text of the dry run.
    """
    things = sum(len(one) for one in plans)
    last = f"{things} things of {len(plans)} learners. Nothing was changed."
    return "\n\n".join([*(cleanup.transcript(one) for one in plans), last])


def apply(plans: Sequence[Plan], *, tell: Callable[[str], object] = lambda _: None) -> pd.DataFrame:
    """Delete what the plans list, and go on past what cannot be deleted.

    Args:
        plans: What `plan` returned, or a part of it.
        tell: Told of each thing as it is done.

    Returns:
        Columns ``learner``, ``kind``, ``name`` and ``outcome``: ``deleted``, or ``failed`` and what AWS said.
    """
    done = []
    for one in plans:
        learner = one.lab.prefix or NO_PREFIX
        tell(f"{learner}:")
        outcomes = cleanup.apply(one, tell=tell)
        outcomes.insert(0, "learner", learner)
        done.append(outcomes)
    return pd.concat(done, ignore_index=True) if done else pd.DataFrame(columns=["learner", "kind", "name", "outcome"])


def verify(labs: Sequence[Lab], *, timeout: float = 60) -> str:
    """Look again at every learner's lab, and say that nothing is left.

    Args:
        labs: The labs that were cleaned up.
        timeout: Seconds to look again at most, for each of them.

    Returns:
        A sentence.

    Raises:
        LeftoverError: Something is left of one of them; all of them were looked at.
    """
    left = []
    for lab in labs:
        try:
            cleanup.verify(lab, timeout=timeout)
        except LeftoverError as error:
            left.append(f"{lab.prefix or NO_PREFIX}: {error}")
    if left:
        raise LeftoverError("\n".join(left))
    return f"Nothing is left of {', '.join(lab.prefix or NO_PREFIX for lab in labs)}."
