"""The exercises of chapter 3: principals, administrators, grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zetl_helpers.course.exercises import faults
from zetl_helpers.course.exercises.answers import Value
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.lab import Lab

_PRINCIPAL = "arn:aws:iam::111122223333:role/Analyst"
ADMINISTRATORS = ("arn:aws:iam::111122223333:role/DataOwner", "arn:aws:iam::111122223333:role/Security")
"""Who is an administrator already in exercise 2."""


def _judge_administrators(_: Lab, answer: Any) -> None:
    given = list(answer) if isinstance(answer, list | tuple | set) else [answer]
    lost = [one for one in ADMINISTRATORS if one not in given]
    if lost:
        raise IncorrectError(f"{lost[0]} would be no administrator any more: PutDataLakeSettings replaces the list.")
    if any(":assumed-role/" in str(one) for one in given):
        raise IncorrectError("One of them is a session. Lake Formation takes it without a word, and it has no effect.")
    if _PRINCIPAL not in given:
        raise IncorrectError("The two others keep their place, and role/Analyst is not among them yet.")
    if len(given) != len(set(given)):
        raise IncorrectError("One of them is in the list twice.")
    if len(given) > 3:
        raise IncorrectError("There is somebody in the list whom the question does not name.")


def _judge_grants(_: Lab, answer: Any) -> None:
    right = {"database": {"DESCRIBE"}, "table": {"DESCRIBE", "SELECT"}}
    if not isinstance(answer, Mapping) or set(answer) != set(right):
        raise IncorrectError("The answer is a dictionary with the entries database and table, each a list.")
    for thing, needed in right.items():
        given = {str(one).upper() for one in ([answer[thing]] if isinstance(answer[thing], str) else answer[thing])}
        if "ALL" in given or "SUPER" in given:
            raise IncorrectError(f"With {', '.join(given)} on the {thing} the project could drop it.")
        if missing := sorted(needed - given):
            raise IncorrectError(f"{missing[0]} on the {thing} is missing: {_EFFECTS[thing, missing[0]]}")
        if extra := sorted(given - needed):
            raise IncorrectError(f"{extra[0]} on the {thing} is more than reading needs.")


_EFFECTS = {
    ("database", "DESCRIBE"): "the database would not be listed in the Studio.",
    ("table", "DESCRIBE"): "the table would not be listed in the Studio.",
    ("table", "SELECT"): "a query of the table would be denied.",
}


EXERCISES = (
    Exercise(
        title="From a session to a principal",
        kind="predict",
        judge=Value(
            lambda _: _PRINCIPAL,
            wrong={
                "arn:aws:sts::111122223333:assumed-role/Analyst/laptop": "That is the session itself.",
                "arn:aws:sts::111122223333:role/Analyst": "Roles belong to IAM, not to STS: look at the third part.",
                "arn:aws:iam::111122223333:assumed-role/Analyst": "An ARN of IAM says role/, not assumed-role/.",
                "arn:aws:iam::111122223333:role/Analyst/laptop": "The last part, laptop, is the session's name alone.",
                "arn:aws:iam::111122223333:user/laptop": "Nobody says that laptop is a user: it is a session's name.",
            },
            otherwise="The role's ARN begins with arn:aws:iam::111122223333: and names the role, without the session.",
        ),
        hints=(
            "Compare the two lines of the table above: three things differ.",
            "sts becomes iam, assumed-role becomes role, and the name of the session goes.",
        ),
        answer=f'answer = "{_PRINCIPAL}"',
        why="STS names the session of a role; policies and grants want the role, which belongs to IAM. A role with a "
        "path has it in its ARN, and only IAM knows it: that is why the helper asks IAM.",
    ),
    Exercise(
        title="One more administrator",
        kind="complete",
        judge=_judge_administrators,
        hints=(
            "PutDataLakeSettings replaces the whole list. What happens to those who are not in it?",
            "existing + [...] keeps them.",
            "The new one is the role, not a session of it: that is the answer of the exercise before.",
        ),
        answer=f'answer = existing + ["{_PRINCIPAL}"]',
        why="Settings of the whole account are read, changed and put back as a whole: otherwise two people would have "
        "lost their rights.",
    ),
    Exercise(
        title="Read and nothing more",
        kind="complete",
        judge=_judge_grants,
        hints=(
            "DESCRIBE makes a thing visible, SELECT lets it be queried.",
            "A database is listed; a table is listed and queried.",
        ),
        answer='answer = {"database": ["DESCRIBE"], "table": ["DESCRIBE", "SELECT"]}',
        why="DESCRIBE on both makes them visible, SELECT on the table lets it be queried. ALL would let the project "
        "drop the table.",
    ),
    Exercise(
        title="A project that cannot query any more",
        kind="break and repair",
        judge=faults.judge_grants,
        hints=(
            "zetl.studio.grants(lab, project) shows what the project's role holds now. What is missing?",
            "The helper that granted it in this chapter can be called again: it looks, and grants what is missing.",
            "zetl.studio.share_with_project(lab, project)",
        ),
        answer="ex.q4.break_it()\nzetl.studio.share_with_project(lab, project)\nex.q4.check()",
        why="Each step can be repeated: the helper found DESCRIBE in its place and granted SELECT again.",
        fault=faults.GRANTS,
    ),
)
