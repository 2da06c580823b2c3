"""Each learner's progress, derived from existing resources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from zetl_helpers import integration, monitoring, source, studio
from zetl_helpers._aws import ForeignResourceError
from zetl_helpers.lab import Lab

NO_PREFIX = "(no prefix)"
_BATCH = 50


def status(labs: Sequence[Lab]) -> pd.DataFrame:
    """Return each learner's progress.

    Args:
        labs: The learners' labs, from `roster.learners`.

    Returns:
        One row per learner: ``learner``, the prefix; ``chapter``, the highest-numbered chapter that has created
        resources, or 0 (5, 7, 9 and 12 create none); ``integration``, the integration's status in AWS Glue, or
        ``none``; ``last_sync``, the time up to which the target reflects the source, in UTC; ``note``, any problem that
        needs the instructor's attention.
    """
    account = _Account(labs[0]) if labs else None
    rows = [_row(lab, account) for lab in labs if account]
    frame = pd.DataFrame(rows, columns=["learner", "chapter", "integration", "last_sync", "note"])
    return frame.astype({"chapter": "int64", "last_sync": "datetime64[us, UTC]"})


def _row(lab: Lab, account: _Account) -> dict[str, Any]:
    row: dict[str, Any] = {
        "learner": lab.prefix or NO_PREFIX,
        "chapter": 0,
        "integration": "none",
        "last_sync": None,
        "note": "",
    }
    try:
        found = integration.find(lab)
        row["chapter"] = max((chapter for chapter, left in _TRACES if left(lab, account)), default=0)
        if found:
            row["integration"] = found["Status"]
            row["last_sync"] = integration.last_sync(lab)
            row["note"] = "; ".join(entry.get("ErrorMessage", entry["ErrorCode"]) for entry in found.get("Errors", []))
    except (ForeignResourceError, ClientError, BotoCoreError) as error:
        # A problem with one learner's lab must not hide the progress of other learners.
        row["note"] = str(error)
    return row


@dataclass(frozen=True)
class _Account:
    """Account-wide lists, each of which is requested only once."""

    lab: Lab

    @cached_property
    def databases_with_saved_queries(self) -> set[str]:
        athena = self.lab.client("athena")
        pages = athena.get_paginator("list_named_queries").paginate()
        ids = [entry for page in pages for entry in page["NamedQueryIds"]]
        batches = [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
        answers = [athena.batch_get_named_query(NamedQueryIds=batch) for batch in batches]
        return {query["Database"] for answer in answers for query in answer["NamedQueries"]}

    @cached_property
    def alarms(self) -> set[str]:
        pages = self.lab.client("cloudwatch").get_paginator("describe_alarms").paginate()
        return {alarm["AlarmName"] for page in pages for alarm in page["MetricAlarms"]}

    @cached_property
    def tables(self) -> set[str]:
        pages = self.lab.client("dynamodb").get_paginator("list_tables").paginate()
        return {name for page in pages for name in page["TableNames"]}

    @cached_property
    def project(self) -> studio.Project | None:
        try:
            return studio.find_project(self.lab)
        except studio.StudioError:
            return None


def _is_set_up(lab: Lab, _: _Account) -> bool:
    return source.exists(lab)


def _is_integrated(lab: Lab, _: _Account) -> bool:
    return integration.find(lab) is not None


def _is_shared(lab: Lab, account: _Account) -> bool:
    return account.project is not None and any(studio.grants(lab, account.project)["permissions"])


def _saved_a_query(lab: Lab, account: _Account) -> bool:
    return lab.database in account.databases_with_saved_queries


def _changed_items(lab: Lab, account: _Account) -> bool:
    put = source.changes()["put_item"]["Item"]
    return (
        lab.table in account.tables
        and source.get_item(lab, put["CustomerID"]["S"], put["AccountNumber"]["S"]) is not None
    )


def _set_an_alarm(lab: Lab, account: _Account) -> bool:
    return monitoring.alarm_name(lab) in account.alarms


def _made_tables(*names: str) -> Callable[[Lab, _Account], bool]:
    """Return a function that checks whether at least one of the additional tables exists."""
    return lambda lab, account: any(lab.with_table(name).table in account.tables for name in names)


# The resources that each chapter creates. Chapters 5 and 7 only read, chapter 9 fixes the faults that it causes, and
# chapters 12 and 13 delete resources.
_TRACES: tuple[tuple[int, Callable[[Lab, _Account], bool]], ...] = (
    (1, _is_set_up),
    (2, _is_integrated),
    (3, _is_shared),
    (4, _saved_a_query),
    (6, _changed_items),
    (8, _set_an_alarm),
    (
        10,
        _made_tables(
            "ProfilesFull",
            "ProfilesTopLevel",
            "ProfilesNoUnnest",
            "PaymentsByKey",
            "PaymentsByState",
            "PaymentsByMonth",
        ),
    ),
    (11, _made_tables("Payments")),
    (13, _made_tables("MyTable", "Shipments")),
)
