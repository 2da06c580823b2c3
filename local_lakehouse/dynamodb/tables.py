"""The names, keys and projections of tables and indexes in the data plane.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_lakehouse.dynamodb.values import Item, Unfit, Value, accept, invalid, tag_of
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.store import item_keys
from local_lakehouse.store.item_keys import LONGEST_HASH, LONGEST_RANGE
from local_lakehouse.store.items import Index

_NAME = re.compile("[a-zA-Z0-9_.-]+")
_LONGEST_NAME = 255
_EMPTY = "The AttributeValue for a key attribute cannot contain an empty {} value."
_NOT_VALID = "One or more parameter values are not valid. "
_INVALID = "One or more parameter values were invalid: "


@dataclass(frozen=True)
class SecondaryIndex:
    """An index of a table.

    Args:
        name: The index's name.
        index: The key attributes.
        is_global: Whether the index is global.
        projected: The projected attributes, or None for all attributes.
    """

    name: str
    index: Index
    is_global: bool
    projected: frozenset[str] | None

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes of the index's key."""
        return self.index.hash_names + self.index.range_names


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        name: The table's name.
        collection: The number that identifies the table's items.
        names: The key attributes, with the partition key first.
        types: The types of all key attributes.
        indexes: The indexes, keyed by name.
    """

    name: str
    collection: int
    names: tuple[str, ...]
    types: Mapping[str, str]
    indexes: Mapping[str, SecondaryIndex] = field(default_factory=dict)

    @property
    def has_local_indexes(self) -> bool:
        """Whether the table has local indexes, which limit the total size of the items with the same partition key."""
        return any(not each.is_global for each in self.indexes.values())

    def index_named(self, name: str) -> SecondaryIndex:
        """Return an index.

        Raises:
            Fault: The index does not exist (``ValidationException``).
        """
        if name not in self.indexes:
            raise invalid(f"The table does not have the specified index: {name}")
        return self.indexes[name]

    def key(self, given: Any) -> tuple[dict[str, Value], bytes]:
        """Check a key, and return it with its stored form.

        Raises:
            Fault: The key's names or types do not match the table's key (``ValidationException``).
        """
        if not isinstance(given, dict):
            raise Fault("SerializationException", "Start of structure or map found where not expected.")
        accepted: dict[str, Value] = {name: accept(value)[0] for name, value in given.items()}
        if len(accepted) != len(self.names) or any(
            name not in accepted or self.types[name] not in accepted[name] for name in self.names
        ):
            raise Unfit("The provided key element does not match the schema")
        return accepted, self.key_bytes(accepted)

    def key_bytes(self, item: Item) -> bytes:
        """Return the stored form of an item's key.

        Raises:
            Fault: An attribute of the item's key is missing, empty, too long or of the wrong type
                (``ValidationException``).
        """
        for name in self.names:
            if name not in item:
                raise Unfit(f"{_INVALID}Missing the key {name} in the item")
            if self.types[name] not in item[name]:
                raise Unfit(
                    f"{_INVALID}Type mismatch for key {name} expected: {self.types[name]} actual: {tag_of(item[name])}"
                )
            if (kind := empty(item[name])) is not None:
                raise invalid(f"{_NOT_VALID}{_EMPTY.format(kind)} Key: {name}")
        self._require_length(item)
        key = item_keys.key_of(item, self.names[:1], self.names[1:])
        assert key is not None
        return key

    def key_in(self, item: Item) -> dict[str, Value]:
        """Return the key of an item."""
        return {name: item[name] for name in self.names}

    def check_index_keys(self, item: Item) -> None:
        """Reject an item in which an index's key attribute is empty or has the wrong type.

        Raises:
            Fault: ``ValidationException``.
        """
        for index in self.indexes.values():
            for name in index.names:
                value = item.get(name)
                if value is None:
                    continue
                if self.types[name] not in value:
                    raise Unfit(
                        f"{_INVALID}Type mismatch for Index Key {name} Expected: {self.types[name]} "
                        f"Actual: {tag_of(value)} IndexName: {index.name}"
                    )
                if (kind := empty(value)) is not None:
                    raise Unfit(
                        f"{_NOT_VALID}A value specified for a secondary index key is not supported. "
                        f"{_EMPTY.format(kind)} IndexName: {index.name}, IndexKey: {name}"
                    )

    def check_index_key_lengths(self, item: Item, size: int) -> None:
        """Reject an item in which an index's key attribute is too long.

        Args:
            item: The item.
            size: The item's size in bytes.

        Raises:
            Fault: ``ValidationException``.
        """
        if size <= LONGEST_RANGE:
            return
        for index in self.indexes.values():
            for name in index.index.hash_names:
                if name in item and _length(item[name]) > LONGEST_HASH:
                    raise _long_hash()
            for name in index.index.range_names:
                if name in item and _length(item[name]) > LONGEST_RANGE:
                    raise _long_range()

    def check_updated_index_keys(self, item: Item) -> None:
        """Reject an update that makes an index's key attribute empty or changes its type.

        Raises:
            Fault: ``ValidationException``.
        """
        for index in self.indexes.values():
            for name in index.names:
                value = item.get(name)
                if value is not None and self.types[name] not in value:
                    raise Unfit(
                        f"{_INVALID}Type mismatch for Index Key {name} Expected: {self.types[name]} "
                        f"Actual: {tag_of(value)} IndexName: {index.name}"
                    )
                if value is not None and (kind := empty(value)) is not None:
                    raise Unfit(
                        f"{_NOT_VALID}The update expression attempted to update a secondary index key to a value that "
                        f"is not supported. {_EMPTY.format(kind)}"
                    )

    def _require_length(self, item: Item) -> None:
        if _length(item[self.names[0]]) > LONGEST_HASH:
            raise _long_hash()
        if len(self.names) > 1 and _length(item[self.names[1]]) > LONGEST_RANGE:
            raise _long_range()


def _long_hash() -> Unfit:
    return Unfit(f"{_INVALID}Size of hashkey has exceeded the maximum size limit of{LONGEST_HASH} bytes")


def _long_range() -> Unfit:
    return Unfit(f"{_INVALID}Aggregated size of all range keys has exceeded the size limit of {LONGEST_RANGE} bytes")


def empty(value: Value) -> str | None:
    """Return the type of an empty key value, or None for a value that is not empty."""
    if value.get("S") == "":
        return "string"
    return "binary" if value.get("B") == "" else None


def _length(value: Value) -> int:
    ((tag, held),) = value.items()
    return item_keys.length(tag, held) if tag in ("S", "B") else 0


def table_name(given: Any) -> str:
    """Return the table's name, given its name or ARN."""
    if not isinstance(given, str):
        raise Fault("SerializationException", "A table's name must be a string.")
    return given.rpartition("/")[2]


def require_valid_name(name: str) -> None:
    """Reject a name that no table can have.

    Raises:
        Fault: ``ValidationException``.
    """
    if not name:
        rule = "have length greater than or equal to 1"
    elif len(name) > _LONGEST_NAME:
        rule = f"have length less than or equal to {_LONGEST_NAME}"
    elif not _NAME.fullmatch(name):
        rule = f"satisfy regular expression pattern: {_NAME.pattern}"
    else:
        return
    raise invalid(
        f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member must {rule}"
    )
