"""Tests that the change log records every kind of write, but does not record read-only requests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from local_lakehouse.backend.changes import ChangeLog, Window
from local_lakehouse.protocol.wire import service_model
from local_lakehouse.store.database import Database
from tests.local_lakehouse.zero_etl.documented_behavior import covers

pytestmark = pytest.mark.once

KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
ITEM = {**KEY, "x": {"S": "y"}}


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database(None)
    yield database
    database.close()


@pytest.fixture
def log() -> ChangeLog:
    log = ChangeLog()
    log.watch("one", "Orders", ["pk", "sk"])
    return log


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("PutItem", {"TableName": "Orders", "Item": ITEM}),
        ("PutItem", {"TableName": "arn:aws:dynamodb:us-east-1:123456789012:table/Orders", "Item": ITEM}),
        ("UpdateItem", {"TableName": "Orders", "Key": KEY}),
        ("DeleteItem", {"TableName": "Orders", "Key": KEY}),
        ("BatchWriteItem", {"RequestItems": {"Orders": [{"PutRequest": {"Item": ITEM}}]}}),
        ("BatchWriteItem", {"RequestItems": {"Orders": [{"DeleteRequest": {"Key": KEY}}]}}),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "Orders", "Item": ITEM}}]}),
        ("TransactWriteItems", {"TransactItems": [{"Update": {"TableName": "Orders", "Key": KEY}}]}),
        ("TransactWriteItems", {"TransactItems": [{"Delete": {"TableName": "Orders", "Key": KEY}}]}),
    ],
)
@covers("every-write-path")
def test_each_write_is_recorded_with_its_keys(log: ChangeLog, operation: str, request_: Mapping[str, Any]) -> None:
    log.note(operation, request_)
    window = log.take("one")
    assert (list(window.keys.values()), window.whole) == ([KEY], False)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("ExecuteStatement", {"Statement": "INSERT INTO \"Orders\" VALUE {'pk':'a'}"}),
        ("ExecuteStatement", {"Statement": "INSERT INTO\nOrders\nVALUE {'pk':'a'}"}),
        ("BatchExecuteStatement", {"Statements": [{"Statement": "DELETE FROM Orders WHERE pk='a'"}]}),
        ("ExecuteTransaction", {"TransactStatements": [{"Statement": "UPDATE Orders SET x=1 WHERE pk='a'"}]}),
        ("ImportTable", {"TableCreationParameters": {"TableName": "Orders"}}),
        ("RestoreTableFromBackup", {"TargetTableName": "Orders"}),
        ("RestoreTableToPointInTime", {"TargetTableName": "Orders", "SourceTableName": "Other"}),
        ("DeleteTable", {"TableName": "Orders"}),
        ("CreateTable", {"TableName": "Orders"}),
        ("AnOperationOfNextYear", {"Anything": [{"At": "all, about Orders"}]}),
        ("PutItem", {"TableName": "Orders", "Item": {"pk": {"S": "without the sort key"}}}),
    ],
)
@covers("every-write-path")
def test_write_without_keys_marks_the_whole_table(log: ChangeLog, operation: str, request_: Mapping[str, Any]) -> None:
    log.note(operation, request_)
    assert log.take("one").whole


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("GetItem", {"TableName": "Orders", "Key": KEY}),
        ("Scan", {"TableName": "Orders"}),
        ("ExecuteStatement", {"Statement": " select * from Orders"}),
        ("PutItem", {"TableName": "Other", "Item": ITEM}),
        ("TransactWriteItems", {"TransactItems": [{"ConditionCheck": {"TableName": "Orders", "Key": KEY}}]}),
        ("ExecuteStatement", {"Statement": "DELETE FROM Other WHERE pk='a'"}),
        ("DeleteTable", {"TableName": "OrdersByMonth"}),
        ("CreateTable", {"TableName": "OldOrders"}),
    ],
)
def test_read_requests_and_writes_to_other_tables_are_not_recorded(
    log: ChangeLog, operation: str, request_: Mapping[str, Any]
) -> None:
    log.note(operation, request_)
    assert not log.take("one")


def test_every_write_operation_in_the_model_is_recorded(log: ChangeLog) -> None:
    writing = ("Put", "Update", "Delete", "BatchWrite", "TransactWrite", "Execute", "Import", "Restore", "Create")
    # These operations apply to tables, not items.
    about_tables = {
        "CreateBackup", "DeleteBackup", "DeleteResourcePolicy", "PutResourcePolicy", "UpdateContinuousBackups",
        "UpdateTimeToLive",
    }  # fmt: skip
    named_by_key = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
    model = service_model("dynamodb")
    for operation in set(model.operation_names) - about_tables - named_by_key:
        log.note(operation, {"TableName": "Orders"})
        assert log.take("one").whole or not operation.startswith(writing), operation


def test_equal_numbers_are_the_same_key(log: ChangeLog) -> None:
    for number in ("1", "1.0", "10E-1"):
        log.note("DeleteItem", {"TableName": "Orders", "Key": {"pk": {"S": "a"}, "sk": {"N": number}}})
    assert len(log.take("one").keys) == 1


def test_window_that_is_put_back_includes_later_changes(log: ChangeLog) -> None:
    log.note("DeleteItem", {"TableName": "Orders", "Key": KEY})
    log.take("one")
    log.note("DeleteItem", {"TableName": "Orders", "Key": {**KEY, "sk": {"N": "2"}}})
    log.put_back("one")
    assert len(log.take("one").keys) == 2


def test_window_is_stored_until_it_is_settled(database: Database) -> None:
    log = ChangeLog(database)
    log.watch("one", "Orders", ["pk", "sk"])
    with database.transaction():
        log.note("DeleteItem", {"TableName": "Orders", "Key": KEY})
    log.take("one")
    assert len(ChangeLog(database).take("one").keys) == 1
    log.settle("one")
    assert not ChangeLog(database).take("one")


def test_rollback_discards_the_recorded_change(database: Database) -> None:
    log = ChangeLog(database)
    log.watch("one", "Orders", ["pk", "sk"])
    note = {"TableName": "Orders", "Key": KEY}
    with contextlib.suppress(ZeroDivisionError), database.transaction():
        log.note("DeleteItem", note)
        raise ZeroDivisionError
    assert not log.take("one")
    assert not ChangeLog(database).take("one")


def test_whole_table_mark_is_stored_until_the_watch_ends(database: Database) -> None:
    log = ChangeLog(database)
    log.watch("one", "Orders", ["pk", "sk"])
    with database.transaction():
        log.note("RestoreTableToPointInTime", {"TargetTableName": "Orders"})
    assert ChangeLog(database).take("one").whole
    log.forget("one")
    assert not database.copy().execute("SELECT count(*) FROM change_logs").fetchone()[0]


def test_each_integration_has_its_own_window(log: ChangeLog) -> None:
    log.watch("two", "Orders", ["pk", "sk"])
    log.note("DeleteItem", {"TableName": "Orders", "Key": KEY})
    assert log.take("one")
    assert log.take("two")
    log.forget("two")
    log.put_back("two")
    log.settle("two")
    log.settle("one")
    assert log.take("one") == Window()


def test_unsettled_window_is_part_of_the_next_window(log: ChangeLog) -> None:
    log.note("DeleteItem", {"TableName": "Orders", "Key": KEY})
    log.take("one")
    assert list(log.take("one").keys.values()) == [KEY]
