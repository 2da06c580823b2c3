"""The tags of integrations and resource properties. moto handles the tags of all other Glue resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.protocol.wire import Caller, Fault
from local_lakehouse.zero_etl import arns
from local_lakehouse.zero_etl.integrations import Integration
from local_lakehouse.zero_etl.properties import Properties
from local_lakehouse.zero_etl.requests import check_tag_keys


class Tagging:
    """Glue's three tag operations.

    Args:
        clients: The AWS clients for the lakehouse.
        integrations: The account's integrations, keyed by their IDs.
        properties: A function that returns the account's resource properties.
    """

    def __init__(
        self, clients: ServiceClients, integrations: Mapping[str, Integration], properties: Callable[[], Properties]
    ) -> None:
        self._clients = clients
        self._integrations = integrations
        self._properties = properties

    def handlers(self) -> dict[str, Callable[[dict[str, Any], Caller], dict[str, Any]]]:
        """Return the operations, keyed by name."""
        return {"TagResource": self._tag, "UntagResource": self._untag, "GetTags": self._get}

    def _tag(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        tags = self._tags_of(request["ResourceArn"])
        if tags is None:
            return self._pass_on("tag_resource", request)
        check_tag_keys({**tags, **request["TagsToAdd"]})
        tags.update(request["TagsToAdd"])
        return {}

    def _untag(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        tags = self._tags_of(request["ResourceArn"])
        if tags is None:
            return self._pass_on("untag_resource", request)
        for key in request["TagsToRemove"]:
            tags.pop(key, None)
        return {}

    def _get(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        tags = self._tags_of(request["ResourceArn"])
        return self._pass_on("get_tags", request) if tags is None else {"Tags": tags}

    def _tags_of(self, arn: str) -> dict[str, str] | None:
        """Return the tags of one of the service's resources, or None for other resources."""
        identity = arns.integration_id(arn)
        if identity is None and not arns.is_resource_property(arn):
            return None
        integration = self._integrations.get(identity or "")
        tags = integration.tags if integration else self._properties().tags.get(arn)
        if tags is None:
            raise Fault("EntityNotFoundException", f"The resource {arn} does not exist.")
        return tags

    def _pass_on(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._clients.client("glue"), operation)(**request)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise Fault(error.response["Error"]["Code"], error.response["Error"]["Message"], status=status) from error
        return answer
