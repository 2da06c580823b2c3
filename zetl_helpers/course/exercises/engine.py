"""Exercises with their checks, hints and solutions."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from zetl_helpers._check_queries import checking
from zetl_helpers._query_advice import without_comments
from zetl_helpers._wait import WaitTimeoutError
from zetl_helpers.course.exercises.progress import Progress
from zetl_helpers.integration import IntegrationError
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import QueryError
from zetl_helpers.studio import StudioError

Kind = Literal["predict", "complete", "write the SQL", "use the API", "break and repair"]
Status = Literal["correct", "incorrect", "not attempted", "not understood", "error"]

# An answer cannot be judged if Athena or another service rejects it, or if the lab is incomplete.
_NOT_JUDGED = (QueryError, IntegrationError, StudioError, WaitTimeoutError, ClientError, BotoCoreError)
_BLANK = re.compile(r"_{3,}|\.{3}|…")
# Shapes and words distinguish the states, because some people cannot distinguish colors.
MARKS: Mapping[str, str] = {"correct": "✔", "incorrect": "✘", "not attempted": "○", "not understood": "?", "error": "⚠"}


class IncorrectError(Exception):
    """The answer is wrong. The message says why."""


class UntouchedError(Exception):
    """The learner has not started the exercise. The message says what is missing."""


class UnreadableError(Exception):
    """The answer is not in a form that can be judged. The message names the expected form."""


@dataclass(frozen=True)
class Fault:
    """A fault that an exercise causes, so that a learner sees its symptoms and fixes it.

    Args:
        what: A sentence that describes the fault.
        inject: A function that causes the fault.
        symptom: A function that waits until the fault has an effect, and returns the message about the effect.
        put_back: A function that fixes the fault, and that has no effect if the fault is already fixed.
        source: A line that introduces the symptom and names its source.
    """

    what: str
    inject: Callable[[Lab], object]
    symptom: Callable[[Lab], str]
    put_back: Callable[[Lab], object]
    source: str = "The integration reports:"


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter, whose question is in the notebook.

    Args:
        title: The title, which is also in the notebook's heading.
        kind: The kind of task, such as predict or complete.
        judge: A function that raises `IncorrectError` if the answer is wrong. It can return a note to show.
        hints: The hints, from a small clue to nearly the full answer.
        answer: A correct answer, as a learner would write it.
        why: The reason why the answer is correct, shown with the solution and after a correct answer.
        fault: The fault to fix, if the kind is ``break and repair``. Otherwise, None.
        by_state: Whether the lab's state is judged instead of an answer.
        by_api: Whether the learner works with boto3 or the AWS CLI, without a helper of this package.
    """

    title: str
    kind: Kind
    judge: Callable[[Lab, Any], object]
    hints: Sequence[str]
    answer: str
    why: str
    fault: Fault | None = None
    by_state: bool = False
    by_api: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of checking an answer.

    Args:
        status: ``correct``, ``incorrect``, ``not attempted``, ``not understood`` (the answer does not have the
            expected form) or ``error`` (AWS rejected a request, so the answer could not be checked).
        exercise: The exercise's name, such as ``4.1``.
        message: An explanation of the result, and the next step.
    """

    status: Status
    exercise: str
    message: str

    def __repr__(self) -> str:
        return f"{MARKS[self.status]} Exercise {self.exercise}: {self.status}. {self.message}"

    def _repr_html_(self) -> str:
        head = f"{MARKS[self.status]} Exercise {self.exercise}: {self.status}."
        return f"<div role='status'><b>{head}</b> {_paragraphs(self.message)}</div>"


@dataclass(frozen=True)
class Note:
    """A hint, a solution, or a message about a fault.

    Args:
        head: The title.
        text: The text.
        code: The code or the symptom to show below the text.
    """

    head: str
    text: str
    code: str = ""

    def __repr__(self) -> str:
        return f"{self.head} {self.text}" + (f"\n\n{self.code}" if self.code else "")

    def _repr_html_(self) -> str:
        code = f"<pre>{html.escape(self.code)}</pre>" if self.code else ""
        return f"<div><b>{html.escape(self.head)}</b> {_paragraphs(self.text)}{code}</div>"


class Question:
    """An exercise that is bound to a lab and to a learner's progress.

    Args:
        lab: The lab.
        chapter: The chapter's number.
        number: The exercise's number in the chapter.
        exercise: The exercise.
        progress: The learner's progress.
    """

    def __init__(self, lab: Lab, chapter: int, number: int, exercise: Exercise, progress: Progress) -> None:
        self.name = f"{chapter}.{number}"
        self.handle = f"ex.q{number}"
        self.exercise = exercise
        self._lab = lab
        self._progress = progress
        self._hints_shown = 0

    @property
    def state(self) -> Status:
        """The state of this exercise for the learner."""
        return self._progress.state(self.name)

    def check(self, answer: Any = ...) -> Outcome:
        """Judge an answer by its result.

        Args:
            answer: The answer. Omit it for an exercise that judges the lab's state.

        Returns:
            The result, which the notebook shows.
        """
        with checking():
            return self._checked(answer)

    def _checked(self, answer: Any) -> Outcome:
        unanswered = self._unanswered(answer)
        if unanswered:
            return self._untouched(unanswered)
        try:
            note = self.exercise.judge(self._lab, answer)
        except UntouchedError as untouched:
            return self._untouched(str(untouched))
        except IncorrectError as wrong:
            self._progress.attempted(self.name, "incorrect")
            return Outcome("incorrect", self.name, str(wrong))
        except UnreadableError as error:
            return Outcome("not understood", self.name, str(error))
        except _NOT_JUDGED as error:
            self._progress.attempted(self.name, "incorrect")
            return Outcome("error", self.name, f"The answer could not be checked: {error}")
        if self.exercise.fault:
            self.put_back()
        self._progress.attempted(self.name, "correct")
        reason = f"{self.exercise.why} {note}" if isinstance(note, str) and note else self.exercise.why
        return Outcome("correct", self.name, reason)

    def hint(self) -> Note:
        """Return the next hint. After the last hint, repeat it and say how to see the solution."""
        hints = self.exercise.hints
        if self._hints_shown == len(hints):
            text = f"{hints[-1]}\nThis was the last hint. For a correct answer, run {self.handle}.solution()."
        else:
            text = hints[self._hints_shown]
            self._hints_shown += 1
        return Note(f"Hint {self._hints_shown} of {len(hints)}.", text)

    def solution(self) -> Note:
        """Return a correct answer, and the reason why it is correct."""
        return Note("One right answer.", self.exercise.why, self.exercise.answer)

    def break_it(self) -> Note:
        """Cause the fault, wait until its symptom appears, and return the symptom.

        Raises:
            TypeError: The exercise does not cause a fault.
        """
        fault = self._fault()
        # The fault is recorded first, so that the lab can be repaired even if this call is interrupted.
        self._progress.set_broken(self.name, True)
        with checking():
            fault.inject(self._lab)
            return Note(f"Broken: {fault.what}", fault.source, fault.symptom(self._lab))

    def put_back(self) -> Note:
        """Fix the fault that `break_it` caused, without counting this as an answer.

        Raises:
            TypeError: The exercise does not cause a fault.
        """
        with checking():
            self._fault().put_back(self._lab)
        self._progress.set_broken(self.name, False)
        return Note("Fixed.", "The lab is restored.")

    def _fault(self) -> Fault:
        if self.exercise.fault is None:
            raise TypeError(f"Exercise {self.name} doesn't break anything. Answer it with {self.handle}.check(answer).")
        return self.exercise.fault

    def _unanswered(self, answer: Any) -> str:
        """Return a message that says what is missing from an answer, or an empty string if nothing is missing."""
        if self.exercise.fault:
            return "" if self._progress.broken(self.name) else f"Nothing is broken yet. Run {self.handle}.break_it()."
        if self.exercise.by_state:
            return ""
        if answer is ...:
            return "There is no answer yet."
        if answer is None:
            return (
                "The answer is None. A method that changes its object, such as append, returns None. "
                "Answer with a value."
            )
        return "The answer has a blank in it." if has_blank(answer) else ""

    def _untouched(self, missing: str) -> Outcome:
        """Return the result for a missing answer.

        A check can undo the step that it marked as correct. The next check then finds nothing, although the exercise is
        solved.
        """
        if self.state == "correct" and (self.exercise.fault or self.exercise.by_state):
            step = f"run {self.handle}.break_it()" if self.exercise.fault else "repeat its steps"
            return Outcome(
                "correct",
                self.name,
                f"You have already solved this exercise. To do it again, {step}, and then check again.",
            )
        return Outcome("not attempted", self.name, f"{missing} {self._offer()}")

    def _offer(self) -> str:
        count = len(self.exercise.hints)
        first = f"For the first of {count} hints, run {self.handle}.hint()."
        return f"{first} For a correct answer, run {self.handle}.solution()."

    def __repr__(self) -> str:
        return f"Exercise {self.name} · {self.exercise.kind}: {self.exercise.title} ({self.state})"


def has_blank(answer: Any) -> bool:
    """Return whether an answer, or a part of it, is still the notebook's placeholder."""
    if isinstance(answer, str):
        bare = without_comments(answer).strip()
        return not bare or bool(_BLANK.search(bare))
    if isinstance(answer, Mapping):
        return any(has_blank(part) for part in answer.values())
    if isinstance(answer, list | tuple | set):
        return any(has_blank(part) for part in answer)
    return answer is ...


def _paragraphs(text: str) -> str:
    return "<br>".join(html.escape(line) for line in text.splitlines())
