from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once


@pytest.fixture
def orders(lab: Lab) -> Any:
    dynamodb = lab.client("dynamodb")
    dynamodb.create_table(
        TableName="Orders",
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
            {"AttributeName": "state", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "states",
                "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


mismatched_keys = pytest.mark.parametrize(
    "key",
    [
        {"id": {"N": "1"}, "at": {"N": "1"}},
        {"id": {"S": "1"}, "at": {"S": "1"}},
        {"id": {"S": "1"}},
        {"id": {"S": "1"}, "state": {"S": "open"}},
        {"id": {"S": "1"}, "at": {"N": "1"}, "state": {"S": "open"}},
    ],
    ids=["hash key", "range key", "no range key", "of an index", "too many"],
)


@mismatched_keys
def test_key_that_does_not_match_the_schema_is_rejected(orders: Any, key: dict[str, Any]) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: orders.get_item(TableName="Orders", Key=key),
        lambda: orders.delete_item(TableName="Orders", Key=key),
        lambda: orders.update_item(TableName="Orders", Key=key),
        lambda: orders.batch_get_item(RequestItems={"Orders": {"Keys": [key]}}),
        lambda: orders.batch_write_item(RequestItems={"Orders": [{"DeleteRequest": {"Key": key}}]}),
    ]
    for call in calls:
        with pytest.raises(
            ClientError, match=r"ValidationException.*The provided key element does not match the schema"
        ):
            call()
    assert orders.scan(TableName="Orders")["Items"] == []


@mismatched_keys
def test_transaction_with_a_mismatched_key_is_canceled(orders: Any, key: dict[str, Any]) -> None:
    good = {"TableName": "Orders", "Item": {"id": {"S": "1"}, "at": {"N": "1"}}}
    update = {"TableName": "Orders", "Key": key, "UpdateExpression": "REMOVE x"}
    calls: list[Callable[[], Any]] = [
        lambda: orders.transact_write_items(TransactItems=[{"Put": good}, {"Update": update}]),
        lambda: orders.transact_write_items(
            TransactItems=[{"Put": good}, {"Delete": {"TableName": "Orders", "Key": key}}]
        ),
        lambda: orders.transact_get_items(
            TransactItems=[
                {"Get": {"TableName": "Orders", "Key": good["Item"]}},
                {"Get": {"TableName": "Orders", "Key": key}},
            ]
        ),
    ]
    for call in calls:
        with pytest.raises(orders.exceptions.TransactionCanceledException) as raised:
            call()
        assert raised.value.response["CancellationReasons"] == [
            {"Code": "None"},
            {"Code": "ValidationError", "Message": "The provided key element does not match the schema"},
        ]
    assert orders.scan(TableName="Orders")["Items"] == []


def test_update_item_without_an_expression_creates_the_item(orders: Any) -> None:
    key = {"id": {"S": "1"}, "at": {"N": "1"}}
    assert orders.update_item(TableName="Orders", Key=key, ReturnValues="ALL_NEW")["Attributes"] == key
    assert orders.scan(TableName="Orders")["Items"] == [key]


def test_key_that_matches_the_schema_is_accepted(orders: Any) -> None:
    key = {"id": {"S": "1"}, "at": {"N": "1"}}
    item = {**key, "state": {"S": "open"}}
    orders.put_item(TableName="Orders", Item=key)
    assert orders.put_item(TableName="Orders", Item=item, ReturnValues="ALL_OLD")["Attributes"] == key
    orders.update_item(
        TableName="Orders", Key=key, UpdateExpression="REMOVE #s", ExpressionAttributeNames={"#s": "state"}
    )
    assert orders.get_item(TableName="Orders", Key=key)["Item"] == key
    assert orders.batch_get_item(RequestItems={"Orders": {"Keys": [key]}})["Responses"] == {"Orders": [key]}
    orders.batch_write_item(RequestItems={"Orders": [{"DeleteRequest": {"Key": key}}]})
    assert orders.scan(TableName="Orders")["Items"] == []


def test_projection_returns_binary_sets(orders: Any) -> None:
    key = {"id": {"S": "1"}, "at": {"N": "1"}}
    item = {**key, "b": {"B": b"\x00"}, "bs": {"BS": [b"\xff"]}, "m": {"M": {"bs": {"BS": [b"\x02"]}}}}
    orders.put_item(TableName="Orders", Item=item)
    found = orders.get_item(TableName="Orders", Key=key, ProjectionExpression="bs, m, b")["Item"]
    assert found == {name: item[name] for name in ("bs", "m", "b")}


def test_unexpected_bucket_owner_is_rejected(lab: Lab) -> None:
    s3 = lab.client("s3")
    here = {"Bucket": "mine", "Key": "a"}
    s3.create_bucket(Bucket="mine")
    s3.put_object(**here, Body=b"1", ExpectedBucketOwner=lab.account)
    theirs = {"ExpectedBucketOwner": "999999999999"}
    calls: list[Callable[[], Any]] = [
        lambda: s3.head_bucket(Bucket="mine", **theirs),
        lambda: s3.get_bucket_tagging(Bucket="mine", **theirs),
        lambda: s3.list_objects_v2(Bucket="mine", **theirs),
        lambda: s3.get_object(**here, **theirs),
        lambda: s3.put_object(**here, Body=b"2", **theirs),
        lambda: s3.copy_object(**here, CopySource=here, ExpectedSourceBucketOwner="999999999999"),
        lambda: s3.delete_object(**here, **theirs),
    ]
    for call in calls:
        with pytest.raises(ClientError, match=r"403|AccessDenied"):
            call()
    assert s3.get_object(**here, ExpectedBucketOwner=lab.account)["Body"].read() == b"1"


def _encryption_in_responses(s3: Any, **requested: str) -> dict[str, tuple[str | None, str | None]]:
    """Return the encryption and the KMS key in the response of each operation that writes or reads an object."""
    here = {"Bucket": "mine", "Key": "a"}
    answers = {
        "PutObject": s3.put_object(**here, Body=b"1", **requested),
        "GetObject": s3.get_object(**here),
        "HeadObject": s3.head_object(**here),
        "CopyObject": s3.copy_object(Bucket="mine", Key="b", CopySource=here, **requested),
        "HeadObject of the copy": s3.head_object(Bucket="mine", Key="b"),
        "CreateMultipartUpload": s3.create_multipart_upload(**here, **requested),
    }
    upload = {**here, "UploadId": answers["CreateMultipartUpload"]["UploadId"]}
    part = answers["UploadPart"] = s3.upload_part(**upload, PartNumber=1, Body=b"2")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    answers["CompleteMultipartUpload"] = s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    answers["HeadObject of the upload"] = s3.head_object(**here)
    return {name: (each.get("ServerSideEncryption"), each.get("SSEKMSKeyId")) for name, each in answers.items()}


def test_objects_are_encrypted_by_default_or_as_requested(lab: Lab) -> None:
    s3, key = lab.client("s3"), lab.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="mine")

    def default() -> Any:
        (rule,) = s3.get_bucket_encryption(Bucket="mine")["ServerSideEncryptionConfiguration"]["Rules"]
        return rule

    s3_managed = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    assert default() == s3_managed
    assert set(_encryption_in_responses(s3).values()) == {("AES256", None)}
    of_request = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    assert set(_encryption_in_responses(s3, **of_request).values()) == {("aws:kms", key)}
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket="mine", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert default() == {**rule, "BucketKeyEnabled": False}
    assert set(_encryption_in_responses(s3).values()) == {("aws:kms", key)}
    assert set(_encryption_in_responses(s3, ServerSideEncryption="AES256").values()) == {("AES256", None)}
    s3.delete_bucket_encryption(Bucket="mine")
    assert default() == s3_managed


def test_copying_object_onto_itself_is_rejected_despite_default_encryption(lab: Lab) -> None:
    s3, here = lab.client("s3"), {"Bucket": "mine", "Key": "a"}
    s3.create_bucket(Bucket="mine")
    s3.put_object(**here, Body=b"1")
    with pytest.raises(ClientError, match="without changing"):
        s3.copy_object(**here, CopySource=here)
