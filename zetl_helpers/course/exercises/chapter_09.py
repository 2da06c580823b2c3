"""The exercises of chapter 9: what is final, what an error names, and which names collide."""

from __future__ import annotations

from typing import Any

from zetl_helpers.course.exercises.answers import Each, Value
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.lab import Lab

_NAMES = ("Email", "E-Mail", "EMail2", "eMail", "e_mail")
_PAIR = {"Email", "eMail"}


def _judge_pair(_: Lab, answer: Any) -> None:
    if not isinstance(answer, list | tuple | set) or not all(isinstance(one, str) for one in answer):
        raise IncorrectError("The answer is a list of two names.")
    strangers = [one for one in answer if one not in _NAMES]
    if strangers:
        raise IncorrectError(f"{strangers[0]!r} is none of the five names.")
    if len(answer) != len(_PAIR):
        raise IncorrectError(f"Two names become one column; the answer has {len(answer)}.")
    if set(answer) != _PAIR:
        lower = " and ".join(one.lower() for one in answer)
        raise IncorrectError(f"In lower case these are {lower}: not the same. Only the case is taken away.")


EXERCISES = (
    Exercise(
        title="Repaired too late",
        kind="predict",
        judge=Value(
            lambda _: "FAILED",
            wrong={
                "ACTIVE": "It would be, had the right come back within seven days.",
                "NEEDS_ATTENTION": "It was, for seven days. On the eighth there is another status.",
                "SYNCING": "A full load follows a changed data type. Here nothing could be written at all.",
            },
            otherwise="Take one of the seven states in the diagram, and mind how long it has been broken.",
        ),
        hints=(
            "How long does an integration wait for a repair?",
            "Monday to Tuesday of the next week is eight days; the arrow in the diagram says 7.",
        ),
        answer='answer = "FAILED"',
        why="After seven days the status is FAILED, and that is final: the repair no longer helps, and the integration "
        "has to be deleted and created again. That is what an alarm is for.",
    ),
    Exercise(
        title="Read the error",
        kind="complete",
        judge=Each(
            lambda lab: {"who": lab.role, "action": "s3:PutObject", "bucket": lab.bucket},
            wrong={
                "who": "It is the name of the role in the sentence, the part of its ARN after role/.",
                "action": "It is what the role may not do, with the service before the colon.",
                "bucket": "It is the part of the resource between ::: and the first slash.",
            },
        ),
        hints=(
            "The sentence reads: the target role … may not do … on …",
            "An ARN of S3 is arn:aws:s3:::bucket/key.",
        ),
        answer='answer = {"who": lab.role, "action": "s3:PutObject", "bucket": lab.bucket}',
        why="Who, what, on which resource: these are principal, action and resource of the statement that is missing.",
    ),
    Exercise(
        title="Which two collide?",
        kind="complete",
        judge=_judge_pair,
        hints=(
            "Names of columns are in lower case. Nothing else about them changes.",
            "A hyphen, an underscore and a digit stay what they are.",
        ),
        answer='answer = ["Email", "eMail"]',
        why="Only these two are the same in lower case; a hyphen, an underscore or a digit makes another column.",
    ),
)
