"""The exercises for chapter 11, about an import, the number of files, OPTIMIZE and VACUUM."""

from __future__ import annotations

from typing import Any

from zetl_helpers.course.exercises.answers import Each, Value
from zetl_helpers.course.exercises.api import judge_imported_count
from zetl_helpers.course.exercises.engine import Exercise, UnreadableError
from zetl_helpers.course.exercises.readings import Entries, Number, Reading, Word
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query

_MONTHS, _ROUNDS = 12, 30

_CHANGE = Word(
    {
        "more": ("increase", "increases", "increased", "greater", "higher", "+", "up"),
        "fewer": ("less", "decrease", "decreases", "decreased", "lower", "down"),
        "same": ("the same", "equal", "unchanged", "no change", "same number", "identical"),
    }
)
_CHANGES = Each(
    {"OPTIMIZE": _CHANGE, "VACUUM": _CHANGE, "rows": _CHANGE},
    lambda _: {"OPTIMIZE": "more", "VACUUM": "fewer", "rows": "same"},
    wrong={
        "OPTIMIZE": "It writes new files, but earlier snapshots still need the old files.",
        "VACUUM": "It deletes the files that no remaining snapshot needs.",
        "rows": "Neither statement changes the rows of the newest snapshot.",
    },
)


def _judge_changes(lab: Lab, answer: Any) -> None:
    """Judge the words for OPTIMIZE, VACUUM and rows. The table's current row count is accepted in place of "same"."""
    counted = Entries({"OPTIMIZE": _CHANGE, "VACUUM": _CHANGE, "rows": _rows(lab)})(answer)
    _CHANGES(lab, counted)


def _rows(lab: Lab) -> Reading:
    """Return a reading that accepts a word, or a row count to compare with the table's row count."""

    def read(answer: Any) -> str:
        try:
            return _CHANGE(answer)
        except UnreadableError:
            given = Number()(answer)
        payments = lab.with_table("Payments")
        rows = int(query(payments, "SELECT COUNT(*) AS n FROM payments")["n"].iloc[0])
        return "same" if given == rows else "more" if given > rows else "fewer"

    return read


EXERCISES = (
    Exercise(
        title="The number of imported items",
        kind="use the API",
        judge=judge_imported_count,
        hints=(
            "Use list_imports and describe_import in boto3, or list-imports and describe-import in the AWS CLI.",
            "list_imports(TableArn=…) returns the ImportArn that describe_import needs.",
            "ImportTableDescription contains ImportedItemCount.",
        ),
        answer="""import boto3

dynamodb = boto3.client("dynamodb")
imports = dynamodb.list_imports(TableArn=lab.with_table("Payments").table_arn)["ImportSummaryList"]
described = dynamodb.describe_import(ImportArn=imports[0]["ImportArn"])
answer = described["ImportTableDescription"]["ImportedItemCount"]
# With the CLI: aws dynamodb list-imports, then aws dynamodb describe-import --import-arn ARN""",
        why="An import can succeed and still skip items. Compare ImportedItemCount with the number of items in "
        "the file, and look at ErrorCount.",
        by_api=True,
    ),
    Exercise(
        title="Thirty refreshes",
        kind="predict",
        judge=Value(
            Number(units={"file": 1, "files": 1}),
            lambda _: _MONTHS + _ROUNDS * _MONTHS,
            wrong={
                _ROUNDS * _MONTHS: "That is the number of files that the refreshes add. The files of "
                "the first load are still there.",
                _MONTHS + _ROUNDS: "Each refresh adds rows to every month, and each file belongs to one month.",
                _MONTHS: "That would be the number of files after OPTIMIZE.",
            },
            otherwise="Start with the files of the first load, and add the files of each refresh.",
        ),
        hints=(
            "The first load created one file for each month.",
            "Each refresh adds one file for each month that it changes.",
            "12 + 30 × 12",
        ),
        answer="answer = 12 + 30 * 12",
        why="A full scan opens 372 files. After compaction, it opens only 12 files.",
    ),
    Exercise(
        title="More or fewer?",
        kind="predict",
        judge=_judge_changes,
        hints=(
            "Which of the two statements deletes files?",
            "Compare the last three pairs of bars in the figure.",
        ),
        answer='answer = {"OPTIMIZE": "more", "VACUUM": "fewer", "rows": "same"}',
        why="OPTIMIZE reduces the cost of queries, and VACUUM reduces the cost of storage.",
    ),
)
