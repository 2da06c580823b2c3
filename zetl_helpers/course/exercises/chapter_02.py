"""The exercises for chapter 2, about columns, partitions and an integration without backups."""

from __future__ import annotations

from typing import Any

from zetl_helpers.course.exercises import faults
from zetl_helpers.course.exercises.answers import Value
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.course.exercises.readings import Entries, Name, Number, Word
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query

FUNCTIONS = Word({"identity": (), "year": (), "month": (), "day": (), "hour": ()})
"""The functions that a partition can use to group values."""
CONVERSIONS = Word({"epoch_sec": (), "epoch_milli": (), "iso": ()})
"""The formats that a time can have in the source."""
_PARTITION = Entries(
    {"FieldName": Name("the attribute", case=True), "FunctionSpec": FUNCTIONS, "ConversionSpec": CONVERSIONS},
    inside=("PartitionSpec",),
    optional=("ConversionSpec",),
)


def _statuses(lab: Lab) -> int:
    return int(query(lab, "SELECT COUNT(DISTINCT accountstatus) AS n FROM customeraccounts")["n"].iloc[0])


def _judge_partition(_: Lab, answer: Any) -> None:
    entry = _PARTITION(answer)
    field, function, conversion = entry["FieldName"], entry["FunctionSpec"], entry["ConversionSpec"]
    if field != "LastPaymentDate":
        raise IncorrectError(
            f"FieldName must be the name of the source attribute, LastPaymentDate, but yours is {field!r}."
        )
    if function == "identity":
        raise IncorrectError("identity creates a group for each date. The question asks for a group for each month.")
    if function != "month":
        raise IncorrectError(
            f"{function} creates a group for each {function}. The question asks for a group for each month."
        )
    if conversion is None:
        raise IncorrectError(
            "A time function also needs a ConversionSpec. It specifies the format of the time in the source."
        )
    if conversion != "iso":
        raise IncorrectError(f"{conversion} is for times counted from 1970, but 2026-10-21 is in ISO 8601 format.")


EXERCISES = (
    Exercise(
        title="The columns of NOUNNEST",
        kind="predict",
        judge=Value(
            Number(units={"column": 1, "columns": 1}),
            lambda _: 3,
            wrong={
                9: "TOPLEVEL creates nine columns: one for each attribute.",
                1: "The other attributes share one column, but each part of the key has its own column.",
                2: "The key has two parts, each with its own column, and the other attributes share one column.",
            },
            otherwise="Count the parts of the key and add one column for all other attributes.",
        ),
        hints=(
            "NOUNNEST puts all attributes except the key into one column.",
            "The key of CustomerAccounts has two parts.",
        ),
        answer="answer = 3",
        why="The columns are customerid, accountnumber and value, which contains the seven other attributes.",
    ),
    Exercise(
        title="Partition by month",
        kind="complete",
        judge=_judge_partition,
        hints=(
            "FunctionSpec is the part of the time that groups the files. The question asks for a group for each month.",
            "FunctionSpec is one of identity, year, month, day and hour.",
            "ConversionSpec is the time's format: epoch_sec, epoch_milli or iso. 2026-10-21 is ISO 8601.",
        ),
        answer='answer = [\n    {"FieldName": "LastPaymentDate", "FunctionSpec": "month", "ConversionSpec": "iso"}\n]',
        why="month groups the files by month, and iso tells AWS Glue how to read the text as a time. In the target, "
        "the column is a timestamp.",
    ),
    Exercise(
        title="Folders by account status",
        kind="predict",
        judge=Value(
            Number(units={"folder": 1, "folders": 1}),
            _statuses,
            wrong={
                9: "That is the number of folders now, one for each state, but the question asks about account "
                "statuses.",
                25: "A folder for each item would mean that the table is partitioned by the key.",
                1: "A single folder would mean that the table has no partitions.",
            },
            otherwise="There is one folder for each value that occurs. Which account statuses occur?",
        ),
        hints=(
            "An identity partition has one folder for each value that occurs.",
            "zetl.query(lab, 'SELECT DISTINCT accountstatus FROM customeraccounts') lists the values.",
        ),
        answer="answer = 3",
        why="The values are Active, Past Due and Closed. An identity partition has a folder for each of them.",
    ),
    Exercise(
        title="An integration without backups",
        kind="break and repair",
        judge=faults.judge_recovery,
        hints=(
            "Read the result of ex.q4.break_it() or of zetl.integration.describe(lab). The errors name the cause.",
            "The DynamoDB operation is UpdateContinuousBackups: update_continuous_backups in boto3.",
            "Pass PointInTimeRecoverySpecification={'PointInTimeRecoveryEnabled': True}. Then run ex.q4.check().",
        ),
        answer="""ex.q4.break_it()
import boto3

boto3.client("dynamodb").update_continuous_backups(
    TableName=lab.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
)
# With the CLI: aws dynamodb update-continuous-backups --table-name CustomerAccounts
#   --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true
ex.q4.check()""",
        by_api=True,
        why="The integration reads the table's continuous backups, so it stops without them. It retries automatically "
        "once you have fixed the cause.",
        fault=faults.RECOVERY,
    ),
)
