"""The supported AWS services, and the data that identifies them in requests.

`PROTOCOLS` repeats data from botocore's models, so that a lakehouse starts without loading them. Glue's model alone is
2 MB. A test compares `PROTOCOLS` with the models.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.model import ServiceModel

from local_lakehouse.service_models import ModelLoader, model_loader


@dataclass(frozen=True)
class Protocol:
    """The protocol of a service.

    Args:
        name: The protocol that botocore uses, which is ``json``, ``query``, ``rest-json`` or ``rest-xml``.
        target: The prefix of ``X-Amz-Target``, or an empty string if the service does not use this header.
        version: The version in the content type of the ``json`` protocol.
        queried: Whether clients can also use the ``query`` protocol.
    """

    name: str
    target: str = ""
    version: str = "1.1"
    queried: bool = False


PROTOCOLS: Mapping[str, Protocol] = {
    "athena": Protocol("json", "AmazonAthena"),
    "cloudwatch": Protocol("json", "GraniteServiceVersion20100801", "1.0", queried=True),
    "datazone": Protocol("rest-json"),
    "dynamodb": Protocol("json", "DynamoDB_20120810", "1.0"),
    "dynamodbstreams": Protocol("json", "DynamoDBStreams_20120810", "1.0"),
    "events": Protocol("json", "AWSEvents"),
    "glue": Protocol("json", "AWSGlue"),
    "iam": Protocol("query", queried=True),
    "kms": Protocol("json", "TrentService"),
    "lakeformation": Protocol("rest-json"),
    "logs": Protocol("json", "Logs_20140328"),
    "resourcegroupstaggingapi": Protocol("json", "ResourceGroupsTaggingAPI_20170126"),
    "s3": Protocol("rest-xml"),
    "sns": Protocol("query", queried=True),
    "sts": Protocol("query", queried=True),
}

_TARGETS = {protocol.target: name for name, protocol in PROTOCOLS.items() if protocol.target}
_SIGNED_AS = {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}
_PARTITIONS = ((r"cn-", "aws-cn"), (r"us-gov-", "aws-us-gov"))


def by_target(prefix: str) -> str:
    """Return the service for an ``X-Amz-Target`` prefix, or the prefix if it is unknown."""
    return _TARGETS.get(prefix, prefix)


def signing_name(service: str) -> str:
    """Return a service's name in signatures. DynamoDB Streams uses DynamoDB's name."""
    return "dynamodb" if service == "dynamodbstreams" else service


def by_signature(name: str) -> str:
    """Return the botocore name of the service in a signature."""
    return _SIGNED_AS.get(name, name)


def partition_of(region: str) -> str:
    """Return the partition of a Region."""
    return next((name for prefix, name in _PARTITIONS if re.match(prefix, region)), "aws")


@functools.cache
def service_model(name: str) -> ServiceModel:
    """Load the botocore model of one service."""
    return ServiceModel(_loader().load_service_model(name, "service-2"), name)


@functools.cache
def operation_names(name: str) -> frozenset[str]:
    """Return the names of a service's operations."""
    return frozenset(service_model(name).operation_names)


@functools.cache
def _loader() -> ModelLoader:
    return model_loader()
