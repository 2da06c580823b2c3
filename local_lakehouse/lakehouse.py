"""The complete local lakehouse, which combines moto, this package's services, their state and the endpoint."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_lakehouse import system
from local_lakehouse.backend import preparations
from local_lakehouse.backend.changes import ChangeLog
from local_lakehouse.backend.clients import reads
from local_lakehouse.backend.moto_backend import ACCOUNT, LEARNER_ROLE, Backend
from local_lakehouse.datazone.api import PROJECT_ROLE, DataZoneService
from local_lakehouse.iam.enforcement import PolicyEnforcer
from local_lakehouse.iam.simulation import PolicySimulator
from local_lakehouse.lake_formation.api import LakeFormationService
from local_lakehouse.lake_formation.catalog import GovernedCatalog
from local_lakehouse.loading import load
from local_lakehouse.protocol.request import Caller
from local_lakehouse.protocol.wire import Service
from local_lakehouse.server.endpoint import Controls, Endpoint
from local_lakehouse.server.http import Server
from local_lakehouse.server.on_demand import ATHENA, EXPORTS, IMPORTS, PARTIQL, STREAMS, ZERO_ETL, OnDemand
from local_lakehouse.store import folder
from local_lakehouse.store.database import Database
from local_lakehouse.store.maintenance import Maintenance, Work

if TYPE_CHECKING:
    from local_lakehouse.athena.api import AthenaService
    from local_lakehouse.exports.api import ExportService
    from local_lakehouse.imports.api import ImportService
    from local_lakehouse.partiql.api import PartiqlService
    from local_lakehouse.sql.workers.limits import Limits
    from local_lakehouse.sql.workers.pool import WorkerPool
    from local_lakehouse.streams.api import StreamsService
    from local_lakehouse.zero_etl.api import ZeroEtlService

_LOG = logging.getLogger(__name__)
_SYNC_SECONDS = 1.0
_BACKUP_SECONDS = 300.0
_GRACE_SECONDS = 60.0


@dataclass(frozen=True)
class Settings:
    """The settings of a lakehouse.

    Args:
        state: The state folder, or None for a temporary folder.
        port: The port on 127.0.0.1, or 0 for a free port.
        or_any_port: Whether to use another free port if the port is in use.
        region: The emulated Region.
        refresh_seconds: The maximum time between two refreshes of the integrations, in seconds.
        paused: Whether integrations are refreshed only on request, until `resume` is called.
        enforce_iam: Whether requests are checked against the policies of their signers.
        governed: Whether Lake Formation governs the account, so that new databases and tables have no default grants.
        limits: The limits for Athena statements. None selects limits that suit this computer.
        clock: A function that returns the current time in seconds since 1970, for integrations, exports and imports.
    """

    state: Path | None = None
    _: KW_ONLY
    port: int = 0
    region: str = "us-east-1"
    refresh_seconds: float = 1.0
    paused: bool = False
    enforce_iam: bool = False
    or_any_port: bool = False
    governed: bool = False
    limits: Limits | None = None
    clock: Callable[[], float] = time.time


class Lakehouse:
    """A running lakehouse.

    Args:
        settings: The lakehouse's settings.

    Raises:
        OSError: The port is in use.
        UnreadableStateError: This version cannot read the state folder.
        UnsupportedSystemError: The operating system cannot fork processes for Athena statements.
    """

    def __init__(self, settings: Settings) -> None:
        system.require_fork()
        self.settings = settings
        preparations.prepare("s3", "local_lakehouse.iam.bucket_policies")
        self.database = Database(settings.state)
        try:
            self.database.check()
            self.backend = Backend(settings.region, self.database)
        except BaseException:
            self.database.close()
            raise
        self._backed_up = -1
        # The last backup may still refer to the files of deleted objects.
        self.backend.objects.keeps_deleted = settings.state is not None
        self._changes = ChangeLog(self.database)
        self._started = False
        self._workers: WorkerPool | None = None
        lock = self.backend.lock
        self._zero_etl = OnDemand(
            "glue", ZERO_ETL, "local_lakehouse.zero_etl.api", self._make_zero_etl, lock, self._prepare_zero_etl
        )
        self._athena = OnDemand("athena", ATHENA, "local_lakehouse.athena.api", self._make_athena, lock)
        self._exports = OnDemand("dynamodb", EXPORTS, "local_lakehouse.exports.api", self._make_exports, lock)
        self._imports = OnDemand(
            "dynamodb", IMPORTS, "local_lakehouse.imports.api", self._make_imports, lock, self._prepare_imports
        )
        self._partiql = OnDemand("dynamodb", PARTIQL, "local_lakehouse.partiql.api", self._make_partiql, lock)
        self._streams = OnDemand("dynamodbstreams", STREAMS, "local_lakehouse.streams.api", self._make_streams, lock)
        formation = LakeFormationService(
            governed=settings.governed,
            founder=f"arn:{self.backend.clients.partition}:iam::{ACCOUNT}:role/{LEARNER_ROLE}",
        )
        self._governance = formation.governance
        self.backend.catalog = GovernedCatalog(
            self._governance, lambda: self.backend.documents.changed(["lake_formation"])
        )
        self.backend.documents.register("lake_formation", formation)
        datazone = DataZoneService(
            self.backend.clients,
            lambda request: self._athena.call("CreateWorkGroup", request, Caller(ACCOUNT, settings.region, "")),
        )
        self.backend.documents.register("datazone", datazone)
        self.backend.give(PROJECT_ROLE)
        services: list[Service] = [
            self._zero_etl, self._athena, datazone, formation, self._exports,
            self._imports, self._partiql, self._streams, PolicySimulator(self.backend),
        ]  # fmt: skip
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
            [self._note],
            Controls(self.token, controls),
            self._enforcer,
            self._prepare,
        )
        self._maintenance = Maintenance(
            [
                Work("bodies", self.backend.objects.sync, _SYNC_SECONDS),
                Work("checkpoint", self.database.checkpoint, _SYNC_SECONDS),
                Work("executions", self._save_executions_again, _SYNC_SECONDS),
                *([Work("backup", self._back_up, _BACKUP_SECONDS)] if settings.state else []),
            ]
        )
        try:
            listener = _listen(settings.port, settings.or_any_port)
        except OSError:
            self.backend.close()
            self.database.close()
            raise
        self._server = Server(listener, endpoint)

    @property
    def url(self) -> str:
        """The lakehouse's address."""
        return f"http://127.0.0.1:{self._server.address[1]}"

    @property
    def zero_etl(self) -> ZeroEtlService:
        """The AWS Glue zero-ETL service."""
        return self._zero_etl.get()

    @property
    def athena(self) -> AthenaService:
        """The Amazon Athena service."""
        return self._athena.get()

    def _prepare(self, service: str, operation: str) -> None:
        """Create the services that an operation of another service calls."""
        if service == "dynamodb" and not reads(operation):
            # The deletions and replacements of items are part of the tables' histories.
            self._exports.get()

    def _prepare_zero_etl(self) -> None:
        load("local_lakehouse.exports.api")
        for service in ("dynamodb", "glue", "s3", "iam"):
            self.backend.clients.client(service)

    def _prepare_imports(self) -> None:
        for service in ("dynamodb", "s3"):
            self.backend.clients.client(service)

    def _make_zero_etl(self) -> ZeroEtlService:
        load("local_lakehouse.zero_etl.api")
        from local_lakehouse.zero_etl.api import ZeroEtlService

        service = ZeroEtlService(
            self.backend.clients,
            self._changes,
            self.settings.refresh_seconds,
            self.settings.clock,
            governance=self._governance,
        )
        self.backend.documents.register("zero_etl", service)
        # The deletions of expired items are part of the tables' histories.
        self._exports.get()
        if self.settings.paused:
            service.pause()
        if self._started:
            service.start()
        return service

    def _make_athena(self) -> AthenaService:
        for module in ("athena.api", "iceberg.local_files", "sql.workers.limits", "sql.workers.pool"):
            load(f"local_lakehouse.{module}")
        from local_lakehouse.athena.api import AthenaService
        from local_lakehouse.iceberg.local_files import copies_folder
        from local_lakehouse.sql.workers.limits import Limits
        from local_lakehouse.sql.workers.pool import WorkerPool

        limits = self.settings.limits or Limits()
        self._workers = WorkerPool(replace(limits, readable=(*limits.readable, copies_folder())))
        service = AthenaService(self.backend.clients, self._workers, self._governance)
        self.backend.documents.register("athena", service)
        return service

    def _make_exports(self) -> ExportService:
        load("local_lakehouse.exports.api")
        from local_lakehouse.exports.api import ExportService

        service = ExportService(self.backend.clients, self.settings.clock)
        self.backend.documents.register("exports", service)
        return service

    def _make_imports(self) -> ImportService:
        load("local_lakehouse.imports.api")
        from local_lakehouse.imports.api import ImportService

        service = ImportService(self.backend.clients, [self._note], self.settings.clock)
        self.backend.documents.register("imports", service)
        return service

    def _make_partiql(self) -> PartiqlService:
        load("local_lakehouse.partiql.api")
        from local_lakehouse.partiql.api import PartiqlService

        return PartiqlService(self.backend.clients, [self._note])

    def _make_streams(self) -> StreamsService:
        load("local_lakehouse.streams.api")
        from local_lakehouse.streams.api import StreamsService

        return StreamsService(self.database)

    def _note(self, operation: str, request: Mapping[str, Any]) -> None:
        """Notify the services that record the changes made by DynamoDB requests."""
        if not reads(operation):
            self._changes.note(operation, request)
            self._exports.get().note(operation, request)

    def start(self) -> None:
        """Serve requests and refresh the integrations until `stop` is called."""
        with self.backend.lock:
            self._started = True
            # The integrations from an earlier run continue, and receive every subsequent write.
            if self.backend.documents.collection("zero_etl").read():
                self._zero_etl.get()
            if self._zero_etl.made is not None:
                self._zero_etl.made.start()
        self._maintenance.start()
        self._server.start()
        _LOG.info("listening at %s", self.url)

    def stop(self) -> None:
        """Finish current work, and release the address and the state folder."""
        self._server.stop()
        for service in (self._zero_etl.made, self._athena.made, self._workers):
            if service is not None:
                service.stop()
        self._maintenance.stop()
        self.backend.close()
        self.database.close()

    def _health(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "pid": os.getpid(),
            "account": ACCOUNT,
            "region": self.settings.region,
            "refresh_seconds": self.settings.refresh_seconds,
            "refreshing": not (self._zero_etl.made.paused if self._zero_etl.made else self.settings.paused),
            "enforce_iam": self.settings.enforce_iam,
            "background": self._background(),
            "governed": self.settings.governed,
        }

    def _background(self) -> Mapping[str, Any]:
        refresh = {"refresh": self._zero_etl.made.health()} if self._zero_etl.made else {}
        return {**self._maintenance.health(), **refresh}

    def _save_executions_again(self) -> None:
        if self._athena.made is not None:
            self._athena.made.save_again()

    def _back_up(self) -> None:
        """Back up the current state, and delete unreferenced files."""
        began = time.time()
        revision = self.database.revision
        if revision != self._backed_up:
            folder.back_up(self.database)
            self._backed_up = revision
        with self.database.snapshot() as connection:
            named = folder.named_files(connection) | folder.files_of_backup(self.database.directory)
        self.backend.objects.sweep(named, began - _GRACE_SECONDS)

    def _refresh(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        self.zero_etl.refresh_now()
        return {"integrations": self.zero_etl.statuses()}

    def _pause(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        self.zero_etl.pause()
        return {}

    def _rights(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the permissions that requests have needed so far, or an empty list if IAM is not enforced."""
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
