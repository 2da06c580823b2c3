"""The vocabulary of the check: a right that is needed, and the names that an account gives to its things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from local_lakehouse.protocol.request import Request


@dataclass(frozen=True)
class Access:
    """One right that a request needs.

    Args:
        action: Such as ``s3:GetObject``.
        resource: The ARN of what it is about; ``*`` where AWS defines no resource.
        context: The condition keys of this action.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def within(self, context: Mapping[str, str]) -> Access:
        """Return the same right with further condition keys."""
        return replace(self, context={**self.context, **context})


class Directory(Protocol):
    """What the account calls its things."""

    caller: str
    partition: str

    def arn(self, service: str, rest: str, *, region: str | None = None) -> str:
        """Return an ARN of this account; `region` is the lakehouse's unless given."""

    def iam_arn(self, kind: str, name: str) -> str:
        """Return the ARN of a role, user, group or instance profile, with its path."""

    def key_arn(self, name: str) -> str:
        """Return the ARN of a KMS key by id, alias or ARN."""

    def work_group(self, kind: str, identity: str) -> str:
        """Return the Athena workgroup of a ``QueryExecutionId`` or ``NamedQueryId``."""


def on(call: Request, *resources: str, **context: str) -> list[Access]:
    """Need the action that is called like the operation on each of some resources; on none means on ``*``."""
    return [Access(f"{call.service}:{call.operation}", resource, context) for resource in resources or ("*",)]
