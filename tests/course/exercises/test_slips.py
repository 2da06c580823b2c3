"""Tests that each listed slip changes the result, because exercises cannot detect slips that leave it unchanged."""

from collections.abc import Iterator
from typing import Any

import pytest

from zetl_helpers.course.exercises import ALL, frames
from zetl_helpers.course.exercises.sql import Slip, Sql
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query


def sql_judges(judge: Any) -> Iterator[Sql]:
    """Yield the judge itself if it judges a SELECT statement, or the judges for SELECT statements that it contains."""
    if isinstance(judge, Sql):
        yield judge
        return
    for part in getattr(judge, "__dict__", {}).values():
        yield from sql_judges(part)


SLIPS = [
    pytest.param(judge, slip, id=f"{chapter}.{place}-{number}")
    for chapter, exercises in ALL.items()
    for place, exercise in enumerate(exercises, start=1)
    for judge in sql_judges(exercise.judge)
    for number, slip in enumerate(judge.slips, start=1)
]


def test_every_sql_exercise_lists_slips() -> None:
    in_sql = {
        f"{chapter}.{place}"
        for chapter, exercises in ALL.items()
        for place, exercise in enumerate(exercises, start=1)
        if exercise.kind == "write the SQL"
    }
    assert in_sql
    assert in_sql <= {str(param.id).partition("-")[0] for param in SLIPS}


@pytest.mark.parametrize(("judge", "slip"), SLIPS)
def test_slip_changes_result(exercise_lab: Lab, judge: Sql, slip: Slip) -> None:
    params = judge.params(exercise_lab)
    assert not frames.same_rows(query(exercise_lab, judge.right, **params), query(exercise_lab, slip.sql, **params))
