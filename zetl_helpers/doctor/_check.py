"""What `doctor` says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        ok: Whether it is as the tutorial needs it.
        what: What was looked at, and what was found.
        next_step: What to do when it is not.
    """

    ok: bool
    what: str
    next_step: str = ""

    def __str__(self) -> str:
        mark = "[OK]  " if self.ok else "[FAIL]"
        return f"{mark} {self.what}" + (f"\n       {self.next_step}" if not self.ok else "")
