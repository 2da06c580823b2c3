"""The export operations of Amazon DynamoDB.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.exports.files import (
    FULL_EXPORT,
    INCREMENTAL_EXPORT,
    NEW_AND_OLD_IMAGES,
    Layout,
    export_files,
    full_lines,
    incremental_lines,
    iso,
)
from local_lakehouse.exports.history import History
from local_lakehouse.protocol.wire import Caller, Fault

_TABLE = re.compile(r"arn:aws[^:]*:dynamodb:[^:]+:\d{12}:table/([A-Za-z0-9_.-]+)")
_SECOND = 1_000_000
_DAY = 24 * 3600 * _SECOND
_MOST_RESULTS = 25
_ENCRYPTION = "x-amz-server-side-encryption"
# The headers with which the files are written, keyed by the members of the request.
_HEADERS = {
    "S3BucketOwner": "x-amz-expected-bucket-owner",
    "S3SseAlgorithm": _ENCRYPTION,
    "S3SseKmsKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
}


class ExportService:
    """The service that exports tables and records the item versions that exports need.

    Args:
        clients: The AWS clients for the lakehouse.
        clock: A function that returns the current time in seconds since 1970.
    """

    name = "dynamodb"
    operations = frozenset({"ExportTableToPointInTime", "DescribeExport", "ListExports"})

    def __init__(self, clients: ServiceClients, clock: Callable[[], float] = time.time) -> None:
        self._clients = clients
        self._history = History(clients, clock)
        self._exports: dict[str, dict[str, Any]] = {}
        # The requests and exports, keyed by client token, so that a repeated request does not start a second export.
        self._requests: dict[str, tuple[dict[str, Any], str]] = {}

    def note(self, operation: str, request: Mapping[str, Any]) -> None:
        """Start or end a table's history after a request that enables or disables recovery, or deletes the table."""
        self._history.note(operation, request)

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Execute one validated request and return its result.

        Raises:
            Fault: An error that the service's model defines.
        """
        with self._clients.lock:
            if operation == "DescribeExport":
                return {"ExportDescription": self._find(request["ExportArn"])}
            return self._list(request) if operation == "ListExports" else self._export(request, caller)

    def dump(self) -> dict[str, Any]:
        """Return the exports and their requests as documents."""
        with self._clients.lock:
            return {
                "exports": {arn: dict(export) for arn, export in self._exports.items()},
                "requests": dict(self._requests),
            }

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the state from documents that `dump` returned."""
        with self._clients.lock:
            self._exports = dict(state.get("exports", {}))
            self._requests = dict(state.get("requests", {}))

    def _export(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        token = request.get("ClientToken", "")
        asked = {name: value for name, value in request.items() if name != "ClientToken"}
        if token in self._requests:
            known, arn = self._requests[token]
            if known != asked:
                raise Fault("ExportConflictException", f"The client token {token} belongs to another export request.")
            return {"ExportDescription": self._exports[arn]}
        _check(request)
        table = self._table(request["TableArn"])
        since = self._history.open(table)
        if since is None:
            raise Fault(
                "PointInTimeRecoveryUnavailableException",
                f"Point-in-time recovery is not enabled for the table {table}. Enable it with UpdateContinuousBackups.",
            )
        export = self._run(request, table, since, caller)
        self._exports[export["ExportArn"]] = export
        if token:
            self._requests[token] = asked, export["ExportArn"]
        # As on AWS, the response describes an export that has not been completed yet.
        shown = ("EndTime", "ExportManifest", "BilledSizeBytes", "ItemCount", "FailureCode", "FailureMessage")
        begun = {name: value for name, value in export.items() if name not in shown}
        return {"ExportDescription": {**begun, "ExportStatus": "IN_PROGRESS"}}

    def _table(self, arn: str) -> str:
        match = _TABLE.fullmatch(arn)
        table = match[1] if match else arn
        try:
            self._clients.client("dynamodb").describe_table(TableName=table)
        except ClientError as error:
            raise Fault("TableNotFoundException", f"Table not found: {arn}") from error
        return table

    def _run(self, request: dict[str, Any], table: str, since: int, caller: Caller) -> dict[str, Any]:
        now = self._history.now()
        identity = f"{now // 1000:014d}-{uuid.uuid4().hex[:8]}"
        kind = request.get("ExportType", FULL_EXPORT)
        layout = Layout(identity, request.get("S3Prefix", "").strip("/"), kind)
        if kind == FULL_EXPORT:
            moment = _moment(request.get("ExportTime"), now, since, "ExportTime")
            lines = full_lines(self._history.items_at(table, moment))
            about: dict[str, Any] = {"ExportTime": _time(moment)}
            told = {"version": "2020-06-30", "exportTime": iso(_time(moment))}
        else:
            asked = request["IncrementalExportSpecification"]
            view = asked.get("ExportViewType", NEW_AND_OLD_IMAGES)
            start, end = _window(asked, now, since)
            lines = incremental_lines(self._history.changes_between(table, start, end), view)
            times = {"ExportFromTime": _time(start), "ExportToTime": _time(end)}
            about = {"IncrementalExportSpecification": {**times, "ExportViewType": view}}
            told = {
                "version": "2023-08-01",
                "exportFromTime": iso(_time(start)),
                "exportToTime": iso(_time(end)),
                "outputView": view,
                "exportType": kind,
            }
        size = sum(len(line) for line in lines)
        table_arn = f"arn:{self._clients.partition}:dynamodb:{caller.region}:{caller.account}:table/{table}"
        export: dict[str, Any] = {
            "ExportArn": f"{table_arn}/export/{identity}",
            "ExportStatus": "COMPLETED",
            "StartTime": _time(now),
            "TableArn": table_arn,
            "TableId": self._table_id(table),
            "ClientToken": request.get("ClientToken"),
            "S3Bucket": request["S3Bucket"],
            "S3BucketOwner": request.get("S3BucketOwner"),
            "S3Prefix": request.get("S3Prefix"),
            "S3SseAlgorithm": request.get("S3SseAlgorithm", "AES256"),
            "S3SseKmsKeyId": request.get("S3SseKmsKeyId"),
            "ExportFormat": "DYNAMODB_JSON",
            "ExportType": kind,
            **about,
        }
        files = export_files(layout, lines, uuid.uuid4().hex[:26], {**_summary(export, size), **told})
        return {**export, **self._write(request, files, layout, size, len(lines))}

    def _write(
        self, request: Mapping[str, Any], files: Mapping[str, bytes], layout: Layout, size: int, count: int
    ) -> dict[str, Any]:
        """Write the files to the bucket and return the outcome."""
        end = _time(self._history.now())
        headers = {header: request[name] for name, header in _HEADERS.items() if name in request}
        if headers.get(_ENCRYPTION) == "KMS":
            headers[_ENCRYPTION] = "aws:kms"
        try:
            for key, content in files.items():
                self._clients.put_object(request["S3Bucket"], key, content, headers)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            return {
                "ExportStatus": "FAILED",
                "EndTime": end,
                "FailureCode": f"S3{code}",
                "FailureMessage": error.response["Error"]["Message"],
            }
        return {
            "EndTime": end,
            "ExportManifest": f"{layout.root}/manifest-summary.json",
            "BilledSizeBytes": size,
            "ItemCount": count,
        }

    def _table_id(self, table: str) -> str | None:
        found: Mapping[str, Any] = self._clients.client("dynamodb").describe_table(TableName=table)["Table"]
        return found.get("TableId")

    def _find(self, arn: str) -> dict[str, Any]:
        if arn not in self._exports:
            raise Fault("ExportNotFoundException", f"Export not found: {arn}")
        return self._exports[arn]

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [
            {name: export[name] for name in ("ExportArn", "ExportStatus", "ExportType")}
            for export in self._exports.values()
            if request.get("TableArn") in (None, export["TableArn"])
        ]
        token = request.get("NextToken", "0")
        if not token.isdecimal():
            raise _invalid("NextToken was not issued by this service. Start again without a token.")
        start, size = int(token), request.get("MaxResults", _MOST_RESULTS)
        more = start + size < len(found)
        return {"ExportSummaries": found[start : start + size], "NextToken": str(start + size) if more else None}


def _check(request: Mapping[str, Any]) -> None:
    if request.get("ExportFormat") == "ION":
        raise _invalid("ExportFormat ION is not supported by the local lakehouse; AWS supports it. Use DYNAMODB_JSON.")
    if "FilterSpecification" in request:
        raise _invalid("FilterSpecification is not supported by the local lakehouse. Omit it.")
    if "S3SseKmsKeyId" in request and request.get("S3SseAlgorithm") != "KMS":
        raise _invalid("S3SseKmsKeyId applies only to the S3SseAlgorithm KMS.")
    incremental = request.get("ExportType") == INCREMENTAL_EXPORT
    if incremental != ("IncrementalExportSpecification" in request):
        raise _invalid(
            "IncrementalExportSpecification must be specified if and only if ExportType is INCREMENTAL_EXPORT."
        )
    if incremental and "ExportTime" in request:
        raise _invalid(
            "ExportTime applies only to full exports. Use ExportFromTime and ExportToTime for incremental exports."
        )
    if incremental and "ExportFromTime" not in request["IncrementalExportSpecification"]:
        raise _invalid("IncrementalExportSpecification requires an ExportFromTime.")


def _window(asked: Mapping[str, Any], now: int, since: int) -> tuple[int, int]:
    """Parse the window of an incremental export, with an inclusive start and an exclusive end.

    AWS rejects windows of less than 15 minutes. The local lakehouse allows them, so that users do not have to wait.
    """
    start = _moment(asked["ExportFromTime"], now, since, "ExportFromTime")
    end = _moment(asked.get("ExportToTime"), now, since, "ExportToTime")
    if start >= end:
        raise _invalid("ExportFromTime must be before ExportToTime.")
    if end - start > _DAY:
        raise _invalid("The window from ExportFromTime to ExportToTime must not be longer than 24 hours.")
    return start, end


def _moment(asked: datetime | None, now: int, since: int, member: str) -> int:
    if asked is None:
        return now
    moment = round(asked.timestamp() * _SECOND)
    # Clients send whole seconds, so the second in which recovery was enabled is part of the window.
    if moment + _SECOND <= since or moment > now:
        raise Fault(
            "InvalidExportTimeException",
            f"{member} {iso(asked)} is outside the point-in-time recovery window, from {iso(_time(since))} to "
            f"{iso(_time(now))}.",
        )
    return moment


def _summary(export: Mapping[str, Any], size: int) -> dict[str, Any]:
    started = export["StartTime"]
    return {
        "exportArn": export["ExportArn"],
        "startTime": iso(started),
        "endTime": iso(started),
        "tableArn": export["TableArn"],
        "tableId": export["TableId"],
        "s3Bucket": export["S3Bucket"],
        "s3Prefix": export["S3Prefix"],
        "s3SseAlgorithm": export["S3SseAlgorithm"],
        "s3SseKmsKeyId": export["S3SseKmsKeyId"],
        "billedSizeBytes": size,
        "outputFormat": "DYNAMODB_JSON",
    }


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / _SECOND, UTC)


def _invalid(message: str) -> Fault:
    return Fault("ValidationException", message)
