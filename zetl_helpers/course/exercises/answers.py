"""Judges of answers that are values: one of a few, or several at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zetl_helpers.course.exercises.engine import IncorrectError
from zetl_helpers.lab import Lab


@dataclass(frozen=True)
class Value:
    """Judges one value.

    Args:
        right: Returns the right value, looked up in the lab where it depends on it.
        wrong: What to say about values that are wrong for a known reason.
        otherwise: What to say about all others.
    """

    right: Callable[[Lab], object]
    otherwise: str
    wrong: Mapping[object, str] = field(default_factory=dict)

    def __call__(self, lab: Lab, answer: Any) -> None:
        """Judge an answer.

        Raises:
            IncorrectError: It is not right.
        """
        right, given = plain(self.right(lab)), plain(answer)
        if type(given) is not type(right):
            raise IncorrectError(f"The answer is {_kind(right)}; yours is {_kind(given)}.")
        if given != right:
            raise IncorrectError({plain(key): says for key, says in self.wrong.items()}.get(given, self.otherwise))


@dataclass(frozen=True)
class Each:
    """Judges a dictionary, entry by entry.

    Args:
        right: Returns the right value of each entry.
        wrong: What to say when an entry is wrong.
    """

    right: Callable[[Lab], Mapping[str, object]]
    wrong: Mapping[str, str]

    def __call__(self, lab: Lab, answer: Any) -> None:
        """Judge an answer.

        Raises:
            IncorrectError: Entries are missing or wrong; the text is about the first of them.
        """
        right = self.right(lab)
        if not isinstance(answer, Mapping):
            raise IncorrectError(f"The answer is a dictionary with the entries {', '.join(right)}.")
        missing, extra = [one for one in right if one not in answer], [one for one in answer if one not in right]
        if missing or extra:
            what = f"{missing[0]!r} is missing" if missing else f"{extra[0]!r} was not asked for"
            raise IncorrectError(f"The dictionary should have the entries {', '.join(right)}: {what}.")
        errors = [name for name in right if plain(answer[name]) != plain(right[name])]
        if errors:
            first = errors[0]
            rest = f" {len(right) - len(errors)} of {len(right)} entries are right." if len(right) > 1 else ""
            raise IncorrectError(f"{first!r} is not {answer[first]!r}: {self.wrong[first]}{rest}")


def plain(value: Any) -> Any:
    """Return a value as it is compared: text without regard to case and space around it, a number as float."""
    if isinstance(value, str):
        return value.strip().casefold()
    if getattr(value, "size", 0) == 1:  # a number of numpy
        value = value.item()
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _kind(value: Any) -> str:
    names = {bool: "True or False", float: "a number", str: "a text", list: "a list", dict: "a dictionary"}
    return names.get(type(value), f"a {type(value).__name__}")
