"""Judges of answers that are a single value or several named values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zetl_helpers.course.exercises.engine import IncorrectError
from zetl_helpers.course.exercises.readings import Entries, Reading
from zetl_helpers.lab import Lab

__all__ = ["Each", "Value"]


@dataclass(frozen=True)
class Value:
    """A judge of one value.

    Args:
        reading: Reads the answer.
        right: Returns the right value, which may depend on the lab.
        wrong: Messages for values that are wrong for a known reason.
        otherwise: The message for all other values.
    """

    reading: Reading
    right: Callable[[Lab], object]
    otherwise: str
    wrong: Mapping[Any, str] = field(default_factory=dict)

    def __call__(self, lab: Lab, answer: Any) -> None:
        """Judge an answer.

        Raises:
            IncorrectError: The answer is wrong.
            UnreadableError: The answer cannot be read.
        """
        given = self.reading(answer)
        if given != self.reading(self.right(lab)):
            known = {self.reading(key): says for key, says in self.wrong.items()}
            raise IncorrectError(known.get(given, self.otherwise))


@dataclass(frozen=True)
class Each:
    """A judge of a value for each of several names.

    Args:
        readings: Reads the value of each name.
        right: Returns the right value of each name.
        wrong: Messages for each name whose value is wrong.
        inside: The entries of a dictionary that may contain the answer, as in `Entries`.
    """

    readings: Mapping[str, Reading]
    right: Callable[[Lab], Mapping[str, object]]
    wrong: Mapping[str, str]
    inside: tuple[str, ...] = ()

    def __call__(self, lab: Lab, answer: Any) -> None:
        """Judge an answer.

        Raises:
            IncorrectError: A value is wrong. The message describes the first wrong value.
            UnreadableError: The answer or one of its values cannot be read.
        """
        entries = Entries(self.readings, self.inside)
        given = entries(answer)
        right = {name: self.readings[name](value) for name, value in self.right(lab).items()}
        errors = [name for name in right if given[name] != right[name]]
        if errors:
            first = errors[0]
            count = f" {len(right) - len(errors)} of {len(right)} entries are right." if len(right) > 1 else ""
            raise IncorrectError(f"{first!r} is not {entries.typed(answer)[first]!r}: {self.wrong[first]}{count}")
