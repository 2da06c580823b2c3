"""AWS Glue: the Data Catalog's resource policy.

AWS: https://docs.aws.amazon.com/glue/latest/webapi/API_PutResourcePolicy.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.glue.exceptions import EntityNotFoundException
from moto.glue.models import GlueBackend

# What moto calls a condition on the Data Catalog's policy that does not hold.
_BROKEN_CONDITIONS = ("ConcurrentModificationException", "ResourceNumberLimitExceededException")


def apply() -> None:
    """Put moto right, once for the process."""
    if not hasattr(GlueBackend.get_resource_policy, "__wrapped__"):
        GlueBackend.get_resource_policy = _found(GlueBackend.get_resource_policy)  # type: ignore[method-assign]
        GlueBackend.put_resource_policy = _conditional(GlueBackend.put_resource_policy)  # type: ignore[method-assign]
        GlueBackend.delete_resource_policy = _conditional(  # type: ignore[method-assign]
            GlueBackend.delete_resource_policy
        )


def _found(get: Callable[..., Any]) -> Callable[..., Any]:
    """Say that there is no policy as AWS does: with an error."""

    @functools.wraps(get)
    def finding(self: GlueBackend, *arguments: Any, **named: Any) -> Any:
        answer = get(self, *arguments, **named)
        if not answer:
            raise EntityNotFoundException("Policy not found")
        return answer

    return finding


def _conditional(write: Callable[..., Any]) -> Callable[..., Any]:
    """Say that a condition does not hold as AWS does, and hold the hash of a policy that is gone for wrong."""

    @functools.wraps(write)
    def writing(self: GlueBackend, *arguments: Any, **named: Any) -> Any:
        arn = named.get("resource_arn") or self.default_catalog_arn
        if named.get("policy_hash_condition") and arn not in self.resource_policies:
            raise JsonRESTError("ConditionCheckFailureException", "The policy that the condition means is gone.")
        try:
            return write(self, *arguments, **named)
        except JsonRESTError as error:
            if error.error_type not in _BROKEN_CONDITIONS:
                raise
            raise JsonRESTError("ConditionCheckFailureException", str(error.message)) from error

    return writing
