"""The ARNs of zero-ETL sources, targets, integrations and resource properties."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TABLE = re.compile(
    r"arn:(?P<partition>aws[^:]*):dynamodb:(?P<region>[^:]+):(?P<account>\d{12}):table/(?P<name>[A-Za-z0-9_.-]{3,255})"
)
_DATABASE = re.compile(
    r"arn:(?P<partition>aws[^:]*):glue:(?P<region>[^:]+):(?P<account>\d{12}):database/(?P<name>[^/]+)"
)
# In AWS's documentation, the ID follows a colon or, in one sample, a slash.
_INTEGRATION = re.compile(r"arn:aws[^:]*:glue:[^:]+:\d{12}:integration[:/](?P<name>[0-9a-f-]{36})")
_PROPERTY = re.compile(r"arn:aws[^:]*:glue:[^:]+:\d{12}:integrationresourceproperty/(?P<kind>[^/]+)/(?P<name>.+)")


@dataclass(frozen=True)
class Arn:
    """An ARN's parts.

    Args:
        partition: The partition, such as ``aws``.
        region: The Region.
        account: The account.
        name: The name of the table or database.
    """

    partition: str
    region: str
    account: str
    name: str


def source_table(arn: str) -> Arn | None:
    """Parse the ARN of a DynamoDB table, or return None for any other ARN."""
    return _parts(_TABLE.fullmatch(arn))


def target_database(arn: str) -> Arn | None:
    """Parse the ARN of a Glue database, or return None for any other ARN."""
    return _parts(_DATABASE.fullmatch(arn))


def _parts(match: re.Match[str] | None) -> Arn | None:
    return Arn(match["partition"], match["region"], match["account"], match["name"]) if match else None


def integration_id(arn: str) -> str | None:
    """Return an integration's ID from its ARN, or None for any other ARN."""
    match = _INTEGRATION.fullmatch(arn)
    return match["name"] if match else None


def is_resource_property(arn: str) -> bool:
    """Return whether an ARN belongs to a resource property."""
    return _PROPERTY.fullmatch(arn) is not None


def integration_arn(partition: str, region: str, account: str, identity: str) -> str:
    """Return an integration's ARN."""
    return f"arn:{partition}:glue:{region}:{account}:integration:{identity}"


def resource_property_arn(database: Arn) -> str:
    """Return the ARN of a database's resource property."""
    home = f"arn:{database.partition}:glue:{database.region}:{database.account}"
    return f"{home}:integrationresourceproperty/database/{database.name}"
