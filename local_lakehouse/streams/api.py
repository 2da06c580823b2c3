"""The operations of Amazon DynamoDB Streams.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.protocol.faults import Fault
from local_lakehouse.protocol.wire import Caller
from local_lakehouse.store.database import Database
from local_lakehouse.store.streams import Stream, Streams
from local_lakehouse.streams.records import number_of, sequence, shown, size

_MOST_RECORDS, _MOST_STREAMS, _MOST_BYTES = 1000, 100, 1_000_000
_ITERATOR_SECONDS = 15 * 60
_MILLISECONDS = 1000


class StreamsService:
    """The operations ``DescribeStream``, ``GetRecords``, ``GetShardIterator`` and ``ListStreams``.

    A stream has one shard. On AWS, a shard is closed after about four hours and replaced by another shard.

    Args:
        database: The database that contains the records.
        clock: A function that returns the current time in seconds since 1970.
    """

    name = "dynamodbstreams"
    operations = frozenset({"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"})

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._streams = Streams(database, clock)
        self._clock = clock
        self._calls: dict[str, Callable[[dict[str, Any], Caller], dict[str, Any]]] = {
            "DescribeStream": self._describe,
            "GetRecords": self._records,
            "GetShardIterator": self._iterator,
            "ListStreams": self._list,
        }

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Execute one validated request and return its result.

        Raises:
            Fault: An error that the service's model defines.
        """
        return self._calls[operation](request, caller)

    def _list(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        name = request.get("TableName")
        found = [each for each in self._streams.all() if name in (None, each.about["TableName"])]
        after = request.get("ExclusiveStartStreamArn")
        if after is not None:
            found = [each for each in found if each.number > self._find(after).number]
        page = found[: request.get("Limit", _MOST_STREAMS)]
        answer: dict[str, Any] = {
            "Streams": [
                {"StreamArn": each.arn, "TableName": each.about["TableName"], "StreamLabel": each.about["StreamLabel"]}
                for each in page
            ]
        }
        return {**answer, "LastEvaluatedStreamArn": page[-1].arn} if len(page) < len(found) else answer

    def _describe(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        stream = self._find(request["StreamArn"])
        numbers = {"StartingSequenceNumber": sequence(stream.start)}
        if stream.closed is not None:
            numbers["EndingSequenceNumber"] = sequence(self._streams.last(stream))
        only = request.get("ExclusiveStartShardId")
        children_of = request.get("ShardFilter", {}).get("Type") == "CHILD_SHARDS"
        shard = {"ShardId": _shard(stream), "SequenceNumberRange": numbers}
        return {
            "StreamDescription": {
                "StreamArn": stream.arn,
                "StreamLabel": stream.about["StreamLabel"],
                "StreamStatus": "ENABLED" if stream.closed is None else "DISABLED",
                "StreamViewType": stream.about["StreamViewType"],
                "CreationRequestDateTime": datetime.fromtimestamp(stream.opened, UTC),
                "TableName": stream.about["TableName"],
                "KeySchema": stream.about["KeySchema"],
                "Shards": [] if children_of or only == _shard(stream) else [shard],
            }
        }

    def _iterator(self, request: dict[str, Any], _: Caller) -> dict[str, Any]:
        stream = self._find(request["StreamArn"])
        if request["ShardId"] != _shard(stream):
            raise Fault(
                "ResourceNotFoundException",
                f"Requested resource not found: Shard: {request['ShardId']} in Stream: {stream.arn} not found",
            )
        kind = request["ShardIteratorType"]
        if kind in ("TRIM_HORIZON", "LATEST"):
            if "SequenceNumber" in request:
                raise Fault("ValidationException", f"SequenceNumber must not be specified with {kind}")
            after = self._streams.trimmed(stream) if kind == "TRIM_HORIZON" else self._streams.last(stream)
            return {"ShardIterator": self._token(stream, after)}
        if kind == "AT_TIMESTAMP":
            after = max(self._streams.trimmed(stream), self._streams.before(stream, self._moment(request)))
            return {"ShardIterator": self._token(stream, after)}
        try:
            number = number_of(request.get("SequenceNumber", ""))
        except ValueError:
            raise Fault("ValidationException", f"Invalid SequenceNumber for {kind}") from None
        after = number - 1 if kind == "AT_SEQUENCE_NUMBER" else number
        self._require_kept(stream, after + 1)
        return {"ShardIterator": self._token(stream, after)}

    def _moment(self, request: dict[str, Any]) -> float:
        """Return the timestamp of a request, in seconds since 1970."""
        given: datetime | None = request.get("Timestamp")
        if given is None:
            raise Fault("ValidationException", "Timestamp must be specified with AT_TIMESTAMP")
        if given.timestamp() > self._clock():
            raise Fault("ValidationException", "Timestamp must not be in the future")
        return given.timestamp()

    def _records(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        stream, after = self._read(request["ShardIterator"])
        self._require_kept(stream, after + 1)
        found: list[dict[str, Any]] = []
        held = 0
        for record in self._streams.records(stream, after, request.get("Limit", _MOST_RECORDS)):
            held += size(record.before or {}) + size(record.after or {})
            if found and held > _MOST_BYTES:
                break
            found.append(shown(record, stream, caller.region))
            after = record.number
        if stream.closed is not None and after >= self._streams.last(stream):
            return {"Records": found}
        return {"Records": found, "NextShardIterator": self._token(stream, after)}

    def _require_kept(self, stream: Stream, number: int) -> None:
        if number < stream.start:
            raise Fault("ValidationException", "Invalid SequenceNumber: it does not belong to this shard")
        if stream.start < number <= self._streams.trimmed(stream):
            raise Fault(
                "TrimmedDataAccessException",
                f"Records starting at {sequence(number)} are older than 24 hours and have been removed.",
            )

    def _find(self, arn: str) -> Stream:
        found = self._streams.find(arn)
        if found is None:
            raise Fault("ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")
        return found

    def _token(self, stream: Stream, after: int) -> str:
        place = base64.b64encode(json.dumps([after, self._clock()]).encode()).decode()
        return f"{stream.arn}|1|{place}"

    def _read(self, token: str) -> tuple[Stream, int]:
        arn, _, rest = token.partition("|")
        try:
            after, given = json.loads(base64.b64decode(rest.removeprefix("1|"), validate=True))
            after, given = int(after), float(given)
        except (ValueError, TypeError, binascii.Error):
            raise Fault("ValidationException", "Invalid ShardIterator") from None
        if self._clock() - given > _ITERATOR_SECONDS:
            raise Fault(
                "ExpiredIteratorException", "The shard iterator is older than 15 minutes. Request a new iterator."
            )
        return self._find(arn), after


def _shard(stream: Stream) -> str:
    name = hashlib.sha256(stream.arn.encode()).hexdigest()[:8]
    return f"shardId-{int(stream.opened * _MILLISECONDS):020d}-{name}"
