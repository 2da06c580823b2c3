"""The console's connection to the local lakehouse, which can start and stop while the console is running."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zetl_helpers.lab import Lab

# If IAM enforcement is off, the lakehouse treats any access key as the administrator's.
_KEY = "LOCALLAKEHOUSE000000"
_SECRET = "not-a-secret"  # noqa: S105


class StoppedError(Exception):
    """The local lakehouse is not running. The message says how to start it."""


class Link:
    """A connection to whichever lakehouse is using a state folder, with a cache of clients.

    Args:
        state: The state folder.
        lab: The lab of the notebook that opened the console, or None if a command opened it.
        endpoint: A fixed address for tests, or None to find the lakehouse through its state folder.
    """

    def __init__(self, state: Path, lab: Lab | None = None, endpoint: str | None = None) -> None:
        self.state = state
        self._lab = lab
        self._fixed = endpoint
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._starting: threading.Thread | None = None
        self._problem = ""
        self._endpoint = ""
        self._region = ""
        self._clients: dict[str, Any] = {}
        self._warmed = False

    def status(self) -> dict[str, Any]:
        """Return the lakehouse's ``state`` (running, starting, stopped) and address for the page."""
        try:
            endpoint = self.endpoint()
        except StoppedError as error:
            starting = self._starting is not None and self._starting.is_alive()
            return {"state": "starting" if starting else "stopped", "message": self._problem or str(error)}
        return {"state": "running", "endpoint": endpoint, "region": self._region}

    def start(self) -> None:
        """Start the lakehouse in the background, unless it is already running or starting."""
        with self._lock:
            if self._starting is not None and self._starting.is_alive():
                return
            self._problem = ""
            self._starting = threading.Thread(target=self._start, name="console-start", daemon=True)
            self._starting.start()

    def _start(self) -> None:
        from local_lakehouse import daemon

        try:
            daemon.start(self.state)
        except (daemon.LakehouseError, OSError) as error:
            self._problem = str(error)

    def endpoint(self) -> str:
        """Return the lakehouse's address.

        Raises:
            StoppedError: The lakehouse is not running.
        """
        from local_lakehouse import daemon
        from local_lakehouse.region import region_of

        if self._fixed is not None:
            self._region = region_of()
            return self._known(self._fixed)
        running = daemon.find(self.state)
        if running is None:
            raise StoppedError("The local lakehouse is not running. Start it with: zetl local start")
        self._region = str(running.health["region"])
        return self._known(running.url)

    def _known(self, endpoint: str) -> str:
        with self._lock:
            if endpoint != self._endpoint:
                self._endpoint, self._clients = endpoint, {}
        return endpoint

    def client(self, service: str) -> Any:
        """Return the botocore client that calls a service of the lakehouse.

        The client is cached while the lakehouse is running.

        Raises:
            StoppedError: The lakehouse is not running.
        """
        if not self._endpoint:
            self.endpoint()
        # A session can create only one client at a time. This lock is separate, so that requests for the
        # lakehouse's state can proceed.
        with self._making:
            found = self._clients.get(service)
            if found is None:
                clients, endpoint = self._clients, self._endpoint
                found = clients[service] = _new_client(service, self._region, endpoint)
        return found

    def warm_up(self) -> None:
        """Create the clients for the first pages once, in the background, while the browser is opening."""
        with self._lock:
            warmed, self._warmed = self._warmed, True
        if not warmed:
            threading.Thread(target=self._warm_up, name="console-warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        for service in ("dynamodb", "glue"):
            try:
                self.client(service)
            except StoppedError:
                # Loading models and libraries takes time, but does not require a lakehouse.
                _new_client(service, "us-east-1", "http://127.0.0.1")

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Treat a call without a response as a sign that the lakehouse has stopped, and discard its address.

        Raises:
            StoppedError: The lakehouse did not respond.
        """
        from botocore.exceptions import ConnectionError as NoConnectionError
        from botocore.exceptions import HTTPClientError

        try:
            yield
        except (NoConnectionError, HTTPClientError) as error:
            with self._lock:
                self._endpoint, self._clients = "", {}
            raise StoppedError("The local lakehouse does not respond. Start it with: zetl local start") from error

    def lab(self) -> Lab:
        """Return the lab that the helpers use.

        Raises:
            StoppedError: The lakehouse is not running.
        """
        endpoint = self.endpoint()
        if self._lab is None or self._lab.endpoint != endpoint:
            from zetl_helpers.lab import connect_to_local

            self._lab = connect_to_local(endpoint, self._region)
        return self._lab


@cache
def _session() -> Any:
    """Return the session that all clients share, so that botocore's models are loaded only once."""
    from botocore.session import Session

    from local_lakehouse.service_models import model_loader

    # The user's AWS profile must not affect calls to the lakehouse.
    nothing = (None, None, os.devnull, None)
    session = Session({"profile": (None, None, None, None), "config_file": nothing, "credentials_file": nothing})
    session.register_component("data_loader", model_loader())
    return session


def _new_client(service: str, region: str, endpoint: str) -> Any:
    from botocore.config import Config

    return _session().create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=_KEY,
        aws_secret_access_key=_SECRET,
        config=Config(
            connect_timeout=2,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 1},
            proxies={},
            s3={"addressing_style": "path"},
        ),
    )
