"""Tests that, after random histories of a table, each snapshot of the target matches a model of the source."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.types import DoubleType, IcebergType, ListType, StringType, StructType

from local_lakehouse.backend.moto_backend import Backend
from tests.local_lakehouse.zero_etl.conftest import Item, World
from tests.local_lakehouse.zero_etl.documented_behavior import covers

pytestmark = pytest.mark.long

Row = dict[str, Any]

# ZETL_HISTORIES sets the number of histories of each kind.
HISTORIES = int(os.environ.get("ZETL_HISTORIES", "8"))
STEPS = 40

_KEYS = [f"k{number}" for number in range(8)]
_TEXTS = st.text(alphabet="ab '\"é☃", min_size=0, max_size=3)
_NUMBERS = st.one_of(st.integers(-5, 5), st.decimals(-100, 100, places=2)).map(str)
_SCALARS = st.one_of(
    _TEXTS.map(lambda text: {"S": text}),
    _NUMBERS.map(lambda number: {"N": number}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
)
# Most attributes have only one type, so that few refreshes are full loads.
_ATTRIBUTES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "name": _TEXTS.map(lambda text: {"S": text}),
    "amount": _NUMBERS.map(lambda number: {"N": number}),
    "tags": st.sets(_TEXTS.filter(bool), min_size=1, max_size=2).map(lambda texts: {"SS": sorted(texts)}),
    "history": st.lists(_SCALARS, max_size=2).map(lambda elements: {"L": elements}),
    "address": st.fixed_dictionaries(
        {},
        optional={
            "city": st.one_of(_TEXTS.map(lambda text: {"S": text}), st.just({"NULL": True})),
            "floor": _NUMBERS.map(lambda number: {"N": number}),
        },
    ).map(lambda members: {"M": members}),
}
_ITEMS = st.fixed_dictionaries({}, optional=_ATTRIBUTES)


class History(RuleBasedStateMachine):
    """Random writes, refreshes, restarts and type changes, with the source's contents as the model."""

    key_type = "S"
    keys: Sequence[str] = _KEYS
    mode = "TOPLEVEL"

    def __init__(self) -> None:
        super().__init__()
        self.backend = Backend("us-east-1")
        self.world = World(self.backend.clients)
        self.items: dict[str, Item] = {}
        self.versions: list[tuple[int, list[str]]] = []
        self.struct = StructType()

    @initialize()
    def begin(self) -> None:
        self.world.create_table("Orders", kind=self.key_type)
        self.arn = self.world.integrate("Orders", self.mode)

    def _key(self, key: str) -> Item:
        return {"pk": {self.key_type: key}}

    @rule(data=st.data(), attributes=_ITEMS)
    def put(self, data: st.DataObject, attributes: Item) -> None:
        key = data.draw(st.sampled_from(self.keys))
        self.items[key] = {**self._key(key), **attributes}
        self.world.put("Orders", self.items[key])

    @rule(data=st.data(), name=st.sampled_from(sorted(_ATTRIBUTES)), scalar=_SCALARS)
    def put_another_type(self, data: st.DataObject, name: str, scalar: dict[str, Any]) -> None:
        key = data.draw(st.sampled_from(self.keys))
        self.items[key] = {**self._key(key), name: scalar}
        self.world.put("Orders", self.items[key])

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.keys))
        self.items.pop(key, None)
        self.world.delete("Orders", self._key(key))

    @rule(data=st.data(), number=_NUMBERS)
    def update(self, data: st.DataObject, number: str) -> None:
        key = data.draw(st.sampled_from(self.keys))
        self.items[key] = {**self.items.get(key, self._key(key)), "amount": {"N": number}}
        self.world.dynamodb(
            "UpdateItem",
            TableName="Orders",
            Key=self._key(key),
            UpdateExpression="SET amount = :n",
            ExpressionAttributeValues={":n": {"N": number}},
        )

    @rule(data=st.data(), attributes=_ITEMS)
    def batch_write(self, data: st.DataObject, attributes: Item) -> None:
        one, other = data.draw(st.lists(st.sampled_from(self.keys), min_size=2, max_size=2, unique=True))
        self.items[one] = {**self._key(one), **attributes}
        self.items.pop(other, None)
        writes = [{"PutRequest": {"Item": self.items[one]}}, {"DeleteRequest": {"Key": self._key(other)}}]
        self.world.dynamodb("BatchWriteItem", RequestItems={"Orders": writes})

    @rule(data=st.data(), attributes=_ITEMS)
    def transact_write(self, data: st.DataObject, attributes: Item) -> None:
        one, other = data.draw(st.lists(st.sampled_from(self.keys), min_size=2, max_size=2, unique=True))
        self.items[one] = {**self._key(one), **attributes}
        self.items.pop(other, None)
        self.world.dynamodb(
            "TransactWriteItems",
            TransactItems=[
                {"Put": {"TableName": "Orders", "Item": self.items[one]}},
                {"Delete": {"TableName": "Orders", "Key": self._key(other)}},
            ],
        )

    @rule(data=st.data())
    def delete_with_a_partiql_statement(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.keys))
        self.items.pop(key, None)
        with self.backend.lock:
            self.world.clients.client("dynamodb").delete_item(TableName="Orders", Key=self._key(key))
            self.world.changes.note("ExecuteStatement", {"Statement": 'DELETE FROM "Orders" WHERE …'})

    @rule()
    def restart(self) -> None:
        saved = self.world.service.dump()
        self.world.restart()
        self.world.service.load(saved)

    @rule()
    def refresh(self) -> None:
        before = len(self._snapshots())
        self.world.refresh()
        if self.world.status(self.arn) == "SYNCING":
            # One refresh announces a type change, and the next refresh applies the change.
            assert len(self._snapshots()) == before
            self.world.refresh()
        assert self.world.status(self.arn) == "ACTIVE", self.world.describe(self.arn)["Errors"]
        struct = self.world.table("orders").schema().as_struct()
        wanted = _sorted(expected_row(item, struct, self.mode) for item in self.items.values())
        assert _sorted(self.world.rows("orders")) == wanted
        snapshots = self._snapshots()
        assert len(snapshots) - before in (0, 1)
        if len(snapshots) > before:
            summary = snapshots[-1].summary
            assert int(summary["total-records"]) == len(wanted)
            assert not self.versions or wanted != self.versions[-1][1] or struct != self.struct
            self.versions.append((snapshots[-1].snapshot_id, wanted))
        else:
            assert wanted == (self.versions[-1][1] if self.versions else [])
        self.struct = struct

    def teardown(self) -> None:
        for snapshot, wanted in self.versions:
            assert _sorted(self.world.rows("orders", snapshot=snapshot)) == wanted
        self.backend.close()

    def _snapshots(self) -> list[Any]:
        try:
            return self.world.snapshots("orders")
        except NoSuchTableError:
            return []


def _sorted(rows: Iterable[Row]) -> list[str]:
    return sorted(map(repr, rows))


def expected_row(item: Item, struct: StructType, mode: str) -> Row:
    """Convert an item to its expected row in a table with the given columns, value by value."""
    if mode == "NOUNNEST":
        others = {name: value for name, value in item.items() if name != "pk"}
        key = struct.fields[0]
        row = {"pk": _plain(item["pk"], key.field_type)}
        for field in struct.fields[1:]:
            row[field.name] = _tagged_members(others, field.field_type)
        return row
    row = {}
    for field in struct.fields:
        row[field.name] = _plain(_at(item, field.name, full=mode == "FULL"), field.field_type)
    return row


def _at(item: Item, path: str, *, full: bool) -> dict[str, Any] | None:
    """Follow a dotted path into maps. In FULL mode, a map has no value, because each of its leaves has a column."""
    name, *rest = path.split(".")
    value: dict[str, Any] | None = item.get(name)
    for name in rest:
        value = value["M"].get(name) if value and "M" in value else None
    return None if full and value and "M" in value else value


def _is_empty(value: dict[str, Any] | None) -> bool:
    """Return whether a value is missing, NULL, or a map that contains only such values."""
    return value is None or "NULL" in value or ("M" in value and all(map(_is_empty, value["M"].values())))


def _plain(value: dict[str, Any] | None, kind: IcebergType) -> Any:
    if value is None or _is_empty(value):
        return None
    ((tag, content),) = value.items()
    if isinstance(kind, StructType):
        return _or_null({field.name: _plain(content.get(field.name), field.field_type) for field in kind.fields})
    if isinstance(kind, ListType):
        return [_text(element) for element in content] if tag == "L" else list(content)
    if isinstance(kind, DoubleType):
        return float(content)
    return _text(value) if isinstance(kind, StringType) else content


def _or_null(members: Row) -> Row | None:
    return None if all(member is None for member in members.values()) else members


def _tagged_members(members: Item, kind: IcebergType) -> Row | None:
    assert isinstance(kind, StructType)
    return _or_null({field.name: _tagged(members.get(field.name), field.field_type) for field in kind.fields})


def _tagged(value: dict[str, Any] | None, kind: IcebergType) -> Any:
    if value is None or "NULL" in value:
        return None
    assert isinstance(kind, StructType)
    ((tag, content),) = value.items()
    types_by_tag = {field.name: field.field_type for field in kind.fields}
    if tag not in types_by_tag:
        assert tag == "M"
        assert not content
        return None
    inner = _tagged_members(content, types_by_tag[tag]) if tag == "M" else _plain(value, types_by_tag[tag])
    return _or_null({name: inner if name == tag else None for name in types_by_tag})


def _text(value: dict[str, Any]) -> str | None:
    return None if "NULL" in value else value["S"] if "S" in value else _json(value)


def _json(value: dict[str, Any]) -> str:
    ((tag, content),) = value.items()
    match tag:
        case "N":
            number = Decimal(content).normalize()
            return format(number if number else Decimal(0), "f")
        case "L":
            return "[" + ",".join(map(_json, content)) + "]"
        case "M":
            return "{" + ",".join(f"{json.dumps(k)}:{_json(v)}" for k, v in sorted(content.items())) + "}"
        case "BOOL" | "SS" | "S":
            return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        case _:
            return "null"


class TopLevel(History):
    pass


class Full(History):
    mode = "FULL"


class NoUnnest(History):
    mode = "NOUNNEST"


class NumberKeys(History):
    """A history with numeric keys, some of which convert to the same double."""

    key_type = "N"
    keys = ("1", "1.00000000000000000001", "2", "-3.5", "12345678901234567", "12345678901234568")


@pytest.mark.timeout(60 * HISTORIES)
@pytest.mark.parametrize("history", [TopLevel, Full, NoUnnest, NumberKeys])
@covers("old-snapshots", "final-state", "every-write-path", "type-change")
def test_target_matches_the_model_at_every_snapshot(history: type[History]) -> None:
    run_state_machine_as_test(
        history,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
