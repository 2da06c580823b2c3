"""The files in S3 that executions leave, and the rows that ``GetQueryResults`` reads from them.

https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict

from botocore.exceptions import ClientError

from local_lakehouse.athena.context import Outcome
from local_lakehouse.athena.executions import Execution
from local_lakehouse.athena.results import Text, csv_text
from local_lakehouse.backend.clients import ServiceClients, require
from local_lakehouse.sql.failures import QueryFailure

_KEPT_RESULTS = 64
_CELL = re.compile(r'"((?:[^"]|"")*)"|')


class ResultFiles:
    """Writes and reads results.

    Args:
        clients: The clients of the lakehouse.
    """

    def __init__(self, clients: ServiceClients) -> None:
        self._s3 = clients.client("s3")
        self._partition = clients.partition
        self._kept: OrderedDict[str, list[list[Text]]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, location: str, body: str) -> None:
        """Write an object.

        Raises:
            QueryFailure: Its bucket does not exist.
        """
        bucket, _, key = location.removeprefix("s3://").partition("/")
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        except ClientError as error:
            raise QueryFailure(
                "PERMISSION_DENIED",
                f"Query results cannot be written to {location}: {error.response['Error']['Message']}",
            ) from error

    def write(self, execution: Execution, outcome: Outcome) -> None:
        """Write the files of an execution that succeeded."""
        location = execution.output_location or ""
        if outcome.manifest is not None:
            execution.manifest_location = f"{location}-manifest.csv"
            self.put(execution.manifest_location, "".join(f"{path}\n" for path in outcome.manifest))
        if outcome.body and location.endswith(".csv"):
            self.put(location, csv_text([name for name, _ in outcome.columns], outcome.rows))
        elif outcome.body and location.endswith(".txt"):
            lines = ["\t".join(text or "" for text in row) for row in outcome.rows]
            header = [name for name, _ in outcome.columns] if outcome.header else []
            self.put(location, "\n".join([*header, *lines]))
        if outcome.columns:
            self.put(f"{location}.metadata", "")
        self._keep(execution.id, outcome.rows)

    def write_failure(self, execution: Execution, failure: QueryFailure) -> None:
        """Write the reason of a failed statement of Hive's kind, which Athena leaves as its result."""
        location = execution.output_location or ""
        if location.endswith(".txt") and not failure.name:
            self.put(location, failure.reason)

    def _keep(self, execution_id: str, rows: list[list[Text]]) -> None:
        with self._lock:
            self._kept[execution_id] = rows
            if len(self._kept) > _KEPT_RESULTS:
                self._kept.popitem(last=False)

    def rows(self, execution: Execution) -> list[list[Text]] | None:
        """Return the rows of an execution's result, or None if its file is gone.

        Raises:
            ClientError: ``AccessDenied``; the caller needs the right to read the file.
        """
        path = (execution.output_location or "").removeprefix("s3://")
        require("s3:GetObject", f"arn:{self._partition}:s3:::{path}")
        with self._lock:
            if execution.id in self._kept:
                return self._kept[execution.id]
        if not execution.row_count:
            return []
        rows = self._read(execution)
        if rows is not None:
            self._keep(execution.id, rows)
        return rows

    def _read(self, execution: Execution) -> list[list[Text]] | None:
        bucket, _, key = (execution.output_location or "").removeprefix("s3://").partition("/")
        try:
            body = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
                return None
            raise
        if key.endswith(".csv"):
            return read_csv(body)[1:]
        lines = body.split("\n")[1 if execution.has_header else 0 :]
        return [[line] for line in lines]


def read_csv(text: str) -> list[list[Text]]:
    """Read Athena's CSV: a cell in quotes is a text, one without is NULL."""
    rows: list[list[Text]] = []
    row: list[Text] = []
    place = 0
    while place < len(text):
        match = _CELL.match(text, place)
        written = match.group(1) if match else None
        row.append(None if written is None else written.replace('""', '"'))
        place = match.end() if match else place
        if text[place : place + 1] == "\n" or place >= len(text):
            rows.append(row)
            row = []
        place += 1
    return rows
