"""Request validation that supplements botocore's model.

AWS: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-integrations.html
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from local_lakehouse.protocol.wire import Fault
from local_lakehouse.zero_etl import arns
from local_lakehouse.zero_etl.partitions import CONVERSIONS, IDENTITY, TIME_FUNCTIONS

# AWS does not document the range of `MaxRecords`, so this range is our choice.
_MOST_RECORDS = 100
_MOST_TAGS = 50
_MOST_PARTITIONS = 10
_REFRESH_MINUTES = range(15, 8641)
_DEFAULT_REFRESH = "15"
_DATABASE_NAME = re.compile(r"[a-z0-9_]{1,255}")
_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_ROLE = re.compile(r"arn:aws[^:]*:iam::\d{12}:role/.+")
_ARNS = {
    "EventBusArn": (
        re.compile(r"arn:aws[^:]*:events:[^:]+:\d{12}:event-bus/.+"),
        "an event bus (arn:aws:events:<region>:<account>:event-bus/<name>)",
    ),
    "KmsArn": (
        re.compile(r"arn:aws[^:]*:kms:[^:]+:\d{12}:(?:key|alias)/.+"),
        "a KMS key (arn:aws:kms:<region>:<account>:key/<id>)",
    ),
}

Entry = TypeVar("Entry")


def invalid(message: str) -> Fault:
    """Return the error for an invalid request."""
    return Fault("ValidationException", message)


def check_source(arn: str, region: str, account: str) -> arns.Arn:
    """Parse a `SourceArn`, which must be the ARN of a DynamoDB table."""
    table = arns.source_table(arn)
    if table is None:
        raise invalid(
            f"SourceArn {arn} is not the ARN of a DynamoDB table (arn:aws:dynamodb:<region>:<account>:table/<name>). "
            "The local lakehouse supports no other sources."
        )
    _check_home("SourceArn", arn, table, region, account)
    return table


def check_target(arn: str, region: str, account: str, member: str = "TargetArn") -> arns.Arn:
    """Parse a `TargetArn` or `ResourceArn`, which must be the ARN of a Glue database."""
    database = arns.target_database(arn)
    if database is None:
        raise invalid(
            f"{member} {arn} is not the ARN of a Glue database (arn:aws:glue:<region>:<account>:database/<name>). "
            "The local lakehouse supports no other targets (AWS also supports S3 Tables and Amazon Redshift)."
        )
    if not _DATABASE_NAME.fullmatch(database.name):
        raise invalid(
            f"The database name {database.name} in {member} contains invalid characters. Use lowercase letters, "
            "digits and underscores."
        )
    _check_home(member, arn, database, region, account)
    return database


def _check_home(member: str, arn: str, parts: arns.Arn, region: str, account: str) -> None:
    if (parts.region, parts.account) != (region, account):
        raise invalid(
            f"{member} {arn} is not in account {account} and Region {region}. The local lakehouse has no other account "
            "or Region."
        )


def check_create_options(request: Mapping[str, Any]) -> None:
    """Check the optional members of `CreateIntegration`."""
    refuse_data_filter(request)
    if "AdditionalEncryptionContext" in request and "KmsKeyId" not in request:
        raise invalid("AdditionalEncryptionContext is allowed only together with KmsKeyId.")


def refuse_data_filter(request: Mapping[str, Any]) -> None:
    """Reject a `DataFilter`, which applies only to other types of sources."""
    if "DataFilter" in request:
        raise invalid("DataFilter is not supported for a DynamoDB source: the whole table is replicated. Omit it.")


def check_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Validate an `IntegrationConfig`, and return it with a `RefreshInterval`."""
    if "TargetNamespace" in config:
        raise invalid("TargetNamespace is allowed only for an S3 Tables target. Omit it for a Glue database.")
    if "SourceProperties" in config:
        raise invalid("SourceProperties are not supported for a DynamoDB source. Omit them.")
    if config.get("ContinuousSync") is False:
        raise invalid("ContinuousSync can be false only for SaaS sources. Omit it for a DynamoDB source.")
    interval = config.get("RefreshInterval", _DEFAULT_REFRESH)
    if not re.fullmatch(r"[0-9]{1,4}", interval) or int(interval) not in _REFRESH_MINUTES:
        raise invalid(f"RefreshInterval {interval} is not a number of minutes from 15 to 8640 (six days).")
    return {**config, "RefreshInterval": interval}


def check_tags(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Check the tags of a create request."""
    if any("key" not in tag for tag in tags):
        raise invalid("Every tag requires a key.")
    named = {tag["key"]: tag.get("value", "") for tag in tags}
    if len(named) < len(tags):
        raise invalid("A tag key is specified twice.")
    check_tag_keys(named)
    return named


def check_tag_keys(tags: Mapping[str, str]) -> None:
    """Check all tags of a resource after a change."""
    if len(tags) > _MOST_TAGS:
        raise invalid(f"A resource can have at most {_MOST_TAGS} tags.")
    reserved = next((key for key in tags if key.lower().startswith("aws:")), None)
    if reserved:
        raise invalid(f"The tag key {reserved} begins with aws:, which is reserved.")


def check_resource_property(request: Mapping[str, Any]) -> None:
    """Check the properties of a target database."""
    if "SourceProcessingProperties" in request:
        raise invalid(
            "SourceProcessingProperties apply to SaaS sources. Use TargetProcessingProperties for a Glue database."
        )
    target = request.get("TargetProcessingProperties", {})
    if "RoleArn" not in target:
        raise invalid("TargetProcessingProperties with a RoleArn are required for a Glue database.")
    if not _ROLE.fullmatch(target["RoleArn"]):
        raise invalid(
            f"RoleArn {target['RoleArn']} is not the ARN of an IAM role (arn:aws:iam::<account>:role/<name>)."
        )
    for member, (pattern, what) in _ARNS.items():
        if member in target and not pattern.fullmatch(target[member]):
            raise invalid(f"{member} {target[member]} is not the ARN of {what}.")
    if "ConnectionName" in target:
        raise invalid("ConnectionName is not supported: the local lakehouse has no VPC. Omit it.")


def check_table_properties(request: Mapping[str, Any]) -> None:
    """Check the properties of a table in a target database."""
    if "SourceTableConfig" in request:
        raise invalid("SourceTableConfig is not supported for a DynamoDB source. Use TargetTableConfig.")
    config = request.get("TargetTableConfig", {})
    if "TargetTableName" in config and not _TABLE_NAME.fullmatch(config["TargetTableName"]):
        raise invalid(f"TargetTableName {config['TargetTableName']} contains invalid characters.")
    if "IntegrationArn" in config and arns.integration_id(config["IntegrationArn"]) is None:
        raise invalid(f"IntegrationArn {config['IntegrationArn']} is not the ARN of an integration.")
    entries = config.get("PartitionSpec", [])
    if len(entries) > _MOST_PARTITIONS:
        raise invalid(f"PartitionSpec has {len(entries)} entries, but at most {_MOST_PARTITIONS} are allowed.")
    for entry in entries:
        _check_partition(entry)
    _check_partitions_together(entries)


def _check_partition(entry: Mapping[str, str]) -> None:
    if "FieldName" not in entry:
        raise invalid("Every entry of PartitionSpec requires a FieldName.")
    field, function = entry["FieldName"], entry.get("FunctionSpec", IDENTITY).lower()
    if function != IDENTITY and function not in TIME_FUNCTIONS:
        raise invalid(
            f"FunctionSpec {entry['FunctionSpec']} for {field} is not one of {', '.join([IDENTITY, *TIME_FUNCTIONS])}."
        )
    conversion = entry.get("ConversionSpec", "").lower()
    if function != IDENTITY and not conversion:
        raise invalid(
            f"The function {function} for {field} requires a ConversionSpec: {', '.join(sorted(CONVERSIONS))}."
        )
    if conversion and conversion not in CONVERSIONS:
        raise invalid(f"ConversionSpec {conversion} for {field} is not one of {', '.join(sorted(CONVERSIONS))}.")
    if conversion and function == IDENTITY:
        raise invalid(
            f"ConversionSpec applies only to time functions, but {field} is partitioned by identity. Omit it."
        )


def _check_partitions_together(entries: Sequence[Mapping[str, str]]) -> None:
    ways = [(entry["FieldName"].lower(), entry.get("FunctionSpec", IDENTITY).lower()) for entry in entries]
    if len(set(ways)) < len(ways):
        raise invalid("PartitionSpec contains the same field with the same function twice.")
    readings = {(entry["FieldName"].lower(), entry.get("ConversionSpec", "").lower()) for entry in entries}
    if len({field for field, _ in readings}) < len(readings):
        raise invalid(
            "PartitionSpec converts the same field in two ways. All entries for the same field must "
            "have the same ConversionSpec."
        )


def check_filters(
    filters: Sequence[Mapping[str, Any]], allowed: Sequence[str], single: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Check the filters of a list request.

    Args:
        filters: The filters.
        allowed: The names that the operation supports.
        single: The names that accept only one value.
    """
    wanted: dict[str, list[str]] = {}
    for entry in filters:
        name, values = entry.get("Name", ""), entry.get("Values")
        if name not in allowed:
            raise invalid(f"Filter {name} is not one of {', '.join(allowed)}.")
        if not values:
            raise invalid(f"Filter {name} requires at least one value.")
        if name in single and len(values) > 1:
            raise invalid(f"Filter {name} accepts only one value.")
        wanted[name] = list(values)
    return wanted


def page(
    entries: Sequence[Entry], request: Mapping[str, Any], name_of: Callable[[Entry], str]
) -> tuple[list[Entry], str | None]:
    """Return one page of a list.

    Args:
        entries: The complete list of entries, in a stable order.
        request: The request with `MaxRecords` and `Marker`.
        name_of: A function that returns an entry's unique name.

    Returns:
        The page, and the marker of the next page. The marker is None for the last page.
    """
    size = request.get("MaxRecords", _MOST_RECORDS)
    if not 1 <= size <= _MOST_RECORDS:
        raise invalid(f"MaxRecords must be from 1 to {_MOST_RECORDS}, but is {size}.")
    start = 0
    if "Marker" in request:
        last = _unmark(request["Marker"])
        start = next((number for number, entry in enumerate(entries, 1) if name_of(entry) == last), -1)
        if start < 0:
            raise invalid("Marker does not belong to this list. Start again without a marker.")
    chosen = list(entries[start : start + size])
    more = start + size < len(entries)
    return chosen, _mark(name_of(chosen[-1])) if more else None


def _mark(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _unmark(marker: str) -> str:
    try:
        return base64.urlsafe_b64decode(marker.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid("Marker was not issued by this service. Start again without a marker.") from error
