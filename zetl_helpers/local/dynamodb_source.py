"""The items of moto's DynamoDB tables: the one place that knows how moto keeps them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from zetl_helpers.local.inside import Inside

# Moto is not typed.
Table = Any

Item = dict[str, dict[str, Any]]

_FIVE_YEARS = 5 * 365 * 24 * 3600


class DynamoDbSource:
    """Reads items as they are at one instant; hold `inside.lock` over all reads that belong together.

    Args:
        inside: The lakehouse whose tables are read.
    """

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    def key_attributes(self, table_name: str) -> dict[str, str] | None:
        """Return a table's key attributes and their types, the hash key first; None when there is no such table."""
        with self._inside.lock:
            table = self._table(table_name)
            if table is None:
                return None
            types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
            in_order = sorted(table.schema, key=lambda element: element["KeyType"] != "HASH")
            return {element["AttributeName"]: types[element["AttributeName"]] for element in in_order}

    def items(self, table_name: str) -> list[Item]:
        """Return all items of a table in DynamoDB JSON, none when there is no such table."""
        with self._inside.lock:
            table = self._table(table_name)
            return [] if table is None else [_image(item) for item in table.all_items()]

    def items_of(self, table_name: str, keys: Iterable[Mapping[str, Mapping[str, Any]]]) -> list[Item]:
        """Return those items of a table that have one of the given keys, each in DynamoDB JSON."""
        names = list(self.key_attributes(table_name) or ())
        with self._inside.lock:
            table = self._table(table_name)
            if table is None:
                return []
            found = []
            for key in keys:
                item = table.items.get(DynamoType(dict(key[names[0]])))
                if item is not None and len(names) > 1:
                    item = item.get(DynamoType(dict(key[names[1]])))
                if item is not None:
                    found.append(_image(item))
            return found

    def keeps_history(self, table_name: str) -> bool:
        """Tell whether point-in-time recovery is on for a table."""
        with self._inside.lock:
            table = self._table(table_name)
            if table is None:
                return False
            recovery = table.continuous_backups.get("PointInTimeRecoveryDescription", {})
            return bool(recovery.get("PointInTimeRecoveryStatus") == "ENABLED")

    def expired(self, now: float) -> list[tuple[str, Item]]:
        """Return the tables and keys of the items whose time to live is over.

        Args:
            now: The present time in seconds since 1970.
        """
        with self._inside.lock:
            return [
                (name, {key: _value(item.attrs[key]) for key in self.key_attributes(name) or ()})
                for name, table in self._tables().items()
                if table.ttl["TimeToLiveStatus"] == "ENABLED"
                for item in table.all_items()
                if _is_over(item.attrs.get(table.ttl["AttributeName"]), now)
            ]

    def _tables(self) -> Mapping[str, Table]:
        tables: Mapping[str, Table] = dynamodb_backends[self._inside.account][self._inside.region].tables
        return tables

    def _table(self, table_name: str) -> Table | None:
        return self._tables().get(table_name)


def _is_over(value: Any, now: float) -> bool:
    # DynamoDB leaves alone what is over since more than five years: it is probably no time at all.
    return value is not None and value.type == "N" and now - _FIVE_YEARS < float(value.value) < now


def _image(item: Any) -> Item:
    return {name: _value(value) for name, value in item.attrs.items()}


def _value(value: Any) -> dict[str, Any]:
    kind, content = value.type, value.value
    match kind:
        case "M":
            return {kind: {name: _value(member) for name, member in content.items()}}
        case "L":
            return {kind: [_value(element) for element in content]}
        case "B":
            return {kind: _base64(content)}
        case "BS":
            return {kind: [_base64(element) for element in content]}
        case "SS" | "NS":
            return {kind: list(content)}
        case _:
            return {kind: content}


def _base64(content: bytes | str) -> str:
    return base64.b64encode(content).decode() if isinstance(content, bytes) else content
