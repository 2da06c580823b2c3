"""Execution of DynamoDB item requests on the tables that moto describes."""

from __future__ import annotations

import functools
from typing import Any

from local_lakehouse.backend.moto_state import MotoState
from local_lakehouse.dynamodb.api import DataPlane
from local_lakehouse.dynamodb.tables import SecondaryIndex, Table, require_valid_name, table_name
from local_lakehouse.protocol.faults import Answer, Fault, fail
from local_lakehouse.protocol.request import Request
from local_lakehouse.store.items import Index


class ItemRequests:
    """The executor of item requests.

    A table's description is read from moto on first use, and again after a commit that may have changed it. Later reads
    use the cached description without a lock, so they do not wait for writes.

    Args:
        state: moto's state, which includes the tables.
        account: The account that contains the tables.
        region: The Region of the lakehouse.
    """

    def __init__(self, state: MotoState, account: str, region: str) -> None:
        self._state = state
        self._account = account
        self._tables: dict[tuple[str, str], Table] = {}
        self._planes: dict[str, DataPlane] = {}
        state.after_change("dynamodb", self._tables.clear)
        # The first plane defines the database tables of all planes, which is not allowed in a request's transaction.
        self._plane(region)

    def serve(self, request: Request) -> Answer:
        """Execute a request. A rejected request changes nothing."""
        try:
            return self._plane(request.region).serve(request)
        except Fault as fault:
            return fail("dynamodb", request.method, fault)

    def table(self, region: str, given: Any) -> Table:
        """Return the description of a table as the current transaction sees it, or as it was last committed.

        Args:
            region: The table's Region.
            given: The table's name or ARN.

        Raises:
            Fault: The table does not exist (``ResourceNotFoundException``).
        """
        name = table_name(given)
        changing = self._state.is_changing("dynamodb")
        found = None if changing else self._tables.get((region, name))
        if found is not None:
            return found
        with self._state.lock:
            moto_table = self._moto_table(region, name)
            if moto_table is None:
                require_valid_name(name)
                raise Fault("ResourceNotFoundException", "Requested resource not found")
            found = described(moto_table)
            if not changing:
                self._tables[region, name] = found
        return found

    def _plane(self, region: str) -> DataPlane:
        if region not in self._planes:
            self._planes[region] = DataPlane(self._state.items, functools.partial(self.table, region))
        return self._planes[region]

    def _moto_table(self, region: str, name: str) -> Any:
        backend = self._state.peek("dynamodb", self._account, region)
        return None if backend is None else backend.tables.get(name)


def described(table: Any) -> Table:
    """Return the data plane's description of a moto table."""
    local = {id(each) for each in table.indexes}
    return Table(
        table.name,
        table.items.number,
        tuple(table.table_key_attrs),
        {each["AttributeName"]: each["AttributeType"] for each in table.attr},
        {each.name: _index(table, each, is_global=id(each) not in local) for each in table.all_indexes()},
    )


def _index(table: Any, index: Any, *, is_global: bool) -> SecondaryIndex:
    hashed, ranged = (
        tuple(each["AttributeName"] for each in index.schema if each["KeyType"] == kind) for kind in ("HASH", "RANGE")
    )
    projection = index.projection or {}
    projected = None
    if projection.get("ProjectionType", "ALL") != "ALL":
        further = projection.get("NonKeyAttributes", []) if projection["ProjectionType"] == "INCLUDE" else []
        projected = frozenset([*table.table_key_attrs, *hashed, *ranged, *further])
    types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    keys = Index(hashed, ranged, "".join(types[name] for name in hashed + ranged))
    return SecondaryIndex(index.name, keys, is_global, projected)
