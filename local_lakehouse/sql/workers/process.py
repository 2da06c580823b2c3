"""A worker process, which runs one statement at a time on one DuckDB connection.

The worker receives commands over a channel. ``register`` registers a relation from an Arrow file, and ``execute``
runs a statement. ``read`` first executes the definitions sent with it, and then writes the result of a query to an
Arrow file. ``clear`` removes the relations. ``interrupt`` can arrive at any time. The process ends when the channel is
closed.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from pathlib import Path

import duckdb
import pyarrow as pa

from local_lakehouse import system
from local_lakehouse.sql.runtime.engine import restrict
from local_lakehouse.sql.workers.frames import Channel, ClosedError, Message, channel_of

_BATCH_ROWS = 100_000


class Worker:
    """A worker, which executes commands on one DuckDB connection.

    Args:
        channel: The channel for commands and responses.
        connection: The DuckDB connection.
    """

    def __init__(self, channel: Channel, connection: duckdb.DuckDBPyConnection) -> None:
        self._channel = channel
        self._connection = connection
        self._cursor = self._connection.cursor()
        self._relations: set[str] = set()
        self._orders: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def serve(self) -> None:
        """Execute commands until the channel is closed."""
        threading.Thread(target=self._listen, name="orders", daemon=True).start()
        while True:
            order = self._orders.get()
            try:
                answer = self._carry_out(order)
            except (duckdb.Error, OSError, pa.ArrowException, MemoryError) as error:
                answer = {"error": str(error) or type(error).__name__, "kind": _kind(error)}
            self._channel.send(answer)

    def _listen(self) -> None:
        """Receive commands even while a statement is running, so that interruptions take effect immediately."""
        with contextlib.suppress(ClosedError):
            while True:
                order = self._channel.receive()
                if order["do"] == "interrupt":
                    self._cursor.interrupt()
                else:
                    self._orders.put(order)
        # No caller is waiting for a response.
        os._exit(0)

    def _carry_out(self, order: Message) -> Message:
        for definition in order.get("definitions", ()):
            self._carry_out(definition)
        match order["do"]:
            case "register":
                table = pa.ipc.open_stream(pa.memory_map(order["path"])).read_all()
                self._cursor.register(order["name"], table)
                self._relations.add(order["name"])
            case "execute":
                self._cursor.execute(order["sql"])
            case "read":
                return self._read(order["sql"], order["path"], order["limit"])
            case "clear":
                for name in self._relations:
                    self._cursor.unregister(name)
                self._relations.clear()
                # Closing the cursor drops temporary views and any pending result.
                self._cursor.close()
                self._cursor = self._connection.cursor()
        return {}

    def _read(self, sql: str, path: str, limit: int) -> Message:
        rows = size = 0
        # The result is read in batches, because DuckDB cannot limit the size of a result that it returns all at once.
        reader = self._cursor.sql(sql).to_arrow_reader(_BATCH_ROWS)
        with Path(path).open("wb") as file, pa.ipc.new_stream(file, reader.schema) as writer:
            for batch in reader:
                size += batch.nbytes
                if size > limit:
                    return {"error": f"larger than {limit} bytes", "kind": "result"}
                writer.write_batch(batch)
                rows += batch.num_rows
        return {"rows": rows}


def _kind(error: Exception) -> str:
    text = str(error)
    if isinstance(error, duckdb.InterruptException) or "INTERRUPT Error" in text:
        return "interrupt"
    if isinstance(error, MemoryError | pa.ArrowMemoryError) or "Out of Memory" in text or "bad_alloc" in text:
        return "memory"
    # Arrow raises OSError without an error number for errors that DuckDB reports after the first batch of a result.
    if isinstance(error, OSError) and error.errno is not None:
        return "disk"
    return "duckdb"


def run(descriptor: int, connection: duckdb.DuckDBPyConnection, settings: Message) -> None:
    """Run as a worker until the channel is closed.

    Args:
        descriptor: The descriptor of a connected socket.
        connection: An unrestricted DuckDB connection.
        settings: The settings ``memory_limit``, ``threads`` and ``readable`` (folders) for DuckDB, and ``data_bytes``
            and ``file_bytes`` for the process.
    """
    # The lakehouse process handles Ctrl-C in a terminal and notifies its workers.
    system.ignore_interrupts()
    # If the operating system cannot limit the memory of this process, only the pool enforces the memory limit.
    system.limit_memory_and_files(settings["data_bytes"], settings["file_bytes"])
    restrict(connection, settings["memory_limit"], settings["threads"], settings["readable"])
    channel = channel_of(descriptor)
    worker = Worker(channel, connection)
    channel.send({"ready": os.getpid()})
    with contextlib.suppress(ClosedError):
        worker.serve()
