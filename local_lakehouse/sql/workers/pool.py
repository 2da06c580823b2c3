"""A lakehouse's workers, which are started on demand, monitored, and replaced when they end."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa

from local_lakehouse import system
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.runtime.errors import failure_of
from local_lakehouse.sql.workers.fork_server import forks
from local_lakehouse.sql.workers.frames import Channel, ClosedError, Message
from local_lakehouse.sql.workers.limits import MB, Limits

_LOG = logging.getLogger(__name__)
_KEPT_IDLE = 2
_WATCH_SECONDS = 0.05
# After this run time, a statement has a lower priority than shorter statements.
_LONG_SECONDS = 2.0
# When many statements are running, the priority drops sooner, because short statements compete with all long statements
# whose priority has not dropped yet.
_LONG_SECONDS_IN_A_CROWD = 0.2
_CROWD = 4 * (os.cpu_count() or 1)
_NICENESS_STEP = 10
_GREATEST_NICENESS = 19
# DuckDB notices an interruption only between two steps, so a worker that does not respond in time is killed.
_PATIENCE_SECONDS = 1.0
_RETIRED_AT_BYTES = 128 * MB
_START_SECONDS = 60.0
_MEMORY_FAILURE = (
    "Query exceeded its memory limit in the local lakehouse. Read fewer rows or columns, or aggregate earlier."
)


class InterruptedStatementError(Exception):
    """The statement was stopped."""


class WorkerSession:
    """A worker for one execution, with the relations that are registered for it.

    Args:
        pool: The pool that provides the session's worker.
    """

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._folder: Path | None = None
        self._files = itertools.count()
        # Definitions are sent with the next query, because each message takes about half a millisecond.
        self._definitions: list[Message] = []
        self._worker: _Worker | None = None
        self._lock = threading.Lock()
        self._interrupted = False

    def register(self, name: str, rows: pa.Table) -> None:
        """Register rows under a name for this session's queries."""
        path = self._path()
        with path.open("wb") as file, pa.ipc.new_stream(file, rows.schema) as writer:
            writer.write_table(rows)
        self._definitions.append({"do": "register", "name": name, "path": str(path)})

    def define(self, sql: str) -> None:
        """Execute a definition, such as ``CREATE VIEW``, before the session's next query.

        If the definition fails, that query raises the error.
        """
        self._definitions.append({"do": "execute", "sql": sql})

    def read(self, sql: str) -> pa.Table:
        """Run a query and return its rows, which are read from disk when they are accessed.

        Raises:
            QueryFailure: The query fails. The error has Athena's message instead of DuckDB's message.
            InterruptedStatementError: The statement was stopped.
        """
        path = self._path()
        self._order({"do": "read", "sql": sql, "path": str(path), "limit": self._pool.limits.result_bytes})
        # The file is not closed, because in older versions of Arrow, closing it would unmap the rows.
        return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()

    def stream(self, sql: str) -> pa.RecordBatchReader:
        """Run a query and return its rows in batches. Only disk space limits the size of the result.

        Raises:
            QueryFailure: The query fails. The error has Athena's message instead of DuckDB's message.
            InterruptedStatementError: The statement was stopped. Reading a later batch can also raise this error.
        """
        path = self._path()
        limit = shutil.disk_usage(self._pool.folder).free // 2
        self._order({"do": "read", "sql": sql, "path": str(path), "limit": limit})
        reader = pa.ipc.open_stream(pa.memory_map(str(path)))
        return pa.RecordBatchReader.from_batches(reader.schema, self._until_interrupted(reader))

    def _until_interrupted(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # The worker has already finished, so an interruption must stop the code that is reading these batches.
        for batch in batches:
            if self._interrupted:
                raise InterruptedStatementError
            yield batch

    def constant(self, sql: str) -> object:
        """Evaluate an expression that does not read tables.

        Raises:
            QueryFailure: Evaluation fails.
            InterruptedStatementError: The statement was stopped.
        """
        row = self.read(f"SELECT {sql}").to_pylist()[0]
        return next(iter(row.values()))

    def interrupt(self) -> None:
        """Stop the current statement, and reject later statements."""
        with self._lock:
            self._interrupted = True
            worker = self._worker
        if worker is not None:
            worker.interrupt()

    def close(self) -> None:
        """Return the worker to the pool, and delete the session's files."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            self._pool.take_back(worker)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="statement-", dir=self._pool.folder))
        return self._folder / f"{next(self._files)}.arrow"

    def _order(self, order: Message) -> Message:
        if self._worker is None:
            worker = self._pool.lease()
            with self._lock:
                self._worker = worker
        if self._interrupted:
            raise InterruptedStatementError
        try:
            definitions, self._definitions = self._definitions, []
            answer = self._worker.carry_out({**order, "definitions": definitions})
        except ClosedError:
            with self._lock:
                worker, self._worker = self._worker, None
            raise self._pool.reason_of(worker, self._interrupted) from None
        if self._interrupted or answer.get("kind") == "interrupt":
            raise InterruptedStatementError
        if "error" in answer:
            raise _failure(answer)
        return answer


def _failure(answer: Message) -> QueryFailure:
    if answer["kind"] == "memory":
        return QueryFailure("EXCEEDED_LOCAL_MEMORY_LIMIT", _MEMORY_FAILURE)
    if answer["kind"] == "result":
        return QueryFailure(
            "EXCEEDED_LOCAL_MEMORY_LIMIT",
            f"The result is {answer['error']}, which is the local lakehouse's limit. Select fewer rows or "
            "columns, or aggregate.",
        )
    if answer["kind"] == "disk":
        return QueryFailure(
            "EXCEEDED_LOCAL_DISK_LIMIT",
            f"The result could not be written to disk ({answer['error']}). Free some space, or select fewer rows.",
        )
    return failure_of(answer["error"])


class _Worker:
    """The lakehouse's handle to a worker process."""

    def __init__(self, channel: Channel, pid: int) -> None:
        self._channel = channel
        self.pid = pid
        self._process = psutil.Process(pid)
        self._base = self._resident()
        self.busy_since = time.monotonic()
        self.killed_for: str | None = None
        self._slowed = False

    def carry_out(self, order: Message) -> Message:
        self._channel.send(order)
        return self._channel.receive()

    def interrupt(self) -> None:
        with contextlib.suppress(ClosedError):
            self._channel.send({"do": "interrupt"})
        timer = threading.Timer(_PATIENCE_SECONDS, self._end_if_still, args=(self.busy_since,))
        timer.daemon = True
        timer.start()

    def _end_if_still(self, since: float) -> None:
        if self.busy_since == since:
            self.kill("interruption")

    def data_bytes(self) -> int:
        """Return how much the worker's memory has grown since it started, in bytes."""
        return max(0, self._resident() - self._base)

    def give_way(self, seconds: float) -> None:
        """Lower the priority of the current statement if it has been running for longer than the given time."""
        if not self._slowed and time.monotonic() - self.busy_since > seconds:
            self._slowed = True
            self._lower_priority()

    def _lower_priority(self) -> None:
        with contextlib.suppress(psutil.Error):
            self._process.nice(min(self._process.nice() + _NICENESS_STEP, _GREATEST_NICENESS))

    @property
    def fresh(self) -> bool:
        """Whether the worker can be reused: its priority is unchanged, and its memory has hardly grown."""
        return not self._slowed and self.data_bytes() < _RETIRED_AT_BYTES

    def kill(self, reason: str) -> None:
        """Kill the worker immediately."""
        self.killed_for = self.killed_for or reason
        with contextlib.suppress(psutil.Error):
            self._process.kill()
        self._channel.shut()

    def close(self) -> None:
        """Close the channel, so that the worker ends."""
        self._channel.shut()
        self._channel.close()

    def _resident(self) -> int:
        try:
            return int(self._process.memory_info().rss)
        except psutil.Error:
            return 0


class WorkerPool:
    """Worker processes, one per concurrent statement.

    Args:
        limits: The limits for statements.
        folder: The folder for rows in transit, by default a temporary folder.
    """

    def __init__(self, limits: Limits | None = None, folder: Path | None = None) -> None:
        self.limits = limits or Limits()
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="lakehouse-")
            folder = Path(self._temporary.name)
        self.folder = folder
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._watching: threading.Thread | None = None
        self._stopped = threading.Event()

    def session(self) -> WorkerSession:
        """Return a session, which leases a worker for its first statement."""
        return WorkerSession(self)

    @contextlib.contextmanager
    def opened(self) -> Iterator[WorkerSession]:
        """Open a session, and close it at the end of the ``with`` block."""
        session = self.session()
        try:
            yield session
        finally:
            session.close()

    def lease(self) -> _Worker:
        """Return a worker for exclusive use until `take_back`."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = self._start()
        worker.busy_since = time.monotonic()
        with self._lock:
            self._busy.add(worker)
            if self._watching is None:
                self._watching = threading.Thread(target=self._watch, name="statement limits", daemon=True)
                self._watching.start()
        return worker

    def take_back(self, worker: _Worker) -> None:
        """Take a worker back, and keep it for later statements if it is fresh and the pool has too few idle workers."""
        try:
            worker.carry_out({"do": "clear"})
            kept = worker.fresh
        except ClosedError:
            kept = False
        worker.busy_since = 0.0
        with self._lock:
            self._busy.discard(worker)
            kept = kept and len(self._idle) < _KEPT_IDLE and not self._stopped.is_set()
            if kept:
                self._idle.append(worker)
        if not kept:
            worker.close()

    def reason_of(self, worker: _Worker | None, interrupted: bool) -> Exception:
        """Return the exception for a worker that ended during a statement."""
        if worker is None:
            raise AssertionError("there is no worker that could have ended")
        with self._lock:
            self._busy.discard(worker)
        worker.close()
        if interrupted:
            return InterruptedStatementError()
        status = forks().status_of(worker.pid)
        if worker.killed_for == "memory" or system.was_killed(status):
            return QueryFailure("EXCEEDED_LOCAL_MEMORY_LIMIT", _MEMORY_FAILURE)
        _LOG.error("worker %s ended with status %s while it ran a statement", worker.pid, status)
        return QueryFailure(
            "GENERIC_INTERNAL_ERROR", "The process that ran this query ended unexpectedly; see the lakehouse's log"
        )

    def stop(self) -> None:
        """End all workers."""
        self._stopped.set()
        with self._lock:
            workers = [*self._idle, *self._busy]
            self._idle.clear()
        for worker in workers:
            worker.kill("stop")
        if self._watching is not None:
            self._watching.join()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        limits = self.limits
        settings = {
            "memory_limit": f"{(limits.duckdb_bytes or limits.query_bytes) // MB}MB",
            "readable": [str(folder) for folder in limits.readable],
            "threads": limits.threads,
            "data_bytes": limits.process_bytes,
            "file_bytes": shutil.disk_usage(self.folder).free,
        }
        forks().start(settings, theirs)
        theirs.close()
        ours.settimeout(_START_SECONDS)
        channel = Channel(ours)
        try:
            pid = channel.receive()["ready"]
            ours.settimeout(None)
            return _Worker(channel, pid)
        except (ClosedError, psutil.Error) as error:
            channel.close()
            raise QueryFailure(
                "GENERIC_INTERNAL_ERROR",
                "A process for this query could not be started; see the lakehouse's log. Run the query again.",
            ) from error

    def _watch(self) -> None:
        """Enforce the workers' limits until the pool is stopped."""
        while not self._stopped.wait(_WATCH_SECONDS):
            self._enforce_limits()

    def _enforce_limits(self) -> None:
        with self._lock:
            busy = list(self._busy)
        sizes = {worker: worker.data_bytes() for worker in busy}
        long = _LONG_SECONDS if len(busy) <= _CROWD else _LONG_SECONDS_IN_A_CROWD
        for worker, size in sizes.items():
            worker.give_way(long)
            if size > self.limits.process_bytes:
                worker.kill("memory")
        if sum(sizes.values()) > self.limits.all_bytes:
            max(sizes, key=lambda worker: sizes[worker]).kill("memory")
