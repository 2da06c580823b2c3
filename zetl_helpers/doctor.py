"""Checks, before the first chapter and any time later, that everything the tutorial needs is there."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from zetl_helpers import _settings, cleanup
from zetl_helpers._settings import SettingsError
from zetl_helpers.lab import ConnectionRefusedByLabError, Lab, connect

_PACKAGES = ("boto3", "awswrangler", "pandas", "plotly")
_PROBES: tuple[tuple[str, Callable[[Lab], object]], ...] = (
    ("DynamoDB", lambda lab: lab.client("dynamodb").list_tables(Limit=1)),
    ("S3", lambda lab: lab.client("s3").list_buckets()),
    ("AWS Glue", lambda lab: lab.client("glue").get_databases(MaxResults=1)),
    ("AWS Glue zero-ETL", lambda lab: lab.client("glue").describe_integrations()),
    ("Athena", lambda lab: lab.client("athena").get_work_group(WorkGroup="primary")),
    ("Lake Formation", lambda lab: lab.client("lakeformation").get_data_lake_settings()),
    ("CloudWatch Logs", lambda lab: lab.client("logs").describe_log_groups(limit=1)),
    ("CloudWatch", lambda lab: lab.client("cloudwatch").list_metrics(Namespace="AWS/Glue/ZeroETL")),
)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        ok: Whether it is as the tutorial needs it.
        what: What was looked at, and what was found.
        next_step: What to do when it is not.
    """

    ok: bool
    what: str
    next_step: str = ""

    def __str__(self) -> str:
        mark = "[OK]  " if self.ok else "[FAIL]"
        return f"{mark} {self.what}" + (f"\n       {self.next_step}" if not self.ok else "")


def examine(lab: Lab | None = None) -> list[Check]:
    """Look at Python, packages, target, services and what earlier runs left.

    Args:
        lab: The lab; connects by itself unless given.

    Returns:
        The checks, in the order in which they should be mended; printing one shows a line.
    """
    checks = [_python(), _packages()]
    if lab is None:
        try:
            lab = connect()
        except (ConnectionRefusedByLabError, SettingsError) as error:
            return [*checks, Check(False, f"target {_target()}", str(error))]
    checks.append(Check(True, f"target {lab.target}: account {lab.account}, Region {lab.region}"))
    checks += [_reach(lab, name, probe) for name, probe in _PROBES]
    checks.append(_names(lab))
    return checks


def report(checks: list[Check]) -> str:
    """Write checks as text, a line each."""
    return "\n".join(map(str, checks))


def _python() -> Check:
    found = platform.python_version()
    return Check(sys.version_info >= (3, 11), f"Python {found}", "Use Python 3.11 or newer.")


def _packages() -> Check:
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    return Check(True, found)


def _target() -> str:
    try:
        return _settings.target()
    except SettingsError:
        return "(unknown)"


def _reach(lab: Lab, name: str, probe: Callable[[Lab], object]) -> Check:
    try:
        probe(lab)
    except (ClientError, BotoCoreError) as error:
        return Check(False, f"{name} does not answer", f"{error}. Ask for the rights in policies/, or sign in again.")
    return Check(True, f"{name} answers")


def _names(lab: Lab) -> Check:
    """Look whether the lab's names are free or the lab's own."""
    try:
        left = cleanup.plan(lab)
    except (ClientError, BotoCoreError) as error:
        return Check(False, "the lab's things cannot be listed", str(error))
    if left.foreign:
        one = left.foreign[0]
        return Check(False, "a thing that is not the lab's has one of its names", f"{one.kind} {one.name}: {one.why}.")
    if left:
        return Check(True, f"{len(left)} things of the lab are there; chapter 12 deletes them")
    return Check(True, "nothing of the lab is there yet")
