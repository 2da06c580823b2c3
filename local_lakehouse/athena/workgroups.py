"""Workgroups, their tags, and the bucket for results.

https://docs.aws.amazon.com/athena/latest/ug/workgroups-manage-queries-control-costs.html
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.athena.executions import ENGINE
from local_lakehouse.athena.faults import invalid_request, not_found
from local_lakehouse.athena.paging import page
from local_lakehouse.backend.clients import ServiceClients, acting_for

PRIMARY = "primary"
# The name under which the service's documents are registered.
PARTICIPANT = "athena"
_MAX_PAGE = 50
_BAD_TOKEN = "The nextPageToken is malformed: {}"
_ENGINE_VERSION = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE}
_DEFAULTS: dict[str, Any] = {
    "ResultConfiguration": {},
    "EnforceWorkGroupConfiguration": False,
    "PublishCloudWatchMetricsEnabled": False,
    "RequesterPaysEnabled": False,
    "EnableMinimumEncryptionConfiguration": False,
    "EngineVersion": _ENGINE_VERSION,
}


class WorkGroups:
    """The account's workgroups.

    Args:
        clients: The AWS clients for the lakehouse.
    """

    def __init__(self, clients: ServiceClients) -> None:
        self._clients = clients
        self._lock = threading.Lock()
        self._bucket_made = False
        self._tags: dict[str, dict[str, str]] = {}
        self._groups: dict[str, dict[str, Any]] = {PRIMARY: self._primary()}

    def _primary(self) -> dict[str, Any]:
        configuration = {**_DEFAULTS, "ResultConfiguration": {"OutputLocation": f"s3://{self.bucket}/"}}
        return {
            "Name": PRIMARY,
            "State": "ENABLED",
            "Configuration": configuration,
            "CreationTime": datetime.now(UTC),
        }

    def changing(self) -> AbstractContextManager[None]:
        """Return a context manager that saves Athena's documents after its block has changed them."""
        return self._clients.changing(PARTICIPANT)

    @property
    def bucket(self) -> str:
        """The bucket for the results of the workgroup ``primary``."""
        return f"aws-athena-query-results-{self._clients.account}-{self._clients.region}"

    def keeps_results(self, group: dict[str, Any]) -> bool:
        """Return whether Athena manages the results of a workgroup.

        https://docs.aws.amazon.com/athena/latest/ug/managed-results.html
        """
        managed: bool = group["Configuration"].get("ManagedQueryResultsConfiguration", {}).get("Enabled", False)
        return managed

    def managed_location(self, group: dict[str, Any]) -> str:
        """Return the location of managed results, which clients read only through ``GetQueryResults``."""
        self.ensure_bucket()
        return f"s3://{self.bucket}/managed/{group['Name']}"

    def ensure_bucket(self) -> None:
        """Create the bucket of the workgroup ``primary`` if the bucket does not exist."""
        if self._bucket_made:
            return
        options: dict[str, Any] = {}
        if self._clients.region != "us-east-1":
            options["CreateBucketConfiguration"] = {"LocationConstraint": self._clients.region}
        try:
            # The lakehouse creates the bucket for convenience, regardless of the caller's permissions.
            with acting_for(None):
                self._clients.client("s3").create_bucket(Bucket=self.bucket, **options)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise
        self._bucket_made = True

    def find(self, name: str) -> dict[str, Any]:
        """Return a workgroup.

        Raises:
            Fault: The workgroup does not exist.
        """
        with self._lock:
            found = self._groups.get(name)
        if found is None:
            raise invalid_request("WorkGroup is not found.")
        return found

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetWorkGroup``."""
        found = self.find(request["WorkGroup"])
        if found["Name"] == PRIMARY:
            self.ensure_bucket()
        return {"WorkGroup": copy.deepcopy(found)}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``ListWorkGroups``."""
        with self._lock:
            groups = [self._groups[name] for name in sorted(self._groups)]
        chosen, token = page(groups, request, _MAX_PAGE, message=_BAD_TOKEN)
        summaries = [
            {
                "Name": entry["Name"],
                "State": entry["State"],
                "Description": entry.get("Description", ""),
                "CreationTime": entry["CreationTime"],
                "EngineVersion": _ENGINE_VERSION,
            }
            for entry in chosen
        ]
        return {"WorkGroups": summaries, **({"NextToken": token} if token else {})}

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``CreateWorkGroup``."""
        name = request["Name"]
        configuration = {**_DEFAULTS, "EnforceWorkGroupConfiguration": True, **request.get("Configuration", {})}
        configuration["EngineVersion"] = _ENGINE_VERSION
        _check_results(configuration)
        group = {"Name": name, "State": "ENABLED", "Configuration": configuration, "CreationTime": datetime.now(UTC)}
        if "Description" in request:
            group["Description"] = request["Description"]
        with self._lock:
            if name in self._groups:
                raise invalid_request("WorkGroup is already created")
            self._groups[name] = group
            self._tags[self.arn(name)] = _given_tags(request)
        return {}

    def arn(self, name: str) -> str:
        """Return a workgroup's ARN."""
        return f"arn:{self._clients.partition}:athena:{self._clients.region}:{self._clients.account}:workgroup/{name}"

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``UpdateWorkGroup``."""
        group = self.find(request["WorkGroup"])
        with self._lock:
            changed = {**group, "Configuration": copy.deepcopy(group["Configuration"])}
            for key in ("Description", "State"):
                if key in request:
                    changed[key] = request[key]
            _apply(changed["Configuration"], request.get("ConfigurationUpdates", {}))
            _check_results(changed["Configuration"])
            self._groups[group["Name"]] = changed
        return {}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``DeleteWorkGroup``."""
        name = request["WorkGroup"]
        if name == PRIMARY:
            raise invalid_request("Primary workgroup cannot be deleted")
        self.find(name)
        with self._lock:
            del self._groups[name]
            self._tags.pop(self.arn(name), None)
        return {}

    def tag(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``TagResource``."""
        self._tags_of(request).update(_given_tags(request))
        return {}

    def untag(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``UntagResource``."""
        tags = self._tags_of(request)
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``ListTagsForResource``."""
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._tags_of(request).items()]}

    def _tags_of(self, request: dict[str, Any]) -> dict[str, str]:
        arn: str = request["ResourceARN"]
        name = arn.rpartition("/")[2]
        with self._lock:
            if name not in self._groups or arn != self.arn(name):
                raise not_found(f"Resource {arn} was not found", arn)
            return self._tags.setdefault(arn, {})

    def dump(self) -> dict[str, Any]:
        """Return all workgroups as plain data."""
        with self._lock:
            return {"groups": copy.deepcopy(self._groups), "tags": copy.deepcopy(self._tags)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the workgroups that `dump` returned, or only ``primary`` in a new lakehouse."""
        with self._lock:
            self._groups = dict(state["groups"]) if "groups" in state else {PRIMARY: self._primary()}
            self._tags = dict(state.get("tags", {}))


def _check_results(configuration: dict[str, Any]) -> None:
    """Reject a result location if Athena manages the results."""
    managed = configuration.get("ManagedQueryResultsConfiguration", {}).get("Enabled", False)
    if managed and configuration["ResultConfiguration"].get("OutputLocation"):
        raise invalid_request("An output location cannot be set for a workgroup with managed query results")


def _apply(configuration: dict[str, Any], updates: dict[str, Any]) -> None:
    results = updates.get("ResultConfigurationUpdates", {})
    target = configuration["ResultConfiguration"]
    for key in ("OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration"):
        if key in results:
            target[key] = results[key]
        if results.get(f"Remove{key}"):
            target.pop(key, None)
    for key in (
        "EnforceWorkGroupConfiguration",
        "PublishCloudWatchMetricsEnabled",
        "RequesterPaysEnabled",
        "EnableMinimumEncryptionConfiguration",
        "BytesScannedCutoffPerQuery",
        "ExecutionRole",
    ):
        if key in updates:
            configuration[key] = updates[key]
    managed = updates.get("ManagedQueryResultsConfigurationUpdates", {})
    if "Enabled" in managed:
        configuration["ManagedQueryResultsConfiguration"] = {"Enabled": managed["Enabled"]}
    if updates.get("RemoveBytesScannedCutoffPerQuery"):
        configuration.pop("BytesScannedCutoffPerQuery", None)


def _given_tags(request: dict[str, Any]) -> dict[str, str]:
    """Return a request's tags. Reject a tag without a key, which the service model allows."""
    tags = request.get("Tags", [])
    if not all(tag.get("Key") for tag in tags):
        raise invalid_request("Tag key cannot be null or empty.")
    return {tag["Key"]: tag.get("Value", "") for tag in tags}
