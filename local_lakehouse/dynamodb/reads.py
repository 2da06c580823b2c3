"""The read operations, which return stored JSON unchanged unless the request projects attributes.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_lakehouse.dynamodb import conditions, documents, key_ranges, legacy, syntax
from local_lakehouse.dynamodb.capacity import Meter, choice, read_units
from local_lakehouse.dynamodb.conditions import Test
from local_lakehouse.dynamodb.names import Names, Steps
from local_lakehouse.dynamodb.syntax import Node
from local_lakehouse.dynamodb.tables import SecondaryIndex, Table
from local_lakehouse.dynamodb.values import accept, invalid, item_size, shown, text_of
from local_lakehouse.store import item_keys
from local_lakehouse.store.items import Index, Items, Row

FindTable = Callable[[Any], Table]

_LARGEST_PAGE = 1024 * 1024
_LARGEST_BATCH = 16 * 1024 * 1024
_MOST_KEYS = 100
_MOST_SEGMENTS = 1_000_000
# This value sorts after all keys, which are at most 3 KB long and never start with these bytes.
_HIGHEST = b"\xff" * 2_100


def document(**members: str | None) -> str:
    """Return a JSON object, given its members' values as JSON text, and omit members that are None."""
    return "{" + ",".join(f'"{name}":{text}' for name, text in members.items() if text is not None) + "}"


def projection_of(request: Mapping[str, Any], names: Names) -> list[Steps] | None:
    """Return the paths that a request projects, or None for whole items."""
    text = request.get("ProjectionExpression")
    if text is None:
        return legacy.attributes_to_get(request)
    return names.read("ProjectionExpression", text, lambda read: documents.projection(read, names))


def condition_of(request: Mapping[str, Any], member: str, old: Node | None, names: Names) -> Test | None:
    """Return the predicate for a request's expression or legacy parameter, or None if both are missing."""
    text = request.get(member)
    if text is not None:
        return names.read(member, text, lambda read: conditions.condition(read, names))
    return None if old is None else names.read(member, "", lambda _: conditions.compiled(old, names))


def require_tables(asked: Mapping[str, Any]) -> None:
    """Reject a batch without tables.

    Raises:
        Fault: ``ValidationException``.
    """
    if not asked:
        raise invalid(
            "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: Member must have "
            "length greater than or equal to 1"
        )


class Reads:
    """The read operations.

    Args:
        items: The item store.
        table: A function that returns a table by its name or ARN.
    """

    def __init__(self, items: Items, table: FindTable) -> None:
        self._items = items
        self._table = table

    def get_item(self, request: Mapping[str, Any]) -> str:
        """Return one item."""
        meter = Meter(request)
        legacy.require_one_way(request)
        names = Names(request, ("ProjectionExpression",))
        paths = projection_of(request, names)
        names.require_use()
        table = self._table(request["TableName"])
        row = self._items.get(table.collection, table.key(request["Key"])[1])
        meter.read(table, read_units(row.size if row else 0, consistent=bool(request.get("ConsistentRead"))))
        return document(Item=_cut(row, paths), ConsumedCapacity=meter.only())

    def batch_get_item(self, request: Mapping[str, Any]) -> str:
        """Return up to 100 items with a total size of up to 16 MB."""
        meter = Meter(request)
        asked: Mapping[str, Any] = request["RequestItems"]
        require_tables(asked)
        legacy.require_one_way(
            {member: True for each in asked.values() for member, held in each.items() if held is not None}
        )
        for name, each in asked.items():
            if not 1 <= len(each["Keys"]) <= _MOST_KEYS:
                bound = f"less than or equal to {_MOST_KEYS}" if each["Keys"] else "greater than or equal to 1"
                raise invalid(
                    f"1 validation error detected: Value at 'RequestItems.{name}.member.Keys' failed to satisfy "
                    f"constraint: Member must have length {bound}"
                )
        if sum(len(each["Keys"]) for each in asked.values()) > _MOST_KEYS:
            raise invalid("Too many items requested for the BatchGetItem call")
        prepared = [(name, *self._batch(name, each)) for name, each in asked.items()]
        found: dict[str, str] = {}
        left: dict[str, Any] = {}
        size = 0
        for name, table, keys, paths in prepared:
            texts: list[str] = []
            for position, (_, key) in enumerate(keys):
                if size > _LARGEST_BATCH:
                    left[name] = {**asked[name], "Keys": [given for given, _ in keys[position:]]}
                    break
                row = self._items.get(table.collection, key)
                consistent = bool(asked[name].get("ConsistentRead"))
                meter.read(table, read_units(row.size if row else 0, consistent=consistent))
                if row is not None:
                    size += row.size
                    texts.append(_cut(row, paths) or "{}")
            found[name] = f"[{','.join(texts)}]"
        responses = "{" + ",".join(f"{json.dumps(name)}:{texts}" for name, texts in found.items()) + "}"
        return document(Responses=responses, UnprocessedKeys=json.dumps(left), ConsumedCapacity=meter.all())

    def _batch(self, name: str, asked: Mapping[str, Any]) -> tuple[Table, list[Any], list[Steps] | None]:
        legacy.require_one_way(asked)
        names = Names(asked, ("ProjectionExpression",))
        paths = projection_of(asked, names)
        names.require_use()
        table = self._table(name)
        keys = [table.key(key) for key in asked["Keys"]]
        if len({key for _, key in keys}) < len(keys):
            raise invalid("Provided list of item keys contains duplicates")
        return table, keys, paths

    def query(self, request: Mapping[str, Any]) -> str:
        """Return a page of the items with one partition key, ordered by sort key."""
        legacy.require_one_way(request)
        names = Names(request, ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"))
        page = _Page(request, names, "QueryFilter")
        text = request.get("KeyConditionExpression")
        if text is None and not request.get("KeyConditions"):
            raise invalid(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )
        nodes = legacy.key_conditions(request)
        table, index = self._target(request, page)
        keys = _keys(table, index)

        def bounds(read: str) -> tuple[bytes, bytes]:
            asked = nodes if text is None else [syntax.condition(read)]
            return key_ranges.bounds(asked, names, keys, table.types)

        low, high = names.read("KeyConditionExpression", text or "", bounds)
        names.require_use()
        page.refuse_filter_on({*keys.hash_names, *keys.range_names}, names)
        forward = request.get("ScanIndexForward") is not False
        start = _start(request, table, index)
        if start is not None:
            if not keys.range_names and index is None:
                # The start key would be the only key in the partition.
                given = ", ".join(f"{name}={shown(value)}" for name, value in request["ExclusiveStartKey"].items())
                raise invalid(f"The provided exclusive start key is invalid: ExclusiveStartKey: {{{given}}}")
            if not low < start < high:
                raise invalid("The provided starting key is outside query boundaries based on provided conditions")
            low, high = (start, high) if forward else (low, start)
        return self._read(request, page, table, index, low, high, forward=forward)

    def scan(self, request: Mapping[str, Any]) -> str:
        """Return a page of all items, ordered by the hash of the partition key."""
        legacy.require_one_way(request)
        names = Names(request, ("ProjectionExpression", "FilterExpression"))
        page = _Page(request, names, "ScanFilter")
        names.require_use()
        segment = _segment(request)
        table, index = self._target(request, page)
        low, high = (b"", _HIGHEST) if segment is None else item_keys.segment(*segment)
        start = _start(request, table, index)
        if start is not None:
            if segment is not None and not low < start < high:
                raise invalid(
                    "The provided Exclusive start key is not in the range of keys of the segment: check Segment and "
                    "TotalSegments"
                )
            low = max(low, start)
        return self._read(request, page, table, index, low, high, forward=True)

    def _target(self, request: Mapping[str, Any], page: _Page) -> tuple[Table, SecondaryIndex | None]:
        table = self._table(request["TableName"])
        name = request.get("IndexName")
        index = None if name is None else table.index_named(name)
        if index is not None and index.is_global and request.get("ConsistentRead"):
            raise invalid("Consistent reads are not supported on global secondary indexes")
        page.check_select(table, index)
        return table, index

    def _read(
        self, request: Mapping[str, Any], page: _Page, table: Table, index: SecondaryIndex | None, low: bytes,
        high: bytes, *, forward: bool,
    ) -> str:  # fmt: skip
        rows = self._items.read(table.collection, low, high, index=index.index if index else None, backward=not forward)
        with contextlib.closing(rows):
            page.fill(rows, index)
        page.meter.read(table, read_units(page.size, consistent=bool(request.get("ConsistentRead"))), index)
        if page.fetched:
            page.meter.read(table, page.fetched)
        last = page.last
        if last is not None:
            names = dict.fromkeys((*table.names, *(index.names if index else ())))
            item = json.loads(last.body)
            last_key = text_of({name: item[name] for name in names})
        return document(
            Items=None if page.counts else f"[{','.join(page.texts)}]",
            Count=str(page.count),
            ScannedCount=str(page.scanned),
            LastEvaluatedKey=None if last is None else last_key,
            ConsumedCapacity=page.meter.only(),
        )


@dataclass
class _Page:
    """The parameters and results of one page of a query or scan.

    Args:
        request: The request.
        names: The names and values in the request's expressions.
        old_filter: The name of the legacy parameter that ``FilterExpression`` replaces.
    """

    request: Mapping[str, Any]
    names: Names
    old_filter: str
    texts: list[str] = field(default_factory=list)
    count: int = 0
    scanned: int = 0
    size: int = 0
    fetched: float = 0.0
    last: Row | None = None

    def __post_init__(self) -> None:
        request = self.request
        self.meter = Meter(request)
        self.limit: int | None = request.get("Limit")
        if self.limit is not None and self.limit < 1:
            raise invalid(
                f"1 validation error detected: Value '{self.limit}' at 'limit' failed to satisfy constraint: "
                "Member must have value greater than or equal to 1"
            )
        self._node = legacy.filter_of(request, self.old_filter)
        self.test = condition_of(request, "FilterExpression", self._node, self.names)
        self.paths = projection_of(request, self.names)
        self.select = choice(
            request, "Select", ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"), ""
        )
        self.counts = self.select == "COUNT"

    def check_select(self, table: Table, index: SecondaryIndex | None) -> None:
        """Reject a selection that contradicts the request or that the index does not support.

        Raises:
            Fault: ``ValidationException``.
        """
        if self.select == "SPECIFIC_ATTRIBUTES" and self.paths is None:
            raise invalid(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
            )
        if self.select not in ("", "SPECIFIC_ATTRIBUTES") and self.paths is not None:
            member = "AttributesToGet" if self.request.get("AttributesToGet") else "ProjectionExpression"
            shown = "only the Count" if self.counts else self.select
            raise invalid(f"Cannot specify the {member} when choosing to get {shown}")
        if self.select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
            raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
        if index is None or not index.is_global or index.projected is None:
            return
        if self.select == "ALL_ATTRIBUTES":
            raise invalid(
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "
                f"secondary index {index.name} because its projection type is not ALL"
            )
        missing = sorted({str(path[0]) for path in self.paths or ()} - index.projected)
        if missing:
            raise invalid(
                "One or more parameter values were invalid: Global secondary index "
                f"{index.name} does not project [{', '.join(missing)}]"
            )

    def _is_projected(self, index: SecondaryIndex | None) -> bool:
        """Return whether an index contains all attributes that the request returns."""
        if index is None or index.projected is None:
            return True
        return self.paths is not None and {str(path[0]) for path in self.paths} <= index.projected

    def refuse_filter_on(self, keys: set[str], names: Names) -> None:
        """Reject a filter on the queried key.

        Raises:
            Fault: ``ValidationException``.
        """
        text = self.request.get("FilterExpression")
        node = self._node if text is None else syntax.condition(text)
        for path in [] if node is None else conditions.paths_of(node, names):
            if path[0] in keys:
                kind = "QueryFilter" if text is None else "Filter Expression"
                raise invalid(f"{kind} can only contain non-primary key attributes: Primary key attribute: {path[0]}")

    def fill(self, rows: Iterator[Row], index: SecondaryIndex | None) -> None:
        """Collect items until the limit or one megabyte is reached. Items removed by the filter count toward both."""
        projected = None if index is None or index.projected is None else [(name,) for name in index.projected]
        # A query on a local index reads missing attributes from the table.
        fetches = index is not None and not index.is_global and (self.paths or self.select == "ALL_ATTRIBUTES")
        # Each item that is read from the table consumes its own read units.
        charges = bool(fetches) and not self._is_projected(index)
        test, paths, texts = self.test, self.paths, self.texts
        previous: Row | None = None
        for row in rows:
            item: Any = None
            size = row.size
            if projected is not None:
                item = json.loads(row.body)
                seen = documents.projected(item, projected)
                size = item_size(seen)
                if not fetches:
                    item = seen
            if previous is not None and self.size + size > _LARGEST_PAGE:
                self.last = previous
                return
            self.size += size
            self.scanned += 1
            if charges:
                self.fetched += read_units(row.size, consistent=bool(self.request.get("ConsistentRead")))
            if test is not None and item is None:
                item = json.loads(row.body)
            if test is None or test(item):
                self.count += 1
                if not self.counts:
                    texts.append(_text(row, item, paths, whole=projected is None or bool(fetches)))
            if self.scanned == self.limit:
                # DynamoDB does not look ahead, so a full page is always followed by another page, which can be empty.
                self.last = row
                return
            previous = row


def _text(row: Row, item: Any, paths: Sequence[Steps] | None, *, whole: bool) -> str:
    if paths is not None:
        return text_of(documents.projected(json.loads(row.body) if item is None else item, paths))
    return row.body if whole else text_of(item)


def _cut(row: Row | None, paths: Sequence[Steps] | None) -> str | None:
    if row is None:
        return None
    return row.body if paths is None else text_of(documents.projected(json.loads(row.body), paths))


def _keys(table: Table, index: SecondaryIndex | None) -> Index:
    return Index(table.names[:1], table.names[1:]) if index is None else index.index


def _start(request: Mapping[str, Any], table: Table, index: SecondaryIndex | None) -> bytes | None:
    """Return the stored key after which a page starts, or None for the first page."""
    given = request.get("ExclusiveStartKey")
    if given is None:
        return None
    names = {*table.names, *(index.names if index else ())}
    if len(given) != len(names):
        raise invalid("The provided starting key is invalid")
    key = {name: accept(value)[0] for name, value in given.items()}
    if key.keys() != names or any(table.types[name] not in value for name, value in key.items()):
        raise invalid("The provided starting key is invalid: The provided key element does not match the schema")
    primary = table.key_bytes(key)
    found = primary if index is None else index.index.entry(key, primary)
    if found is None:
        raise invalid("The provided starting key is invalid")
    return found


def _segment(request: Mapping[str, Any]) -> tuple[int, int] | None:
    number, total = request.get("Segment"), request.get("TotalSegments")
    if number is None and total is None:
        return None
    if total is None:
        raise invalid(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
            "present"
        )
    if number is None:
        raise invalid(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
            "present"
        )
    for name, value, least, most in (
        ("totalSegments", total, 1, _MOST_SEGMENTS), ("segment", number, 0, _MOST_SEGMENTS - 1),
    ):  # fmt: skip
        if not least <= value <= most:
            bound = f"greater than or equal to {least}" if value < least else f"less than or equal to {most}"
            raise invalid(
                f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
                f"Member must have value {bound}"
            )
    if number >= total:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {number} is not less than TotalSegments: {total}"
        )
    return number, total
