"""The exercises of chapter 2: columns, partitions, and an integration without backups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zetl_helpers.course.exercises import faults
from zetl_helpers.course.exercises.answers import Value
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query

_TIME_FUNCTIONS = ("year", "month", "day", "hour")


def _statuses(lab: Lab) -> int:
    return int(query(lab, "SELECT COUNT(DISTINCT accountstatus) AS n FROM customeraccounts")["n"].iloc[0])


def _judge_partition(_: Lab, answer: Any) -> None:
    entry = answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
    if not isinstance(entry, Mapping):
        raise IncorrectError("A partition spec is a list of dictionaries; here it has one entry.")
    field, function, conversion = (entry.get(name) for name in ("FieldName", "FunctionSpec", "ConversionSpec"))
    if field != "LastPaymentDate":
        raise IncorrectError(f"FieldName is the attribute at the source, LastPaymentDate; yours is {field!r}.")
    if function not in _TIME_FUNCTIONS:
        raise IncorrectError(f"{function!r} groups by each single date. The question asks for one group a month.")
    if function != "month":
        raise IncorrectError(f"{function!r} makes one group a {function}; the question asks for one a month.")
    if conversion is None:
        raise IncorrectError("A time function needs a ConversionSpec too: how is the time written at the source?")
    if conversion != "iso":
        raise IncorrectError(
            f"{conversion!r} is for times kept as a count since 1970; 2026-10-21 is written as ISO 8601."
        )


EXERCISES = (
    Exercise(
        title="The columns of NOUNNEST",
        kind="predict",
        judge=Value(
            lambda _: 3,
            wrong={
                9: "Nine columns is what TOPLEVEL makes: one for each attribute.",
                1: "The other attributes share one column; the parts of the key keep columns of their own.",
                2: "The key has two parts, and each is a column; the other attributes share one more.",
            },
            otherwise="Count the parts of the key, and one column for all that is not the key.",
        ),
        hints=(
            "NOUNNEST puts all attributes into one column, but for those of the key.",
            "The key of CustomerAccounts has two parts.",
        ),
        answer="answer = 3",
        why="customerid, accountnumber, and one column named value that holds the seven other attributes.",
    ),
    Exercise(
        title="Partition by month",
        kind="complete",
        judge=_judge_partition,
        hints=(
            "FieldName is the attribute's name at the source.",
            "FunctionSpec is one of identity, year, month, day and hour.",
            "ConversionSpec says how a time is written: epoch_sec, epoch_milli or iso. 2026-10-21 is ISO 8601.",
        ),
        answer='answer = [\n    {"FieldName": "LastPaymentDate", "FunctionSpec": "month", "ConversionSpec": "iso"}\n]',
        why="month groups the files by month, and iso tells AWS Glue how to read the text as a time. In the target the "
        "column becomes a timestamp.",
    ),
    Exercise(
        title="Folders by account status",
        kind="predict",
        judge=Value(
            _statuses,
            wrong={
                9: "Nine is the number of states, by which the table is partitioned now.",
                25: "One folder for each item would be a partition by the key.",
                1: "A single folder is a table without partitions.",
            },
            otherwise="One folder for each value that occurs: which account statuses are there?",
        ),
        hints=(
            "An identity partition makes one folder for each value that occurs.",
            "zetl.query(lab, 'SELECT DISTINCT accountstatus FROM customeraccounts') lists the values.",
        ),
        answer="answer = 3",
        why="Active, Past Due and Closed: an identity partition has a folder for each value that occurs.",
    ),
    Exercise(
        title="An integration without backups",
        kind="break and repair",
        judge=faults.judge_recovery,
        hints=(
            "Read what ex.q4.break_it() returned, or zetl.integration.describe(lab): the errors name the cause.",
            "Chapter 01 turned point-in-time recovery on with a helper of zetl.source.",
            "zetl.source.enable_pitr(lab), and then ex.q4.check() waits until the integration has noticed.",
        ),
        answer="ex.q4.break_it()\nzetl.source.enable_pitr(lab)\nex.q4.check()",
        why="The integration reads the table's continuous backups, so it stops without them. It retries by itself: "
        "mending the cause is all there is to do.",
        fault=faults.RECOVERY,
    ),
)
