"""The exercises for chapter 8, about the log, freshness, cost and a failed ingestion."""

from __future__ import annotations

from typing import Any

import pandas as pd

from zetl_helpers import cost, monitoring
from zetl_helpers.course.exercises import faults
from zetl_helpers.course.exercises.answers import Value
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.course.exercises.readings import Number
from zetl_helpers.lab import Lab

_BUDGET = 0.50
_ROUNDED = 0.051
_MINUTES = Number(
    "30, in minutes",
    {
        "min": 1,
        "minute": 1,
        "minutes": 1,
        "m": 1,
        "h": 60,
        "hour": 60,
        "hours": 60,
        "d": 1440,
        "day": 1440,
        "days": 1440,
    },
    of_time=60,
)
_SECONDS = Number(
    "0.5, in seconds, or a duration", {"s": 1, "sec": 1, "second": 1, "seconds": 1, "ms": 1e-3}, of_time=1
)


def _judge_interval(_: Lab, answer: Any) -> None:
    answer = _MINUTES(answer)
    if answer != int(answer):
        raise IncorrectError("RefreshInterval is a whole number of minutes.")
    if not cost.SHORTEST_REFRESH <= answer <= cost.LONGEST_REFRESH:
        raise IncorrectError(
            f"AWS accepts intervals of {cost.SHORTEST_REFRESH} to {cost.LONGEST_REFRESH:,} minutes (six days)."
        )
    monthly = cost.idle_cost(int(answer))
    if monthly > _BUDGET:
        digits = 2 if round(monthly, 2) > _BUDGET else 3
        raise IncorrectError(
            f"With a refresh every {answer:g} minutes, the exports cost ${monthly:.{digits}f} a month. "
            "That is too much."
        )
    if answer > 1440:
        raise IncorrectError(
            "This interval fits the budget, but the data can be more than a day old. The shop needs daily data."
        )


def _judge_oldest(lab: Lab, answer: Any) -> None:
    ingestions = monitoring.ingestions(lab)
    late, early = (pd.to_datetime(ingestions[name], utc=True) for name in ("completed_at", "last_synced_at"))
    seconds = (late - early).dt.total_seconds()
    given = _SECONDS(answer)
    if given < 0:
        raise IncorrectError("The result is negative. Subtract last_synced_at from completed_at, which is later.")
    if abs(given - seconds.max()) < 1e-3:
        return
    if abs(given - seconds.mean()) < 1e-3:
        raise IncorrectError("That is the average, but the question asks for the worst case.")
    if abs(given - seconds.min()) < 1e-3:
        raise IncorrectError("That is the best case, but the question asks for the worst case.")
    if (abs(seconds.cummax() - given) < 1e-3).any():
        raise IncorrectError(
            "That was the longest delay when you read the log. A later ingestion had a longer delay, so run "
            "zetl.monitoring.ingestions(lab) again."
        )
    if abs(given - seconds.max()) < _ROUNDED:
        raise IncorrectError("You rounded the largest difference. Answer with the exact difference.")
    raise IncorrectError("For each ingestion, subtract last_synced_at from completed_at. Take the largest difference.")


EXERCISES = (
    Exercise(
        title="A refresh without changes",
        kind="predict",
        judge=Value(
            Number(units={"event": 1, "events": 1}),
            lambda _: 0,
            wrong={
                1: "Nothing is ingested, so not even a start is logged.",
                3: "An ingestion writes three events. Without changes, there is no ingestion.",
                2: "A started and a completed event would mean that there was an ingestion. Without changes, there is "
                "none.",
            },
            otherwise="Compare the number of ingestions in the table of events with the number of refreshes.",
        ),
        hints=(
            "Locally, the integration checks for changes at least every second. How many events does the log contain?",
            "Refreshes that find no changes write nothing to the log.",
        ),
        answer="answer = 0",
        why="The log covers ingestions only. If it has no new events, the source may not have changed or the "
        "integration may have stopped, so also check the status. (AWS does not document what a refresh logs "
        "when nothing has changed. The local lakehouse logs nothing.)",
    ),
    Exercise(
        title="The worst case",
        kind="complete",
        judge=_judge_oldest,
        hints=(
            "You can subtract one column of times from another.",
            "late - early is positive, and completed_at is the later time.",
            '(runs["completed_at"] - runs["last_synced_at"]).max()',
        ),
        answer='runs = zetl.monitoring.ingestions(lab)\nanswer = (runs["completed_at"] - runs["last_synced_at"]).max()',
        why="That is the longest delay at the end of an ingestion. The delay then grows until the next ingestion ends.",
    ),
    Exercise(
        title="An interval for fifty cents",
        kind="predict",
        judge=_judge_interval,
        hints=(
            "Half as many exports cost half as much. What does a refresh every 15 minutes cost?",
            "zetl.cost.idle_cost(60) returns the monthly cost of the exports with a refresh every hour.",
            "A refresh every two hours costs about 35 cents a month.",
        ),
        answer="answer = 120",
        why="Each refresh is an export, billed as at least 10 MB. Any interval from about an hour and a half to a "
        "day is right: the shortest interval that fits the budget, or the cheapest interval that meets the need.",
    ),
    Exercise(
        title="A role that cannot write",
        kind="break and repair",
        judge=faults.judge_role,
        hints=(
            "Read the result of ex.q4.break_it() and the latest rows of zetl.monitoring.log_events(lab).",
            "One action is missing from the role's policy zETLTargetPolicy, which GetRolePolicy in IAM returns.",
            "PutRolePolicy replaces the policy. Add s3:PutObject alongside s3:GetObject, and write the policy again.",
        ),
        answer="""ex.q4.break_it()
import json

import boto3

iam = boto3.client("iam")
name = {"RoleName": lab.role, "PolicyName": "zETLTargetPolicy"}
policy = iam.get_role_policy(**name)["PolicyDocument"]
for statement in policy["Statement"]:
    if "s3:GetObject" in statement["Action"]:
        statement["Action"].append("s3:PutObject")
iam.put_role_policy(**name, PolicyDocument=json.dumps(policy))
# With the CLI: aws iam get-role-policy …, edit the document, aws iam put-role-policy … --policy-document file://…
ex.q4.check()""",
        why="The error names the caller, the action and the resource. Once the policy allows the action, the "
        "integration recovers automatically, and no item that was written in the meantime is lost.",
        fault=faults.WRITING,
        by_api=True,
    ),
)
