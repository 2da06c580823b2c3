"""The fork server, which loads DuckDB and Arrow once and starts a worker in about 0.1 seconds.

``python -m local_lakehouse.sql.workers.forking DESCRIPTOR`` receives a request for each worker from a socket, and
reports each worker's exit status. The process ends when the socket is closed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import sys

import duckdb

from local_lakehouse import system
from local_lakehouse.loading import never_load_pandas
from local_lakehouse.sql.runtime.engine import prepare
from local_lakehouse.sql.workers import process
from local_lakehouse.sql.workers.frames import Channel, ClosedError, channel_of


def main() -> None:
    """Fork workers until the socket is closed.

    Neither this process nor its DuckDB connection starts a thread, so a forked process never inherits a lock that
    another thread holds.
    """
    system.ignore_interrupts()
    orders = channel_of(int(sys.argv[1]))
    connection = prepare()
    # When a function is registered, DuckDB 1.5 opens its default connection, which has a thread.
    duckdb.close()
    # Workers share the memory of these objects. Without this call, garbage collection would write to that memory, and
    # the operating system would copy it for each worker.
    gc.freeze()
    woken = system.ends_of_children()
    with contextlib.suppress(ClosedError):
        while True:
            ready, _, _ = select.select([orders.fileno(), woken.fileno()], [], [])
            if woken.fileno() in ready:
                woken.recv(4096)
                # One wake-up can represent several workers that have ended.
                for pid, status in system.ended_children():
                    orders.send({"ended": pid, "status": status})
            if orders.fileno() in ready:
                _fork(orders, connection)


def _fork(orders: Channel, connection: duckdb.DuckDBPyConnection) -> None:
    settings, descriptors = orders.receive_with_descriptors()
    if system.fork() == 0:
        orders.close()
        try:
            process.run(descriptors[0], connection, settings)
        except BaseException as error:  # noqa: BLE001  (this is the top of the process, which logs the error and ends)
            print(f"a worker ended with {error!r}", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(1)
        os._exit(0)
    os.close(descriptors[0])


if __name__ == "__main__":
    never_load_pandas()
    main()
    # Skip Python's normal exit, during which DuckDB's Python binding prints the remaining objects.
    os._exit(0)
