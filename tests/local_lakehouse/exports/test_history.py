"""Tests for the item history that point-in-time recovery uses to reconstruct earlier states of a table."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.exports.history import History
from tests.local_lakehouse.zero_etl.conftest import Clock

pytestmark = pytest.mark.once

TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
}
# The requests of a transaction. None means that the item was deleted.
requests = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 2), min_size=1), min_size=1, max_size=3
)
transactions = st.lists(requests, max_size=8)


@pytest.fixture(scope="module")
def clients() -> Iterator[ServiceClients]:
    backend = Backend("us-east-1")
    yield backend.clients
    backend.close()


@dataclass
class PastTable:
    """A table for which tests can enable point-in-time recovery, and the clock of the table's history."""

    clients: ServiceClients
    name: str = "Past"

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.dynamodb = self.clients.client("dynamodb")
        if self.name in self.dynamodb.list_tables()["TableNames"]:
            self.dynamodb.delete_table(TableName=self.name)
        self.dynamodb.create_table(TableName=self.name, **TABLE)
        self.history = self.clients.shared(History, lambda: History(self.clients, lambda: self.clock.now))
        self.history.note("DeleteTable", {"TableName": self.name})

    def write(self, values: dict[str, int | None]) -> None:
        """Put and delete items in one request."""
        requests: list[dict[str, Any]] = [
            {"DeleteRequest": {"Key": {"k": {"S": key}}}}
            if value is None
            else {"PutRequest": {"Item": _item(key, value)}}
            for key, value in values.items()
        ]
        self.dynamodb.batch_write_item(RequestItems={self.name: requests})

    def write_together(self, state: dict[str, int], batches: Sequence[dict[str, int | None]]) -> dict[str, int]:
        """Send several requests in one transaction, and return the table's new state."""
        with self.clients.documents.database.transaction():
            for values in batches:
                self.write(values)
                state = _changed(state, values)
        return state

    def turn_on(self) -> None:
        self.dynamodb.update_continuous_backups(
            TableName=self.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        self.history.note("UpdateContinuousBackups", {"TableName": self.name})

    def at(self, moment: int) -> dict[str, int]:
        return {each["k"]["S"]: int(each["n"]["N"]) for each in self.history.items_at(self.name, moment)}


def _key(key: str) -> dict[str, Any]:
    return {"k": {"S": key}}


def _item(key: str, value: int) -> dict[str, Any]:
    return {**_key(key), "n": {"N": str(value)}}


@settings(deadline=None)
@given(transactions, transactions)
def test_history_returns_every_earlier_state(clients: ServiceClients, before: Any, after: Any) -> None:
    past = PastTable(clients)
    state: dict[str, int] = {}
    states: list[tuple[int, dict[str, int]]] = []
    for batches in before:
        state = past.write_together(state, batches)
    past.turn_on()
    states.append((past.history.now(), dict(state)))
    for batches in after:
        state = past.write_together(state, batches)
        states.append((past.history.now(), dict(state)))
    assert [past.at(moment) for moment, _ in states] == [expected_state for _, expected_state in states]
    for (start, old), (end, new) in itertools.pairwise(states):
        changes = past.history.changes_between(past.name, start, end)
        found = {each.keys["k"]["S"]: (each.old, each.new) for each in changes}
        expected = {
            key: tuple(None if key not in each else _item(key, each[key]) for each in (old, new))
            for key in old.keys() | new.keys()
        }
        assert {key: pair for key, pair in expected.items() if pair[0] != pair[1]}.items() <= found.items()
        assert found.items() <= expected.items()


def _changed(state: dict[str, int], values: dict[str, int | None]) -> dict[str, int]:
    after = copy.copy(state)
    for key, value in values.items():
        after.pop(key, None)
        if value is not None:
            after[key] = value
    return after


def test_enabling_recovery_does_not_copy_items(clients: ServiceClients) -> None:
    past = PastTable(clients)
    past.write({"a": 1, "b": 2})
    past.turn_on()
    with clients.documents.database.view() as connection:
        assert connection.execute("SELECT count(*) FROM earlier_items").fetchone() == (0,)
    past.write({"a": 2})
    with clients.documents.database.view() as connection:
        assert connection.execute("SELECT count(*) FROM earlier_items").fetchone() == (1,)


def test_delete_table_deletes_the_history(clients: ServiceClients) -> None:
    past = PastTable(clients)
    past.write({"a": 1})
    past.turn_on()
    past.write({"a": 2})
    past.dynamodb.delete_table(TableName=past.name)
    past.history.note("DeleteTable", {"TableName": past.name})
    with clients.documents.database.view() as connection:
        assert connection.execute("SELECT count(*) FROM earlier_items").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM histories").fetchone() == (0,)


def test_second_format_is_migrated(clients: ServiceClients) -> None:
    past = PastTable(clients)
    past.write({"a": 1})
    past.turn_on()
    start = past.history.now()
    database = clients.documents.database
    with database.transaction() as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name LIKE 'keep_%_item'").fetchall()
        for name, sql in triggers:
            connection.execute(f"DROP TRIGGER {name}")
            connection.execute(
                sql.replace("INSERT INTO", "INSERT OR IGNORE INTO").replace(" ON CONFLICT DO NOTHING", "")
            )
        connection.execute("UPDATE formats SET version = 2 WHERE name = 'history'")
    assert len(triggers) == 3

    History(clients, past.clock)
    past.write_together({}, [{"a": 2}, {"a": 3}])

    assert past.at(start) == {"a": 1}
