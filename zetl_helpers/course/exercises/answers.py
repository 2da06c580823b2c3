"""Judges for answers that are a single value or several named values."""

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
    """A judge for answers that are one value.

    Args:
        reading: The reading that extracts the value from an answer.
        right: A function that returns the correct value, which may depend on the lab.
        wrong: Messages for values that are wrong for a known reason.
        otherwise: The message for all other wrong values.
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
            otherwise = _ONLY_CASE if _same_letters(given, self.reading(self.right(lab))) else self.otherwise
            raise IncorrectError(known.get(given, otherwise))


@dataclass(frozen=True)
class Each:
    """A judge for answers that contain several named values.

    Args:
        readings: The reading for each name.
        right: A function that returns the correct value for each name.
        wrong: The message to show for each name whose value is wrong.
        inside: Entries of a dictionary that may contain the answer (see `Entries`).
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
            first, good = errors[0], len(right) - len(errors)
            verb = "is" if good == 1 else "are"
            count = f" {good} of {len(right)} entries {verb} right." if len(right) > 1 else ""
            says = _ONLY_CASE if _same_letters(given[first], right[first]) else self.wrong[first]
            raise IncorrectError(f"{first!r} is not {entries.typed(answer)[first]!r}. {says}{count}")


_ONLY_CASE = "The letters are right, but the answer is case-sensitive."


def _same_letters(given: object, right: object) -> bool:
    return isinstance(given, str) and isinstance(right, str) and given.casefold() == right.casefold()
