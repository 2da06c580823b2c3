"""The exercises for each chapter, such as ``zetl.exercises.chapter(lab, 4).q1.check(answer)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zetl_helpers.course.exercises import (
    chapter_01,
    chapter_02,
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_07,
    chapter_08,
    chapter_09,
    chapter_10,
    chapter_11,
    chapter_13,
)
from zetl_helpers.course.exercises.card import Card
from zetl_helpers.course.exercises.engine import Exercise, Note, Outcome, Question
from zetl_helpers.course.exercises.progress import Progress, ProgressError
from zetl_helpers.lab import Lab

__all__ = ["ALL", "Chapter", "Exercise", "Note", "Outcome", "Progress", "ProgressError", "chapter", "progress"]

ALL: Mapping[int, Sequence[Exercise]] = {
    1: chapter_01.EXERCISES,
    2: chapter_02.EXERCISES,
    3: chapter_03.EXERCISES,
    4: chapter_04.EXERCISES,
    5: chapter_05.EXERCISES,
    6: chapter_06.EXERCISES,
    7: chapter_07.EXERCISES,
    8: chapter_08.EXERCISES,
    9: chapter_09.EXERCISES,
    10: chapter_10.EXERCISES,
    11: chapter_11.EXERCISES,
    13: chapter_13.EXERCISES,
}
"""The exercises, keyed by chapter number. Chapters without exercises have no entry."""


class Chapter:
    """The exercises for one chapter as ``q1``, ``q2`` and so on, shown as a card in a notebook.

    Args:
        number: The chapter's number.
        questions: The chapter's exercises.
    """

    def __init__(self, number: int, questions: Sequence[Question]) -> None:
        self.number = number
        self.questions = tuple(questions)

    def __getattr__(self, name: str) -> Question:
        for number, question in enumerate(self.questions, start=1):
            if name == f"q{number}":
                return question
        if not self.questions:
            raise AttributeError(f"Chapter {self.number} has no exercises, so it has no {name}.")
        raise AttributeError(f"Chapter {self.number} has exercises q1 to q{len(self.questions)}, but not {name}.")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(f"q{number}" for number in range(1, len(self.questions) + 1))]

    def card(self) -> Card:
        """Return the state of each exercise as a table."""
        done = sum(question.state == "correct" for question in self.questions)
        rows = [
            (question.handle, question.exercise.kind, question.exercise.title, question.state)
            for question in self.questions
        ]
        caption = f"Chapter {self.number}: {done} of {len(self.questions)} exercises done"
        return Card(caption, ("exercise", "kind", "title", "state"), rows)

    def __repr__(self) -> str:
        return repr(self.card())

    def _repr_html_(self) -> str:
        return self.card()._repr_html_()


def chapter(lab: Lab, number: int, *, progress: Progress | None = None) -> Chapter:
    """Return the exercises for a chapter.

    Args:
        lab: The lab that answers are judged against.
        number: The chapter's number.
        progress: The record of the learner's progress. Defaults to the file in the state folder.

    Returns:
        The exercises as ``q1``, ``q2`` and so on.

    Raises:
        ValueError: The chapter has no exercises, or its number is a string.
    """
    if number not in ALL:
        text = str(number)
        if text.isdecimal() and int(text) in ALL:
            raise ValueError(f"Pass the number {int(text)}, not the string {text!r}.")
        raise ValueError(
            f"Chapter {number} has no exercises. The chapters with exercises are {', '.join(map(str, ALL))}."
        )
    kept = progress or Progress()
    questions = [Question(lab, number, place, entry, kept) for place, entry in enumerate(ALL[number], start=1)]
    return Chapter(number, questions)


def progress(kept: Progress | None = None) -> Card:
    """Return the number of exercises that are done in each chapter.

    Args:
        kept: The record of the learner's progress. Defaults to the file in the state folder.

    Returns:
        A table, which the notebook shows.

    Raises:
        ProgressError: The progress file cannot be read.
    """
    kept = kept or Progress()
    done = {
        number: sum(kept.state(f"{number}.{place}") == "correct" for place in range(1, len(exercises) + 1))
        for number, exercises in ALL.items()
    }
    rows = [(f"chapter {number}", f"{done[number]} of {len(exercises)}") for number, exercises in ALL.items()]
    total = sum(map(len, ALL.values()))
    return Card(f"{sum(done.values())} of {total} exercises done", ("chapter", "done"), rows)
