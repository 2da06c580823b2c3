"""The exercises that learners tried and solved, as shared in ``ZETL_CLASS_DIR``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["Sticking", "practice", "sticking"]


@dataclass(frozen=True)
class Sticking:
    """The exercise that the most learners have tried but not solved.

    Args:
        exercise: The exercise's name, such as ``4.4``.
        stuck: The number of learners who tried the exercise and have not solved it.
        tried: The number of learners who tried the exercise.
    """

    exercise: str
    stuck: int
    tried: int

    def __str__(self) -> str:
        who = "the only learner" if self.tried == 1 else f"{self.stuck} of the {self.tried} learners"
        has = "has" if self.stuck == 1 else "have"
        return f"Exercise {self.exercise} causes the most difficulty: {who} who tried it {has} not solved it."


def practice(folder: Path) -> pd.DataFrame:
    """Return the number of exercises that each learner solved, and the number that each learner tried.

    Args:
        folder: The class's shared folder.

    Returns:
        One row per learner, with the columns ``learner``, ``solved``, ``tried`` and ``at`` (the last exercise that was
        tried but not solved).
    """
    rows = []
    for learner, exercises in _shared(folder).items():
        states = {name: exercise.get("state") for name, exercise in exercises.items() if exercise.get("attempts")}
        open_ones = sorted((name for name, state in states.items() if state != "correct"), key=_place)
        solved = sum(state == "correct" for state in states.values())
        rows.append((learner, solved, len(states), open_ones[-1] if open_ones else ""))
    return pd.DataFrame(rows, columns=["learner", "solved", "tried", "at"])


def sticking(folder: Path) -> Sticking | None:
    """Return the exercise that the most learners have tried but not solved. If there is none, return None.

    Args:
        folder: The class's shared folder.
    """
    tried: dict[str, list[bool]] = {}
    for exercises in _shared(folder).values():
        for name, exercise in exercises.items():
            if exercise.get("attempts"):
                tried.setdefault(name, []).append(exercise.get("state") != "correct")
    found = [Sticking(name, sum(stuck), len(stuck)) for name, stuck in tried.items() if any(stuck)]
    return max(found, key=lambda entry: (entry.stuck, entry.tried, _place(entry.exercise)), default=None)


def _shared(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        path.stem: dict(json.loads(path.read_text(encoding="utf-8"))["exercises"])
        for path in sorted(folder.glob("*.json"))
    }


def _place(exercise: str) -> tuple[int, int]:
    chapter, _, number = exercise.partition(".")
    return int(chapter), int(number)
