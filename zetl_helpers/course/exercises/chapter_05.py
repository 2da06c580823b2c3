"""The exercises of chapter 5: rows for a picture, and the right picture for a question."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from zetl_helpers import charts
from zetl_helpers.course.exercises.answers import Each
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.course.exercises.sql import Slip, Sql
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query

_BY_STATUS = """SELECT accountstatus, SUM(currentbalance) AS total_balance
FROM customeraccounts
WHERE currentbalance > 0
GROUP BY accountstatus"""


def _pivot(lab: Lab) -> pd.DataFrame:
    accounts = query(lab, "SELECT state, accountstatus FROM customeraccounts")
    return charts.pivot_table(accounts, index="accountstatus", columns="state")


def _judge_pivot(lab: Lab, answer: Any) -> None:
    if not isinstance(answer, pd.DataFrame):
        raise IncorrectError(f"The answer is a table, as pivot_table returns it; yours is a {type(answer).__name__}.")
    right = _pivot(lab)
    if answer.index.name == right.columns.name and answer.columns.name == right.index.name:
        raise IncorrectError("States are down and statuses across: exchange index and columns.")
    if list(answer.index) != list(right.index):
        raise IncorrectError(
            f"The rows should be {', '.join(map(str, right.index))}; yours are {', '.join(map(str, answer.index))}. "
            "index and columns are the names of the two columns that you queried."
        )
    if list(answer.columns) != list(right.columns):
        raise IncorrectError("The rows are right, the columns are not all states: is there a WHERE in the query?")
    if not (answer.to_numpy() == right.to_numpy()).all():
        raise IncorrectError("The numbers are not those of all accounts: is there a WHERE or a DISTINCT in the query?")


def _judge_title(lab: Lab, answer: Any) -> None:
    title = str(answer.layout.title.text if hasattr(answer, "layout") else answer)
    pivot = _pivot(lab)
    past_due = pivot.to_numpy()[pivot.index.get_loc("Past Due")]
    counts = {str(state): int(count) for state, count in zip(pivot.columns, past_due, strict=True)}
    del counts[charts.TOTAL]
    most = max(counts.values())
    leaders = [state for state, count in counts.items() if count == most]
    words = re.findall(r"\w+", title)
    absent = [state for state in leaders if state not in words]
    named = [state for state in counts if state in words]
    if not named:
        raise IncorrectError("The title names no state. A finding says what the picture shows, not what it is about.")
    if wrong := [state for state in named if state not in leaders]:
        raise IncorrectError(f"{wrong[0]} has {counts[wrong[0]]} accounts past due, and another state has more.")
    if absent:
        raise IncorrectError(f"{absent[0]} has as many accounts past due: the title should name it too.")
    if str(most) not in words:
        raise IncorrectError("The state is right. Say how many accounts past due it has: a finding has its number.")


EXERCISES = (
    Exercise(
        title="Rows for an honest pie",
        kind="write the SQL",
        judge=Sql(
            _BY_STATUS,
            one_row_for="account status that owes something",
            key=("accountstatus",),
            slips=(
                Slip(
                    _BY_STATUS.replace("WHERE currentbalance > 0\n", ""),
                    "A status whose accounts owe nothing is in it: a slice of size zero cannot be seen. Filter it.",
                ),
                Slip(
                    _BY_STATUS.replace("SUM(", "AVG("),
                    "These are averages, and averages do not add up to a whole: a pie needs sums.",
                ),
                Slip(
                    _BY_STATUS.replace("SUM(currentbalance)", "COUNT(*)"),
                    "These are numbers of accounts; the question asks for what they owe.",
                ),
            ),
        ),
        hints=(
            "One row for each status, with the sum of its balances.",
            "Accounts that owe nothing can be left out before the sum: WHERE currentbalance > 0.",
            "SELECT accountstatus, SUM(currentbalance) AS total_balance … GROUP BY accountstatus",
        ),
        answer=f'answer = """\n{_BY_STATUS}\n"""',
        why="The slices are shares of one sum, everything that is owed: that is what a pie is for.",
    ),
    Exercise(
        title="Statuses down, states across",
        kind="complete",
        judge=_judge_pivot,
        hints=(
            "index becomes the rows, columns becomes the columns.",
            'In the cell above index is "state". Here the statuses are to be the rows.',
        ),
        answer='answer = zetl.charts.pivot_table(accounts, index="accountstatus", columns="state")',
        why="The same counts, turned: with nine states and three statuses this one is wide, the other one is long.",
    ),
    Exercise(
        title="Which picture for which question?",
        kind="predict",
        judge=Each(
            lambda _: {
                "How is the debt shared among the statuses?": "pie",
                "Which states have which statuses?": "heat map",
                "How did the number of rows change?": "line",
            },
            wrong={
                "How is the debt shared among the statuses?": "these are shares of one sum.",
                "Which states have which statuses?": "there are two dimensions, and a count for each pair.",
                "How did the number of rows change?": "it is one number that changes with time.",
            },
        ),
        hints=(
            "One of them asks for shares of a whole, one for two dimensions at once, one for a change with time.",
            "Time goes from left to right: a line.",
        ),
        answer="answer = {\n"
        '    "How is the debt shared among the statuses?": "pie",\n'
        '    "Which states have which statuses?": "heat map",\n'
        '    "How did the number of rows change?": "line",\n}',
        why="A pie shows shares of one sum, a heat map a number for each pair, a line a change with time.",
    ),
    Exercise(
        title="A title that states the finding",
        kind="complete",
        judge=_judge_title,
        hints=(
            'The pivot has a column "Past Due": zetl.charts.most finds its largest value.',
            'In the words there is a place for the number: "has {:.0f} accounts past due".',
            'zetl.charts.most(pivot["Past Due"], "has {:.0f} accounts past due", among="state")',
        ),
        answer='answer = zetl.charts.most(pivot["Past Due"], "has {:.0f} accounts past due", among="state")',
        why="Who reads only the title knows the finding. Since it is made from the data, it stays true when they "
        "change.",
    ),
)
