"""The result files of executions in S3, and the rows that ``GetQueryResults`` reads from them.

https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import tempfile
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from botocore.exceptions import ClientError

from local_lakehouse.athena.context import Outcome
from local_lakehouse.athena.executions import Execution
from local_lakehouse.athena.result_columns import csv_lines, rendered, rows_of
from local_lakehouse.athena.results import Text, csv_text
from local_lakehouse.backend.clients import ServiceClients, require
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.types import Type
from local_lakehouse.store.mapped_files import mapped

_KEPT_RESULTS = 64
# Larger results are read from their files in blocks.
_KEPT_ROWS = 10_000
BLOCK_ROWS = 1_000
_ROWS_AT_ONCE = 8_192
# Arrow releases Python's global interpreter lock while it formats strings.
_FORMAT_THREADS = min(4, os.cpu_count() or 1)
_IN_MEMORY_BYTES = 8 * 2**20
_SMALL_BYTES = 2**18
_CELL = re.compile(r'"((?:[^"]|"")*)"|')


class ResultFiles:
    """The reader and writer of result files.

    Args:
        clients: The AWS clients for the lakehouse.
    """

    def __init__(self, clients: ServiceClients) -> None:
        self._clients = clients
        self._s3 = clients.client("s3")
        self._partition = clients.partition
        self._kept: OrderedDict[str, list[list[Text]]] = OrderedDict()
        # The offsets of the blocks in a result's file, and the end of the last block.
        self._offsets: OrderedDict[str, list[int]] = OrderedDict()
        self._lock = threading.Lock()

    def write(self, execution: Execution, outcome: Outcome) -> int:
        """Write the files of a successful execution, and return the number of rows in its result."""
        location = execution.output_location or ""
        files: list[tuple[str, bytes | memoryview]] = []
        if outcome.manifest is not None:
            execution.manifest_location = f"{location}-manifest.csv"
            files.append((execution.manifest_location, "".join(f"{path}\n" for path in outcome.manifest).encode()))
        rows, count = outcome.rows, len(outcome.rows)
        if outcome.batches is not None:
            content, rows, count = self._csv(execution, outcome, outcome.batches)
            files.append((location, content))
        elif outcome.body and location.endswith(".csv"):
            files.append((location, csv_text([name for name, _ in outcome.columns], outcome.rows).encode()))
        elif outcome.body and location.endswith(".txt"):
            lines = ["\t".join(text or "" for text in row) for row in outcome.rows]
            header = [name for name, _ in outcome.columns] if outcome.header else []
            files.append((location, "\n".join([*header, *lines]).encode()))
        if outcome.columns:
            files.append((f"{location}.metadata", b""))
        self._put(files)
        if len(rows) == count:
            self._keep(execution.id, rows)
        return count

    def _put(self, files: Sequence[tuple[str, bytes | memoryview]]) -> None:
        """Write objects.

        Raises:
            QueryFailure: S3 rejects a request, for example because the bucket does not exist.
        """
        # Small files are written in one transaction, which halves the time. Large files are written outside a
        # transaction, so that other requests do not wait for them.
        small = sum(len(content) for _, content in files) <= _SMALL_BYTES
        with self._clients.documents.database.transaction() if small else contextlib.nullcontext():
            for location, content in files:
                bucket, _, key = location.removeprefix("s3://").partition("/")
                try:
                    self._clients.put_object(bucket, key, content)
                except ClientError as error:
                    raise QueryFailure(
                        "PERMISSION_DENIED",
                        f"Query results cannot be written to {location}: {error.response['Error']['Message']}",
                    ) from error

    def _csv(
        self, execution: Execution, outcome: Outcome, batches: pa.RecordBatchReader
    ) -> tuple[bytes | memoryview, list[list[Text]], int]:
        """Format rows as they arrive. Return the file's content, the first rows, and the total number of rows."""
        first: list[list[Text]] = []
        types = [type_ for _, type_ in outcome.columns]
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
            file.write(csv_text([name for name, _ in outcome.columns], []).encode())
            blocks = _Blocks(file.tell())
            for columns, lines in _formatted(_tables(batches), types):
                file.write(blocks.add(lines))
                if len(first) < _KEPT_ROWS:
                    first += rows_of(columns)
            content = _content(file)
        offsets, count = blocks.offsets(), blocks.rows
        with self._lock:
            self._offsets[execution.id] = offsets
            if len(self._offsets) > _KEPT_RESULTS:
                self._offsets.popitem(last=False)
        return content, first, count

    def write_failure(self, execution: Execution, failure: QueryFailure) -> None:
        """Write the reason why a Hive statement failed, which Athena stores as the statement's result."""
        location = execution.output_location or ""
        if location.endswith(".txt") and not failure.name:
            self._put([(location, failure.reason.encode())])

    def _keep(self, execution_id: str, rows: list[list[Text]]) -> None:
        with self._lock:
            self._kept[execution_id] = rows
            if len(self._kept) > _KEPT_RESULTS:
                self._kept.popitem(last=False)

    def rows(self, execution: Execution, start: int, count: int) -> list[list[Text]] | None:
        """Return rows from an execution's result. Return None if they are not in memory and the result file is missing.

        Raises:
            ClientError: The caller cannot read the file (``AccessDenied``).
        """
        path = (execution.output_location or "").removeprefix("s3://")
        require("s3:GetObject", f"arn:{self._partition}:s3:::{path}")
        with self._lock:
            kept = self._kept.get(execution.id)
            offsets = self._offsets.get(execution.id)
        if kept is not None:
            return kept[start : start + count]
        if not execution.row_count:
            return []
        try:
            if not path.endswith(".csv"):
                return self._lines(execution)[start : start + count]
            return self._csv_rows(execution, offsets, start, count)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
                return None
            raise

    def _csv_rows(self, execution: Execution, offsets: list[int] | None, start: int, count: int) -> list[list[Text]]:
        if offsets is None:
            rows = read_csv(self._body(execution, None))[1:]
            if len(rows) <= _KEPT_ROWS:
                self._keep(execution.id, rows)
            return rows[start : start + count]
        first = start // BLOCK_ROWS
        last = min((start + count + BLOCK_ROWS - 1) // BLOCK_ROWS, len(offsets) - 1)
        if first >= last:
            return []
        rows = read_csv(self._body(execution, f"bytes={offsets[first]}-{offsets[last] - 1}"))
        skipped = start - first * BLOCK_ROWS
        return rows[skipped : skipped + count]

    def _lines(self, execution: Execution) -> list[list[Text]]:
        lines = self._body(execution, None).split("\n")[1 if execution.has_header else 0 :]
        rows: list[list[Text]] = [[line] for line in lines]
        self._keep(execution.id, rows)
        return rows

    def _body(self, execution: Execution, part: str | None) -> str:
        bucket, _, key = (execution.output_location or "").removeprefix("s3://").partition("/")
        ranged = {"Range": part} if part else {}
        return str(self._s3.get_object(Bucket=bucket, Key=key, **ranged)["Body"].read().decode())


class _Blocks:
    """The blocks of a result file. Each block has ``BLOCK_ROWS`` rows, but the last block can have fewer.

    Args:
        start: The offset of the first row, in bytes.
    """

    def __init__(self, start: int) -> None:
        self.rows = 0
        self._starts: list[int] = []
        self._end = start

    def add(self, lines: pa.StringArray) -> memoryview:
        """Add lines, and return their bytes."""
        ends = np.frombuffer(lines.buffers()[1], np.int32, len(lines) + 1, lines.offset * 4)
        self._starts += [self._end + int(ends[row]) for row in range(-self.rows % BLOCK_ROWS, len(lines), BLOCK_ROWS)]
        self._end += int(ends[-1])
        self.rows += len(lines)
        return memoryview(lines.buffers()[2])[: int(ends[-1])]

    def offsets(self) -> list[int]:
        """Return the offset of each block, and the end of the last block."""
        return [*self._starts, self._end]


def _content(file: tempfile.SpooledTemporaryFile[bytes]) -> bytes | memoryview:
    """Return the content of a temporary file. A large file is memory-mapped instead of being read."""
    file.flush()
    if file.tell() > _IN_MEMORY_BYTES:
        return mapped(file)
    file.seek(0)
    return file.read()


def _tables(batches: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Yield the rows in tables of at most ``_ROWS_AT_ONCE`` rows."""
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            yield pa.Table.from_batches([batch.slice(start, _ROWS_AT_ONCE)])


def _formatted(tables: Iterator[pa.Table], types: Sequence[Type]) -> Iterator[tuple[list[pa.Array], pa.Array]]:
    """Yield each table's columns and CSV lines, in order. All tables except the first are formatted in parallel."""

    def format_table(table: pa.Table) -> tuple[list[pa.Array], pa.Array]:
        columns = [rendered(table.column(index), type_) for index, type_ in enumerate(types)]
        return columns, csv_lines(columns)

    yield from map(format_table, itertools.islice(tables, 1))
    waiting: deque[Future[tuple[list[pa.Array], pa.Array]]] = deque()
    with ThreadPoolExecutor(_FORMAT_THREADS, thread_name_prefix="athena result") as pool:
        for table in tables:
            waiting.append(pool.submit(format_table, table))
            if len(waiting) > 2 * _FORMAT_THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def read_csv(text: str) -> list[list[Text]]:
    """Parse CSV in Athena's format. A quoted cell is a string, and an empty unquoted cell is NULL."""
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
