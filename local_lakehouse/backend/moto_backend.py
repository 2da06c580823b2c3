"""Moto: the services that are not ours, in this process, one request at a time."""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

# Read by moto when it is imported. No page of another origin has any business with the lakehouse.
os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")

import moto.backends
from flask import Flask
from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from local_lakehouse.backend import moto_repairs
from local_lakehouse.backend.clients import ServiceClients

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ACCOUNT = "123456789012"

# The dummy key of the learner, and the role it stands for: what a person has who signed in to an account.
LEARNER_ACCESS_KEY = "LOCALLAKEHOUSE000000"
LEARNER_ROLE = "Admin"
LEARNER_SESSION = "learner"

# What the lakehouse offers besides its own services.
SERVICES = (
    "athena", "cloudwatch", "dynamodb", "events", "glue", "iam", "kms",
    "lakeformation", "logs", "s3", "sns", "sts", "resourcegroupstaggingapi",
)  # fmt: skip

_TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}'
_EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


class Backend:
    """Moto as one WSGI application that serves one request at a time, with a state that can be kept.

    Moto's backends are plain objects without locks of their own: two threads inside one of them can leave it
    half-changed. One request at a time costs little (they take a millisecond) and gives an instant at which
    everything stands still: for a checkpoint, and for a refresh that must not split a transaction.

    Args:
        region: The Region of the lakehouse.
    """

    def __init__(self, region: str) -> None:
        self.lock = threading.RLock()
        self.region = region
        self._app = DomainDispatcherApplication(_service_app)
        self.clients = ServiceClients(self, self.lock, ACCOUNT, region)
        self.reset()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        with self.lock:
            return list(self._app(environ, start_response))

    def reset(self) -> None:
        """Forget everything, then let the learner exist."""
        with self.lock:
            for service in SERVICES:
                _backends(service).reset()
                _backends(service).clear()
            s3_backends.bucket_accounts.clear()
            self._sign_in_learner()

    def dump(self) -> bytes:
        """Return the state of all services."""
        with self.lock:
            backends = {
                (service, account, region): backend
                for service in SERVICES
                for account, region, backend in _backends(service).iter_backends()
            }
            return pickle.dumps(_State(backends, s3_backends.bucket_accounts))

    def load(self, state: bytes) -> None:
        """Put back a state that `dump` returned."""
        restored: _State = pickle.loads(state)  # noqa: S301  (written by `dump` into our own state folder)
        with self.lock:
            for (service, account, region), backend in restored.backends.items():
                _backends(service)[account][region] = backend
            s3_backends.bucket_accounts.update(restored.bucket_accounts)

    def caller_arn(self, access_key: str) -> str:
        """Return the ARN of whom an access key stands for."""
        with self.lock:
            _, arn, _ = sts_backends[ACCOUNT][self.clients.partition].get_caller_identity(access_key, self.region)
        return arn

    def empower_learner(self) -> None:
        """Let the learner's role do everything, as an administrator's does; a role that was deleted stays so."""
        iam = self.clients.client("iam")
        with contextlib.suppress(iam.exceptions.NoSuchEntityException):
            iam.put_role_policy(RoleName=LEARNER_ROLE, PolicyName="Administrator", PolicyDocument=_EVERYTHING)

    def _sign_in_learner(self) -> None:
        role = self.clients.client("iam").create_role(RoleName=LEARNER_ROLE, AssumeRolePolicyDocument=_TRUST)["Role"]
        self.clients.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName=LEARNER_SESSION)
        # A session's key is random; the learner's is one that documents and notebooks may show.
        sts_backends[ACCOUNT][self.clients.partition].assumed_roles[-1].access_key_id = LEARNER_ACCESS_KEY


def _service_app(service: moto.backends.SERVICE_NAMES) -> Flask:
    app = create_backend_app(service)
    # Flask's help for developers makes a class at each request; that failures come through is all we want of it.
    app.debug = False
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app


@dataclass(frozen=True)
class _State:
    backends: dict[tuple[str, str, str], Any]
    bucket_accounts: dict[str, tuple[str, str]]


moto_repairs.apply()


def _backends(service: str) -> BackendDict[Any]:
    return moto.backends.get_backend(service)  # type: ignore[call-overload,no-any-return]


# Moto reads its own folder at each request, which takes a good part of the request's time.
_MODULES = tuple(moto.backends.list_of_moto_modules())
moto.backends.list_of_moto_modules = lambda: _MODULES
