"""Plans for a given time: which chapters, with or without their exercises, at which minute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zetl_helpers.course.kit.chapters import Chapter

# The story of the course: without these nothing later makes sense, and the bill stays open.
_CORE = (0, 1, 2, 4, 6, 12)
# What is added when there is time, the most asked for first.
_MORE = (7, 8, 5, 3, 9, 10, 11)
# Exercises that are done in class when there is time, the most telling ones first.
_PRACTISED = (4, 2, 6, 7, 1, 8, 5, 3)
_BREAK_AFTER = 80
_BREAK = 15


class PlanError(Exception):
    """The time is too short; the text says what is needed."""


@dataclass(frozen=True)
class Slot:
    """One part of a plan.

    Args:
        start: The minute at which it begins.
        minutes: How long it takes.
        what: The chapter's title, or a break.
        exercises: ``in class``, ``afterwards``, or ``–`` where there are none.
    """

    start: int
    minutes: int
    what: str
    exercises: str


def plan(chapters: Sequence[Chapter], minutes: int) -> list[Slot]:
    """Fit the course into a time: the core first, then more chapters, then exercises, then breaks between.

    Args:
        chapters: All chapters.
        minutes: The time there is, breaks included.

    Returns:
        The parts in order.

    Raises:
        PlanError: Not even the core fits.
    """
    by_number = {one.number: one for one in chapters}
    chosen = {number: False for number in _CORE if number in by_number}
    if _length(chosen, by_number) > minutes:
        raise PlanError(f"The core of the course takes {_length(chosen, by_number)} minutes, and there are {minutes}.")
    for number in (number for number in _MORE if number in by_number):
        if _length({**chosen, number: False}, by_number) <= minutes * 3 // 4:
            chosen[number] = False
    for number in (number for number in _PRACTISED if number in chosen):
        if by_number[number].practice and _length({**chosen, number: True}, by_number) <= minutes:
            chosen[number] = True
    return list(_slots(chosen, by_number))


def _length(chosen: dict[int, bool], by_number: dict[int, Chapter]) -> int:
    return sum(slot.minutes for slot in _slots(chosen, by_number))


def _slots(chosen: dict[int, bool], by_number: dict[int, Chapter]) -> Iterator[Slot]:
    now = worked = 0
    for number in sorted(chosen):
        chapter, exercises = by_number[number], chosen[number]
        if worked >= _BREAK_AFTER and number != max(chosen):
            yield Slot(now, _BREAK, "Break", "–")
            now, worked = now + _BREAK, 0
        minutes = chapter.minutes if exercises else chapter.teaching
        yield Slot(now, minutes, chapter.title, "in class" if exercises else "afterwards" if chapter.practice else "–")
        now, worked = now + minutes, worked + minutes
