"""The stored items of moto's DynamoDB tables.

moto only counts, copies and deletes a table's items as a whole. `local_lakehouse.dynamodb` reads and writes the items.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from local_lakehouse.store.items import Items


class ItemTables:
    """The items in all moto tables.

    Args:
        items: The item store.
    """

    def __init__(self, items: Items) -> None:
        self.items = items

    @contextlib.contextmanager
    def undoing(self) -> Iterator[Callable[[], None]]:
        """Yield a function that undoes the block's changes to items. The caller must be in a transaction."""
        with self.items.database.transaction() as connection:
            connection.execute("SAVEPOINT request")

            def undo() -> None:
                connection.execute("ROLLBACK TO request")
                self.items.forget_indexes()

            yield undo
            connection.execute("RELEASE request")


class StoredItems:
    """The items of a table, in place of moto's dictionary of items.

    Args:
        items: The item store.
        number: The number that identifies the table's items.
        names: The table's key attributes, with the partition key first.
    """

    def __init__(self, items: Items, number: int, names: Sequence[str]) -> None:
        self.number = number
        self.names = tuple(names)
        self._items = items

    def __len__(self) -> int:
        return self.totals()[0]

    def __deepcopy__(self, memo: dict[int, Any]) -> StoredItems:
        return StoredItems(self._items, self._items.copy(self.number), self.names)

    def put_rows(self, rows: Iterable[tuple[bytes, str, int]]) -> None:
        """Write validated items. Each row contains an item's key, JSON and size."""
        self._items.write(self.number, rows)

    def totals(self) -> tuple[int, int]:
        """Return the number of items and their total size in bytes."""
        return self._items.totals(self.number)

    def totals_with(self, names: Sequence[str]) -> tuple[int, int]:
        """Return the number and total size, in bytes, of the items that have all of the given attributes."""
        return self._items.totals_with(self.number, names)

    def open_stream(self, arn: str, about: Mapping[str, Any]) -> None:
        """Start recording changes to items."""
        self._items.streams.open(self.number, arn, about)

    def close_stream(self) -> None:
        """Stop recording changes."""
        self._items.streams.close(self.number)

    def over(self, attribute: str, earliest: float, now: float) -> list[dict[str, Any]]:
        """Return the items in which an attribute is a number between two bounds."""
        return self._items.over(self.number, attribute, earliest, now)

    def drop(self) -> None:
        """Delete all items, because the table is being deleted."""
        self._items.drop(self.number)


def use(tables: ItemTables) -> None:
    """Make moto store the items of DynamoDB tables in an item store."""
    _current[:] = [tables]
    _prepare()


def added(table: Any) -> Mapping[str, Any]:
    """Return the data to store for a table in addition to its fields."""
    return {"collection": table.items.number}


def restore(table: Any) -> None:
    """Restore a table's items."""
    table.items = StoredItems(_current[0].items, vars(table).pop("collection"), table.table_key_attrs)


_current: list[ItemTables] = []


@functools.cache
def _prepare() -> None:
    """Patch moto once per process so that its tables use `StoredItems`."""
    Table.__init__ = _with_stored_items(Table.__init__)  # type: ignore[method-assign]
    Table.__len__ = lambda self: len(self.items)  # type: ignore[method-assign]
    DynamoDBBackend.delete_table = _dropping(DynamoDBBackend.delete_table)  # type: ignore[method-assign]
    DynamoDBBackend.delete_backup = _dropping(DynamoDBBackend.delete_backup)  # type: ignore[method-assign]


def _with_stored_items(initialize: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(initialize)
    def initializing(self: Any, *arguments: Any, **named: Any) -> None:
        initialize(self, *arguments, **named)
        self.items = StoredItems(_current[0].items, _current[0].items.create(), self.table_key_attrs)

    return initializing


def _dropping(delete: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(delete)
    def deleting(self: Any, *arguments: Any, **named: Any) -> Any:
        deleted = delete(self, *arguments, **named)
        getattr(deleted, "table", deleted).items.drop()
        return deleted

    return deleting
