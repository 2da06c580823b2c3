"""Preparation, roster, progress and cleanup of a class in one account."""

from zetl_helpers.course.classroom.closing import apply, plan, transcript, verify
from zetl_helpers.course.classroom.practice import practice, sticking
from zetl_helpers.course.classroom.preparing import has_target, prepare, share, undo
from zetl_helpers.course.classroom.progress import status
from zetl_helpers.course.classroom.roster import learners

__all__ = [
    "apply", "has_target", "learners", "plan", "practice", "prepare", "share", "status", "sticking", "transcript",
    "undo", "verify",
]  # fmt: skip
