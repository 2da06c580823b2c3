"""AWS managed policies, which are loaded on demand.

At startup, moto loads either all of them, which takes a tenth of a second and 15 MB, or none. Here, a policy is loaded
when a request names it, and all policies are loaded when a request lists them.

AWS: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy

# The methods whose first argument is the ARN of a policy that must exist.
_METHODS = ("attach_role_policy", "attach_user_policy", "attach_group_policy", "get_policy")


def apply() -> None:
    """Apply the fix to moto, once per process."""
    if hasattr(IAMBackend.get_policy, "__wrapped__"):
        return
    for name in _METHODS:
        setattr(IAMBackend, name, _loading_the_named_policy(getattr(IAMBackend, name)))
    IAMBackend.list_policies = _loading_all_policies(IAMBackend.list_policies)  # type: ignore[method-assign]


def managed_policy(backend: IAMBackend, arn: str) -> ManagedPolicy | None:
    """Return an AWS managed policy, or None if AWS has no policy with that ARN.

    Args:
        backend: The IAM backend, to which the policy is added.
        arn: The policy's ARN.
    """
    prefix = f"arn:{backend.partition}:iam::aws:policy/"
    if arn.startswith(prefix) and arn not in backend.managed_policies:
        name = arn.rpartition("/")[2]
        document = json.loads(aws_managed_policies_data).get(name)
        if document is not None:
            _keep(backend, name, document, arn)
    return backend.managed_policies.get(arn)


def _keep(backend: IAMBackend, name: str, document: dict[str, Any], arn: str | None = None) -> None:
    """Add an AWS managed policy to a backend, unless the policy's ARN differs from the given ARN."""
    policy = AWSManagedPolicy.from_data(name, backend.account_id, backend.region_name, document)
    if policy.arn not in backend.managed_policies and arn in (None, policy.arn):
        backend.aws_managed_policies.append(policy)
        backend.managed_policies[policy.arn] = policy


def _loading_the_named_policy(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def load_and_call(self: IAMBackend, policy_arn: str, *others: Any, **named: Any) -> Any:
        managed_policy(self, policy_arn)
        return method(self, policy_arn, *others, **named)

    return load_and_call


def _loading_all_policies(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def load_and_list(
        self: IAMBackend, marker: str | None, max_items: int, only_attached: bool, path_prefix: str, scope: str
    ) -> Any:
        if not only_attached and scope != "Local":
            for name, document in json.loads(aws_managed_policies_data).items():
                _keep(self, name, document)
        return method(self, marker, max_items, only_attached, path_prefix, scope)

    return load_and_list
