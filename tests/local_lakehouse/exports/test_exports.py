"""Tests for full and incremental exports in the DynamoDB export format."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.exports.api import ExportService
from local_lakehouse.protocol.wire import Fault, parse, service_model
from tests.local_lakehouse.zero_etl.conftest import BUCKET, LEARNER, Item, World, table_arn
from tests.local_lakehouse.zero_etl.documented_behavior import covers

ARN = table_arn("Orders")


class Exports:
    """An account and its export service, which also records every write."""

    def __init__(self, clients: ServiceClients) -> None:
        self.world = World(clients)
        self.clock = self.world.clock
        self.service = ExportService(clients, self.clock)
        noted = self.world.changes.note

        def note(operation: str, request: Any) -> None:
            noted(operation, request)
            self.service.note(operation, request)

        self.world.changes.note = note  # type: ignore[method-assign]
        self.world.create_table("Orders")
        self.service.note("UpdateContinuousBackups", {"TableName": "Orders"})

    def at(self, seconds: int) -> datetime:
        return datetime.fromtimestamp(self.clock.now + seconds, UTC)

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        for member in ("ExportTime",):
            if member in request:
                request[member] = int(request[member].timestamp())
        if "IncrementalExportSpecification" in request:
            request["IncrementalExportSpecification"] = {
                name: int(value.timestamp()) if isinstance(value, datetime) else value
                for name, value in request["IncrementalExportSpecification"].items()
            }
        model = service_model("dynamodb").operation_model(operation)
        return self.service.call(operation, parse(model, request), LEARNER)

    def export(self, **request: Any) -> dict[str, Any]:
        begun = self.call("ExportTableToPointInTime", **{"TableArn": ARN, "S3Bucket": BUCKET, **request})
        assert begun["ExportDescription"]["ExportStatus"] == "IN_PROGRESS"
        arn = begun["ExportDescription"]["ExportArn"]
        described: dict[str, Any] = self.call("DescribeExport", ExportArn=arn)["ExportDescription"]
        return described

    def incremental(self, start: datetime, end: datetime | None = None, **more: Any) -> list[dict[str, Any]]:
        window = {"ExportFromTime": start, **({"ExportToTime": end} if end else {}), **more}
        return self.records(self.export(ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=window))

    def refused(self, **request: Any) -> str:
        with pytest.raises(Fault) as caught:
            self.export(**request)
        return caught.value.code

    def read(self, key: str) -> bytes:
        content: bytes = self.world.clients.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def records(self, export: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the records of an export from the data files that its manifests name."""
        assert export["ExportStatus"] == "COMPLETED"
        summary = json.loads(self.read(export["ExportManifest"]))
        found = []
        for line in self.read(summary["manifestFilesS3Key"]).splitlines():
            entry = json.loads(line)
            data = self.read(entry["dataFileS3Key"])
            assert entry["md5Checksum"] == base64.b64encode(hashlib.md5(data).digest()).decode()  # noqa: S324
            assert entry["etag"] == hashlib.md5(data).hexdigest()  # noqa: S324
            lines = gzip.decompress(data).decode().splitlines()
            assert len(lines) == entry["itemCount"]
            found += [json.loads(record) for record in lines]
        assert len(found) == summary["itemCount"] == export["ItemCount"]
        return found


@pytest.fixture
def exports(clients: ServiceClients) -> Exports:
    return Exports(clients)


def _item(key: str, number: int) -> Item:
    return {"pk": {"S": key}, "n": {"N": str(number)}}


@covers("export-full")
def test_full_export_contains_every_item(exports: Exports) -> None:
    items = [_item("a", 1), {**_item("b", 2), "deep": {"M": {"l": {"L": [{"B": "aGk="}, {"NULL": True}]}}}}]
    exports.world.put("Orders", items[0])
    exports.world.put("Orders", {**items[1], "deep": {"M": {"l": {"L": [{"B": b"hi"}, {"NULL": True}]}}}})
    export = exports.export(S3Prefix="here")
    assert sorted((record["Item"] for record in exports.records(export)), key=str) == sorted(items, key=str)
    root = f"here/AWSDynamoDB/{export['ExportArn'].rpartition('/')[2]}"
    listed = exports.world.clients.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    keys = {entry["Key"] for entry in listed}
    assert {f"{root}/{name}" for name in (
        "_started", "manifest-files.checksum", "manifest-files.json", "manifest-summary.checksum",
        "manifest-summary.json",
    )} < keys  # fmt: skip
    assert any(key.startswith(f"{root}/data/") and key.endswith(".json.gz") for key in keys)
    summary = json.loads(exports.read(f"{root}/manifest-summary.json"))
    assert summary["version"] == "2020-06-30"
    assert summary["outputFormat"] == "DYNAMODB_JSON"
    checksum = base64.b64encode(hashlib.md5(exports.read(f"{root}/manifest-summary.json")).digest())  # noqa: S324
    assert exports.read(f"{root}/manifest-summary.checksum") == checksum


def test_full_export_contains_the_items_from_an_earlier_time(exports: Exports) -> None:
    exports.world.put("Orders", _item("a", 1))
    exports.clock.now += 10
    exports.world.put("Orders", _item("a", 2))
    exports.world.put("Orders", _item("b", 2))
    past = exports.records(exports.export(ExportTime=exports.at(-5)))
    assert past == [{"Item": _item("a", 1)}]
    assert len(exports.records(exports.export())) == 2


@covers("export-incremental", "final-state")
def test_incremental_export_contains_only_changes_in_its_window(exports: Exports) -> None:
    for key in ("changed", "deleted", "same"):
        exports.world.put("Orders", _item(key, 1))
    exports.clock.now += 60
    start = exports.at(0)
    exports.world.put("Orders", _item("changed", 2))
    exports.world.put("Orders", _item("changed", 3))
    exports.world.put("Orders", _item("new", 1))
    exports.world.delete("Orders", {"pk": {"S": "deleted"}})
    exports.world.put("Orders", _item("passing", 1))
    exports.world.delete("Orders", {"pk": {"S": "passing"}})
    exports.clock.now += 60
    end = exports.at(0)
    exports.world.put("Orders", _item("later", 1))
    exports.clock.now += 60
    records = {record["Keys"]["pk"]["S"]: record for record in exports.incremental(start, end)}
    assert set(records) == {"changed", "new", "deleted"}
    assert records["changed"]["OldImage"] == _item("changed", 1)
    assert records["changed"]["NewImage"] == _item("changed", 3)
    assert "OldImage" not in records["new"]
    assert "NewImage" not in records["deleted"]
    assert records["deleted"]["OldImage"] == _item("deleted", 1)
    micros = int(records["new"]["Metadata"]["WriteTimestampMicros"]["N"])
    assert start.timestamp() * 1e6 <= micros < end.timestamp() * 1e6
    newest = {r["Keys"]["pk"]["S"]: r for r in exports.incremental(start, end, ExportViewType="NEW_IMAGE")}
    assert all("OldImage" not in record for record in newest.values())
    assert set(newest["deleted"]) == {"Metadata", "Keys"}


def test_incremental_export_writes_data_to_the_shared_folder(exports: Exports) -> None:
    exports.clock.now += 1
    window = {"ExportFromTime": exports.at(-1)}
    export = exports.export(S3Prefix="here", ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=window)
    summary = json.loads(exports.read(export["ExportManifest"]))
    assert (summary["version"], summary["exportType"]) == ("2023-08-01", "INCREMENTAL_EXPORT")
    assert summary["outputView"] == "NEW_AND_OLD_IMAGES"
    entry = json.loads(exports.read(summary["manifestFilesS3Key"]))
    assert entry["dataFileS3Key"].startswith("here/AWSDynamoDB/data/")


def test_incremental_export_contains_partiql_writes(exports: Exports) -> None:
    exports.world.put("Orders", _item("a", 1))
    exports.clock.now += 10
    start = exports.at(0)
    exports.world.dynamodb("ExecuteStatement", Statement="DELETE FROM \"Orders\" WHERE pk='a'")
    exports.clock.now += 10
    (record,) = exports.incremental(start)
    assert (record["Keys"], record.get("NewImage")) == ({"pk": {"S": "a"}}, None)


def test_exports_contain_the_item_from_before_a_batch_that_changes_it_twice(exports: Exports) -> None:
    exports.world.put("Orders", _item("a", 1))
    exports.clock.now += 10
    start = exports.at(0)
    statements = [{"Statement": f"UPDATE \"Orders\" SET n={number} WHERE pk='a'"} for number in (2, 3)]
    # The endpoint executes each request in one transaction.
    with exports.world.clients.documents.database.transaction():
        exports.world.dynamodb("BatchExecuteStatement", Statements=statements)
    exports.clock.now += 10
    (record,) = exports.incremental(start)
    assert (record["OldImage"], record["NewImage"]) == (_item("a", 1), _item("a", 3))
    assert exports.records(exports.export(ExportTime=exports.at(-15))) == [{"Item": _item("a", 1)}]


def test_exports_survive_a_restart(exports: Exports) -> None:
    exports.world.put("Orders", _item("a", 1))
    exports.clock.now += 10
    first = exports.export(ClientToken="token-1")
    saved = exports.service.dump()
    again = ExportService(exports.world.clients, exports.clock)
    again.load(saved)
    exports.service = again
    start = exports.at(0)
    exports.world.put("Orders", _item("a", 2))
    exports.clock.now += 10
    (record,) = exports.incremental(start)
    assert record["OldImage"] == _item("a", 1)
    assert exports.call("DescribeExport", ExportArn=first["ExportArn"])["ExportDescription"] == first


def test_client_token_returns_the_existing_export(exports: Exports) -> None:
    first = exports.export(ClientToken="token-1")
    again = exports.call("ExportTableToPointInTime", TableArn=ARN, S3Bucket=BUCKET, ClientToken="token-1")
    assert again["ExportDescription"]["ExportArn"] == first["ExportArn"]
    assert exports.refused(ClientToken="token-1", S3Prefix="other") == "ExportConflictException"


def test_list_exports_is_paginated(exports: Exports) -> None:
    arns = [exports.export()["ExportArn"] for _ in range(3)]
    page = exports.call("ListExports", TableArn=ARN, MaxResults=2)
    assert [entry["ExportArn"] for entry in page["ExportSummaries"]] == arns[:2]
    rest = exports.call("ListExports", TableArn=ARN, NextToken=page["NextToken"])
    assert [entry["ExportArn"] for entry in rest["ExportSummaries"]] == arns[2:]
    assert rest["NextToken"] is None
    assert exports.call("ListExports", TableArn=table_arn("Other"))["ExportSummaries"] == []


def test_export_fails_if_bucket_is_missing(exports: Exports) -> None:
    export = exports.export(S3Bucket="no-such-bucket")
    assert (export["ExportStatus"], export["FailureCode"]) == ("FAILED", "S3NoSuchBucket")


def test_export_encrypts_its_files_with_the_requested_key(exports: Exports) -> None:
    s3 = exports.world.clients.client("s3")
    exports.export(S3Prefix="kms", S3SseAlgorithm="KMS", S3SseKmsKeyId="alias/exports")
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix="kms/")["Contents"]
    heads = [s3.head_object(Bucket=BUCKET, Key=each["Key"]) for each in found]
    assert {(each["ServerSideEncryption"], each["SSEKMSKeyId"]) for each in heads} == {("aws:kms", "alias/exports")}
    assert exports.refused(S3SseKmsKeyId="alias/exports") == "ValidationException"


def test_export_fails_if_another_account_owns_the_bucket(exports: Exports) -> None:
    export = exports.export(S3BucketOwner="999999999999")
    assert (export["ExportStatus"], export["FailureCode"]) == ("FAILED", "S3AccessDenied")


def _window(**members: Any) -> dict[str, Any]:
    return {"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": members}


def test_export_rejects_invalid_requests(exports: Exports) -> None:
    exports.clock.now += 2 * 24 * 3600
    now, later, before = exports.at(0), exports.at(60), exports.at(-3 * 24 * 3600)
    assert exports.refused(TableArn=table_arn("Nowhere")) == "TableNotFoundException"
    assert exports.refused(ExportTime=later) == "InvalidExportTimeException"
    assert exports.refused(ExportTime=before) == "InvalidExportTimeException"
    assert exports.refused(ExportFormat="ION") == "ValidationException"
    assert exports.refused(ExportType="INCREMENTAL_EXPORT") == "ValidationException"
    assert exports.refused(**_window(ExportToTime=now)) == "ValidationException"
    assert exports.refused(**_window(ExportFromTime=now, ExportToTime=exports.at(-60))) == "ValidationException"
    assert exports.refused(**_window(ExportFromTime=exports.at(-25 * 3600))) == "ValidationException"
    assert exports.refused(**_window(ExportFromTime=before)) == "InvalidExportTimeException"
    with pytest.raises(Fault, match="Export not found"):
        exports.call("DescribeExport", ExportArn=ARN + "/export/01234567890123-a1b2c3d4")


def test_export_requires_point_in_time_recovery(exports: Exports) -> None:
    exports.world.clients.client("dynamodb").update_continuous_backups(
        TableName="Orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    assert exports.refused() == "PointInTimeRecoveryUnavailableException"
