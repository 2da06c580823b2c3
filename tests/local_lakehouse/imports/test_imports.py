"""Tests that an import from S3 creates a table with all valid items, and counts the invalid items."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend import dynamodb_source
from local_lakehouse.backend.item_tables import StoredItems
from zetl_helpers.lab import Lab
from zetl_helpers.payments import payments

pytestmark = pytest.mark.once

WAIT_SECONDS = 30
DEFINITION = {
    "AttributeDefinitions": [
        {"AttributeName": "AccountNumber", "AttributeType": "S"},
        {"AttributeName": "PaymentID", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "AccountNumber", "KeyType": "HASH"},
        {"AttributeName": "PaymentID", "KeyType": "RANGE"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
GOOD = next(payments(1))
UNUSUAL = {
    "AccountNumber": {"S": "ACC1"},
    "PaymentID": {"S": "PAY1"},
    "Tags": {"SS": ["a", "b"]},
    "Where": {"M": {"City": {"S": "Rom"}}},
    "Exact": {"N": "12345678901234567890.25"},
}


@pytest.fixture
def bucket(lab: Lab) -> str:
    lab.client("s3").create_bucket(Bucket="imports")
    return "imports"


def put(lab: Lab, bucket: str, *lines: str, key: str = "in/1.json.gz") -> None:
    lab.client("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress("\n".join(lines).encode()))


def line(item: Any) -> str:
    return json.dumps({"Item": item})


def start(lab: Lab, bucket: str, table: str = "Orders", **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = lab.client("dynamodb").import_table(
        **{
            "S3BucketSource": {"S3Bucket": bucket, "S3KeyPrefix": "in/"},
            "InputFormat": "DYNAMODB_JSON",
            "InputCompressionType": "GZIP",
            "TableCreationParameters": {"TableName": table, **DEFINITION},
            **more,
        }
    )["ImportTableDescription"]
    return answer


def done(lab: Lab, begun: dict[str, Any]) -> dict[str, Any]:
    description: dict[str, Any] = lab.client("dynamodb").describe_import(ImportArn=begun["ImportArn"])[
        "ImportTableDescription"
    ]
    return description


def items(lab: Lab, table: str = "Orders") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lab.client("dynamodb").scan(TableName=table)["Items"]
    return found


def stored(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as DynamoDB stores it, without insignificant zeros in numbers."""
    return {**item, "Amount": {"N": f"{Decimal(item['Amount']['N']).normalize():f}"}}


def test_import_reads_all_objects_under_the_prefix(lab: Lab, bucket: str) -> None:
    many = list(payments(60))
    put(lab, bucket, *map(line, many[:30]))
    put(lab, bucket, *map(line, many[30:]), key="in/2.json.gz")
    put(lab, bucket, line(UNUSUAL), key="elsewhere/3.json.gz")
    begun = start(lab, bucket)
    assert begun["ImportStatus"] == "IN_PROGRESS"
    assert "ImportedItemCount" not in begun
    ended = done(lab, begun)
    assert (ended["ImportStatus"], ended["ImportedItemCount"], ended["ErrorCount"]) == ("COMPLETED", 60, 0)
    assert ended["ProcessedSizeBytes"] == sum(len(line(entry)) for entry in many) + 2 * 29
    assert sorted(items(lab), key=str) == sorted(map(stored, many), key=str)
    assert lab.client("dynamodb").list_imports()["ImportSummaryList"][0]["ImportArn"] == begun["ImportArn"]


@pytest.mark.parametrize("item", [GOOD, UNUSUAL], ids=["plain", "of all types"])
def test_imported_item_matches_the_item_that_put_item_writes(lab: Lab, bucket: str, item: Any) -> None:
    put(lab, bucket, line(item))
    start(lab, bucket)
    dynamodb = lab.client("dynamodb")
    dynamodb.create_table(TableName="Written", **DEFINITION)
    dynamodb.put_item(TableName="Written", Item=item)
    assert items(lab) == items(lab, "Written")
    key = {name: item[name] for name in ("AccountNumber", "PaymentID")}
    assert (
        dynamodb.get_item(TableName="Orders", Key=key)["Item"]
        == dynamodb.get_item(TableName="Written", Key=key)["Item"]
    )


@pytest.mark.parametrize(
    "bad",
    [
        "no JSON at all",
        '"text"',
        line(None),
        line({"PaymentID": {"S": "PAY1"}}),
        line({**GOOD, "AccountNumber": {"S": ""}}),
        line({**GOOD, "AccountNumber": {"N": "1"}}),
        line({**GOOD, "Amount": {"N": "much"}}),
        line({**GOOD, "Amount": {"S": 1}}),
    ],
)
def test_import_counts_and_skips_invalid_items(lab: Lab, bucket: str, bad: str) -> None:
    put(lab, bucket, bad, line(GOOD))
    ended = done(lab, start(lab, bucket))
    assert (ended["ImportStatus"], ended["ProcessedItemCount"], ended["ErrorCount"]) == ("COMPLETED", 2, 1)
    assert items(lab) == [stored(GOOD)]


def test_import_keeps_the_last_item_for_each_key(lab: Lab, bucket: str) -> None:
    put(lab, bucket, line(GOOD), line({**GOOD, "Amount": {"N": "2.5"}}))
    assert done(lab, start(lab, bucket))["ErrorCount"] == 0
    assert [item["Amount"]["N"] for item in items(lab)] == ["2.5"]


def test_import_rejects_an_existing_table(lab: Lab, bucket: str) -> None:
    lab.client("dynamodb").create_table(TableName="Orders", **DEFINITION)
    with pytest.raises(ClientError, match="ResourceInUseException"):
        start(lab, bucket)


def test_import_fails_if_bucket_is_missing_or_compression_is_wrong(lab: Lab, bucket: str) -> None:
    assert done(lab, start(lab, "nowhere"))["FailureCode"] == "S3NoSuchBucket"
    lab.client("s3").put_object(Bucket=bucket, Key="in/plain.json", Body=line(GOOD).encode())
    ended = done(lab, start(lab, bucket, "Others"))
    assert (ended["ImportStatus"], ended["FailureCode"]) == ("FAILED", "InvalidCompression")


def test_import_fails_if_another_account_owns_the_bucket(lab: Lab, bucket: str) -> None:
    put(lab, bucket, line(GOOD))
    source = {"S3Bucket": bucket, "S3KeyPrefix": "in/", "S3BucketOwner": "999999999999"}
    assert done(lab, start(lab, bucket, S3BucketSource=source))["FailureCode"] == "S3AccessDenied"


def test_failed_import_keeps_the_items_from_earlier_objects(lab: Lab, bucket: str) -> None:
    put(lab, bucket, line(GOOD))
    lab.client("s3").put_object(Bucket=bucket, Key="in/2.json", Body=b"not compressed")
    assert done(lab, start(lab, bucket))["ImportStatus"] == "FAILED"
    assert items(lab) == [stored(GOOD)]


def test_import_writes_items_in_key_order(lab: Lab, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[list[bytes]] = []
    put_rows = StoredItems.put_rows

    def noting(items: StoredItems, rows: Iterable[tuple[bytes, str, int]]) -> None:
        some = list(rows)
        written.append([key for key, _, _ in some])
        put_rows(items, some)

    monkeypatch.setattr(StoredItems, "put_rows", noting)
    put(lab, bucket, *map(line, payments(300)))
    put(lab, bucket, *map(line, islice(payments(600), 300, None)), key="in/2.json.gz")
    assert done(lab, start(lab, bucket))["ImportedItemCount"] == 600
    assert len(written) == 3
    keys = list(chain.from_iterable(written))
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"InputFormat": "CSV"}, "InputFormat CSV is not supported by the local lakehouse"),
        ({"InputCompressionType": "ZSTD"}, "InputCompressionType ZSTD is not supported"),
    ],
)
def test_import_rejects_unsupported_formats(lab: Lab, bucket: str, more: dict[str, str], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        start(lab, bucket, **more)
    assert lab.client("dynamodb").list_tables()["TableNames"] == []


def test_client_token_returns_the_existing_import(lab: Lab, bucket: str) -> None:
    put(lab, bucket, line(GOOD))
    first, again = (start(lab, bucket, ClientToken="once") for _ in range(2))
    assert again["ImportArn"] == first["ImportArn"]
    with pytest.raises(ClientError, match="ImportConflictException"):
        start(lab, bucket, "Others", ClientToken="once")


def test_describe_import_rejects_an_unknown_arn(lab: Lab) -> None:
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders/import/01234567890123-12345678"
    with pytest.raises(ClientError, match="ImportNotFoundException"):
        lab.client("dynamodb").describe_import(ImportArn=arn)


def test_exported_line_separators_are_imported_unchanged(lab: Lab, bucket: str) -> None:
    separators = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\rh\ni"
    exported = [GOOD, {**UNUSUAL, "Note": {"S": separators}}]
    dynamodb = lab.client("dynamodb")
    arn = dynamodb.create_table(TableName="Before", **DEFINITION)["TableDescription"]["TableArn"]
    dynamodb.update_continuous_backups(
        TableName="Before", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for item in exported:
        dynamodb.put_item(TableName="Before", Item=item)
    export = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=bucket)["ExportDescription"]
    folder = f"AWSDynamoDB/{export['ExportArn'].rpartition('/')[2]}/data/"
    ended = done(lab, start(lab, bucket, S3BucketSource={"S3Bucket": bucket, "S3KeyPrefix": folder}))
    assert (ended["ImportedItemCount"], ended["ErrorCount"]) == (2, 0)
    assert sorted(items(lab), key=str) == sorted(items(lab, "Before"), key=str)


def test_only_a_newline_separates_items(lab: Lab, bucket: str) -> None:
    item = {**GOOD, "Note": {"S": "a\u2028b\u2029c\x85d"}}
    written = json.dumps({"Item": item}, ensure_ascii=False)
    put(lab, bucket, written + "\r", line(UNUSUAL))
    assert done(lab, start(lab, bucket))["ImportedItemCount"] == 2
    assert sorted(items(lab), key=str) == sorted([stored(item), UNUSUAL], key=str)


def test_other_requests_are_answered_during_an_import(lab: Lab, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lab, bucket, *map(line, payments(1000)))
    dynamodb = lab.client("dynamodb")
    dynamodb.create_table(TableName="Other", **DEFINITION)
    between: list[Any] = []
    read = dynamodb_source._prepared

    def preparing(*arguments: Any) -> Any:
        # This function runs in the import's thread, so another thread can acquire the lock only if the import has
        # released it.
        if len(between) < 3:
            with ThreadPoolExecutor(1) as pool:
                between.append(pool.submit(dynamodb.describe_table, TableName="Other").result(WAIT_SECONDS))
                assert (
                    pool.submit(dynamodb.list_imports).result(WAIT_SECONDS)["ImportSummaryList"][0]["ImportStatus"]
                    == "IN_PROGRESS"
                )
        return read(*arguments)

    monkeypatch.setattr(dynamodb_source, "_prepared", preparing)
    assert done(lab, start(lab, bucket))["ImportedItemCount"] == 1000
    assert len(between) == 3


def test_interrupted_import_is_reported_as_failed(lab: Lab, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lab, bucket, *map(line, payments(10)))
    monkeypatch.setattr(dynamodb_source, "_prepared", lambda *_: 1 / 0)
    # The client repeats the request with the same token.
    assert start(lab, bucket)["ImportStatus"] == "FAILED"
    listed = lab.client("dynamodb").list_imports()["ImportSummaryList"]
    assert [each["ImportStatus"] for each in listed] == ["FAILED"]
    found = lab.client("dynamodb").describe_import(ImportArn=listed[0]["ImportArn"])["ImportTableDescription"]
    assert found["FailureCode"] == "Interrupted"
