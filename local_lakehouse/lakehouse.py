"""The local lakehouse put together: moto, our services, their state, and the address they answer at."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local_lakehouse.athena.api import AthenaService
from local_lakehouse.backend import dispatch
from local_lakehouse.backend.changes import ChangeLog
from local_lakehouse.backend.moto_backend import ACCOUNT, Backend
from local_lakehouse.datazone.api import PROJECT_ROLE, DataZoneService
from local_lakehouse.exports.api import ExportService
from local_lakehouse.iam import bucket_policies
from local_lakehouse.iam.enforcement import PolicyEnforcer
from local_lakehouse.iam.simulation import PolicySimulator
from local_lakehouse.iceberg.local_files import copies_folder
from local_lakehouse.imports.api import ImportService
from local_lakehouse.lake_formation.api import LakeFormationService
from local_lakehouse.protocol.wire import Service
from local_lakehouse.server.endpoint import Controls, Endpoint
from local_lakehouse.server.http import Server
from local_lakehouse.sql.workers.limits import Limits
from local_lakehouse.sql.workers.pool import WorkerPool
from local_lakehouse.store.database import Database
from local_lakehouse.store.documents import Participant
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
        dispatch.prepare("s3", bucket_policies.apply)
        self.database = Database(settings.state)
        self.backend = Backend(settings.region, self.database)
        changes = ChangeLog()
        self.zero_etl = ZeroEtlService(self.backend.clients, changes, settings.refresh_seconds)
        self._workers = WorkerPool(replace(settings.limits, readable=(*settings.limits.readable, copies_folder())))
        self.athena = AthenaService(self.backend.clients, self._workers)
        self._exports = ExportService(self.backend.clients)
        self._imports = ImportService(self.backend.clients, [changes.note, self._exports.note])
        self._formation = LakeFormationService()
        datazone = DataZoneService(self.backend.clients)
        self.backend.give(PROJECT_ROLE)
        services: list[Service] = [
            self.zero_etl, self.athena, datazone, self._formation, self._exports, self._imports,
            PolicySimulator(self.backend),
        ]  # fmt: skip
        participants: dict[str, Participant] = {
            "zero_etl": self.zero_etl,
            "athena": self.athena,
            "exports": self._exports,
            "imports": self._imports,
            "lake_formation": self._formation,
        }
        for name, participant in participants.items():
            self.backend.documents.register(name, participant)
        self._enforcer = PolicyEnforcer(self.backend, services) if settings.enforce_iam else None
        controls = {
            "health": self._health,
            "refresh": self._refresh,
            "pause": self._pause,
            "resume": self._resume,
            "rights": self._rights,
        }
        self.token = secrets.token_urlsafe(32)
        endpoint = Endpoint(
            self.backend,
            services,
            [changes.note, self._exports.note],
            Controls(self.token, controls),
            self._enforcer,
        )
        self._server = Server(_listen(settings.port, settings.or_any_port), endpoint)

    @property
    def url(self) -> str:
        """The lakehouse's address."""
        return f"http://127.0.0.1:{self._server.address[1]}"

    def start(self) -> None:
        """Answer requests and refresh the integrations, until `stop`."""
        self.zero_etl.start()
        self._server.start()
        _LOG.info("listening at %s", self.url)

    def stop(self) -> None:
        """Finish what is being done and let go of the address and the state folder."""
        self._server.stop()
        self.zero_etl.stop()
        self.athena.stop()
        self._workers.stop()
        self.backend.close()
        self.database.close()

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
        return {"rights": self._enforcer.rights.listed() if self._enforcer else []}

    def _resume(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        self.zero_etl.resume()
        return {}


def _listen(port: int, or_any: bool) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        if not or_any:
            raise
        return socket.create_server(("127.0.0.1", 0))
