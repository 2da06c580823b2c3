"""Consumed capacity, which is reported for requests with ``ReturnConsumedCapacity``.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_lakehouse.dynamodb.documents import projected
from local_lakehouse.dynamodb.tables import SecondaryIndex, Table
from local_lakehouse.dynamodb.values import Item, invalid, item_size

_READ_UNIT, _WRITE_UNIT = 4096, 1024


def choice(request: Mapping[str, Any], member: str, allowed: tuple[str, ...], default: str) -> str:
    """Return a member of a request, or a default value if the member is missing.

    Raises:
        Fault: The value is not allowed (``ValidationException``).
    """
    value = request.get(member)
    if value is None:
        return default
    if value not in allowed:
        where = member[0].lower() + member[1:]
        raise invalid(
            f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        )
    return str(value)


def read_units(size: int, *, consistent: bool = False) -> float:
    """Return the read units for a number of bytes."""
    return max(1, -(-size // _READ_UNIT)) * (1.0 if consistent else 0.5)


def write_units(old: int, new: int) -> float:
    """Return the write units for an item, given its sizes before and after the write."""
    return float(max(1, -(-max(old, new) // _WRITE_UNIT)))


class Meter:
    """The total consumed capacity of a request, by table.

    Args:
        request: The request.
        factor: The multiplier for all units, which is 2 for transactions.
        kind: The kind of units, ``Read`` or ``Write``. It is empty if the response does not distinguish between them.
    """

    def __init__(self, request: Mapping[str, Any], factor: int = 1, kind: str = "") -> None:
        self._mode = choice(request, "ReturnConsumedCapacity", ("INDEXES", "TOTAL", "NONE"), "NONE")
        self._factor = factor
        self._kind = kind
        self._tables: dict[str, float] = {}
        self._indexes: dict[str, dict[tuple[bool, str], float]] = {}

    @property
    def wanted(self) -> bool:
        """Whether the response must contain the consumed capacity."""
        return self._mode != "NONE"

    def read(self, table: Table, units: float, index: SecondaryIndex | None = None) -> None:
        """Add a read."""
        self._add(table, 0.0 if index else units)
        if index is not None:
            self._add_index(table, index, units)

    def write(self, table: Table, old: Item | None, new: Item | None) -> None:
        """Add a write, including the units that it consumes in the indexes."""
        if not self.wanted:
            return
        self._add(table, write_units(_size(old), _size(new)))
        for index in table.indexes.values():
            before, after = (_in_index(table, index, each) for each in (old, new))
            if before == after:
                continue
            moved = before is not None and after is not None and _key(index, before) != _key(index, after)
            units = write_units(_size(before), 0) + write_units(0, _size(after)) if moved else 0.0
            self._add_index(table, index, units or write_units(_size(before), _size(after)))

    def _add(self, table: Table, units: float) -> None:
        self._tables[table.name] = self._tables.get(table.name, 0.0) + units * self._factor

    def _add_index(self, table: Table, index: SecondaryIndex, units: float) -> None:
        held = self._indexes.setdefault(table.name, {})
        key = index.is_global, index.name
        held[key] = held.get(key, 0.0) + units * self._factor

    def all(self) -> str | None:
        """Return the capacity of all tables as JSON, or None if it was not requested."""
        return json.dumps([self._consumed(name) for name in self._tables]) if self.wanted else None

    def only(self) -> str | None:
        """Return the capacity of the only table as JSON, or None if it was not requested."""
        return json.dumps(self._consumed(next(iter(self._tables)))) if self.wanted else None

    def _consumed(self, name: str) -> dict[str, Any]:
        indexes = self._indexes.get(name, {})
        consumed = {"TableName": name, **self._units(self._tables[name] + sum(indexes.values()))}
        if self._mode == "INDEXES":
            consumed["Table"] = self._units(self._tables[name])
            for is_global, member in ((False, "LocalSecondaryIndexes"), (True, "GlobalSecondaryIndexes")):
                found = {each: self._units(units) for (kind, each), units in indexes.items() if kind is is_global}
                if found:
                    consumed[member] = found
        return consumed

    def _units(self, units: float) -> dict[str, float]:
        return {"CapacityUnits": units, **({f"{self._kind}CapacityUnits": units} if self._kind else {})}


def _size(item: Item | None) -> int:
    return 0 if item is None else item_size(item)


def _in_index(table: Table, index: SecondaryIndex, item: Item | None) -> Item | None:
    if item is None or any(name not in item for name in index.names):
        return None
    return item if index.projected is None else projected(item, [(name,) for name in index.projected])


def _key(index: SecondaryIndex, item: Item) -> list[Any]:
    return [item[name] for name in index.names]
