"""A class in one account: who is there, how far everybody is, and clean-up for all of them."""

from zetl_helpers.course.classroom.closing import apply, plan, transcript, verify
from zetl_helpers.course.classroom.progress import status
from zetl_helpers.course.classroom.roster import learners

__all__ = ["apply", "learners", "plan", "status", "transcript", "verify"]
