"""The entry point of ``python -m local_lakehouse``."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from local_lakehouse import daemon, system
from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.loading import keep_collections_short, load, never_load_pandas
from local_lakehouse.region import region_of
from local_lakehouse.store.database import StateInUseError, StorageError, UnreadableStateError

# The maximum time that a Python thread runs while other threads are waiting. Python's default of 5 ms is too long,
# because background threads and the threads that serve requests take turns many times per request.
SWITCH_SECONDS = 0.0002


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a lakehouse until it receives a stop signal.

    Returns: 0 after an orderly shutdown, or 1 if the lakehouse could not start. The reason for a failure is printed to
        standard error.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    # Garbage collection during the imports would free nothing, and would account for a tenth of the time until the
    # first response.
    gc.disable()
    settings = Settings(
        options.state,
        port=daemon.DEFAULT_PORT if options.port is None else options.port,
        region=options.region,
        refresh_seconds=options.refresh_seconds,
        enforce_iam=options.enforce_iam,
        or_any_port=options.port is None,
        governed=options.governed,
    )
    try:
        lakehouse = Lakehouse(settings)
    except (StateInUseError, StorageError, UnreadableStateError, system.UnsupportedSystemError) as error:
        return _give_up(str(error))
    except OSError as error:
        return _give_up(
            f"Port {options.port} on 127.0.0.1 cannot be used ({error.strerror or error}). "
            "Choose another port, or use any free port with: zetl local start --port 0"
        )
    stopped = threading.Event()
    system.on_request_to_end(stopped.set)
    sys.setswitchinterval(SWITCH_SECONDS)
    lakehouse.start()
    daemon.announce(options.state, lakehouse.url, lakehouse.token)
    # The remaining imports run in a thread, so that the parent process does not wait for them.
    threading.Thread(target=_finish_imports, daemon=True).start()
    try:
        stopped.wait()
    finally:
        lakehouse.stop()
        daemon.withdraw(options.state)
    return 0


def _finish_imports() -> None:
    """Import the modules that the first request needs, and enable garbage collection."""
    load("local_lakehouse.backend.dispatch")
    keep_collections_short()


def _give_up(reason: str) -> int:
    print(reason, file=sys.stderr)  # noqa: T201  (the parent process shows it to the user)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_lakehouse", description="Run a local lakehouse.")
    parser.add_argument("--port", type=int)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--region", default=region_of())
    parser.add_argument("--refresh-seconds", type=float, default=float(os.environ.get("ZETL_REFRESH_SECONDS", "1")))
    parser.add_argument("--enforce-iam", action="store_true")
    parser.add_argument("--governed", action="store_true")
    return parser


if __name__ == "__main__":
    never_load_pandas()
    sys.exit(main())
