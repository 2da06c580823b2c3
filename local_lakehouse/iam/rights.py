"""A record of the permissions that were checked, for comparison with policies."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from local_lakehouse.iam.access import Access

_KEPT = 100_000


class Rights:
    """The distinct permissions that were checked, with their results.

    If there are too many records, the oldest records are dropped.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str, str, bool], tuple[int, Mapping[str, str]]] = OrderedDict()
        self._number = 0
        self._lock = threading.Lock()

    def note(self, principal: str, access: Access, *, allowed: bool) -> None:
        """Record a permission check."""
        key = (principal, access.action, access.resource, allowed)
        with self._lock:
            self._number += 1
            self._seen[key] = self._number, access.context
            self._seen.move_to_end(key)
            if len(self._seen) > _KEPT:
                self._seen.popitem(last=False)

    def listed(self) -> list[dict[str, Any]]:
        """Return the recorded checks, each as a dictionary for the JSON response.

        A repeated check is assigned a new number, so all checks after a given time have higher numbers than earlier
        checks.
        """
        with self._lock:
            return [
                {
                    "number": number,
                    "principal": principal,
                    "action": action,
                    "resource": resource,
                    "allowed": allowed,
                    "context": dict(context),
                }
                for (principal, action, resource, allowed), (number, context) in self._seen.items()
            ]
