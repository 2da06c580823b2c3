"""A search for the lab's leftovers, in the order of deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers import integration, lakehouse, monitoring
from zetl_helpers._aws import absent, error_code, tag_dict
from zetl_helpers._bucket_settings import RESULTS_PREFIX
from zetl_helpers._wait import wait_for
from zetl_helpers.cleanup._discover_account import (
    administrator,
    catalog_statements,
    grants,
    locations,
    role,
    studio_domain,
)
from zetl_helpers.cleanup._leftovers import TAGGED, Foreign, Found, Leftover, Ownership, StillThereError
from zetl_helpers.lab import TAG_KEY

_OPTIMIZERS = ("compaction", "retention", "orphan_file_deletion")
# These codes mean that another operation is running on the same resource. A retry usually succeeds within a minute.
_BUSY = (
    "ConflictException", "IntegrationConflictOperationFault", "InvalidIntegrationStateFault", "InvalidStateException",
    "ResourceInUseException",
)  # fmt: skip
_DELETING = "DELETING"
_MINUTES = 60
_KEPT = "stays until you delete it"


def _alarms(mine: Ownership) -> Found:
    """Find the alarms that are named after the lab's integrations."""
    cloudwatch = mine.lab.client("cloudwatch")
    names = {monitoring.alarm_name(lab): lab.source for lab in mine.lab.everywhere}
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{mine.lab.integration}-")
    for alarm in [alarm for page in pages for alarm in page["MetricAlarms"]]:
        name = alarm["AlarmName"]
        tags = tag_dict(cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"])
        if mine.owns(tags):
            delete = partial(cloudwatch.delete_alarms, AlarmNames=[name])
            why = "costs $0.10 a month for each metric"
            yield Leftover("CloudWatch alarm", name, why, TAGGED, delete, table=names.get(name, ""))
        elif name in names:
            yield mine.foreign("CloudWatch alarm", name, tags)


def _integrations(mine: Ownership) -> Found:
    names = {lab.integration for lab in mine.lab.everywhere}
    sources = {lab.table_arn for lab in mine.lab.everywhere}
    for found in mine.integrations:
        name, tags = found["IntegrationName"], mine.integration_tags(found)
        if mine.owns(tags):
            why = "exports the table at every refresh interval until you delete it"
            gone = partial(_integration_is_gone, mine, found["IntegrationArn"])
            delete = partial(_wait_for_integration, name, gone)
            is_deleting = found["Status"] == "DELETING"
            yield Leftover("integration", name, why, TAGGED, delete, gone, mine.source_of(name), is_deleting)
        elif name in names or found["SourceArn"] in sources:
            yield mine.foreign("integration", name, tags)


def _integration_is_gone(mine: Ownership, arn: str) -> bool | None:
    """Request an integration's deletion unless it is already being deleted. Return True if the integration is gone."""
    glue = mine.lab.client("glue")
    with absent(*integration.GONE):
        found = glue.describe_integrations(IntegrationIdentifier=arn)["Integrations"]
        if found and found[0]["Status"] != _DELETING:
            _unless_busy(lambda: glue.delete_integration(IntegrationIdentifier=arn))
        return None if found else True
    return True


def _wait_for_integration(name: str, gone: Callable[[], bool | None]) -> None:
    hint = "Check the integration in the AWS Glue console, under Zero-ETL integrations."
    wait_for(f"integration {name} to be deleted", gone, timeout=30 * _MINUTES, hint=hint)


def _logs(mine: Ownership) -> Found:
    """Find the logs of the lab's integrations, which are either log streams in a shared group or separate log groups.

    The shared group is kept, because all integrations in the account use it.
    """
    logs = mine.lab.client("logs")
    ids = {
        _id(entry): ("the log of the lab's integration", mine.source_of(entry["IntegrationName"]))
        for entry in mine.integrations
        if _is_labs(mine, entry)
    }
    for table in mine.tables_in_database:
        written_by = table.get("Parameters", {}).get("glue_integration_id", "").partition("_")[0]
        if written_by:
            about = f"the log of the integration that wrote table {table['Name']}"
            ids.setdefault(written_by, (about, mine.source_of(table["Name"])))
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=integration.LOG_GROUP.rstrip("/"))
    for group in [item["logGroupName"] for page in pages for item in page["logGroups"]]:
        if group.rpartition("/")[2] in ids:
            known_by, source = ids[group.rpartition("/")[2]]
            delete = partial(logs.delete_log_group, logGroupName=group)
            yield Leftover("log group", group, _KEPT, known_by, delete, table=source)
            continue
        for stream, (known_by, source) in sorted(ids.items()):
            found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]
            for name in (each["logStreamName"] for each in found):
                delete = partial(logs.delete_log_stream, logGroupName=group, logStreamName=name)
                yield Leftover("log stream", name, _KEPT, known_by, delete, table=source)


def _is_labs(mine: Ownership, found: dict[str, Any]) -> bool:
    return mine.owns(mine.integration_tags(found))


def _id(found: dict[str, Any]) -> str:
    return str(found["IntegrationArn"]).replace("/", ":").rpartition(":")[2]


def _table_properties(mine: Ownership) -> Found:
    glue, database = mine.lab.client("glue"), mine.lab.database
    for lab in mine.lab.everywhere:
        key = {"ResourceArn": lab.database_arn, "TableName": lab.table}
        with absent(*integration.GONE):
            glue.get_integration_table_properties(**key)
            if mine.database_is_ours_or_gone or (mine.database is None and mine.owns(_property_tags(mine))):
                delete = partial(glue.delete_integration_table_properties, **key)
                why, known_by = "would apply to the next integration", "set on the lab's database"
                yield Leftover("table properties", lab.table, why, known_by, delete, table=lab.source)
            else:
                yield Foreign(
                    "table properties", lab.table, f"they are set on database {database}, which isn't this lab's"
                )


def _resource_property(mine: Ownership) -> Found:
    lab = mine.lab
    tags = _property_tags(mine)
    if mine.owns(tags):
        delete = partial(lab.client("glue").delete_integration_resource_property, ResourceArn=lab.database_arn)
        yield Leftover("resource property", lab.database, "names the role that writes the table", TAGGED, delete)
    elif tags is not None:
        yield mine.foreign("resource property", lab.database, tags)


def _property_tags(mine: Ownership) -> dict[str, str] | None:
    glue = mine.lab.client("glue")
    with absent(*integration.GONE):
        found = glue.get_integration_resource_property(ResourceArn=mine.lab.database_arn)
        tags: dict[str, str] = glue.get_tags(ResourceArn=found["ResourcePropertyArn"])["Tags"]
        return tags
    return None


def _saved_queries(mine: Ownership) -> Found:
    athena = mine.lab.client("athena")
    for name, saved in lakehouse.saved_queries(mine.lab).items():
        if mine.database_is_ours_or_gone:
            delete = partial(athena.delete_named_query, NamedQueryId=saved["NamedQueryId"])
            yield Leftover("saved query", name, "costs nothing", "queries the lab's database", delete)
        else:
            yield Foreign("saved query", name, f"it queries database {mine.lab.database}, which isn't this lab's")


def _optimizers(mine: Ownership) -> Found:
    glue = mine.lab.client("glue")
    for table in mine.tables_in_database:
        key = {"CatalogId": mine.lab.account, "DatabaseName": mine.lab.database, "TableName": table["Name"]}
        for kind in _OPTIMIZERS:
            # The local lakehouse does not support this operation, because it has no optimizers.
            with absent("EntityNotFoundException", "UnknownOperationException"):
                glue.get_table_optimizer(**key, Type=kind)
                name = f"{kind} of {mine.lab.database}.{table['Name']}"
                why = "costs $0.44 per DPU-hour"
                delete = partial(glue.delete_table_optimizer, **key, Type=kind)
                known_by, source = "in the lab's database", mine.source_of(table["Name"])
                yield Leftover("table optimizer", name, why, known_by, delete, table=source)


def _glue_tables(mine: Ownership) -> Found:
    glue, database = mine.lab.client("glue"), mine.lab.database
    for table in mine.tables_in_database:
        delete = partial(glue.delete_table, DatabaseName=database, Name=table["Name"])
        name, source = f"{database}.{table['Name']}", mine.source_of(table["Name"])
        yield Leftover("Glue table", name, "refers to files in S3", "in the lab's database", delete, table=source)


def _database(mine: Ownership) -> Found:
    if mine.owns(mine.database):
        delete = partial(mine.lab.client("glue").delete_database, Name=mine.lab.database)
        yield Leftover("Glue database", mine.lab.database, "contains the tables", TAGGED, delete)
    elif mine.database is not None:
        yield mine.foreign("Glue database", mine.lab.database, mine.database)


def _bucket(mine: Ownership) -> Found:
    bucket, s3 = mine.lab.bucket, mine.lab.client("s3")
    if mine.owns(mine.bucket):
        results = RESULTS_PREFIX
        if s3.list_objects_v2(Bucket=bucket, Prefix=results, MaxKeys=1)["KeyCount"]:
            name, why = f"s3://{bucket}/{results}", "contain rows of the table"
            delete = partial(empty, s3, bucket, results)
            yield Leftover("Athena results", name, why, "in the lab's bucket", delete)
        delete = partial(_delete_bucket, s3, bucket)
        yield Leftover("S3 bucket", bucket, "billed per GB-month", TAGGED, delete)
    elif mine.bucket is not None:
        yield mine.foreign("S3 bucket", bucket, mine.bucket)


def _delete_bucket(s3: Any, bucket: str) -> None:
    empty(s3, bucket, "")
    s3.delete_bucket(Bucket=bucket)


def empty(s3: Any, bucket: str, prefix: str) -> None:
    """Delete all delete markers and all versions of all objects under a prefix."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in listed]
        if not keys:
            continue
        kept = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}).get("Errors", [])
        if kept:
            first = f"{kept[0]['Key']}: {kept[0].get('Message', kept[0].get('Code', 'no reason given'))}"
            raise StillThereError(
                f"S3 did not delete {len(kept)} of the objects in bucket {bucket}. The first is {first}"
            )


def _dynamodb_tables(mine: Ownership) -> Found:
    """Find the lab's tables by name and other tables by the lab's tag, with dependent resources first."""
    owned = []
    for name in dict.fromkeys([*(lab.table for lab in mine.lab.everywhere), *_tables_by_tag(mine)]):
        tags = mine.tables[name] if name in mine.tables else mine.table_tags(name)
        if mine.owns(tags):
            owned.append(name)
        elif tags is not None:
            yield mine.foreign("DynamoDB table", name, tags)
    deleting = {name for name in owned if _status(mine, name) == _DELETING}
    for name in owned:
        if name not in deleting:
            yield from _recovery(mine, name)
    for name in owned:
        if name not in deleting:
            yield from _table_policy(mine, name)
    for name in owned:
        gone = partial(_table_is_gone, mine, name)
        delete, source = partial(_wait_for_table, name, gone), mine.source_of(name)
        yield Leftover("DynamoDB table", name, "contains the items", TAGGED, delete, gone, source, name in deleting)


def _recovery(mine: Ownership, name: str) -> Found:
    dynamodb = mine.lab.client("dynamodb")
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED":
        # If a table is deleted while PITR is on, a backup remains that cannot be deleted for 35 days.
        off = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}}
        delete = partial(dynamodb.update_continuous_backups, TableName=name, **off)
        why, source = "billed per GB-month", mine.source_of(name)
        yield Leftover("point-in-time recovery", name, why, "on the lab's table", delete, table=source)


def _table_policy(mine: Ownership, name: str) -> Found:
    dynamodb = mine.lab.client("dynamodb")
    arn = f"{mine.lab.table_arn.rpartition('/')[0]}/{name}"
    with absent("PolicyNotFoundException"):
        dynamodb.get_resource_policy(ResourceArn=arn)
        delete = partial(dynamodb.delete_resource_policy, ResourceArn=arn)
        why, source = "lets AWS Glue export the table", mine.source_of(name)
        yield Leftover("resource policy", name, why, "on the lab's table", delete, table=source)


def _tables_by_tag(mine: Ownership) -> list[str]:
    pages = (
        mine.lab.client("resourcegroupstaggingapi")
        .get_paginator("get_resources")
        .paginate(
            TagFilters=[{"Key": TAG_KEY, "Values": [mine.lab.tags[TAG_KEY]]}], ResourceTypeFilters=["dynamodb:table"]
        )
    )
    arns = [entry["ResourceARN"] for page in pages for entry in page["ResourceTagMappingList"]]
    return sorted(arn.rpartition("/")[2] for arn in arns)


def _table_is_gone(mine: Ownership, name: str) -> bool | None:
    """Request a table's deletion unless it is already being deleted. Return True if the table is gone."""
    dynamodb = mine.lab.client("dynamodb")
    with absent("ResourceNotFoundException"):
        status = _status(mine, name)
        if status and status != _DELETING:
            _unless_busy(lambda: dynamodb.delete_table(TableName=name))
        return None if status else True
    return True


def _status(mine: Ownership, name: str) -> str:
    """Return a table's status, or an empty string if the table does not exist."""
    with absent("ResourceNotFoundException"):
        return str(mine.lab.client("dynamodb").describe_table(TableName=name)["Table"]["TableStatus"])
    return ""


def _wait_for_table(name: str, gone: Callable[[], bool | None]) -> None:
    hint = "Check the table's status in the DynamoDB console."
    wait_for(f"table {name} to be deleted", gone, timeout=10 * _MINUTES, hint=hint)


def _unless_busy(act: Callable[[], Any]) -> None:
    """Call a delete operation, and ignore the error if AWS is not ready yet, because the caller retries."""
    try:
        act()
    except ClientError as error:
        if error_code(error) not in _BUSY:
            raise


# Writers are deleted before their targets. The resources that identify other resources are deleted last.
DISCOVERIES: tuple[tuple[str, Callable[[Ownership], Iterable[Leftover | Foreign]]], ...] = (
    ("CloudWatch alarms", _alarms),
    ("integrations", _integrations),
    ("logs", _logs),
    ("table properties", _table_properties),
    ("resource property", _resource_property),
    ("Lake Formation grants", grants),
    ("Lake Formation locations", locations),
    ("Lake Formation administrator", administrator),
    ("Studio domain", studio_domain),
    ("saved queries", _saved_queries),
    ("table optimizers", _optimizers),
    ("Glue tables", _glue_tables),
    ("Glue database", _database),
    ("S3 bucket", _bucket),
    ("DynamoDB tables", _dynamodb_tables),
    ("Data Catalog policy statements", catalog_statements),
    ("IAM role", role),
)
