"""Execution of requests to the DynamoDB data plane.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import time
import uuid
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from local_lakehouse.dynamodb.reads import FindTable, Reads
from local_lakehouse.dynamodb.transactions import Transactions
from local_lakehouse.dynamodb.writes import Writes
from local_lakehouse.protocol import wire
from local_lakehouse.protocol.faults import Answer
from local_lakehouse.protocol.request import Request
from local_lakehouse.protocol.services import service_model
from local_lakehouse.store.items import Items

READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan", "TransactGetItems"})
WRITES = frozenset({"BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"})
# `check` skips attribute values, because each value is checked where it is used.
_APART = frozenset({"AttributeValue"})


def is_read(request: Request) -> bool:
    """Return whether a request only reads items, and therefore does not need a lock."""
    return request.service == "dynamodb" and request.operation in READS


def is_write(request: Request) -> bool:
    """Return whether a request writes items."""
    return request.service == "dynamodb" and request.operation in WRITES


class DataPlane:
    """The data plane, which executes requests that read and write items.

    Args:
        items: The item store.
        table: A function that returns a table by its name or ARN.
        clock: A function that returns the current time in seconds since 1970.
    """

    def __init__(self, items: Items, table: FindTable, clock: Callable[[], float] = time.time) -> None:
        reads, writes = Reads(items, table), Writes(items, table)
        transactions = Transactions(items, table, writes, clock)
        self._operations: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
            "BatchGetItem": reads.batch_get_item,
            "BatchWriteItem": writes.batch_write_item,
            "DeleteItem": writes.delete_item,
            "GetItem": reads.get_item,
            "PutItem": writes.put_item,
            "Query": reads.query,
            "Scan": reads.scan,
            "TransactGetItems": transactions.transact_get_items,
            "TransactWriteItems": transactions.transact_write_items,
            "UpdateItem": writes.update_item,
        }

    def serve(self, request: Request) -> Answer:
        """Answer a request.

        Raises:
            Fault: The request is invalid, or an operation on an item failed.
        """
        check(request)
        body = self._operations[request.operation](request.parameters).encode()
        headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("Content-Length", str(len(body))),
            ("x-amzn-RequestId", str(uuid.uuid4())),
            ("x-amz-crc32", str(zlib.crc32(body))),
        ]
        return Answer(200, headers, body)


def check(request: Request) -> None:
    """Check the members of a request, except for attribute values.

    Raises:
        Fault: A member is invalid (``SerializationException`` or ``ValidationException``).
    """
    wire.check_types(service_model("dynamodb").operation_model(request.operation), request.parameters, _APART)
