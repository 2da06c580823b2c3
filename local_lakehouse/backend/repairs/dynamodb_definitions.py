"""The rules that AWS applies to table definitions before it creates or changes a DynamoDB table.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from moto.dynamodb.exceptions import MockValidationException

from local_lakehouse.protocol import wire
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.services import service_model

_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
_INVALID = "One or more parameter values were invalid: "
_MOST_LOCAL, _MOST_GLOBAL = 5, 20
_MOST_OF_TABLE_KEY, _MOST_OF_KEY = 2, 4
_NOT_OFFERED = ("GlobalTableSettingsReplicationMode", "GlobalTableSourceArn")

Definition = Mapping[str, Any]


def refused(message: str) -> MockValidationException:
    """Return a ``ValidationException``."""
    return MockValidationException(message)


def invalid(message: str) -> MockValidationException:
    """Return a ``ValidationException`` about parameter values."""
    return MockValidationException(_INVALID + message)


def not_offered(what: str) -> MockValidationException:
    """Return the error for a valid request that is not supported here."""
    return MockValidationException(f"The local lakehouse does not support {what} in DynamoDB; AWS does.")


def check_model(operation: str, asked: Definition) -> None:
    """Check a request against the constraints in botocore's model.

    Raises:
        MockValidationException: The request violates a constraint. The message is the same as on AWS.
    """
    try:
        wire.check(service_model("dynamodb").operation_model(operation), asked)
    except Fault as fault:
        raise refused(fault.message) from fault


def check_name(name: str, member: str = "TableName") -> None:
    """Check the name of a table or an index.

    Raises:
        MockValidationException: The name is too short or too long, or contains invalid characters.
    """
    if not 3 <= len(name) <= 255:
        raise refused(f"{member} must be at least 3 characters long and at most 255 characters long")
    if not _NAME.fullmatch(name):
        where = member[0].lower() + member[1:]
        raise refused(
            f"1 validation error detected: Value '{name}' at '{where}' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )


def check_new_table(asked: Definition) -> None:
    """Check a request to create a table for errors that moto does not detect.

    Args:
        asked: The request, which is valid according to the service model.

    Raises:
        MockValidationException: The definition is invalid, or contains an unsupported construct, which the message
            names.
    """
    check_offered(asked, _NOT_OFFERED)
    check_name(asked["TableName"])
    on_demand = asked.get("BillingMode") == "PAY_PER_REQUEST"
    if on_demand and "ProvisionedThroughput" in asked:
        raise invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )
    if not on_demand and "OnDemandThroughput" in asked:
        raise invalid("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
    _check_keys(asked["KeySchema"])
    _check_definitions(asked["AttributeDefinitions"])
    local, everywhere = asked.get("LocalSecondaryIndexes", []), asked.get("GlobalSecondaryIndexes", [])
    if len(local) > _MOST_LOCAL:
        raise invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5")
    if len(everywhere) > _MOST_GLOBAL:
        raise invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20")
    names = [index["IndexName"] for index in (*local, *everywhere)]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Duplicate index name: {name}")
    for index in local:
        _check_local(index, asked["KeySchema"])
    for index in everywhere:
        check_global(index, on_demand=on_demand)
    check_stream(asked.get("StreamSpecification", {"StreamEnabled": False}))


def _check_definitions(defined: Sequence[Definition]) -> None:
    names = [each["AttributeName"] for each in defined]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Duplicate AttributeName in AttributeDefinitions: {name}")


def _check_keys(schema: Sequence[Definition]) -> None:
    kinds = [each["KeyType"] for each in schema]
    if kinds[0] != "HASH":
        raise refused("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if len(kinds) > 1 and kinds[1] != "RANGE":
        raise refused("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if len(schema) > _MOST_OF_TABLE_KEY:
        raise refused(
            f"1 validation error detected: Value of {len(schema)} members at 'keySchema' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_MOST_OF_TABLE_KEY}"
        )
    _check_distinct(schema)


def _check_distinct(schema: Sequence[Definition]) -> None:
    if len({each["AttributeName"] for each in schema}) < len(schema):
        raise refused("Both the Hash Key and the Range Key element in the KeySchema have the same name")


def _check_local(index: Definition, table_schema: Sequence[Definition]) -> None:
    check_name(index["IndexName"], "IndexName")
    _check_keys(index["KeySchema"])
    if len(table_schema) < 2:
        raise invalid(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    name = index["IndexName"]
    if len(index["KeySchema"]) < 2:
        raise invalid(f"Index KeySchema does not have a range key for index: {name}")
    hashed, of_table = index["KeySchema"][0]["AttributeName"], table_schema[0]["AttributeName"]
    if hashed != of_table:
        raise invalid(
            f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. "
            f"index hash key: {hashed}, table hash key: {of_table}"
        )
    _check_projection(index["Projection"])


def check_global(index: Definition, *, on_demand: bool) -> None:
    """Check the definition of a global secondary index.

    Raises:
        MockValidationException: The definition is invalid. The message is the same as on AWS.
    """
    name = index["IndexName"]
    check_name(name, "IndexName")
    # Only a global secondary index allows up to four attributes in its partition key and up to four in its sort key.
    kinds = [each["KeyType"] for each in index["KeySchema"]]
    if kinds[0] != "HASH" or sorted(kinds) != kinds:
        _check_keys(index["KeySchema"])
    _check_distinct(index["KeySchema"])
    if max(kinds.count("HASH"), kinds.count("RANGE")) > _MOST_OF_KEY:
        raise invalid(f"Index KeySchema has more than {_MOST_OF_KEY} attributes of one key type for index: {name}")
    _check_projection(index["Projection"])
    if on_demand and "ProvisionedThroughput" in index:
        raise invalid(
            f"ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        )
    if not on_demand and "ProvisionedThroughput" not in index:
        raise invalid(f"ProvisionedThroughput must be specified for index: {name}")


def _check_projection(projection: Definition) -> None:
    kind, names = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise invalid("Unknown ProjectionType: null")
    if kind != "INCLUDE" and names is not None:
        raise invalid(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and not names:
        raise invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    given = list(names or ())
    for name in given:
        if given.count(name) > 1:
            raise invalid(f"Duplicate attribute in NonKeyAttributes: {name}")


def check_stream(asked: Definition) -> None:
    """Check a stream's view type.

    Raises:
        MockValidationException: The view type is missing for an enabled stream, or specified for a disabled stream.
    """
    if asked["StreamEnabled"] and "StreamViewType" not in asked:
        raise invalid("StreamViewType must be specified when StreamEnabled is true")
    if not asked["StreamEnabled"] and "StreamViewType" in asked:
        raise invalid("StreamViewType cannot be specified when StreamEnabled is false")


def check_offered(asked: Definition, members: Iterable[str]) -> None:
    """Reject members that are not supported here.

    Raises:
        MockValidationException: The request contains one of the members. The message names it.
    """
    for name in members:
        if name in asked:
            raise not_offered(name)
