"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        ok: Whether the check passed.
        what: The subject of the check, and its result.
        next_step: The action to take if the check failed.
    """

    ok: bool
    what: str
    next_step: str = ""

    def __str__(self) -> str:
        mark = "[OK]  " if self.ok else "[FAIL]"
        return f"{mark} {self.what}" + (f"\n       {self.next_step}" if not self.ok else "")
