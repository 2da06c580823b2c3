"""Which rights were asked for: what a policy has to give, seen from what was really done."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from local_lakehouse.iam.access import Access

_KEPT = 100_000


class Rights:
    """The distinct rights that were asked for, and whether each was given; the oldest are forgotten beyond a number."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str, bool], Mapping[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, access: Access, *, allowed: bool) -> None:
        """Note that a right was asked for."""
        with self._lock:
            self._seen[access.action, access.resource, allowed] = access.context
            self._seen.move_to_end((access.action, access.resource, allowed))
            if len(self._seen) > _KEPT:
                self._seen.popitem(last=False)

    def listed(self) -> list[dict[str, Any]]:
        """Return the rights: ``action``, ``resource``, ``allowed`` and ``context``."""
        with self._lock:
            return [
                {"action": action, "resource": resource, "allowed": allowed, "context": dict(context)}
                for (action, resource, allowed), context in self._seen.items()
            ]
