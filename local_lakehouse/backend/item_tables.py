"""Moto's DynamoDB tables on the store: items are rows that are read when somebody needs them."""

from __future__ import annotations

import base64
import contextlib
import copy
import functools
import json
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.dynamo_type import Item as MotoItem
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, GlobalSecondaryIndex, Table

from local_lakehouse.store import item_keys
from local_lakehouse.store.items import Index, Items, Row

# Above all keys: each is at most 3 KB long, and none begins like this.
_HIGHEST = b"\xff" * 2_100


class ItemTables:
    """The items of all tables that moto works with.

    Args:
        items: Where they are kept.
    """

    def __init__(self, items: Items) -> None:
        self.items = items
        self._collections: weakref.WeakSet[StoredItems] = weakref.WeakSet()
        items.database.before_commit(self.write)
        items.database.after_commit(self.forget)
        items.database.after_rollback(self.forget)
        items.database.after_replacement(self.forget)

    def opened(self, number: int, names: Sequence[str]) -> StoredItems:
        """Return the items of a collection."""
        opened = StoredItems(self, number, tuple(names))
        self._collections.add(opened)
        return opened

    def write(self) -> None:
        """Write what the present transaction changed."""
        for each in list(self._collections):
            each.write()

    def forget(self) -> None:
        """Forget what the present transaction had in its hands."""
        for each in list(self._collections):
            each.forget()

    @contextlib.contextmanager
    def undoing(self) -> Iterator[Callable[[], None]]:
        """Yield a function that takes back what was done to items in the block."""
        if not self.items.database.writing:
            yield self.forget
            return
        with self.items.database.transaction() as connection:
            self.write()
            connection.execute("SAVEPOINT request")

            def undo() -> None:
                self.forget()
                connection.execute("ROLLBACK TO request")
                self.items.forget_indexes()

            yield undo
            connection.execute("RELEASE request")


class StoredItems:
    """A table's items in the place of moto's dictionary, which has a dictionary for each partition.

    Args:
        tables: Where they are kept.
        number: The number of the collection.
        names: The table's key attributes, the hash key first.
    """

    def __init__(self, tables: ItemTables, number: int, names: tuple[str, ...]) -> None:
        self.number = number
        self.names = names
        self._tables = tables
        self._items = tables.items
        # What the present transaction had in its hands, and may have changed: the item, and how it was stored.
        self._touched: dict[bytes, tuple[Any, str | None]] = {}

    def __len__(self) -> int:
        return self.totals()[0]

    def __contains__(self, hash_key: Any) -> bool:
        return self.find(hash_key, None) is not None

    def __getitem__(self, hash_key: Any) -> Any:
        if len(self.names) > 1:
            return _Partition(self, hash_key)
        return _existing(self.find(hash_key, None))

    def __setitem__(self, hash_key: Any, item: Any) -> None:
        self.put(hash_key, None, item)

    def __deepcopy__(self, memo: dict[int, Any]) -> StoredItems:
        if _sharing:
            return self
        self.write()
        return self._tables.opened(self._items.copy(self.number), self.names)

    def pop(self, hash_key: Any) -> Any:
        """Delete an item of a table without a range key."""
        return self.take(hash_key, None)

    def find(self, hash_key: Any, range_key: Any) -> Any:
        """Return an item; None if there is none."""
        key = _key(hash_key, range_key)
        if key in self._touched:
            return self._touched[key][0]
        row = self._items.get(self.number, key)
        if row is None:
            return None
        item = self.decoded(row.body)
        if self._items.database.writing:
            self._touched[key] = item, row.body
        return item

    def put(self, hash_key: Any, range_key: Any, item: Any) -> None:
        """Put an item."""
        key = _key(hash_key, range_key)
        self._touched[key] = item, self._touched[key][1] if key in self._touched else None

    def take(self, hash_key: Any, range_key: Any) -> Any:
        """Delete an item and return it.

        Raises:
            KeyError: There is none.
        """
        item = _existing(self.find(hash_key, range_key))
        self._touched[_key(hash_key, range_key)] = None, ""
        return item

    def put_rows(self, rows: Iterable[tuple[bytes, str, int]]) -> None:
        """Put items that were found to be valid: their keys, texts and sizes."""
        self.write()
        self._items.write(self.number, rows)

    def totals(self) -> tuple[int, int]:
        """Return how many items there are, and their size in bytes."""
        self.write()
        return self._items.totals(self.number)

    def totals_with(self, names: Sequence[str]) -> tuple[int, int]:
        """Return how many items have all of some attributes, and their size in bytes."""
        self.write()
        return self._items.totals_with(self.number, names)

    def open_stream(self, arn: str, about: Mapping[str, Any]) -> None:
        """Keep the changes of items from now on."""
        self.write()
        self._items.streams.open(self.number, arn, about)

    def close_stream(self) -> None:
        """Keep no further changes."""
        self.write()
        self._items.streams.close(self.number)

    def over(self, attribute: str, earliest: float, now: float) -> list[dict[str, Any]]:
        """Return the items with a number between two bounds."""
        return self._items.over(self.number, attribute, earliest, now)

    def rows(self, low: bytes, high: bytes, index: Index | None = None, *, backward: bool = False) -> Iterator[Row]:
        """Yield the rows between two bounds, both exclusive."""
        self.write()
        return self._items.read(self.number, low, high, index=index, backward=backward)

    def all(self) -> Iterator[Any]:
        """Yield all items."""
        for row in self.rows(b"", _HIGHEST):
            yield self.decoded(row.body)

    def decoded(self, body: str) -> Any:
        """Return moto's item of what is stored."""
        plain = json.loads(body)
        item: Any = object.__new__(MotoItem)
        item.hash_key = DynamoType(plain[self.names[0]])
        item.range_key = DynamoType(plain[self.names[1]]) if len(self.names) > 1 else None
        item.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
        dict.update(item.attrs, {name: DynamoType(value) for name, value in plain.items()})
        return item

    def write(self) -> None:
        """Write what the present transaction changed."""
        if not self._touched or not self._items.database.writing:
            return
        changes = []
        for key, (item, stored) in self._touched.items():
            body = None if item is None else _text(image(item))
            if body != stored:
                changes.append((key, body, 0 if item is None else int(item.size())))
        self._touched.clear()
        if changes:
            self._items.write(self.number, changes)

    def forget(self) -> None:
        """Forget what the present transaction had in its hands."""
        self._touched.clear()

    def drop(self) -> None:
        """Delete all items: the table is gone."""
        self._touched.clear()
        self._items.drop(self.number)


class _Partition:
    """The items with one partition key."""

    def __init__(self, items: StoredItems, hash_key: Any) -> None:
        self._items = items
        self._hash_key = hash_key

    def __getitem__(self, range_key: Any) -> Any:
        return _existing(self._items.find(self._hash_key, range_key))

    def __setitem__(self, range_key: Any, item: Any) -> None:
        self._items.put(self._hash_key, range_key, item)

    def pop(self, range_key: Any) -> Any:
        return self._items.take(self._hash_key, range_key)


def image(item: Any) -> dict[str, dict[str, Any]]:
    """Return one of moto's items in DynamoDB JSON."""
    return {name: _value(value) for name, value in item.attrs.items()}


def use(tables: ItemTables) -> None:
    """Let moto's DynamoDB keep its items in a store from now on."""
    _current[:] = [tables]
    _prepare()


def added(table: Any) -> Mapping[str, Any]:
    """Return what is kept of a table besides its fields."""
    return {"collection": table.items.number}


def restore(table: Any) -> None:
    """Let a table have its items again."""
    table.items = _current[0].opened(vars(table).pop("collection"), table.table_key_attrs)


_current: list[ItemTables] = []
# Not empty while copies of tables are to have the same items.
_sharing: list[None] = []


@functools.cache
def _prepare() -> None:
    """Let moto's tables keep their items here, once for the process."""
    Table.__init__ = _with_stored_items(Table.__init__)  # type: ignore[method-assign]
    Table.__len__ = lambda self: len(self.items)  # type: ignore[method-assign]
    Table.describe = _with_size(Table.describe)  # type: ignore[method-assign]
    Table.get_item = _get_item  # type: ignore[method-assign]
    Table.all_items = _all_items  # type: ignore[method-assign]
    Table.query = _query  # type: ignore[method-assign]
    Table.scan = _scan  # type: ignore[method-assign]
    DynamoDBBackend.delete_table = _dropping(DynamoDBBackend.delete_table)  # type: ignore[method-assign]
    DynamoDBBackend.delete_backup = _dropping(DynamoDBBackend.delete_backup)  # type: ignore[method-assign]
    DynamoDBBackend.transact_write_items = _sharing_items(  # type: ignore[method-assign]
        DynamoDBBackend.transact_write_items
    )


def _with_stored_items(initialise: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(initialise)
    def initialising(self: Any, *arguments: Any, **named: Any) -> None:
        initialise(self, *arguments, **named)
        self.items = _current[0].opened(_current[0].items.create(), self.table_key_attrs)

    return initialising


def _with_size(describe: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(describe)
    def describing(self: Any, base_key: str = "TableDescription") -> Any:
        result = describe(self, base_key)
        result[base_key]["TableSizeBytes"] = self.items.totals()[1]
        return result

    return describing


def _dropping(delete: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(delete)
    def deleting(self: Any, *arguments: Any, **named: Any) -> Any:
        deleted = delete(self, *arguments, **named)
        getattr(deleted, "table", deleted).items.drop()
        return deleted

    return deleting


def _sharing_items(transact: Callable[..., None]) -> Callable[..., None]:
    """Spare a transaction the copies of items: the request's savepoint takes back what is not to be."""

    @functools.wraps(transact)
    def transacting(self: Any, *arguments: Any, **named: Any) -> None:
        _sharing.append(None)
        try:
            transact(self, *arguments, **named)
        finally:
            _sharing.pop()

    return transacting


def _all_items(self: Any) -> list[Any]:
    return list(self.items.all())


def _get_item(
    self: Any, hash_key: Any, range_key: Any = None, projection_expression: list[list[str]] | None = None
) -> Any:
    if self.has_range_key and not range_key:
        raise MockValidationException("Table has a range key, but no range key was passed into get_item")
    item = self.items.find(hash_key, range_key if self.has_range_key else None)
    return item.project(projection_expression) if item is not None and projection_expression else item


def _query(
    self: Any,
    hash_key: Any,
    range_comparison: str | None,
    range_objs: list[Any],
    limit: int,
    exclusive_start_key: dict[str, Any] | None,
    scan_index_forward: bool,
    projection_expressions: list[list[str]] | None,
    index_name: str | None = None,
    consistent_read: bool = False,
    filter_expression: Any = None,
    hash_key_conditions: list[tuple[str, Any]] | None = None,
    range_key_conditions: list[tuple[str, str, list[Any]]] | None = None,
    **filter_kwargs: Any,
) -> tuple[list[Any], int, dict[str, Any] | None]:
    """Query by seeking: in the place of moto's way, which sorts the whole table for each page."""
    index, hash_names, range_names = _keys_of_index(self, index_name, consistent_read)
    wanted = dict(hash_key_conditions or [])
    if not wanted and hash_key is not None:
        wanted = {hash_names[0]: hash_key}
    prefix = item_keys.partition(b"".join(_encoded(wanted[name]) for name in hash_names))
    conditions = list(range_key_conditions or [])
    for _, _, values in conditions[:-1]:
        prefix += _encoded(values[0])
    compared = conditions[-1][0] if conditions else (range_names[0] if range_names else None)
    low, high = _narrowed(prefix, range_comparison, range_objs)
    if exclusive_start_key:
        start = _start(self, index, exclusive_start_key)
        low, high = (max(low, start), high) if scan_index_forward is not False else (low, min(high, start))
    tests: list[tuple[str, str, list[Any]]] = []
    if range_comparison and compared is not None:
        tests.append((compared, range_comparison, range_objs))
    for field, condition in (filter_kwargs or {}).items():
        values = [DynamoType(each) for each in condition["AttributeValueList"]]
        tests.append((field, condition["ComparisonOperator"], values))

    def passes(item: Any) -> bool:
        return all(
            (held := item.attrs.get(name)) is not None and held.compare(operator, values)
            for name, operator, values in tests
        )

    rows = self.items.rows(low, high, index, backward=scan_index_forward is False)
    return _page(self, rows, limit, index_name, passes, filter_expression, projection_expressions)


def _scan(
    self: Any,
    filters: dict[str, Any],
    limit: int,
    exclusive_start_key: dict[str, Any] | None,
    filter_expression: Any = None,
    index_name: str | None = None,
    consistent_read: bool = False,
    projection_expression: list[list[str]] | None = None,
    segments: tuple[None, None] | tuple[int, int] = (None, None),
) -> tuple[list[Any], int, dict[str, Any] | None]:
    """Scan in the order of the partitions' hashes, from where the last page ended."""
    if index_name:
        self.get_index(index_name, error_if_not=True)
    index, _, _ = _keys_of_index(self, index_name, consistent_read)
    number, total = segments
    low, high = (b"", _HIGHEST) if number is None or total is None else item_keys.segment(number, total)
    if exclusive_start_key:
        low = max(low, _start(self, index, exclusive_start_key))

    def kept(item: Any) -> bool:
        return all(
            held.compare(operator, values) if (held := item.attrs.get(name)) is not None else operator == "NULL"
            for name, (operator, values) in filters.items()
        )

    both = _Both(kept, filter_expression) if filters else filter_expression
    rows = self.items.rows(low, high, index)
    return _page(self, rows, limit, index_name, lambda _: True, both, projection_expression)


class _Both:
    """Two filters as one."""

    def __init__(self, kept: Callable[[Any], bool], expression: Any) -> None:
        self._kept = kept
        self._expression = expression

    def expr(self, item: Any) -> bool:
        return self._kept(item) and (self._expression is None or bool(self._expression.expr(item)))


def _page(
    table: Any,
    rows: Iterator[Row],
    limit: int,
    index_name: str | None,
    passes: Callable[[Any], bool],
    filter_expression: Any,
    projection: list[list[str]] | None,
) -> tuple[list[Any], int, dict[str, Any] | None]:
    """Read a page: up to a number of items, or up to a megabyte of them, before any filter."""
    items: list[Any] = []
    size = 0
    last = None
    for row in rows:
        item = table.items.decoded(row.body)
        if not passes(item):
            continue
        if len(items) == limit or (items and size + row.size > RESULT_SIZE_LIMIT):
            last = table._get_last_evaluated_key(items[-1], index_name)
            break
        items.append(item)
        size += row.size
    scanned = len(items)
    # DynamoDB does not look ahead: a page that is full has a next one, which may be empty.
    if last is None and limit and scanned == limit:
        last = table._get_last_evaluated_key(items[-1], index_name)
    if filter_expression is not None:
        items = [item for item in items if filter_expression.expr(item)]
    if index_name:
        index = table.get_index(index_name)
        items = [index.project(item) for item in items]
    if projection:
        items = [item.project(projection) for item in items]
    return items, scanned, last


def _keys_of_index(table: Any, index_name: str | None, consistent: bool) -> tuple[Index | None, list[str], list[str]]:
    if not index_name:
        return None, [table.hash_key_attr], [name for name in (table.range_key_attr,) if name]
    found = next((each for each in table.all_indexes() if each.name == index_name), None)
    if found is None:
        names = ", ".join(each.name for each in table.all_indexes())
        raise MockValidationException(
            f"Invalid index: {index_name} for table: {table.name}. Available indexes are: {names}"
        )
    if consistent and isinstance(found, GlobalSecondaryIndex):
        raise MockValidationException("Consistent reads are not supported on global secondary indexes")
    hashed, ranged = (
        [each["AttributeName"] for each in found.schema if each["KeyType"] == kind] for kind in ("HASH", "RANGE")
    )
    return Index(tuple(hashed), tuple(ranged)), hashed, ranged


def _narrowed(prefix: bytes, comparison: str | None, values: list[Any]) -> tuple[bytes, bytes]:
    """Return bounds within a partition that lose nothing; moto's comparison still decides."""
    low, high = prefix, item_keys.after(prefix)
    if comparison and values:
        first, last = prefix + _encoded(values[0]), prefix + _encoded(values[-1])
        operator = comparison.upper()
        if operator in ("=", "EQ", ">", "GT", ">=", "GE", "BETWEEN"):
            low = item_keys.before(first)
        if operator in ("=", "EQ", "<", "LT", "<=", "LE", "BETWEEN"):
            high = item_keys.after(last)
    return low, high


def _start(table: Any, index: Index | None, key: Mapping[str, Any]) -> bytes:
    typed = {name: each.to_json() if isinstance(each, DynamoType) else each for name, each in key.items()}
    primary = item_keys.key_of(typed, table.table_key_attrs[:1], table.table_key_attrs[1:])
    found = primary if primary is None or index is None else index.entry(typed, primary)
    if found is None:
        raise MockValidationException("The provided starting key is invalid")
    return found


def _key(hash_key: Any, range_key: Any) -> bytes:
    return item_keys.partition(_encoded(hash_key)) + (b"" if range_key is None else _encoded(range_key))


def _key_of(item: Mapping[str, Any], names: tuple[str, ...]) -> bytes:
    key = item_keys.key_of(item, names[:1], names[1:])
    if key is None:
        raise MockValidationException("One or more parameter values were invalid: Missing a key in the item")
    return key


def _encoded(value: Any) -> bytes:
    return item_keys.encode(value.type, value.value)


def _existing(item: Any) -> Any:
    if item is None:
        raise KeyError
    return item


def _text(item: Mapping[str, Any]) -> str:
    return json.dumps(item, separators=(",", ":"), ensure_ascii=False)


def _size(item: Mapping[str, Any]) -> int:
    return sum(len(name.encode()) + DynamoType(copy.copy(value)).size() for name, value in item.items())


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
