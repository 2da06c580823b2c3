"""The DynamoDB operations that import objects from Amazon S3 into a new table.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html
"""

from __future__ import annotations

import gzip
import json
import time
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.dynamodb_source import DynamoDbSource
from local_lakehouse.protocol.wire import Caller, Fault

_MOST_RESULTS = 25
_LISTED = ("ImportArn", "ImportStatus", "TableArn", "S3BucketSource", "InputFormat", "StartTime", "EndTime")
# AWS does not document a failure code for this case, so this code is our choice.
_INTERRUPTED = {
    "ImportStatus": "FAILED",
    "FailureCode": "Interrupted",
    "FailureMessage": "The lakehouse was stopped during the import. Delete the table and import it again.",
}
# The name under which the service's documents are registered.
PARTICIPANT = "imports"

Observer = Callable[[str, dict[str, Any]], None]


@dataclass
class _Counts:
    """The numbers of bytes and items that were read, and the number of imported items."""

    size: int = 0
    processed: int = 0
    imported: int = 0


class ImportService:
    """The operations ``ImportTable``, ``DescribeImport`` and ``ListImports``.

    Args:
        clients: The AWS clients for the lakehouse.
        observers: The functions to call after an import, which are also called after other writes.
        clock: A function that returns the current time in seconds since 1970.
    """

    name = "dynamodb"
    operations = frozenset({"ImportTable", "DescribeImport", "ListImports"})

    def __init__(
        self, clients: ServiceClients, observers: Sequence[Observer] = (), clock: Callable[[], float] = time.time
    ) -> None:
        self._clients = clients
        self._source = DynamoDbSource(clients)
        self._observers = observers
        self._clock = clock
        self._imports: dict[str, dict[str, Any]] = {}
        # The requests and imports, keyed by client token, so that a repeated request does not start a second import.
        self._requests: dict[str, tuple[dict[str, Any], str]] = {}
        self._running: set[str] = set()

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Execute one validated request and return its result.

        Raises:
            Fault: An error that the service's model defines.
        """
        if operation == "ImportTable":
            return self._import(request, caller)
        with self._clients.lock:
            if operation == "DescribeImport":
                return {"ImportTableDescription": self._find(request["ImportArn"])}
            return self._list(request)

    def dump(self) -> dict[str, Any]:
        """Return the imports and their requests as documents."""
        with self._clients.lock:
            return {"imports": dict(self._imports), "requests": dict(self._requests)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the state from documents that `dump` returned."""
        with self._clients.lock:
            self._imports, self._requests = dict(state.get("imports", {})), dict(state.get("requests", {}))

    def _import(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Import a table in many small transactions, so that other requests do not wait for the import to complete."""
        with self._clients.changing(PARTICIPANT):
            token = request.get("ClientToken", "")
            asked = {name: value for name, value in request.items() if name != "ClientToken"}
            if token in self._requests:
                known, arn = self._requests[token]
                if known != asked:
                    raise Fault(
                        "ImportConflictException", f"The client token {token} belongs to another import request."
                    )
                return {"ImportTableDescription": self._find(arn)}
            _check(request)
            begun = self._begun(request, self._create(request["TableCreationParameters"]))
            self._imports[begun["ImportArn"]] = begun
            if token:
                self._requests[token] = asked, begun["ImportArn"]
            self._running.add(begun["ImportArn"])
        try:
            self._finish(request, begun)
        finally:
            self._running.discard(begun["ImportArn"])
        # As on AWS, the response describes an import that has just started.
        return {"ImportTableDescription": begun}

    def _finish(self, request: dict[str, Any], begun: Mapping[str, Any]) -> None:
        table = request["TableCreationParameters"]["TableName"]
        ended: dict[str, Any]
        try:
            counts = self._read(request, table)
        except (ClientError, OSError, EOFError, zlib.error) as error:
            # The table is kept, as on AWS.
            ended = {"ImportStatus": "FAILED", **_failure(error)}
        else:
            ended = {
                "ImportStatus": "COMPLETED",
                "ProcessedSizeBytes": counts.size,
                "ProcessedItemCount": counts.processed,
                "ImportedItemCount": counts.imported,
                "ErrorCount": counts.processed - counts.imported,
            }
        with self._clients.changing(PARTICIPANT):
            self._imports[begun["ImportArn"]] = {**begun, **ended, "EndTime": self._now()}
            for observe in self._observers:
                observe("ImportTable", {"TableName": table})

    def _create(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            created: dict[str, Any] = self._clients.client("dynamodb").create_table(**parameters)["TableDescription"]
        except ClientError as error:
            raise Fault(error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
        return created

    def _begun(self, request: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "ImportArn": f"{table['TableArn']}/import/{int(self._clock() * 1000):014d}-{uuid.uuid4().hex[:8]}",
            "ImportStatus": "IN_PROGRESS",
            "TableArn": table["TableArn"],
            "TableId": table.get("TableId"),
            "ClientToken": request.get("ClientToken"),
            "S3BucketSource": request["S3BucketSource"],
            "InputFormat": request["InputFormat"],
            "InputCompressionType": request.get("InputCompressionType", "NONE"),
            "TableCreationParameters": request["TableCreationParameters"],
            "StartTime": self._now(),
        }

    def _read(self, request: Mapping[str, Any], table: str) -> _Counts:
        counts = _Counts()
        counts.imported = self._source.put_new(table, self._items(request, counts))
        return counts

    def _items(self, request: Mapping[str, Any], counts: _Counts) -> Iterator[Any]:
        for content in self._objects(request):
            # Bytes that are not UTF-8 are replaced with U+FFFD, so that they do not stop the import.
            text = content.decode("utf-8", errors="replace")
            # `splitlines` is not used, because an item's text can contain Unicode line separators.
            lines = [line for line in text.split("\n") if line.strip()]
            counts.size += len(content)
            counts.processed += len(lines)
            yield from map(_item, lines)

    def _objects(self, request: Mapping[str, Any]) -> Iterator[bytes]:
        s3, source = self._clients.client("s3"), request["S3BucketSource"]
        bucket = {"Bucket": source["S3Bucket"]}
        if "S3BucketOwner" in source:
            bucket["ExpectedBucketOwner"] = source["S3BucketOwner"]
        listing = s3.get_paginator("list_objects_v2").paginate(**bucket, Prefix=source.get("S3KeyPrefix", ""))
        for page in listing:
            for entry in page.get("Contents", []):
                content: bytes = s3.get_object(**bucket, Key=entry["Key"])["Body"].read()
                yield gzip.decompress(content) if request.get("InputCompressionType") == "GZIP" else content

    def _find(self, arn: str) -> dict[str, Any]:
        if arn not in self._imports:
            raise Fault("ImportNotFoundException", f"Import not found: {arn}")
        found = self._imports[arn]
        if found["ImportStatus"] == "IN_PROGRESS" and arn not in self._running:
            return {**found, **_INTERRUPTED}
        return found

    def _list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = [
            {name: each[name] for name in _LISTED if name in each}
            for each in map(self._find, self._imports)
            if request.get("TableArn") in (None, each["TableArn"])
        ]
        token = request.get("NextToken", "0")
        if not token.isdecimal():
            raise _invalid("NextToken was not issued by this service. Start again without a token.")
        start, size = int(token), request.get("PageSize", _MOST_RESULTS)
        more = start + size < len(found)
        return {"ImportSummaryList": found[start : start + size], "NextToken": str(start + size) if more else None}

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _failure(error: Exception) -> dict[str, str]:
    if isinstance(error, ClientError):
        return {
            "FailureCode": f"S3{error.response['Error']['Code']}",
            "FailureMessage": error.response["Error"]["Message"],
        }
    # AWS does not document a failure code for this case, so this code is our choice.
    return {"FailureCode": "InvalidCompression", "FailureMessage": f"An object is not compressed with GZIP: {error}"}


def _check(request: Mapping[str, Any]) -> None:
    if request["InputFormat"] != "DYNAMODB_JSON":
        raise _invalid(
            f"InputFormat {request['InputFormat']} is not supported by the local lakehouse; AWS supports it. "
            "Use DYNAMODB_JSON."
        )
    compression = request.get("InputCompressionType", "NONE")
    if compression not in ("NONE", "GZIP"):
        raise _invalid(f"InputCompressionType {compression} is not supported by the local lakehouse. Use GZIP or NONE.")
    if "InputFormatOptions" in request:
        raise _invalid("InputFormatOptions applies only to CSV. Omit it.")


def _item(line: str) -> Any:
    """Return the item in a line of DynamoDB JSON, or None if the line does not contain an item."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document.get("Item") if isinstance(document, dict) else None


def _invalid(message: str) -> Fault:
    return Fault("ValidationException", message)
