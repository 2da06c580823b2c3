"""Teaching plans for a given amount of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zetl_helpers.course.kit.chapters import Chapter

__all__ = ["FEEDBACK", "Checkpoint", "PlanError", "Slot", "checkpoints", "cuts", "plan"]

# The core of the course. Later chapters depend on it, and cleanup stops the charges.
_CORE = (0, 1, 2, 4, 12)
# Chapters to add if there is time, in order of demand.
_MORE = (6, 7, 8, 5, 3, 9, 13, 10, 11)
# The chapter to teach last, regardless of its number, so that a class ends with no remaining resources.
_LAST = 12
# The exercises in these chapters are done in class if there is time, starting with the most instructive.
_PRACTICED = (4, 2, 6, 7, 1, 8, 5, 3)
_LEAST_SLACK = 0.15
_SET_UP = 10
_BREAK_AFTER = 55
_BREAK = 10
_CHECK_AFTER = 10


class PlanError(Exception):
    """The time is too short. The message says how much time is needed."""


# After an exercise, each learner sees different feedback.
FEEDBACK = "feedback on their own answer"


@dataclass(frozen=True)
class Slot:
    """One part of a plan.

    Args:
        start: The minute at which this part starts.
        minutes: The length of this part in minutes.
        what: The chapter's title, or a label for setup, slack or a break.
        exercises: ``in class``, ``afterward``, or ``–`` if the chapter has no exercises.
    """

    start: int
    minutes: int
    what: str
    exercises: str


@dataclass(frozen=True)
class Checkpoint:
    """A point in a chapter where the instructor checks that everybody has finished a section.

    Args:
        minute: The minute of the chapter at which the section ends.
        heading: The section that ends there.
        sees: The first line of the learners' output, or an empty string if the section has no output.
    """

    minute: int
    heading: str
    sees: str


def plan(chapters: Sequence[Chapter], minutes: int) -> list[Slot]:
    """Fit the core chapters, then more chapters, and then exercises into the available time, with breaks and slack.

    Args:
        chapters: All chapters.
        minutes: The available minutes.

    Returns:
        The parts in order. At least 15% of the time is slack. There is slack before each break and before the last
        chapter.

    Raises:
        PlanError: The time is too short for the core.
    """
    by_number = {chapter.number: chapter for chapter in chapters}
    most = int(minutes * (1 - _LEAST_SLACK))
    chosen = {number: False for number in _CORE if number in by_number}
    if _length(chosen, by_number) > most:
        needed = -(-_length(chosen, by_number) * 100 // round(100 * (1 - _LEAST_SLACK)))
        raise PlanError(
            f"The core of the course takes {needed} minutes, including slack, but only {minutes} are available."
        )
    for number in (number for number in _MORE if number in by_number):
        if _length({**chosen, number: False}, by_number) <= most * 3 // 4:
            chosen[number] = False
    for number in (number for number in (*_PRACTICED, *_MORE) if number in chosen):
        if by_number[number].practice and _length({**chosen, number: True}, by_number) <= most:
            chosen[number] = True
    parts = list(_parts(chosen, by_number))
    return list(_timed(parts, minutes - sum(part.minutes for part in parts)))


def cuts(chapters: Sequence[Chapter], slots: Sequence[Slot]) -> list[tuple[str, int]]:
    """Return the parts of a plan to skip if time runs short, least important first, with the minutes saved.

    Args:
        chapters: All chapters.
        slots: The plan.
    """
    by_number = {chapter.number: chapter for chapter in chapters}
    in_class = {slot.what for slot in slots if slot.exercises == "in class"}
    taught = {slot.what for slot in slots}
    exercises = [by_number[number] for number in reversed(_PRACTICED) if number in by_number]
    found = [
        (f"the exercises of {exercise.title}", exercise.practice)
        for exercise in exercises
        if exercise.title in in_class
    ]
    more = [by_number[number] for number in reversed(_MORE) if number in by_number]
    return [*found, *((f"all of {entry.title}", entry.teaching) for entry in more if entry.title in taught)]


def checkpoints(chapter: Chapter) -> list[Checkpoint]:
    """Return the chapter's checkpoints.

    The checkpoints are at least ten minutes apart. The last checkpoint is always at the end of the chapter.

    Args:
        chapter: The chapter.
    """
    found = []
    minute = last = 0
    for number, section in enumerate(chapter.sections):
        minute += section.minutes
        at_end = number == len(chapter.sections) - 1
        if minute - last >= _CHECK_AFTER or at_end:
            shown = next((output for output in section.outputs if output.strip()), "")
            sees = FEEDBACK if section.kind == "exercise" else shown.strip().partition("\n")[0]
            found.append(Checkpoint(minute, section.heading, sees))
            last = minute
    return found


def _length(chosen: dict[int, bool], by_number: dict[int, Chapter]) -> int:
    return sum(part.minutes for part in _parts(chosen, by_number))


@dataclass(frozen=True)
class _Part:
    minutes: int
    what: str
    exercises: str = "–"
    slack_before: bool = False


def _parts(chosen: dict[int, bool], by_number: dict[int, Chapter]) -> Iterator[_Part]:
    yield _Part(_SET_UP, "Setup: install and start; everybody sees [OK]")
    worked = _SET_UP
    in_order = sorted(chosen, key=lambda number: (number == _LAST, number))
    for number in in_order:
        chapter, exercises = by_number[number], chosen[number]
        if worked >= _BREAK_AFTER and number != in_order[-1]:
            yield _Part(_BREAK, "Break", slack_before=True)
            worked = 0
        minutes = chapter.minutes if exercises else chapter.teaching
        where = "in class" if exercises else "afterward" if chapter.practice else "–"
        yield _Part(minutes, chapter.title, where, slack_before=number == in_order[-1])
        worked += minutes


def _timed(parts: Sequence[_Part], slack: int) -> Iterator[Slot]:
    places = sum(part.slack_before for part in parts)
    now = given = 0
    for part in parts:
        if part.slack_before:
            places -= 1
            minutes = (slack - given) // (places + 1)
            yield Slot(now, minutes, "Slack: questions and delays", "–")
            now, given = now + minutes, given + minutes
        yield Slot(now, part.minutes, part.what, part.exercises)
        now += part.minutes
