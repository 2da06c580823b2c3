"""The local lakehouse put together: moto, our services, their state, and the address they answer at."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from local_lakehouse.athena.api import AthenaService
from local_lakehouse.backend.changes import ChangeLog
from local_lakehouse.backend.moto_backend import ACCOUNT, Backend
from local_lakehouse.datazone.api import DataZoneService
from local_lakehouse.exports.api import ExportService
from local_lakehouse.iam import bucket_policies
from local_lakehouse.iam.enforcement import Guard
from local_lakehouse.iam.simulation import PolicySimulator
from local_lakehouse.imports.api import ImportService
from local_lakehouse.lake_formation.api import LakeFormationService
from local_lakehouse.protocol.wire import Service
from local_lakehouse.server.endpoint import Endpoint
from local_lakehouse.sql.workers.limits import Limits
from local_lakehouse.sql.workers.pool import WorkerPool
from local_lakehouse.store.journal import Journal, Keeper, Participant
from local_lakehouse.zero_etl.api import ZeroEtlService

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How a lakehouse is started.

    Args:
        state: Its state folder; None keeps nothing.
        port: The port on 127.0.0.1; 0 takes a free one.
        or_any_port: Whether a free port will do when that one is taken.
        region: The Region it plays.
        refresh_seconds: The local clock of the integrations.
        enforce_iam: Whether requests are checked against the policies of who signed them.
        limits: The bounds of Athena's statements.
    """

    state: Path | None = None
    port: int = 0
    region: str = "us-east-1"
    refresh_seconds: float = 1.0
    enforce_iam: bool = False
    or_any_port: bool = False
    limits: Limits = field(default_factory=Limits)


class Lakehouse:
    """One running lakehouse.

    Args:
        settings: How to start it.

    Raises:
        OSError: The port is taken.
        UnreadableStateError: The state folder holds what this version cannot read.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        bucket_policies.apply()
        self.backend = Backend(settings.region)
        changes = ChangeLog()
        self.zero_etl = ZeroEtlService(self.backend.clients, changes, settings.refresh_seconds)
        self._workers = WorkerPool(settings.limits)
        self.athena = AthenaService(self.backend.clients, self._workers)
        self._exports = ExportService(self.backend.clients)
        self._imports = ImportService(self.backend.clients, [changes.note, self._exports.note])
        self._formation = LakeFormationService()
        datazone = DataZoneService(self.backend.clients)
        services: list[Service] = [
            self.zero_etl, self.athena, datazone, self._formation, self._exports, self._imports,
            PolicySimulator(self.backend),
        ]  # fmt: skip
        self._guard = Guard(self.backend, services) if settings.enforce_iam else None
        self._endpoint = Endpoint(
            self.backend, services, [changes.note, self._exports.note], {
                "health": self._health,
                "refresh": self._refresh,
                "pause": self._pause,
                "resume": self._resume,
                "rights": self._rights,
            }, self._guard,
        )  # fmt: skip
        self._server = _bind(settings, self._endpoint)
        self._serving = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="endpoint", daemon=True
        )
        self._keeper = self._keep(settings.state) if settings.state else None
        datazone.furnish()
        self.backend.empower_learner()

    @property
    def url(self) -> str:
        """The lakehouse's address."""
        return f"http://127.0.0.1:{self._server.port}"

    def start(self) -> None:
        """Answer requests and refresh the integrations, until `stop`."""
        self.zero_etl.start()
        self._serving.start()
        if self._keeper:
            self._keeper.start()
        _LOG.info("listening at %s", self.url)

    def stop(self) -> None:
        """Finish what is being done, save the state and let go of the address."""
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()
        self.zero_etl.stop()
        self.athena.stop()
        self._workers.stop()
        if self._keeper:
            self._keeper.stop()

    def _keep(self, state: Path) -> Keeper:
        participants: dict[str, Participant] = {
            "aws": self.backend,
            "zero_etl": self.zero_etl,
            "athena": self.athena,
            "exports": self._exports,
            "imports": self._imports,
            "lake_formation": self._formation,
        }
        journal = Journal(state, participants, self.backend.lock)
        journal.restore()
        return Keeper(journal, self._changes)

    def _changes(self) -> Hashable:
        return self.backend.clients.revision, self.athena.finished, self.zero_etl.moved

    def _health(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "pid": os.getpid(),
            "account": ACCOUNT,
            "region": self.settings.region,
            "refresh_seconds": self.settings.refresh_seconds,
            "refreshing": not self.zero_etl.paused,
            "enforce_iam": self.settings.enforce_iam,
        }

    def _refresh(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        self.zero_etl.refresh_now()
        return {"integrations": self.zero_etl.statuses()}

    def _pause(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        self.zero_etl.pause()
        return {}

    def _rights(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """List the rights that requests have needed so far; none where IAM is not enforced."""
        return {"rights": self._guard.rights.listed() if self._guard else []}

    def _resume(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        self.zero_etl.resume()
        return {}


class _Handler(MotoRequestHandler):
    """Moto's handler (it keeps header names that AWS allows and WSGI would lose), silent but for debugging."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        _LOG.debug("%s %s %s", self.command, self.path, code)


def _bind(settings: Settings, app: Endpoint) -> BaseWSGIServer:
    # Bound here, since werkzeug ends the whole process when a port is taken.
    listener = _listen(settings.port, settings.or_any_port)
    try:
        port = listener.getsockname()[1]
        return make_server("127.0.0.1", port, app, threaded=True, request_handler=_Handler, fd=listener.fileno())
    finally:
        listener.close()


def _listen(port: int, or_any: bool) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        if not or_any:
            raise
        return socket.create_server(("127.0.0.1", 0))
