import json
from collections.abc import Iterable
from typing import Any

import pytest

from tests.fakes import FakeOperation
from zetl_helpers import source, target
from zetl_helpers._aws import ForeignResourceError
from zetl_helpers._wait import WaitTimeoutError
from zetl_helpers.lab import Lab
from zetl_helpers.payments import payments

pytestmark = pytest.mark.usefixtures("no_waiting")


def test_create_table_is_idempotent(lab: Lab) -> None:
    first, second = source.create_table(lab), source.create_table(lab)
    assert (first.did, second.did) == ("created", "already there")
    assert "dynamodb.CreateTable" in first.calls
    assert "dynamodb.CreateTable" not in second.calls
    table = lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]
    assert table["KeySchema"] == source.definition(lab)["KeySchema"]


def test_create_table_rejects_foreign_table(lab: Lab) -> None:
    lab.client("dynamodb").create_table(**source.definition(lab))
    with pytest.raises(ForeignResourceError, match="Table CustomerAccounts exists but doesn't have the tag"):
        source.create_table(lab)


def test_load_items_does_not_overwrite_items(lab: Lab) -> None:
    source.create_table(lab)
    assert source.load_items(lab).details == {"written": 25}
    changed = {**source.items()[0], "State": {"S": "ZZ"}}
    lab.client("dynamodb").put_item(TableName=lab.table, Item=changed)
    assert source.load_items(lab).did == "already there"
    assert source.get_item(lab, "CUST0001", "ACC326093") == changed


def test_load_items_retries_unprocessed_items(lab: Lab) -> None:
    source.create_table(lab)
    leave_three = FakeOperation(lab, "dynamodb", "BatchWriteItem")

    @leave_three.once
    def _(parameters: dict[str, Any]) -> dict[str, Any]:
        requests = parameters["RequestItems"][lab.table]
        lab.client("dynamodb").batch_write_item(RequestItems={lab.table: requests[:22]})
        return {"UnprocessedItems": {lab.table: requests[22:]}}

    source.load_items(lab)
    assert lab.client("dynamodb").scan(TableName=lab.table, Select="COUNT")["Count"] == 25


def test_enables_and_disables_point_in_time_recovery(lab: Lab) -> None:
    source.create_table(lab)
    assert [source.enable_pitr(lab).did, source.enable_pitr(lab).did] == ["changed", "already there"]
    assert source.disable_pitr(lab).did == "changed"


def test_put_policy_stores_policy_once(lab: Lab) -> None:
    source.create_table(lab)
    first, second = source.put_policy(lab), source.put_policy(lab)
    assert (first.did, second.did) == ("created", "already there")
    stored = lab.client("dynamodb").get_resource_policy(ResourceArn=lab.table_arn)["Policy"]
    assert json.loads(stored) == first.details


def test_put_policy_waits_until_policy_is_readable(lab: Lab) -> None:
    source.create_table(lab)
    late = FakeOperation(lab, "dynamodb", "GetResourcePolicy")
    late.fail("PolicyNotFoundException", times=3)
    assert source.put_policy(lab).did == "created"
    assert late.left == 0


def test_import_items_creates_table_from_s3(lab: Lab) -> None:
    target.create_bucket(lab)
    second_lab = lab.with_table("Payments")
    step = source.import_items(second_lab, payments(40))
    assert (step.did, step.details["imported"]) == ("created", 40)
    assert lab.client("dynamodb").scan(TableName="Payments", Select="COUNT")["Count"] == 40
    assert source.exists(second_lab)
    assert source.import_items(second_lab, payments(40)).did == "already there"
    assert "Contents" not in lab.client("s3").list_objects_v2(Bucket=lab.bucket, Prefix="imports/")


def test_import_items_raises_error_if_items_are_invalid(lab: Lab) -> None:
    target.create_bucket(lab)
    with pytest.raises(
        source.ImportFailedError, match=r"ended with the status COMPLETED: number of invalid items: 1\. Delete"
    ):
        source.import_items(lab.with_table("Payments"), [*payments(2), {"State": {"S": "NV"}}])


class Imports:
    """The imports of a lab, which appear to be in progress until they are released."""

    def __init__(self, lab: Lab) -> None:
        self._described, self._listed = (
            FakeOperation(lab, "dynamodb", operation) for operation in ("DescribeImport", "ListImports")
        )
        lab.client("dynamodb").meta.events.register("after-call.dynamodb.ImportTable", self._begun)
        self._described.always(lambda _: {"ImportTableDescription": {"ImportStatus": "IN_PROGRESS"}})

    def release(self) -> None:
        """Let the import appear as it is."""
        self._described.left = self._listed.left = 0

    def _begun(self, parsed: dict[str, Any], **_: Any) -> None:
        begun = parsed["ImportTableDescription"]
        summary = {name: begun[name] for name in ("ImportArn", "ImportStatus", "S3BucketSource", "StartTime")}
        self._listed.always(lambda _: {"ImportSummaryList": [summary]})
        running = {**begun, "ImportStatus": "IN_PROGRESS"}
        self._described.always(lambda _: {"ImportTableDescription": running})


def started_import(lab: Lab, items: Iterable[dict[str, Any]]) -> Imports:
    """Start an import, and stop waiting for it."""
    target.create_bucket(lab)
    imports = Imports(lab)
    with pytest.raises(WaitTimeoutError, match="waiting for table Payments to be imported"):
        source.import_items(lab, items, timeout=5)
    return imports


def test_import_items_resumes_waiting_for_running_import(lab: Lab) -> None:
    second_lab = lab.with_table("Payments")
    imports = started_import(second_lab, payments(40))
    with pytest.raises(WaitTimeoutError, match="waiting for table Payments to be imported"):
        source.import_items(second_lab, payments(40), timeout=5)
    imports.release()
    step = source.import_items(second_lab, payments(40))
    assert step.details["imported"] == 40
    assert "dynamodb.ImportTable" not in step.calls
    assert "Contents" not in lab.client("s3").list_objects_v2(Bucket=lab.bucket, Prefix="imports/")
    again = source.import_items(second_lab, payments(40))
    assert (again.did, again.details["imported"]) == ("already there", 40)
    assert {"dynamodb.TagResource", "s3.DeleteObject"}.isdisjoint(again.calls)


def test_import_items_checks_import_that_ended_after_interruption(lab: Lab) -> None:
    second_lab = lab.with_table("Payments")
    items = [*payments(2), {"State": {"S": "NV"}}]
    started_import(second_lab, items).release()
    with pytest.raises(source.ImportFailedError, match=r"number of invalid items: 1\. Delete"):
        source.import_items(second_lab, items)


def test_import_items_resumes_before_table_is_tagged(lab: Lab) -> None:
    second_lab = lab.with_table("Payments")
    untagged = FakeOperation(lab, "dynamodb", "TagResource")
    untagged.fail("ResourceInUseException", times=10**9)
    imports = started_import(second_lab, payments(3))
    untagged.left = 2
    imports.release()
    assert source.import_items(second_lab, payments(3)).details["imported"] == 3
    assert source.exists(second_lab)


def test_import_items_tags_table_after_last_poll(lab: Lab) -> None:
    target.create_bucket(lab)
    second_lab = lab.with_table("Payments")
    late = FakeOperation(lab, "dynamodb", "TagResource")
    late.fail("ResourceInUseException", times=5)
    assert source.import_items(second_lab, payments(3)).did == "created"
    assert source.exists(second_lab)


def test_import_items_raises_error_if_table_cannot_be_tagged(lab: Lab) -> None:
    target.create_bucket(lab)
    second_lab = lab.with_table("Payments")
    never = FakeOperation(lab, "dynamodb", "TagResource")
    never.fail("ResourceInUseException", times=10**9)
    with pytest.raises(source.ImportFailedError, match=r"was imported, but it cannot be tagged: ResourceInUse.*again"):
        source.import_items(second_lab, payments(3))
    never.left = 0
    assert source.import_items(second_lab, payments(3)).details["imported"] == 3
    assert source.exists(second_lab)


def test_import_items_ignores_import_of_earlier_table(lab: Lab) -> None:
    target.create_bucket(lab)
    second_lab = lab.with_table("Payments")
    items = [*payments(2), {"State": {"S": "NV"}}]
    with pytest.raises(source.ImportFailedError):
        source.import_items(second_lab, items)
    lab.client("dynamodb").delete_table(TableName="Payments")
    assert source.import_items(second_lab, payments(4)).details["imported"] == 4
    lab.client("dynamodb").delete_table(TableName="Payments")
    source.create_table(second_lab)
    assert source.import_items(second_lab, payments(4)).details == {}


def test_import_items_rejects_table_from_foreign_import(lab: Lab) -> None:
    target.create_bucket(lab)
    second_lab = lab.with_table("Payments")
    lab.client("s3").put_object(Bucket=lab.bucket, Key="other.json", Body=b"")
    lab.client("dynamodb").import_table(
        S3BucketSource={"S3Bucket": lab.bucket, "S3KeyPrefix": "other.json"},
        InputFormat="DYNAMODB_JSON",
        TableCreationParameters=source.definition(second_lab),
    )
    with pytest.raises(ForeignResourceError, match="Table Payments exists but doesn't have the tag"):
        source.import_items(second_lab, payments(4))


def test_put_items_overwrites_existing_items(lab: Lab) -> None:
    second_lab = lab.with_table("Payments")
    source.create_table(second_lab)
    source.put_items(second_lab, payments(30))
    assert source.put_items(second_lab, payments(30, version=1)).details["written"] == 30
    (payment,) = payments(1, version=1)
    key = {name: payment[name] for name in ("AccountNumber", "PaymentID")}
    assert lab.client("dynamodb").get_item(TableName=second_lab.table, Key=key)["Item"] == payment
