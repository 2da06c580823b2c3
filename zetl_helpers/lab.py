"""The target, account, Region and resource names of a lab."""

from __future__ import annotations

import html
import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from local_lakehouse import system
from local_lakehouse.region import region_of, region_source
from zetl_helpers import _frames, _next_steps, _place, _settings, _sign_in
from zetl_helpers._calls import Call
from zetl_helpers._errors import UserError
from zetl_helpers._local_session import local_session
from zetl_helpers._place import Place
from zetl_helpers._settings import Target

__all__ = [
    "TAG_KEY",
    "ConnectionRefusedByLabError",
    "Lab",
    "UnknownTableError",
    "connect",
    "connect_to_local",
    "local_environment",
]

TAG_KEY = "zetl-lab"

_MAIN_TABLE = "CustomerAccounts"
# Cleanup looks for each of the additional tables of chapters 10, 11 and 13.
_FURTHER_TABLES = (
    "ProfilesFull", "ProfilesTopLevel", "ProfilesNoUnnest", "PaymentsByKey", "PaymentsByState", "PaymentsByMonth",
    "Payments", "MyTable", "Shipments",
)  # fmt: skip
# Chapter 13 uses these tables for a learner's own items.
_OWN_TABLES = ("MyTable", "Shipments")

# These keys are valid only for the local lakehouse and have no meaning on AWS.
_LOCAL_ACCESS_KEY = "LOCALLAKEHOUSE000000"
_LOCAL_SECRET = "not-a-secret"  # noqa: S105
_LOOPBACK = re.compile(r"^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/?$")
# The local lakehouse needs these packages, which `pip install .` does not install.
_LOCAL_PACKAGES = ("duckdb", "httptools", "moto", "pyiceberg")
_OTHER_SOURCES = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CA_BUNDLE",
)  # fmt: skip


class ConnectionRefusedByLabError(UserError):
    """A connection to the target is not possible in this environment. The message says what to change."""


class UnknownTableError(ValueError):
    """The table is not one of the tutorial's tables. The message lists those tables."""


@dataclass(frozen=True, repr=False)
class Lab:
    """The names of all resources in a lab, and the session that calls AWS.

    Args:
        target: ``local`` or ``aws``.
        account: The account's number.
        region: The Region of all resources.
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
        caller: The ARN of the caller, from STS.
        prefix: The prefix that separates learners who share an account. Usually an empty string.
        endpoint: The local lakehouse's address, or None on AWS.
        session: The boto3 session used for all calls.
        source: The name of the lab's DynamoDB table, without the prefix.
        project: The name of the project in SageMaker Unified Studio.
        workgroup: The Athena workgroup that runs the queries.
        place: The SageMaker Unified Studio space in which this process is running, or None outside a space and for
            the local lakehouse.
    """

    target: Target
    account: str
    region: str
    partition: str
    caller: str
    prefix: str
    endpoint: str | None
    session: boto3.Session
    _recorder: _Recorder
    source: str = _MAIN_TABLE
    project: str = "CustomerDB_Project"
    workgroup: str = "primary"
    place: Place | None = None
    # The labs of all tables share this object.
    _clients: dict[str, Any] = field(default_factory=dict, compare=False)

    def with_table(self, source: str) -> Lab:
        """Return a lab for another table, with an integration that writes to the same database.

        Args:
            source: The name of a table in chapter 10, 11 or 13, without the prefix.

        Raises:
            UnknownTableError: No chapter creates this table, so cleanup would not find it.
        """
        if source not in (_MAIN_TABLE, *_FURTHER_TABLES):
            raise UnknownTableError(
                f"The tutorial has no table {source!r}, so cleanup would not find it. "
                f"Use one of {', '.join((_MAIN_TABLE, *_FURTHER_TABLES))}."
            )
        return replace(self, source=source)

    @property
    def is_members(self) -> bool:
        """Whether the caller is a project role that can query the lab's table but cannot create resources."""
        return self.place is not None and self.place.is_members

    @property
    def everywhere(self) -> tuple[Lab, ...]:
        """The labs of all tables, whether or not the tables exist, starting with the main table."""
        return tuple(self.with_table(source) for source in (_MAIN_TABLE, *_FURTHER_TABLES))

    @property
    def further(self) -> str:
        """The name of an additional table, or an empty string for the main table."""
        return "" if self.source == _MAIN_TABLE else self.source

    @property
    def is_own(self) -> bool:
        """Whether the table's keys are derived from its items."""
        return self.source in _OWN_TABLES

    @property
    def table(self) -> str:
        """The name of the DynamoDB table that is the source."""
        return f"{self.prefix}_{self.source}" if self.prefix else self.source

    @property
    def database(self) -> str:
        """The name of the Glue database that is the target."""
        return f"{self.prefix}_customerdb" if self.prefix else "customerdb"

    @property
    def target_table(self) -> str:
        """The name of the Iceberg table in the database."""
        return self.source.lower()

    @property
    def bucket(self) -> str:
        """The name of the bucket that contains the Iceberg table's files."""
        tail = f"-{self.prefix}" if self.prefix else ""
        return f"glue-zetl-target-{self.account}-{self.region}{tail}"

    @property
    def role(self) -> str:
        """The name of the role that the integration uses to write to the target."""
        return f"{self.prefix}_zETLTargetRole" if self.prefix else "zETLTargetRole"

    @property
    def integration(self) -> str:
        """The name of the zero-ETL integration."""
        name = f"ddb-to-lakehouse-{self.target_table}" if self.further else "ddb-to-lakehouse"
        return f"{self.prefix}-{name}" if self.prefix else name

    @property
    def tags(self) -> dict[str, str]:
        """The tag that marks the lab's resources.

        Cleanup deletes a resource that supports tags only if it has this tag.
        """
        return {TAG_KEY: self.prefix or _settings.TAG_WITHOUT_PREFIX}

    @property
    def table_arn(self) -> str:
        """The ARN of the DynamoDB table."""
        return f"arn:{self.partition}:dynamodb:{self.region}:{self.account}:table/{self.table}"

    @property
    def database_arn(self) -> str:
        """The ARN of the Glue database."""
        return f"arn:{self.partition}:glue:{self.region}:{self.account}:database/{self.database}"

    @property
    def role_arn(self) -> str:
        """The ARN of the target role."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.role}"

    @property
    def dns_suffix(self) -> str:
        """The domain suffix of AWS service endpoints, such as ``amazonaws.com``."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    @property
    def location(self) -> str:
        """The location of the database's tables in S3, without a trailing slash."""
        return f"s3://{self.bucket}/{self.database}"

    @property
    def table_location_arn(self) -> str:
        """The ARN of the target table's location, as registered in Lake Formation."""
        return f"arn:{self.partition}:s3:::{self.bucket}/{self.database}/{self.target_table}"

    def with_credentials(self, access_key: str, secret: str, token: str, *, workgroup: str) -> Lab:
        """Return the same lab with another identity's credentials.

        Args:
            access_key: The access key ID.
            secret: The secret access key.
            token: The session token.
            workgroup: The Athena workgroup for queries.
        """
        if self.endpoint is None:
            session = boto3.Session(access_key, secret, token, region_name=self.region)
        else:
            session = local_session(self.endpoint, self.region, access_key, secret, token)
        other = _introduce(self.target, session, self.prefix, self.endpoint)
        return replace(other, source=self.source, project=self.project, workgroup=workgroup)

    def client(self, service: str) -> Any:
        """Return the boto3 client for a service. Repeated calls return the same client.

        Args:
            service: The service's name in boto3, such as ``dynamodb``.
        """
        if service not in self._clients:
            self._clients[service] = self.session.client(
                service,
                endpoint_url=self.endpoint,
                config=Config(retries={"mode": "standard", "total_max_attempts": 5}, user_agent_extra="zetl-helpers"),
            )
        return self._clients[service]

    @contextmanager
    def recording(self) -> Iterator[list[str]]:
        """Record the AWS operations that are called inside the block, as ``service.Operation``.

        Returns:
            A list that grows while the block is running and excludes calls from other threads.
        """
        with self._recorder.recording() as calls:
            yield calls

    def usually(self, time_on_aws: str) -> str:
        """Return the time that a step usually takes on AWS, or an empty string if the target is local.

        Args:
            time_on_aws: The time, such as ``15 to 30 minutes``. Locally, the step takes seconds.
        """
        return time_on_aws if self.target == "aws" else ""

    def _rows(self) -> list[tuple[str, str]]:
        where = "local lakehouse on this computer" if self.target == "local" else "AWS"
        return [
            ("runs on", where),
            ("account", self.account),
            ("Region", self.region),
            ("caller", self.caller),
            *([("place", str(self.place))] if self.place else []),
            ("source", f"DynamoDB table {self.table}"),
            ("target table", f"{self.database}.{self.target_table}"),
            ("bucket", self.bucket),
            ("role", self.role),
            ("integration", self.integration),
        ]

    def __repr__(self) -> str:
        return "\n".join(f"{name:>12}  {value}" for name, value in self._rows())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self._rows()
        )
        return f"<table>{rows}</table>"


def connect(target: Target | None = None, *, tell: Callable[[str], object] | None = None) -> Lab:
    """Connect to the target that ``ZETL_TARGET`` names, which defaults to the local lakehouse.

    For the local target, this function finds the running lakehouse that is using the state folder, or starts one. It
    also sets ``AWS_ENDPOINT_URL`` and dummy keys in the process's environment, so that no call from any library reaches
    a real account. For both targets, pandas is set to show strings in full.

    Args:
        target: The target, which overrides ``ZETL_TARGET``.
        tell: A function that is called with a message if a local lakehouse is started.

    Returns:
        The lab, which a notebook shows as a card.

    Raises:
        ConnectionRefusedByLabError: The lakehouse does not start, or the target is AWS and the environment has no
            usable credentials, has no Region, or sets an endpoint.
        SettingsError: ``ZETL_TARGET``, ``ZETL_PREFIX``, ``ZETL_PROJECT`` or ``ZETL_WORKGROUP`` is invalid.
    """
    chosen = target or _settings.target()
    _frames.show_strings_in_full()
    if chosen == "local":
        return _connect_local(tell)
    return _connect_aws(_settings.prefix())


def _connect_local(tell: Callable[[str], object] | None) -> Lab:
    _require_local_target()
    endpoint, region = _find_local(), region_of()
    if endpoint is None:
        endpoint = _start_local()
        if tell:
            tell("Started a local lakehouse; stop it with: zetl local stop")
    return connect_to_local(endpoint, region)


def connect_to_local(endpoint: str, region: str) -> Lab:
    """Connect to the local lakehouse at an address, and direct every AWS client of this process to it.

    Args:
        endpoint: The lakehouse's address.
        region: The lakehouse's Region.

    Raises:
        ConnectionRefusedByLabError: The address is not on this computer, or nothing responds there.
    """
    if not _LOOPBACK.match(endpoint):
        raise ConnectionRefusedByLabError(f"{endpoint!r} is not an address of this computer.")
    _direct_clients(endpoint, region)
    session = local_session(endpoint, region, _LOCAL_ACCESS_KEY, _LOCAL_SECRET)
    return _introduce("local", session, _settings.prefix(), endpoint)


def _require_local_target() -> None:
    """Check that the lakehouse's requirements are met.

    Raises:
        ConnectionRefusedByLabError: The system cannot run a local lakehouse, or packages are missing.
    """
    try:
        system.require_fork()
    except system.UnsupportedSystemError as error:
        raise ConnectionRefusedByLabError(str(error)) from error
    missing = [name for name in _LOCAL_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        where = "In this SageMaker Unified Studio space, the" if _place.find_space() else "The"
        raise ConnectionRefusedByLabError(
            f"{where} local lakehouse needs {', '.join(missing)}. Install the missing packages "
            f"with {sys.executable} -m pip install 'zetl-helpers[local]' or, in the tutorial's folder, with "
            "pip install '.[local]'. To work in your AWS account instead, run zetl settings target=aws once, and "
            "restart the kernel."
        )


def _find_local() -> str | None:
    """Return the address of the state folder's lakehouse, or None if it is not running.

    Raises:
        ConnectionRefusedByLabError: The lakehouse is in a different Region.
    """
    from local_lakehouse import daemon

    state, region = _settings.state_dir(), region_of()
    running = daemon.find(state)
    if running is None:
        return None
    played = running.health["region"]
    if played != region:
        raise ConnectionRefusedByLabError(
            f"The local lakehouse in {state} is in {played}, but {region_source()} specifies {region}. "
            f"Set AWS_REGION={played}, or run zetl local stop, so that the lakehouse starts in {region} next time."
        )
    return running.url


def _start_local() -> str:
    """Start the lakehouse with its command and return its address."""
    command = [sys.executable, "-m", "zetl_helpers.cli", "local", "start"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise ConnectionRefusedByLabError(done.stderr.strip() or done.stdout.strip())
    return done.stdout.strip().rpartition("\n")[2]


def _direct_clients(endpoint: str, region: str) -> None:
    """Direct every AWS client of this process, including the clients of other libraries, to the local lakehouse."""
    for name in list(os.environ):
        if name in _OTHER_SOURCES or name.startswith("AWS_ENDPOINT_URL_") or re.fullmatch(r"WR_\w+_ENDPOINT_URL", name):
            del os.environ[name]
    os.environ.update(local_environment(endpoint, region))
    # An earlier default session may contain an account's keys, and libraries without their own session would use them.
    # boto3 creates a new default session when a library needs one.
    boto3.DEFAULT_SESSION = None


def local_environment(endpoint: str, region: str) -> dict[str, str]:
    """Return the environment variables that direct AWS clients to a local lakehouse."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": _LOCAL_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": _LOCAL_SECRET,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A user's configuration can make clients ignore the endpoint above, or use a different endpoint.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    }


def _connect_aws(prefix: str) -> Lab:
    diverted = sorted(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL") and os.environ[name])
    if diverted or os.environ.get("AWS_ACCESS_KEY_ID") == _LOCAL_ACCESS_KEY:
        names = ", ".join(diverted or ["AWS_ACCESS_KEY_ID"])
        raise ConnectionRefusedByLabError(
            f"ZETL_TARGET is aws, but the environment sets {names}, so calls would not reach AWS. "
            f"Restart the kernel (or the shell) without {names}."
        )
    try:
        # The AWS CLI reads AWS_REGION and AWS_DEFAULT_REGION, but boto3 reads only AWS_DEFAULT_REGION.
        session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    except ProfileNotFound as error:
        raise ConnectionRefusedByLabError(_next_steps.without_identity(error, "")) from error
    if not session.region_name:
        raise ConnectionRefusedByLabError("AWS needs a Region. Set AWS_REGION, for example to us-east-1.")
    lab = _in_space(_introduce("aws", session, prefix, None))
    _sign_in.remember(session)
    return lab


def _introduce(target: Target, session: boto3.Session, prefix: str, endpoint: str | None) -> Lab:
    recorder = _Recorder()
    # This handler runs first, because botocore's own handlers add parameters that callers don't write, such as
    # idempotency tokens.
    session.events.register_first("before-parameter-build", recorder.note)
    session.events.register("after-call", _next_steps.add)
    try:
        identity = session.client("sts", endpoint_url=endpoint).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise ConnectionRefusedByLabError(_next_steps.without_identity(error, session.region_name)) from error
    caller = identity["Arn"]
    return Lab(
        target,
        identity["Account"],
        session.region_name,
        caller.split(":")[1],
        caller,
        prefix,
        endpoint,
        session,
        recorder,
        project=_settings.project(),
        workgroup=_settings.workgroup(),
    )


def _in_space(lab: Lab) -> Lab:
    """Return the lab with the settings of a SageMaker Unified Studio space, if the process is running in one."""
    space = _place.find_space()
    if space is None:
        return lab
    place = _place.look(space, lab.client)
    # A project's role in an Identity Center domain can query only in the project's workgroup.
    theirs = place.workgroup if place.is_members else ""
    return replace(lab, place=place, workgroup=_settings.workgroup(default=theirs or "primary"))


class _Recorder:
    """A recorder that lists the operations that a session's clients call, separately for each thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    def note(self, params: Mapping[str, Any], model: Any, **_: object) -> None:
        name = f"{model.service_model.service_name}.{model.name}"
        for calls in getattr(self._local, "lists", []):
            # Only the first call of a repeated operation, such as BatchWriteItem, is recorded with its arguments.
            calls.append(Call(name) if name in calls else Call(name, params))

    @contextmanager
    def recording(self) -> Iterator[list[str]]:
        calls: list[str] = []
        lists = self._local.__dict__.setdefault("lists", [])
        lists.append(calls)
        try:
            yield calls
        finally:
            lists.pop()
