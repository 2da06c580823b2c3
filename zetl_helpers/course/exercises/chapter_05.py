"""The exercises for chapter 5, about preparing rows for charts and choosing the right chart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from zetl_helpers import charts
from zetl_helpers._counts import counted
from zetl_helpers.course.exercises.answers import Each
from zetl_helpers.course.exercises.api import SavedQuery
from zetl_helpers.course.exercises.descriptions import kind_of, named
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError, UnreadableError
from zetl_helpers.course.exercises.readings import COUNTED, Word, unwrap
from zetl_helpers.course.exercises.sql import Slip, Sql
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query

_BY_STATUS = """SELECT accountstatus, SUM(currentbalance) AS total_balance
FROM customeraccounts
WHERE currentbalance > 0
GROUP BY accountstatus"""
_PAST_DUE = re.compile(r"past[\s_-]*due|overdue|late\b|arrears|delinquent", re.IGNORECASE)


def _pivot(lab: Lab) -> pd.DataFrame:
    accounts = query(lab, "SELECT state, accountstatus FROM customeraccounts")
    return charts.pivot_table(accounts, index="accountstatus", columns="state")


def _judge_pivot(lab: Lab, answer: Any) -> None:
    given = getattr(answer, "data", answer) if type(answer).__name__ == "Styler" else answer
    if not isinstance(given, pd.DataFrame):
        raise UnreadableError(
            f"The answer should be a table, such as the result of pivot_table. Yours is {kind_of(answer)}."
        )
    right, given = _without_totals(_pivot(lab)), _without_totals(given)
    if set(given.index) == set(right.columns) and set(given.columns) == set(right.index):
        raise IncorrectError("The states are rows and the statuses are columns: swap index and columns.")
    if set(given.index) != set(right.index):
        wanted, found = named(right.index, "row", "rows"), named(given.index, "row", "rows")
        raise IncorrectError(
            f"The table should have {wanted}. Yours has {found}. "
            "Pass the names of the two columns that you queried as index and columns."
        )
    if set(given.columns) != set(right.columns):
        raise IncorrectError("The rows are right, but states are missing from the columns. Look at the query.")
    ordered = given.loc[right.index, right.columns].fillna(0).to_numpy()
    if ordered.shape != right.shape or not (ordered == right.to_numpy()).all():
        raise IncorrectError("The counts do not include all accounts. Look at the query.")


def _without_totals(pivot: pd.DataFrame) -> pd.DataFrame:
    names = (charts.TOTAL, "All")
    return pivot.drop(index=list(names), columns=list(names), errors="ignore")


def _judge_title(lab: Lab, answer: Any) -> None:
    title = _title(answer)
    pivot = _pivot(lab)
    past_due = pivot.to_numpy()[pivot.index.get_loc("Past Due")]
    counts = {str(state): int(count) for state, count in zip(pivot.columns, past_due, strict=True)}
    del counts[charts.TOTAL]
    most = max(counts.values())
    leaders = [state for state, count in counts.items() if count == most]
    words = re.findall(r"[A-Z]{2}\b|\w+", title)
    absent = [state for state in leaders if state not in words]
    named = [state for state in counts if state in words]
    if not named:
        raise IncorrectError(
            "The title does not name a state. Use the state code from the data, such as CA for California."
        )
    if wrong := [state for state in named if state not in leaders]:
        accounts = counted(counts[wrong[0]], "account")
        raise IncorrectError(f"{wrong[0]} has {accounts} past due, but another state has more.")
    if absent:
        raise IncorrectError(f"{absent[0]} has the same number of accounts past due, so the title should also name it.")
    if not {str(most), *COUNTED[most : most + 1]} & {word.casefold() for word in words}:
        raise IncorrectError("The state is right. Also say how many of its accounts are past due.")
    if not _PAST_DUE.search(title):
        raise IncorrectError("The title does not say that the accounts are past due, so it claims too much.")


def _title(answer: Any) -> str:
    """Return the title in an answer, which is a string, a figure, or a figure as a dictionary."""
    value = unwrap(answer)
    if hasattr(value, "layout"):
        value = value.layout.title.text
    if isinstance(value, Mapping):
        value = value.get("layout", value).get("title", "")
        value = value.get("text", "") if isinstance(value, Mapping) else value
    if not isinstance(value, str) or not value.strip():
        raise UnreadableError(f"The answer should be a title, as a string. Yours is {kind_of(answer)}.")
    return value


_PICTURES_FOR = (
    "How is the debt distributed across the statuses?",
    "Which states have which statuses?",
    "How did the number of rows change?",
)
_PICTURE = Word(
    {
        "pie": ("pie chart", "a pie", "pie graph", "donut", "doughnut"),
        "heat map": ("heatmap chart", "a heat map", "heat map chart"),
        "line": ("line chart", "line graph", "line plot", "a line"),
    },
    known=("bar", "table", "scatter"),
)


EXERCISES = (
    Exercise(
        title="Rows for a pie chart",
        kind="use the API",
        by_api=True,
        judge=SavedQuery(
            "Debt by status",
            Sql(
                _BY_STATUS,
                one_row_for="account status with an outstanding balance",
                key=("accountstatus",),
                slips=(
                    Slip(
                        _BY_STATUS.replace("WHERE currentbalance > 0\n", ""),
                        "The result includes a status without an outstanding balance. Filter it out, because a slice "
                        "of size zero is not visible.",
                    ),
                    Slip(
                        _BY_STATUS.replace("SUM(", "AVG("),
                        "These are averages, and averages do not add up to a whole. A pie needs sums.",
                    ),
                    Slip(
                        _BY_STATUS.replace("SUM(currentbalance)", "COUNT(*)"),
                        "These are numbers of accounts, but the question asks for the amounts owed.",
                    ),
                ),
            ),
        ),
        hints=(
            "Return one row for each status, with the sum of its balances.",
            "Exclude accounts without an outstanding balance before you sum: WHERE currentbalance > 0.",
            "create_named_query accepts Name, Database, QueryString and WorkGroup.",
            "SELECT accountstatus, SUM(currentbalance) AS total_balance … GROUP BY accountstatus",
        ),
        answer=f'''import boto3

answer = boto3.client("athena").create_named_query(
    Name="Debt by status",
    Database=lab.database,
    QueryString="""{_BY_STATUS}""",
    WorkGroup=lab.workgroup,
)["NamedQueryId"]
# With the CLI: aws athena create-named-query --name "Debt by status" --database customerdb --query-string "…"''',
        why="The slices are shares of one sum, the total debt, so a pie is the right chart.",
    ),
    Exercise(
        title="Statuses down, states across",
        kind="complete",
        judge=_judge_pivot,
        hints=(
            'index="…" names the column whose values become rows, and columns="…" the one whose values become columns.',
            'In the cell above, index is "state". Here, the statuses are the rows.',
        ),
        answer='answer = zetl.charts.pivot_table(accounts, index="accountstatus", columns="state")',
        why="The counts are the same. With nine states and three statuses, this table is wide and the other table is "
        "long.",
    ),
    Exercise(
        title="The right chart for each question",
        kind="predict",
        judge=Each(
            dict.fromkeys(_PICTURES_FOR, _PICTURE),
            lambda _: {
                "How is the debt distributed across the statuses?": "pie",
                "Which states have which statuses?": "heat map",
                "How did the number of rows change?": "line",
            },
            wrong={
                "How is the debt distributed across the statuses?": "These are shares of one sum.",
                "Which states have which statuses?": "There are two dimensions, and a count for each pair.",
                "How did the number of rows change?": "It is one number that changes over time.",
            },
        ),
        hints=(
            "One question is about shares of a whole, one is about two dimensions, and one is about change over time.",
            "Time runs from left to right, so use a line.",
        ),
        answer="answer = {\n"
        '    "How is the debt distributed across the statuses?": "pie",\n'
        '    "Which states have which statuses?": "heat map",\n'
        '    "How did the number of rows change?": "line",\n}',
        why="A pie shows shares of one sum. A heat map shows a number for each pair. A line shows a change over time.",
    ),
    Exercise(
        title="A title that states the finding",
        kind="complete",
        judge=_judge_title,
        hints=(
            'The pivot has a column "Past Due": zetl.charts.most finds its largest value.',
            'The text has a placeholder for the number: "has {:.0f} accounts past due".',
            'zetl.charts.most(pivot["Past Due"], "has {:.0f} accounts past due", among="state")',
        ),
        answer='answer = zetl.charts.most(pivot["Past Due"], "has {:.0f} accounts past due", among="state")',
        why="People who read only the title learn the finding. The title is built from the data, so it stays "
        "true when the data changes.",
    ),
)
