"""A class in one account: who is there, how far everybody is, and clean-up for all of them."""

from zetl_helpers.classroom.closing import apply, plan, transcript, verify
from zetl_helpers.classroom.progress import status
from zetl_helpers.classroom.roster import learners

__all__ = ["apply", "learners", "plan", "status", "transcript", "verify"]
