"""The types that describe a required permission and the names of an account's resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from local_lakehouse.protocol.request import Request


@dataclass(frozen=True)
class Access:
    """A permission that a request requires.

    Args:
        action: The action, such as ``s3:GetObject``.
        resource: The resource's ARN, or ``*`` if AWS defines no resource for the action.
        context: The condition keys of this action, with their values.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def within(self, context: Mapping[str, str]) -> Access:
        """Return a copy of the permission with additional condition keys."""
        return replace(self, context={**self.context, **context})


class Directory(Protocol):
    """The names of the account's resources."""

    caller: str
    partition: str

    def arn(self, service: str, rest: str, *, region: str | None = None) -> str:
        """Return an ARN in this account and, by default, in the request's Region."""

    def iam_arn(self, kind: str, name: str) -> str:
        """Return the ARN of a role, user, group or instance profile, with its path."""

    def key_arn(self, name: str) -> str:
        """Return a KMS key's ARN, given its ID, alias or ARN."""

    def work_group(self, kind: str, identity: str) -> str:
        """Return the Athena workgroup of a ``QueryExecutionId`` or ``NamedQueryId``."""


def on(call: Request, *resources: str, **context: str) -> list[Access]:
    """Return the permission for the operation's action on each of the given resources, or on ``*``."""
    return [Access(f"{call.service}:{call.operation}", resource, context) for resource in resources or ("*",)]
