"""Moto: the services that are not ours, in this process, one request at a time."""

from __future__ import annotations

import importlib
import pickle
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.protocol.faults import Answer
from local_lakehouse.protocol.request import Request

if TYPE_CHECKING:
    from moto.iam.models import IAMBackend
    from moto.sts.models import STSBackend

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

# People enter an account by the single sign-on of its organization, which the lakehouse does not play: nobody else,
# whatever rights they have, becomes the administrator by assuming this role.
_TRUST = (
    '{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRoleWithSAML",'
    '"Principal":{{"Federated":"arn:{partition}:iam::{account}:saml-provider/SignIn"}}}}]}}'
)
_EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@dataclass(frozen=True)
class GivenRole:
    """A role that the account has from its beginning."""

    name: str
    trust: str
    tags: Mapping[str, str]


class Backend:
    """Moto, which carries out one request at a time, with a state that can be kept.

    Moto's backends are plain objects without locks of their own: two threads in one of them can leave it half-changed.
    One request at a time costs little (they take a millisecond) and gives an instant at which everything stands still:
    for a checkpoint, and for a refresh that must not split a transaction.

    Moto is imported when the first request needs it, service by service: a start waits for none of it.

    Args:
        region: The Region of the lakehouse.
    """

    def __init__(self, region: str) -> None:
        self.lock = threading.RLock()
        self.region = region
        self.clients = ServiceClients(self.serve, self.lock, ACCOUNT, region)
        self._signed_in = False
        self._roles: list[GivenRole] = []
        self.reset()

    def give(self, role: GivenRole) -> None:
        """Let the account have a role from its beginning."""
        self._roles.append(role)

    def serve(self, request: Request) -> Answer:
        """Carry out one request.

        Raises:
            NotOfferedError: Moto does not have its operation.
        """
        from local_lakehouse.backend import dispatch

        with self.lock:
            if request.service in ("iam", "sts"):
                self._sign_in()
            return dispatch.serve(request, ACCOUNT)

    @property
    def iam(self) -> IAMBackend:
        """Moto's IAM, with the learner in it; hold the lock."""
        self._sign_in()
        return self._iam()

    @property
    def sts(self) -> STSBackend:
        """Moto's STS, with the learner's session; hold the lock."""
        self._sign_in()
        return self._sts()

    def reset(self) -> None:
        """Forget everything."""
        with self.lock:
            for service in _imported():
                _backends(service).reset()
                _backends(service).clear()
            if "s3" in _imported():
                sys.modules["moto.s3.models"].s3_backends.bucket_accounts.clear()
            self._signed_in = False

    def dump(self) -> bytes:
        """Return the state of all services."""
        with self.lock:
            backends = {
                (service, account, region): backend
                for service in _imported()
                for account, region, backend in _backends(service).iter_backends()
            }
            accounts = sys.modules["moto.s3.models"].s3_backends.bucket_accounts if "s3" in _imported() else {}
            return pickle.dumps(_State(backends, accounts))

    def load(self, state: bytes) -> None:
        """Put back a state that `dump` returned."""
        restored: _State = pickle.loads(state)  # noqa: S301  (written by `dump` into our own state folder)
        with self.lock:
            for (service, account, region), backend in restored.backends.items():
                _backends(service)[account][region] = backend
            if restored.bucket_accounts:
                _backends("s3").bucket_accounts.update(restored.bucket_accounts)
            self._signed_in = False

    def knows(self, access_key: str) -> bool:
        """Tell whether an access key is somebody's."""
        if access_key == LEARNER_ACCESS_KEY:
            return True
        with self.lock:
            session = self.sts.get_assumed_role_from_access_key(access_key)
            return session is not None or self.iam.get_user_from_access_key_id(access_key) is not None

    def caller_arn(self, access_key: str) -> str:
        """Return the ARN of whom an access key stands for."""
        if access_key == LEARNER_ACCESS_KEY:
            return f"arn:{self.clients.partition}:sts::{ACCOUNT}:assumed-role/{LEARNER_ROLE}/{LEARNER_SESSION}"
        with self.lock:
            _, arn, _ = self.sts.get_caller_identity(access_key, self.region)
        return arn

    def _iam(self) -> IAMBackend:
        return cast("IAMBackend", _backends("iam")[ACCOUNT][self.clients.partition])

    def _sts(self) -> STSBackend:
        return cast("STSBackend", _backends("sts")[ACCOUNT][self.clients.partition])

    def _sign_in(self) -> None:
        """Let the learner's session exist, and its role do everything, as an administrator's does.

        A role that was deleted stays so.
        """
        if self._signed_in:
            return
        self._signed_in = True
        iam, sts = self._iam(), self._sts()
        trust = _TRUST.format(partition=self.clients.partition, account=ACCOUNT)
        if sts.get_assumed_role_from_access_key(LEARNER_ACCESS_KEY) is None:
            role = iam.create_role(LEARNER_ROLE, trust, "/", None, "", [], "3600")
            sts.assume_role(self.region, LEARNER_SESSION, role.arn, "", 3600, "")
            # A session's key is random; the learner's is one that documents and notebooks may show.
            sts.assumed_roles[-1].access_key_id = LEARNER_ACCESS_KEY
        names = {role.name for role in iam.roles.values()}
        for given in self._roles:
            if given.name not in names:
                tags = [{"Key": key, "Value": value} for key, value in given.tags.items()]
                iam.create_role(given.name, given.trust, "/", None, "", tags, "3600")
        for role in iam.roles.values():
            if role.name == LEARNER_ROLE:
                role.policies["Administrator"] = _EVERYTHING
                role.assume_role_policy_document = trust


@dataclass(frozen=True)
class _State:
    backends: dict[tuple[str, str, str], Any]
    bucket_accounts: dict[str, tuple[str, str]]


def _imported() -> list[str]:
    return [service for service in SERVICES if f"moto.{service}.models" in sys.modules]


def _backends(service: str) -> Any:
    return getattr(importlib.import_module(f"moto.{service}.models"), f"{service}_backends")
