"""AWS Lake Formation: permissions granted in two steps."""

from __future__ import annotations

import functools
from collections.abc import Callable

from moto.lakeformation.models import Permission, PermissionCatalog


def apply() -> None:
    """Put moto right, once for the process."""
    if not hasattr(PermissionCatalog.add_permission, "__wrapped__"):
        PermissionCatalog.add_permission = _filed_anew(PermissionCatalog.add_permission)  # type: ignore[method-assign]


def _filed_anew(add: Callable[..., None]) -> Callable[..., None]:
    """Let what was granted in two steps be revoked: moto changes an entry of its set, and no longer finds it there."""

    @functools.wraps(add)
    def adding(self: PermissionCatalog, permission: Permission) -> None:
        add(self, permission)
        self.permissions = set(list(self.permissions))  # noqa: C414  (a set of a set keeps the old hashes)

    return adding
