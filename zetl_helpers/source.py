"""The DynamoDB table that is the source, with its items and settings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from zetl_helpers import _documents, _own_table, _table_import, integration, permissions, target
from zetl_helpers import keys as kms_keys
from zetl_helpers._aws import ForeignResourceError, absent, make, one_of, settled, tag_dict, tag_list
from zetl_helpers._counts import counted
from zetl_helpers._own_table import OtherKeysError, file_items, sample_file
from zetl_helpers._steps import Step, ensured
from zetl_helpers._table_import import ImportFailedError
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import TAG_KEY, Lab

__all__ = [
    "ImportFailedError",
    "OtherKeysError",
    "changes",
    "create_table",
    "definition",
    "disable_pitr",
    "enable_pitr",
    "exists",
    "file_items",
    "get_item",
    "import_items",
    "items",
    "load_items",
    "profiles",
    "put_items",
    "put_policy",
    "sample_file",
]

_BATCH = 25  # the maximum number of items in one BatchWriteItem request
_MOST_KEYS = 100  # the maximum number of keys in one BatchGetItem request
_THROTTLED = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")
_THROTTLES = "The table is throttling requests. Check its metrics in the DynamoDB console."
# The definitions of additional tables, keyed by the start of the table's name.
_DEFINITIONS = {"Profiles": "nested_table.json", "Payments": "payments_table.json"}


def definition(lab: Lab, keys: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the ``CreateTable`` arguments for the lab's table, except the tags.

    Args:
        lab: The lab.
        keys: The type of each key attribute, with the partition key first. Defaults to the keys of the sample data.
    """
    if keys is not None:
        return {"TableName": lab.table, **_own_table.definition(keys)}
    kind = next((name for start, name in _DEFINITIONS.items() if lab.further.startswith(start)), "table.json")
    arguments: dict[str, Any] = _documents.sample(kind)
    return {**arguments, "TableName": lab.table}


def items(batch: int = 1) -> list[dict[str, Any]]:
    """Return a batch of sample items as DynamoDB JSON.

    Args:
        batch: 1 for the items from chapter 1, or 2 for 25 more items.
    """
    requests = _documents.sample(f"items_{batch}.json")["CustomerAccounts"]
    return [request["PutRequest"]["Item"] for request in requests]


def profiles() -> list[dict[str, Any]]:
    """Return the seven nested profiles from chapter 10, which cover every DynamoDB type, as DynamoDB JSON."""
    requests = _documents.sample("nested_items.json")["CustomerProfiles"]
    return [request["PutRequest"]["Item"] for request in requests]


def changes() -> dict[str, Any]:
    """Return the arguments of ``put_item``, ``update_item`` and ``delete_item`` for the three writes in chapter 6."""
    document: dict[str, Any] = _documents.sample("changes.json")
    return document


def create_table(lab: Lab, *, keys: Mapping[str, str] | None = None, kms_key: str | None = None) -> Step:
    """Create the table with on-demand billing, and wait until it accepts writes.

    The table is the tutorial's first resource, so this function first checks the names of all later resources.

    Args:
        lab: The lab.
        keys: The type of each key attribute, with the partition key first, as `preflight` reports them. Defaults to the
            keys of the sample data.
        kms_key: The ID, ARN or alias of a customer managed key that encrypts the table. Defaults to a key that DynamoDB
            owns. An existing table keeps its key.

    Returns:
        The step and its outcome.

    Raises:
        ForeignResourceError: A table, bucket, database, role or integration with the lab's name exists but does not
            belong to the lab.
        KeyNotUsableError: The key cannot be used for the table.
        OtherKeysError: The table exists with different keys.
        WaitTimeoutError: The table does not become ACTIVE.

    See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    """
    dynamodb = lab.client("dynamodb")
    with lab.recording() as calls:
        found = exists(lab) and not _wait_out_deletion(lab)
        if found and keys is not None:
            _own_table.require_keys(lab, keys)
        if not found:
            _look_at_other_names(lab)
            arguments = {**definition(lab, keys), **_encryption(lab, kms_key), "Tags": tag_list(lab.tags)}
            make(lambda: dynamodb.create_table(**arguments), lambda: exists(lab), "ResourceInUseException")
        wait_for(
            f"table {lab.table} to be ACTIVE",
            lambda: True if _status(lab) == "ACTIVE" and (found or _tagged(lab)) else None,
            timeout=120,
            hint="Check the table's status in the DynamoDB console.",
        )
    return Step(f"table {lab.table}", "already there" if found else "created", calls)


def exists(lab: Lab) -> bool:
    """Return whether the lab's table exists.

    Raises:
        ForeignResourceError: A table with the lab's name exists but does not belong to the lab.
    """
    with absent("ResourceNotFoundException"):
        lab.client("dynamodb").describe_table(TableName=lab.table)
        if not _tagged(lab):
            raise ForeignResourceError(
                f"Table {lab.table} exists but doesn't have the tag {TAG_KEY}, so it doesn't belong to the lab. "
                "Set ZETL_PREFIX to use different names for your lab."
            )
        return True
    return False


def load_items(lab: Lab, batch: Sequence[dict[str, Any]] | None = None) -> Step:
    """Write items to the table with ``BatchWriteItem``. Existing items with the same keys are left unchanged.

    Args:
        lab: The lab.
        batch: The items as DynamoDB JSON. Defaults to the items from chapter 1.

    Returns:
        The step and its outcome.

    See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    wanted = items() if batch is None else list(batch)
    with lab.recording() as calls:
        names = (
            _own_table.key_names(lab)
            if lab.is_own
            else [entry["AttributeName"] for entry in definition(lab)["KeySchema"]]
        )
        present = _present_keys(lab, wanted, names)
        missing = [item for item in wanted if _own_table.key_of(item, names) not in present]
        for start in range(0, len(missing), _BATCH):
            _write_batch(lab, missing[start : start + _BATCH])
    thing = f"{counted(len(wanted), 'item')} in table {lab.table}"
    return Step(thing, "created" if missing else "already there", calls, {"written": len(missing)})


def put_items(lab: Lab, new: Iterable[dict[str, Any]]) -> Step:
    """Write items to the table with ``BatchWriteItem``. Existing items with the same keys are replaced.

    Args:
        lab: The lab.
        new: The items as DynamoDB JSON.

    Returns:
        The step and its outcome.

    See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    """
    wanted = list(new)
    with lab.recording() as calls:
        for start in range(0, len(wanted), _BATCH):
            _write_batch(lab, wanted[start : start + _BATCH])
    return Step(f"{counted(len(wanted), 'item')} in table {lab.table}", "changed", calls, {"written": len(wanted)})


def import_items(lab: Lab, new: Iterable[dict[str, Any]], *, timeout: float = 3600) -> Step:
    """Write items to the lab's bucket, and create the table from them with ``ImportTable``.

    The import consumes no write capacity. If an earlier call started an import and stopped waiting, this call continues
    to wait for that import.

    Args:
        lab: The lab.
        new: The items as DynamoDB JSON, without binary values.
        timeout: Maximum seconds to wait. AWS takes a few minutes.

    Returns:
        The step and its outcome. Its `details` contain ``imported`` (the number of items) and ``bytes`` (the size that
        AWS bills).

    Raises:
        ForeignResourceError: A table with the lab's name exists but does not belong to the lab.
        ImportFailedError: The import failed or skipped items, or the table cannot be tagged.
        WaitTimeoutError: The import does not finish.

    See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html
    """
    dynamodb, s3 = lab.client("dynamodb"), lab.client("s3")
    thing, key = f"table {lab.table} from items in S3", _table_import.source_key(lab)
    with lab.recording() as calls:
        begun = _table_import.find(lab)
        if begun is None and exists(lab):
            return Step(thing, "already there", calls)
        finished = begun is not None and begun["ImportStatus"] != "IN_PROGRESS" and _tagged(lab)
        if begun is None:
            lines = "\n".join(json.dumps({"Item": item}) for item in new)
            s3.put_object(Bucket=lab.bucket, Key=key, Body=gzip.compress(lines.encode(), compresslevel=1))
            begun = dynamodb.import_table(
                S3BucketSource={"S3Bucket": lab.bucket, "S3KeyPrefix": key},
                InputFormat="DYNAMODB_JSON",
                InputCompressionType="GZIP",
                TableCreationParameters=definition(lab),
            )["ImportTableDescription"]
        if finished:
            done = _table_import.require_success(lab, begun)
        else:
            done = _table_import.wait(lab, begun["ImportArn"], timeout)
        # If the user stopped waiting, the object is still there.
        if not finished or _has_object(lab, key):
            s3.delete_object(Bucket=lab.bucket, Key=key)
    details = {"imported": done["ImportedItemCount"], "bytes": done["ProcessedSizeBytes"]}
    return Step(thing, "already there" if finished else "created", calls, details)


def _has_object(lab: Lab, key: str) -> bool:
    with absent("NoSuchBucket"):
        return "Contents" in lab.client("s3").list_objects_v2(Bucket=lab.bucket, Prefix=key)
    return False


def get_item(lab: Lab, customer_id: str, account_number: str) -> dict[str, Any] | None:
    """Return one item as DynamoDB JSON, or None if the item does not exist. The read is strongly consistent.

    Args:
        lab: The lab.
        customer_id: The partition key, ``CustomerID``.
        account_number: The sort key, ``AccountNumber``.

    See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
    """
    key = {"CustomerID": {"S": customer_id}, "AccountNumber": {"S": account_number}}
    found: dict[str, Any] = lab.client("dynamodb").get_item(TableName=lab.table, Key=key, ConsistentRead=True)
    return found.get("Item")


def enable_pitr(lab: Lab) -> Step:
    """Enable point-in-time recovery, which zero-ETL needs to export the table.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome.

    See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery.html
    """
    return _set_pitr(lab, enabled=True)


def disable_pitr(lab: Lab) -> Step:
    """Disable point-in-time recovery. An integration that exports the table will then need attention.

    Returns:
        The step and its outcome.

    See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html
    """
    return _set_pitr(lab, enabled=False)


def put_policy(lab: Lab) -> Step:
    """Attach the resource policy that lets AWS Glue export the table, and read it back.

    Args:
        lab: The lab.

    Returns:
        The step and its outcome. Its `details` are the policy that DynamoDB returned.

    Raises:
        WaitTimeoutError: The policy cannot be read back.

    See https://docs.aws.amazon.com/glue/latest/dg/zero-etl-sources.html
    """
    dynamodb = lab.client("dynamodb")
    wanted = permissions.render(lab, "table_resource_policy")
    with lab.recording() as calls:
        found = _read_policy(lab)
        if found != wanted:
            settled(
                f"table {lab.table} to apply its policy",
                lambda: dynamodb.put_resource_policy(ResourceArn=lab.table_arn, Policy=json.dumps(wanted)),
                one_of("ResourceInUseException"),
            )
        stored = wait_for(
            f"the resource policy of table {lab.table}",
            # DynamoDB resource policies are eventually consistent, so the first read can miss a new policy.
            lambda: policy if (policy := _read_policy(lab)) == wanted else None,
            timeout=60,
            hint="Check the table's Permissions tab in the DynamoDB console.",
        )
    return Step(f"resource policy of table {lab.table}", ensured(found, wanted), calls, stored)


def _status(lab: Lab) -> str | None:
    # DescribeTable is eventually consistent, so it can miss a new table.
    with absent("ResourceNotFoundException"):
        return str(lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]["TableStatus"])
    return None


def _tagged(lab: Lab) -> bool:
    tags = lab.client("dynamodb").list_tags_of_resource(ResourceArn=lab.table_arn).get("Tags", [])
    return TAG_KEY in tag_dict(tags)


def _wait_out_deletion(lab: Lab) -> bool:
    """Wait until a table that is being deleted is gone, and return whether it was being deleted."""
    if _status(lab) != "DELETING":
        return False
    return wait_for(
        f"table {lab.table} to be deleted",
        lambda: True if _status(lab) is None else None,
        timeout=300,
        hint="Check the table's status in the DynamoDB console.",
    )


def _look_at_other_names(lab: Lab) -> None:
    """Raise an error if one of the lab's names belongs to another owner's resource, because a later step would fail."""
    target.bucket_exists(lab)
    target.database_exists(lab)
    permissions.role_exists(lab)
    integration.find(lab)


def _encryption(lab: Lab, kms_key: str | None) -> dict[str, Any]:
    if kms_key is None:
        return {}
    arn = kms_keys.require(lab, kms_key)
    return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": arn}}


def _set_pitr(lab: Lab, *, enabled: bool) -> Step:
    dynamodb = lab.client("dynamodb")
    with lab.recording() as calls:
        backups = dynamodb.describe_continuous_backups(TableName=lab.table)["ContinuousBackupsDescription"]
        status = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        wrong = (status == "ENABLED") != enabled
        if wrong:
            wanted = {"PointInTimeRecoveryEnabled": enabled}
            settled(
                f"table {lab.table} to allow backups",
                lambda: dynamodb.update_continuous_backups(
                    TableName=lab.table, PointInTimeRecoverySpecification=wanted
                ),
                # Backups cannot be enabled for the first few seconds after a table is created.
                one_of("ContinuousBackupsUnavailableException"),
                timeout=120,
            )
    state = "on" if enabled else "off"
    return Step(f"point-in-time recovery {state} for table {lab.table}", "changed" if wrong else "already there", calls)


def _read_policy(lab: Lab) -> dict[str, Any] | None:
    with absent("PolicyNotFoundException"):
        answer = lab.client("dynamodb").get_resource_policy(ResourceArn=lab.table_arn)
        document: dict[str, Any] = json.loads(answer["Policy"])
        return document
    return None


def _present_keys(lab: Lab, wanted: Sequence[dict[str, Any]], names: Sequence[str]) -> set[tuple[Any, ...]]:
    present: set[tuple[Any, ...]] = set()
    # The name of an attribute can be a reserved word, such as Year.
    aliases = {f"#k{number}": name for number, name in enumerate(names)}
    for start in range(0, len(wanted), _MOST_KEYS):
        asked = [{name: item[name] for name in names} for item in wanted[start : start + _MOST_KEYS]]
        request = {lab.table: {"Keys": asked, "ProjectionExpression": ", ".join(aliases), "ConsistentRead": True}}
        request[lab.table]["ExpressionAttributeNames"] = aliases
        present.update(_own_table.key_of(item, names) for item in _read_batch(lab, request))
    return present


def _read_batch(lab: Lab, request: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def read() -> bool | None:
        nonlocal request
        answer = _unthrottled(lab, lambda: lab.client("dynamodb").batch_get_item(RequestItems=request))
        found.extend(answer["Responses"].get(lab.table, []))
        request = answer.get("UnprocessedKeys") or {}
        return None if request else True

    wait_for(f"items of table {lab.table}", read, timeout=120, hint=_THROTTLES)
    return found


def _write_batch(lab: Lab, batch: Sequence[dict[str, Any]]) -> None:
    pending = {lab.table: [{"PutRequest": {"Item": item}} for item in batch]}

    def write() -> bool | None:
        nonlocal pending
        answer = _unthrottled(lab, lambda: lab.client("dynamodb").batch_write_item(RequestItems=pending))
        pending = answer.get("UnprocessedItems") or {}
        return None if pending else True

    wait_for(f"table {lab.table} to accept {counted(len(batch), 'item')}", write, timeout=120, hint=_THROTTLES)


def _unthrottled(lab: Lab, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Retry a call while the table is still throttling requests after botocore's retries."""
    return settled(f"table {lab.table} to stop throttling", act, one_of(*_THROTTLED), timeout=120)
