"""Snapshots of an account, as plain data that can be compared between two points in time."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers.lab import Lab

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOVING = {
    "CreationDateTime", "CreateDate", "CreateTime", "CreationTime", "UpdateTime", "LastModified", "LastModifiedTime",
    "LastUpdated", "ResponseMetadata", "RoleId", "RoleLastUsed", "TableId", "VersionId", "PolicyHash",
    "AlarmConfigurationUpdatedTimestamp", "StateUpdatedTimestamp", "StateTransitionedTimestamp", "StateReasonData",
    "EarliestRestorableDateTime", "LatestRestorableDateTime", "metadata_location", "previous_metadata_location",
    "glue_integration_id", "RevisionId", "LastUpdatedBy", "ItemCount", "TableSizeBytes",
    "LastUpdateToPayPerRequestDateTime",
}  # fmt: skip


class Snapshots:
    """Snapshots of a lakehouse's complete state. Restoring a state is faster than recreating it."""

    def __init__(self, lakehouse: Lakehouse) -> None:
        self._database = lakehouse.database
        lakehouse.backend.objects.keeps_deleted = True

    def take(self) -> sqlite3.Connection:
        return self._database.copy()

    def put_back(self, state: sqlite3.Connection) -> None:
        self._database.replace(state)


def everything(lab: Lab) -> dict[str, Any]:
    """Return the account's contents, without IDs and times that differ between runs."""
    found = {
        "tables": _tables(lab),
        "buckets": _buckets(lab),
        "databases": _databases(lab),
        "catalog policy": _catalog_policy(lab),
        "roles": _roles(lab),
        "integrations": lab.client("glue").describe_integrations()["Integrations"],
        "properties": _properties(lab),
        "lake formation": _lake_formation(lab),
        "alarms": _alarms(lab),
        "saved queries": _saved_queries(lab),
        "log streams": _log_streams(lab),
    }
    plain: dict[str, Any] = json.loads(_ID.sub("<id>", json.dumps(_stable(found), default=str, sort_keys=True)))
    return plain


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _stable(item) for name, item in value.items() if name not in _MOVING}
    if isinstance(value, list):
        return sorted((_stable(item) for item in value), key=lambda item: json.dumps(item, default=str, sort_keys=True))
    return value


@contextmanager
def _ignore_missing() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        assert re.search("NotFound|NoSuch", error.response["Error"]["Code"]), error  # noqa: PT017


def _tables(lab: Lab) -> dict[str, Any]:
    dynamodb = lab.client("dynamodb")
    found = {}
    for name in dynamodb.list_tables()["TableNames"]:
        table = dynamodb.describe_table(TableName=name)["Table"]
        found[name] = [
            table,
            dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags"),
            dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"],
            dynamodb.scan(TableName=name)["Items"],
        ]
        with _ignore_missing():
            found[name].append(dynamodb.get_resource_policy(ResourceArn=table["TableArn"])["Policy"])
    return found


def _buckets(lab: Lab) -> dict[str, Any]:
    s3 = lab.client("s3")
    found: dict[str, Any] = {}
    for name in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
        # The names of Iceberg files are random, but the number of files is not.
        keys = [_ID.sub("<id>", entry["Key"]) for entry in s3.list_objects_v2(Bucket=name).get("Contents", [])]
        found[name] = [[re.sub(r"[0-9]{8,}|[0-9a-f]{16,}", "<id>", key) for key in keys]]
        with _ignore_missing():
            found[name].append(s3.get_bucket_tagging(Bucket=name)["TagSet"])
        with _ignore_missing():
            found[name].append(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"])
    return found


def _databases(lab: Lab) -> list[Any]:
    glue = lab.client("glue")
    databases = glue.get_databases()["DatabaseList"]
    return [[database, glue.get_tables(DatabaseName=database["Name"])["TableList"]] for database in databases]


def _catalog_policy(lab: Lab) -> Any:
    with _ignore_missing():
        return json.loads(lab.client("glue").get_resource_policy()["PolicyInJson"])
    return None


def _roles(lab: Lab) -> list[Any]:
    iam = lab.client("iam")
    found = []
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        policies = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        found.append([role, policies, iam.list_role_tags(RoleName=name)["Tags"]])
    return found


def _properties(lab: Lab) -> list[Any]:
    glue = lab.client("glue")
    found: list[Any] = []
    for database in glue.get_databases()["DatabaseList"]:
        arn = f"{lab.database_arn.rpartition('/')[0]}/{database['Name']}"
        with _ignore_missing():
            own = glue.get_integration_resource_property(ResourceArn=arn)
            found.append([own, glue.get_tags(ResourceArn=own["ResourcePropertyArn"])["Tags"]])
        for table in lab.client("dynamodb").list_tables()["TableNames"]:
            with _ignore_missing():
                found.append(glue.get_integration_table_properties(ResourceArn=arn, TableName=table))
    return found


def _lake_formation(lab: Lab) -> list[Any]:
    formation = lab.client("lakeformation")
    return [
        formation.get_data_lake_settings()["DataLakeSettings"],
        formation.list_permissions()["PrincipalResourcePermissions"],
        formation.list_lake_formation_opt_ins()["LakeFormationOptInsInfoList"],
    ]


def _alarms(lab: Lab) -> list[Any]:
    cloudwatch = lab.client("cloudwatch")
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    return [[alarm, cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]] for alarm in alarms]


def _saved_queries(lab: Lab) -> list[Any]:
    athena = lab.client("athena")
    ids = athena.list_named_queries()["NamedQueryIds"]
    return [athena.get_named_query(NamedQueryId=entry)["NamedQuery"] for entry in ids]


def _log_streams(lab: Lab) -> list[Any]:
    logs = lab.client("logs")
    return [
        [group["logGroupName"], stream["logStreamName"]]
        for group in logs.describe_log_groups()["logGroups"]
        for stream in logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]
    ]
