"""Where moto answers other than AWS in what set-up and clean-up rely on, put right.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html,
https://docs.aws.amazon.com/glue/latest/webapi/API_PutResourcePolicy.html,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import xmltodict
from moto.cloudwatch.models import CloudWatchBackend, MetricDatumBase
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import ProvidedKeyDoesNotExist, TransactionCanceledException
from moto.dynamodb.responses import DynamoHandler
from moto.glue.exceptions import EntityNotFoundException
from moto.glue.models import GlueBackend
from moto.lakeformation.models import Permission, PermissionCatalog
from moto.s3.responses import S3Response

from local_lakehouse.backend import alarms

# What moto calls a condition on the Data Catalog's policy that does not hold.
_BROKEN_CONDITIONS = ("ConcurrentModificationException", "ResourceNumberLimitExceededException")

_NO_KEY = ProvidedKeyDoesNotExist.provided_key_does_not_exist_msg


def apply() -> None:
    """Put moto right, once for the process."""
    if not hasattr(S3Response._bucket_response_put, "__wrapped__"):
        S3Response._bucket_response_put = _with_tags(S3Response._bucket_response_put)  # type: ignore[method-assign]
        GlueBackend.get_resource_policy = _found(GlueBackend.get_resource_policy)  # type: ignore[method-assign]
        GlueBackend.put_resource_policy = _conditional(GlueBackend.put_resource_policy)  # type: ignore[method-assign]
        GlueBackend.delete_resource_policy = _conditional(  # type: ignore[method-assign]
            GlueBackend.delete_resource_policy
        )
        for name in ("get_item", "update_item", "delete_item", "batch_get_item", "batch_write_item"):
            setattr(DynamoHandler, name, _keyed(getattr(DynamoHandler, name)))
        for name in ("transact_get_items", "transact_write_items"):
            setattr(DynamoHandler, name, _cancelled(getattr(DynamoHandler, name)))
        DynamoHandler.update_item = _updating_nothing(DynamoHandler.update_item)  # type: ignore[method-assign]
        CloudWatchBackend.get_filtered_metrics = _listed_once(  # type: ignore[method-assign]
            CloudWatchBackend.get_filtered_metrics
        )
        alarms.apply()
        PermissionCatalog.add_permission = _filed_anew(PermissionCatalog.add_permission)  # type: ignore[method-assign]


def _with_tags(put: Callable[..., Any]) -> Callable[..., Any]:
    """Let `CreateBucket` tag the new bucket, which moto does not."""

    @functools.wraps(put)
    def tagging(self: S3Response, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        new = not querystring and bucket_name not in self.backend.buckets
        answer = put(self, request, bucket_name, querystring)
        tags = _bucket_tags(self.body) if new else {}
        if tags:
            self.backend.put_bucket_tagging(bucket_name, tags)
        return answer

    return tagging


def _bucket_tags(body: bytes | str) -> dict[str, str]:
    configuration = (xmltodict.parse(body, force_list=("Tag",)) if body else {}).get("CreateBucketConfiguration")
    tags = ((configuration or {}).get("Tags") or {}).get("Tag", [])
    return {tag["Key"]: tag.get("Value") or "" for tag in tags}


def _found(get: Callable[..., Any]) -> Callable[..., Any]:
    """Say that there is no policy as AWS does: with an error."""

    @functools.wraps(get)
    def finding(self: GlueBackend, *arguments: Any, **named: Any) -> Any:
        answer = get(self, *arguments, **named)
        if not answer:
            raise EntityNotFoundException("Policy not found")
        return answer

    return finding


def _conditional(write: Callable[..., Any]) -> Callable[..., Any]:
    """Say that a condition does not hold as AWS does, and hold the hash of a policy that is gone for wrong."""

    @functools.wraps(write)
    def writing(self: GlueBackend, *arguments: Any, **named: Any) -> Any:
        arn = named.get("resource_arn") or self.default_catalog_arn
        if named.get("policy_hash_condition") and arn not in self.resource_policies:
            raise JsonRESTError("ConditionCheckFailureException", "The policy that the condition means is gone.")
        try:
            return write(self, *arguments, **named)
        except JsonRESTError as error:
            if error.error_type not in _BROKEN_CONDITIONS:
                raise
            raise JsonRESTError("ConditionCheckFailureException", str(error.message)) from error

    return writing


def _keyed(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse a key whose names or types are not the table's, for which moto finds or makes an item."""

    @functools.wraps(answer)
    def answering(self: DynamoHandler) -> Any:
        if not all(_is_key(self.dynamodb_backend.get_table(table), key) for table, key in _keys(self.body)):
            raise ProvidedKeyDoesNotExist
        return answer(self)

    return answering


def _is_key(table: Any, key: dict[str, dict[str, Any]]) -> bool:
    types = {one["AttributeName"]: [one["AttributeType"]] for one in table.attr}
    return {name: list(value) for name, value in key.items()} == {name: types[name] for name in table.table_key_attrs}


def _keys(request: dict[str, Any]) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    if "Key" in request:
        yield request["TableName"], request["Key"]
    for table, asked in request.get("RequestItems", {}).items():
        if isinstance(asked, dict):
            yield from ((table, key) for key in asked["Keys"])
        else:
            yield from ((table, one["DeleteRequest"]["Key"]) for one in asked if "DeleteRequest" in one)


def _cancelled(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Cancel a transaction with a key that is not the table's, and say which one it is."""

    @functools.wraps(answer)
    def answering(self: DynamoHandler) -> Any:
        reasons = [
            (None, None, None) if _has_key(self, action) else ("ValidationError", _NO_KEY, None)
            for entry in self.body["TransactItems"]
            for action in entry.values()
        ]
        if any(code for code, _, _ in reasons):
            raise TransactionCanceledException(reasons)
        return answer(self)

    return answering


def _has_key(handler: DynamoHandler, action: dict[str, Any]) -> bool:
    table = handler.dynamodb_backend.get_table(action["TableName"])
    key = action.get("Key")
    if key is None:
        key = {name: value for name, value in action["Item"].items() if name in table.table_key_attrs}
    return _is_key(table, key)


def _updating_nothing(update: Callable[..., Any]) -> Callable[..., Any]:
    """Let `UpdateItem` say nothing to update, which makes an item of its key alone: moto fails once it has made it."""

    @functools.wraps(update)
    def updating(self: DynamoHandler) -> Any:
        if "UpdateExpression" not in self.body:
            self.body.setdefault("AttributeUpdates", {})
        return update(self)

    return updating


def _listed_once(find: Callable[..., list[MetricDatumBase]]) -> Callable[..., list[MetricDatumBase]]:
    """List each metric once: moto lists one with several dimensions, or none, once for each datum."""

    @functools.wraps(find)
    def finding(self: CloudWatchBackend, *arguments: Any, **named: Any) -> list[MetricDatumBase]:
        found: dict[tuple[Any, ...], MetricDatumBase] = {}
        for datum in find(self, *arguments, **named):
            dimensions = frozenset((dimension.name, dimension.value) for dimension in datum.dimensions)
            found.setdefault((datum.namespace, datum.name, dimensions), datum)
        return list(found.values())

    return finding


def _filed_anew(add: Callable[..., None]) -> Callable[..., None]:
    """Let what was granted in two steps be revoked: moto changes an entry of its set, and no longer finds it there."""

    @functools.wraps(add)
    def adding(self: PermissionCatalog, permission: Permission) -> None:
        add(self, permission)
        self.permissions = set(list(self.permissions))  # noqa: C414  (a set of a set keeps the old hashes)

    return adding
