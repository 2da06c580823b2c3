"""Clean-up in four moves: discover, show, delete, and discover again to prove that nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from zetl_helpers import integration, lakehouse, monitoring, permissions, source, studio, target
from zetl_helpers._aws import absent, tag_dict
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import TAG_KEY, Lab


@dataclass(frozen=True)
class Leftover:
    """One thing of the lab that is still there.

    Args:
        kind: What it is, such as ``DynamoDB table``.
        name: Its name.
        why: What it costs or opens when it stays.
        delete: Deletes it.
    """

    kind: str
    name: str
    why: str
    delete: Callable[[], Any]


def plan(lab: Lab) -> list[Leftover]:
    """Find everything of the lab, in the order in which it has to go; nothing is changed.

    Args:
        lab: The lab.

    Returns:
        What there is; only things that carry the lab's tag or were made for it by name inside tagged ones.

    Raises:
        ForeignResourceError: A thing has the lab's name and is not the lab's.
    """
    found: list[Leftover] = []
    for discover in _DISCOVERIES:
        found += discover(lab)
    return found


def show(found: Sequence[Leftover]) -> pd.DataFrame:
    """Show a plan.

    Args:
        found: What `plan` returned.

    Returns:
        Columns ``kind``, ``name`` and ``why``.
    """
    return pd.DataFrame([(one.kind, one.name, one.why) for one in found], columns=["kind", "name", "why"])


def apply(found: Sequence[Leftover]) -> pd.DataFrame:
    """Delete what a plan lists, and go on past what cannot be deleted.

    Args:
        found: What `plan` returned.

    Returns:
        Columns ``kind``, ``name`` and ``outcome``: ``deleted``, or what AWS said.
    """
    rows = []
    for one in found:
        try:
            one.delete()
            outcome = "deleted"
        except (ClientError, BotoCoreError) as error:
            outcome = f"failed: {error}"
        rows.append((one.kind, one.name, outcome))
    return pd.DataFrame(rows, columns=["kind", "name", "outcome"])


def verify(lab: Lab) -> str:
    """Look again, and say that nothing is left.

    Args:
        lab: The lab.

    Returns:
        A sentence.

    Raises:
        LeftoverError: Something is left.
    """
    left = plan(lab)
    if left:
        names = ", ".join(f"{one.kind} {one.name}" for one in left)
        raise LeftoverError(f"Still there: {names}. Run cleanup.apply(cleanup.plan(lab)) again.")
    return "Nothing is left of the lab."


class LeftoverError(Exception):
    """Clean-up left something behind; the text names it."""


def _for_each_table(discover: Callable[[Lab], list[Leftover]]) -> Callable[[Lab], list[Leftover]]:
    """Look for a thing of each of the lab's tables, not of the main one alone."""
    return lambda lab: [leftover for one in lab.everywhere for leftover in discover(one)]


def _integration(lab: Lab) -> list[Leftover]:
    found = integration.find(lab)
    if found is None:
        return []
    why = "exports the table at every interval, for ever"
    return [Leftover("integration", lab.integration, why, lambda: integration.delete(lab))]


def _table_properties(lab: Lab) -> list[Leftover]:
    found = []
    with absent(*integration.GONE):
        lab.client("glue").get_integration_table_properties(ResourceArn=lab.database_arn, TableName=lab.table)
        why = "would shape the next integration"
        found.append(Leftover("table properties", lab.table, why, lambda: integration.delete_table_properties(lab)))
    return found


def _resource_property(lab: Lab) -> list[Leftover]:
    glue = lab.client("glue")
    found = []
    with absent(*integration.GONE):
        glue.get_integration_resource_property(ResourceArn=lab.database_arn)
        why = "names the role to write with"
        found.append(
            Leftover("resource property", lab.database, why, lambda: integration.delete_resource_property(lab))
        )
    return found


def _studio(lab: Lab) -> list[Leftover]:
    try:
        project = studio.find_project(lab)
    except studio.StudioError:
        return []
    held = [right for right in studio.grants(lab, project)["permissions"] if right]
    if not held:
        return []
    return [
        Leftover("Lake Formation grants", project.name, "let the project read", lambda: studio.unshare(lab, project))
    ]


def _administrator(lab: Lab) -> list[Leftover]:
    if not studio.added_administrator(lab):
        return []
    principal = permissions.caller_principal(lab)
    why = "you were none before the tutorial"
    return [Leftover("Lake Formation administrator", principal, why, lambda: studio.remove_administrator(lab))]


def _glue(lab: Lab) -> list[Leftover]:
    if not target.database_exists(lab):
        return []
    glue = lab.client("glue")
    tables = [
        table["Name"]
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=lab.database)
        for table in page["TableList"]
    ]
    found = [
        Leftover("Glue table", f"{lab.database}.{name}", "points to files", _drop(glue, lab.database, name))
        for name in tables
    ]
    why = "holds the tables"
    return [*found, Leftover("Glue database", lab.database, why, lambda: glue.delete_database(Name=lab.database))]


def _drop(glue: Any, database: str, name: str) -> Callable[[], Any]:
    return lambda: glue.delete_table(DatabaseName=database, Name=name)


def _saved_queries(lab: Lab) -> list[Leftover]:
    athena = lab.client("athena")

    def forget(query_id: str) -> Callable[[], Any]:
        return lambda: athena.delete_named_query(NamedQueryId=query_id)

    return [
        Leftover("saved query", name, "costs nothing", forget(saved["NamedQueryId"]))
        for name, saved in lakehouse.saved_queries(lab).items()
    ]


def _bucket(lab: Lab) -> list[Leftover]:
    if not target.bucket_exists(lab):
        return []
    return [Leftover("S3 bucket", lab.bucket, "costs by the GB-month", lambda: _empty_and_delete(lab))]


def _empty_and_delete(lab: Lab) -> None:
    s3 = lab.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=lab.bucket):
        listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
        if keys:
            s3.delete_objects(Bucket=lab.bucket, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=lab.bucket)


def _alarm(lab: Lab) -> list[Leftover]:
    cloudwatch = lab.client("cloudwatch")
    name = monitoring.alarm_name(lab)
    if not cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]:
        return []
    why = "costs $0.10 a month"
    return [Leftover("CloudWatch alarm", name, why, lambda: cloudwatch.delete_alarms(AlarmNames=[name]))]


def _log_streams(lab: Lab) -> list[Leftover]:
    """Find the log streams of the lab's own integrations; their group belongs to the whole account."""
    logs = lab.client("logs")
    found = []
    for stream in sorted(_integration_ids(lab)):
        with absent("ResourceNotFoundException"):
            group = {"logGroupName": integration.LOG_GROUP}
            if logs.describe_log_streams(**group, logStreamNamePrefix=stream)["logStreams"]:
                arguments = {**group, "logStreamName": stream}
                found.append(Leftover("log stream", stream, "is kept for ever", _delete_stream(logs, arguments)))
    return found


def _delete_stream(logs: Any, arguments: dict[str, str]) -> Callable[[], Any]:
    return lambda: logs.delete_log_stream(**arguments)


def _integration_ids(lab: Lab) -> set[str]:
    """Ids of the integration that is there, and of those whose tables are still there."""
    ids = {integration.integration_id(lab)} if integration.find(lab) else set()
    with absent("EntityNotFoundException"):
        table = lab.client("glue").get_table(DatabaseName=lab.database, Name=lab.target_table)["Table"]
        written_by = table.get("Parameters", {}).get("glue_integration_id", "")
        ids |= {written_by.partition("_")[0]} - {""}
    return ids


def _table(lab: Lab) -> list[Leftover]:
    if not source.exists(lab):
        return []
    why = "holds the items; PITR costs by the GB-month"
    return [Leftover("DynamoDB table", lab.table, why, lambda: _delete_table(lab))]


def _delete_table(lab: Lab) -> None:
    dynamodb = lab.client("dynamodb")
    dynamodb.delete_table(TableName=lab.table)
    wait_for(
        f"table {lab.table} to be gone",
        lambda: None if source.exists(lab) else True,
        timeout=300,
        hint="Look at the table's status in the DynamoDB console.",
    )


def _role(lab: Lab) -> list[Leftover]:
    iam = lab.client("iam")
    with absent("NoSuchEntity"):
        role = iam.get_role(RoleName=lab.role)["Role"]
        if TAG_KEY in tag_dict(role.get("Tags", [])):
            return [Leftover("IAM role", lab.role, "may write to the bucket", lambda: _delete_role(lab))]
    return []


def _delete_role(lab: Lab) -> None:
    iam = lab.client("iam")
    for name in iam.list_role_policies(RoleName=lab.role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=lab.role, PolicyName=name)
    iam.delete_role(RoleName=lab.role)


def _catalog_statements(lab: Lab) -> list[Leftover]:
    statements = target.catalog_statements(lab)
    if not statements:
        return []
    names = ", ".join(statement["Sid"] for statement in statements)
    why = "let integrations write here"
    return [Leftover("Data Catalog policy statements", names, why, lambda: target.remove_catalog_statements(lab))]


# The order matters: what writes goes before what is written to, and what is named by others goes last.
_DISCOVERIES: tuple[Callable[[Lab], list[Leftover]], ...] = (
    _alarm,
    _for_each_table(_integration),
    _for_each_table(_log_streams),
    _for_each_table(_table_properties),
    _resource_property,
    _studio,
    _administrator,
    _saved_queries,
    _glue,
    _bucket,
    _for_each_table(_table),
    _role,
    _for_each_table(_catalog_statements),
)
