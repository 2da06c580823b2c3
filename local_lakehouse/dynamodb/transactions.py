"""The transactional operations, which read or write either all items or none.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from local_lakehouse.dynamodb import documents, writes
from local_lakehouse.dynamodb.capacity import Meter, read_units
from local_lakehouse.dynamodb.names import Names
from local_lakehouse.dynamodb.reads import FindTable, document, projection_of
from local_lakehouse.dynamodb.values import Item, Unfit, invalid, text_of
from local_lakehouse.dynamodb.writes import Write, Writes, Written
from local_lakehouse.protocol.faults import Fault
from local_lakehouse.store.database import Schema
from local_lakehouse.store.items import Items

_SCHEMA = Schema(
    "transaction_tokens", 1,
    ("CREATE TABLE transaction_tokens (token TEXT PRIMARY KEY, digest TEXT, moment REAL) WITHOUT ROWID",),
)  # fmt: skip
_MOST_ACTIONS = 100
_LARGEST = 4 * 1024 * 1024
_LONGEST_TOKEN = 36
# The time for which a client request token is valid.
_TOKEN_SECONDS = 600.0
# The code of the cancellation reason for each error that cancels a transaction.
_REASONS = {"ConditionalCheckFailedException": "ConditionalCheckFailed", "ValidationException": "ValidationError"}

T = TypeVar("T")
U = TypeVar("U")


class Transactions:
    """The operations that read or write several items atomically.

    Args:
        items: The item store.
        table: A function that returns a table by its name or ARN.
        one_by_one: The operations that execute single writes.
        clock: A function that returns the current time in seconds since 1970.
    """

    def __init__(self, items: Items, table: FindTable, one_by_one: Writes, clock: Callable[[], float]) -> None:
        self._items = items
        self._table = table
        self._writes = one_by_one
        self._clock = clock
        items.database.define(_SCHEMA)

    def transact_get_items(self, request: Mapping[str, Any]) -> str:
        """Return up to 100 items as of a single point in time."""
        meter = Meter(request, 2, "Read")
        entries = [entry.get("Get") or {} for entry in request["TransactItems"]]
        _require_count(entries)
        asked: list[Any] = []
        for get in entries:
            names = Names(get, ("ProjectionExpression",))
            paths = projection_of(get, names)
            names.require_use()
            asked.append((self._table(get["TableName"]), get["Key"], paths))
        keys = _all_or_cancel(lambda each: each[0].key(each[1])[1], asked, Unfit)
        texts: list[str] = []
        total = 0
        with self._items.database.view() as connection:
            for (table, _, paths), key in zip(asked, keys, strict=True):
                row = self._items.get_by(connection, table.collection, key)
                total += row.size if row else 0
                _require_size(total)
                meter.read(table, read_units(row.size if row else 0, consistent=True))
                if row is None:
                    texts.append("{}")
                else:
                    cut = row.body if paths is None else text_of(documents.projected(json.loads(row.body), paths))
                    texts.append(document(Item=cut))
        return document(Responses=f"[{','.join(texts)}]", ConsumedCapacity=meter.all())

    def transact_write_items(self, request: Mapping[str, Any]) -> str:
        """Execute up to 100 writes and condition checks atomically."""
        meter = Meter(request, 2, "Write")
        metrics = writes.wants_metrics(request)
        entries = request["TransactItems"]
        _require_count(entries)
        token = _token(request)
        with self._items.database.transaction():
            repeated = token is not None and self._is_repeated(token, _digest(request))
            prepared = _all_or_cancel(self._prepared, entries, Unfit, until_first=True)
            if repeated:
                return self._repeated(request, [write for _, write in prepared])
            # Only a put knows the size of its item before the item is read.
            _require_size(sum(write.become(None)[1] for check, write in prepared if write.update is None and not check))
            if len({(write.table.name, write.key) for _, write in prepared}) < len(prepared):
                raise invalid("Transaction request cannot include multiple operations on one item")
            present = _all_or_cancel(self._tried, prepared, Fault)
            for (check, write), old in zip(prepared, present, strict=True):
                written = Written(old, old) if check else self._writes.carry_out(write)
                meter.write(write.table, written.old, written.new)
            if token is not None:
                self._remember(token, _digest(request))
        found = writes.batch_metrics([write for check, write in prepared if not check]) if metrics else None
        return document(ConsumedCapacity=meter.all(), ItemCollectionMetrics=found)

    def _repeated(self, request: Mapping[str, Any], prepared: Sequence[Write]) -> str:
        """Return the response for a transaction that has already run, which only consumes read units."""
        meter = Meter(request, 2, "Read")
        for write in prepared:
            row, _ = self._writes.present(write)
            meter.read(write.table, read_units(row.size if row else 0, consistent=True))
        return document(ConsumedCapacity=meter.all())

    def _prepared(self, entry: Mapping[str, Any]) -> tuple[bool, Write]:
        kinds = [kind for kind in ("ConditionCheck", "Put", "Delete", "Update") if entry.get(kind) is not None]
        if len(kinds) != 1:
            raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
        action = entry[kinds[0]]
        table = self._table(action["TableName"])
        if kinds == ["Put"]:
            return False, writes.put(table, action["Item"], action)
        if kinds == ["Update"]:
            return False, writes.update(table, action)
        return kinds == ["ConditionCheck"], writes.delete(table, action)

    def _tried(self, prepared: tuple[bool, Write]) -> Item | None:
        """Check a write without executing it, and return the current item."""
        check, write = prepared
        _, old = self._writes.present(write)
        self._writes.require(write, old)
        if not check:
            write.become(old)
        return old

    def _is_repeated(self, token: str, digest: str) -> bool:
        with self._items.database.transaction() as connection:
            oldest = self._clock() - _TOKEN_SECONDS
            connection.execute("DELETE FROM transaction_tokens WHERE moment < ?", (oldest,))
            row = connection.execute("SELECT digest FROM transaction_tokens WHERE token = ?", (token,)).fetchone()
        if row is not None and row[0] != digest:
            raise Fault(
                "IdempotentParameterMismatchException",
                "Another transaction with this ClientRequestToken has different parameters. Use a new token.",
            )
        return row is not None

    def _remember(self, token: str, digest: str) -> None:
        with self._items.database.transaction() as connection:
            connection.execute("INSERT INTO transaction_tokens VALUES (?, ?, ?)", (token, digest, self._clock()))


def _require_count(entries: Sequence[Any]) -> None:
    if not 1 <= len(entries) <= _MOST_ACTIONS:
        bound = "greater than or equal to 1" if not entries else f"less than or equal to {_MOST_ACTIONS}"
        raise invalid(
            f"1 validation error detected: Value of {len(entries)} members at 'transactItems' failed to satisfy "
            f"constraint: Member must have length {bound}"
        )


def _token(request: Mapping[str, Any]) -> str | None:
    """Return the client request token of a request.

    Raises:
        Fault: The token is empty or too long (``ValidationException``).
    """
    token = request.get("ClientRequestToken")
    if token is not None and not 1 <= len(token) <= _LONGEST_TOKEN:
        bound = f"less than or equal to {_LONGEST_TOKEN}" if token else "greater than or equal to 1"
        raise invalid(
            f"1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy constraint: "
            f"Member must have length {bound}"
        )
    return None if token is None else str(token)


def _require_size(size: int) -> None:
    if size > _LARGEST:
        raise invalid(f"The size of the transaction's items is too large: The size cannot exceed {_LARGEST} bytes")


def _all_or_cancel(
    do: Callable[[T], U], each: Iterable[T], canceling: type[Fault], *, until_first: bool = False
) -> list[U]:
    """Process each action of a transaction.

    Args:
        do: The function that processes an action.
        each: The actions.
        canceling: The errors that cancel the transaction.
        until_first: Whether to process no further action after the first error.

    Raises:
        Fault: An action failed. A ``TransactionCanceledException`` contains a reason for each action.
    """
    done: list[U] = []
    reasons: list[dict[str, Any]] = []
    for action in each:
        if until_first and len(done) < len(reasons):
            reasons.append({"Code": "None"})
            continue
        try:
            done.append(do(action))
            reasons.append({"Code": "None"})
        except canceling as fault:
            if fault.code not in _REASONS:
                raise
            reasons.append({"Code": _REASONS[fault.code], "Message": fault.message, **fault.members})
    if len(done) < len(reasons):
        codes = ", ".join(reason["Code"] for reason in reasons)
        raise Fault(
            "TransactionCanceledException",
            f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
            CancellationReasons=reasons,
        )
    return done


def _digest(request: Mapping[str, Any]) -> str:
    told = json.dumps(request["TransactItems"], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
