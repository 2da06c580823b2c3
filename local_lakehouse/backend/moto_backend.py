"""The moto backend, which implements AWS services in this process."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from local_lakehouse.backend.clients import ServiceClients, is_from_service, reads
from local_lakehouse.backend.item_requests import ItemRequests
from local_lakehouse.backend.moto_state import MotoState, backends_of
from local_lakehouse.dynamodb.api import is_read, is_write
from local_lakehouse.loading import load
from local_lakehouse.protocol.faults import Answer
from local_lakehouse.protocol.request import Request
from local_lakehouse.store.database import Database, UnreadableStateError
from local_lakehouse.store.documents import Documents
from local_lakehouse.store.objects import Objects

if TYPE_CHECKING:
    from moto.iam.models import IAMBackend
    from moto.sts.models import STSBackend

ACCOUNT = "123456789012"

# The learner's dummy access key and role. They correspond to those of a person who has signed in to an AWS account.
LEARNER_ACCESS_KEY = "LOCALLAKEHOUSE000000"
LEARNER_ROLE = "Admin"
LEARNER_SESSION = "learner"

# The services whose moto backends are stored.
SERVICES = (
    "athena", "cloudwatch", "dynamodb", "events", "glue", "iam", "kms",
    "lakeformation", "logs", "s3", "sns", "sts", "resourcegroupstaggingapi",
)  # fmt: skip

# On AWS, people sign in to an account through their organization's single sign-on, which the lakehouse does not
# emulate. Therefore, no caller can assume this role.
_TRUST = (
    '{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRoleWithSAML",'
    '"Principal":{{"Federated":"arn:{partition}:iam::{account}:saml-provider/SignIn"}}}}]}}'
)
# The requests whose bodies are stored as objects or as parts of objects.
_UPLOADS = frozenset({"PutObject", "UploadPart"})
_MOST_KNOWN_KEYS = 1_000
_MOST_TABLES = 1_000
_EVERYTHING = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@dataclass(frozen=True)
class GivenRole:
    """A role that exists in a new account."""

    name: str
    trust: str
    tags: Mapping[str, str]


class Backend:
    """A moto backend that has persistent state and executes one request at a time, except for reads of DynamoDB items.

    moto's backends are plain objects without locks, so two concurrent threads could leave a backend in an inconsistent
    state. Executing one request at a time costs little, because a request takes about a millisecond. Serial execution
    also ensures that checkpoints and refreshes see a consistent state, so that a refresh never splits a transaction.

    Each of moto's services is imported on its first request, so that startup does not wait for the import.

    Args:
        region: The Region of the lakehouse.
        database: The database for moto's state, or None for a temporary database.
    """

    def __init__(self, region: str, database: Database | None = None) -> None:
        self._own_database = database is None
        self.database = database or Database(None)
        # moto and the database share one lock, so that no request can hold one lock and wait for another.
        self.lock = self.database.lock
        self.region = region
        self.documents = Documents(self.database)
        _check_versions(self.documents)
        self.clients = ServiceClients(self.serve, self.documents, ACCOUNT, region)
        self.objects = Objects(self.database)
        self.clients.body_path = self.objects.path_of
        self.clients.stored_keys = self.objects.stored_keys
        self._state = MotoState(self.database, self.objects, SERVICES)
        self._state.attach()
        self._items = ItemRequests(self._state, ACCOUNT, region)
        # Whether each access key belongs to an identity. The result is cached until identities change, so that requests
        # need no lock.
        self._known_keys: dict[str, bool] = {}
        for service in ("iam", "sts"):
            self._state.after_change(service, self._known_keys.clear)
        # Responses to table lookups. They can be accessed only while the lock is held.
        self._tables: dict[bytes, Answer] = {}
        self._state.after_change("glue", self._tables.clear)
        self._signed_in = False
        self._roles: list[GivenRole] = []
        # A filter that applies Lake Formation rules to requests to the Data Catalog.
        self.catalog: Callable[[Request, Callable[[], Answer]], Answer] | None = None
        self.database.after_rollback(self._sign_in_again)
        self.database.after_replacement(self._sign_in_again)

    def give(self, role: GivenRole) -> None:
        """Add a role to the account's initial roles."""
        self._roles.append(role)

    def serve(self, request: Request) -> Answer:
        """Execute one request.

        Raises:
            NotOfferedError: moto does not implement the operation.
        """
        if is_read(request):
            return self._items.serve(request)
        if is_write(request):
            with self.database.transaction():
                return self._items.serve(request)
        load("local_lakehouse.backend.dispatch")
        from local_lakehouse.backend import dispatch

        with self.transaction(request):
            if request.service in ("iam", "sts"):
                self._sign_in()
            if request.service == "resourcegroupstaggingapi":
                self._state.read_all()
            if request.service == "glue":
                answer = functools.partial(self._catalog_answer, request)
                return answer() if self.catalog is None else self.catalog(request, answer)
            if request.service != "dynamodb":
                return dispatch.serve(request, ACCOUNT)
            with self._state.undoing() as undo:
                written = dispatch.serve(request, ACCOUNT)
                if written.status != 200:
                    undo()
                return written

    def _catalog_answer(self, request: Request) -> Answer:
        """Execute a request to the Data Catalog.

        Athena looks up the same tables for each query, so the responses are cached until the catalog changes.
        """
        load("local_lakehouse.backend.dispatch")
        from local_lakehouse.backend import dispatch

        lookup = request.operation == "GetTable" and is_from_service(request)
        if not lookup or self._state.is_changing("glue"):
            return dispatch.serve(request, ACCOUNT)
        answer = self._tables.get(request.body)
        if answer is None:
            answer = dispatch.serve(request, ACCOUNT)
            if len(self._tables) >= _MOST_TABLES:
                self._tables.clear()
            self._tables[request.body] = answer
        return answer

    @contextlib.contextmanager
    def transaction(self, request: Request) -> Iterator[None]:
        """Save all changes that the block makes for a request, or none if the request fails or is read-only.

        Raises:
            StorageError: The changes cannot be saved. moto and the lakehouse's services have discarded them.
        """
        kept = contextlib.nullcontext() if reads(request.operation) else self.database.transaction()
        with self._staged(request), self.lock, kept:
            yield
            self.clients.unsettle(request.service, request.operation)

    def _staged(self, request: Request) -> contextlib.AbstractContextManager[None]:
        """Write an uploaded object's content before the lock is acquired."""
        if request.service != "s3" or request.operation not in _UPLOADS or self.lock.held:
            return contextlib.nullcontext()
        return self.objects.staged(request.body)

    @property
    def iam(self) -> IAMBackend:
        """The moto backend for IAM, with the learner's identity. The caller must hold the lock."""
        self._sign_in()
        return self._iam()

    @property
    def sts(self) -> STSBackend:
        """The moto backend for STS, with the learner's session. The caller must hold the lock."""
        self._sign_in()
        return self._sts()

    def close(self) -> None:
        """Detach from moto. The state remains stored."""
        with self.lock:
            self._state.detach()
        if self._own_database:
            self.database.close()

    def knows(self, access_key: str) -> bool:
        """Return whether an access key belongs to an identity."""
        if access_key == LEARNER_ACCESS_KEY:
            return True
        known = self._known_keys.get(access_key)
        if known is None:
            with self._identities() if self._is_stored(access_key) else self.lock:
                known = self._is_stored(access_key) and self._belongs_to_identity(access_key)
                if len(self._known_keys) >= _MOST_KNOWN_KEYS:
                    self._known_keys.clear()
                self._known_keys[access_key] = known
        return known

    def _is_stored(self, access_key: str) -> bool:
        """Return whether a key can belong to an identity, without importing moto's IAM and STS modules."""
        return self._state.contains(("iam", "sts"), access_key)

    def _belongs_to_identity(self, access_key: str) -> bool:
        session = self.sts.get_assumed_role_from_access_key(access_key)
        return session is not None or self.iam.get_user_from_access_key_id(access_key) is not None

    def principal_arn(self, access_key: str) -> str:
        """Return the ARN of the user or role to which an access key belongs."""
        if access_key == LEARNER_ACCESS_KEY:
            return f"arn:{self.clients.partition}:iam::{ACCOUNT}:role/{LEARNER_ROLE}"
        with self._identities():
            session = self.sts.get_assumed_role_from_access_key(access_key)
        return str(session.role_arn) if session is not None else self.caller_arn(access_key)

    def caller_arn(self, access_key: str) -> str:
        """Return the ARN of the user or role session to which an access key belongs."""
        if access_key == LEARNER_ACCESS_KEY:
            return f"arn:{self.clients.partition}:sts::{ACCOUNT}:assumed-role/{LEARNER_ROLE}/{LEARNER_SESSION}"
        with self._identities():
            _, arn, _ = self.sts.get_caller_identity(access_key, self.region)
        return arn

    @contextlib.contextmanager
    def _identities(self) -> Iterator[None]:
        """Import moto's IAM and STS modules, and then acquire the lock. Other requests do not wait for the import."""
        load("moto.iam.models")
        load("moto.sts.models")
        with self.lock:
            yield

    def _iam(self) -> IAMBackend:
        return cast("IAMBackend", backends_of("iam")[ACCOUNT][self.clients.partition])

    def _sts(self) -> STSBackend:
        return cast("STSBackend", backends_of("sts")[ACCOUNT][self.clients.partition])

    def _sign_in(self) -> None:
        """Create the learner's session and the initial roles, including an administrator role that allows all actions.

        If the administrator role was deleted, it is not created again.
        """
        if self._signed_in:
            return
        self._signed_in = True
        with self.database.transaction():
            self._make_learner()

    def _sign_in_again(self) -> None:
        self._signed_in = False

    def _make_learner(self) -> None:
        iam, sts = self._iam(), self._sts()
        trust = _TRUST.format(partition=self.clients.partition, account=ACCOUNT)
        if sts.get_assumed_role_from_access_key(LEARNER_ACCESS_KEY) is None:
            role = iam.create_role(LEARNER_ROLE, trust, "/", None, "", [], "3600")
            sts.assume_role(self.region, LEARNER_SESSION, role.arn, "", 3600, "")
            # A session's key is random. The learner's key is fixed, so that documents and notebooks can show it.
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


def _check_versions(documents: Documents) -> None:
    """Check that the version of moto matches the version that wrote the state.

    Raises:
        UnreadableStateError: A different version of moto wrote the state.
    """
    about = documents.collection("about")
    written, present = about.read().get("moto"), _moto_version()
    if written not in (None, present):
        raise UnreadableStateError(
            f"The state in {documents.database.directory} was written with moto {written}, but moto {present} is "
            f"installed. Install moto {written} with: pip install moto=={written}, or delete the state with: "
            "zetl local reset"
        )
    if written is None:
        about.put("moto", present)


@functools.cache
def _moto_version() -> str:
    """Return moto's version.

    The version is cached, because looking it up would more than double the time to start another lakehouse in the same
    process.
    """
    return importlib.metadata.version("moto")
