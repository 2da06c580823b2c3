"""A cache of results that depend only on the account's settings, such as policies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from local_lakehouse.dynamodb.api import WRITES

_Result = TypeVar("_Result")
# The maximum number of cached results. Without a limit, requests that name nonexistent resources could exhaust memory.
_LARGEST = 10_000

# Requests to these services change neither permissions nor the settings of tables, databases and buckets.
_RECORDS = frozenset({"athena", "cloudwatch", "events", "logs"})
# These requests change data, not settings. ``UpdateTable`` is one of them, because each refresh uses it to commit
# files.
_DATA = {
    "dynamodb": WRITES,
    "glue": frozenset({"UpdateTable"}),
    "s3": frozenset(
        {
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateMultipartUpload",
            "DeleteObject",
            "DeleteObjects",
            "PutObject",
            "UploadPart",
            "UploadPartCopy",
        }
    ),
}


def changes_settings(service: str, operation: str) -> bool:
    """Return whether a write can change a setting.

    Args:
        service: The service's name in botocore.
        operation: The operation, which is not read-only.
    """
    return service not in _RECORDS and operation not in _DATA.get(service, ())


class SettingsCache:
    """A cache of results that are valid for one revision of the account's settings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision = 0
        self._results: dict[Hashable, Any] = {}

    def changed(self) -> None:
        """Discard the results after a request that can change a setting."""
        with self._lock:
            self._revision += 1
            self._results.clear()

    def result(self, key: Hashable, look: Callable[[], _Result]) -> _Result:
        """Return the cached result, or call a function and cache its result until a setting changes.

        Args:
            key: The key under which the result is cached.
            look: A function that reads settings. If a setting changes during the call, the result is not cached.
        """
        with self._lock:
            revision = self._revision
            if key in self._results:
                kept: _Result = self._results[key]
                return kept
        found = look()
        with self._lock:
            if revision == self._revision:
                if len(self._results) >= _LARGEST:
                    self._results.clear()
                self._results[key] = found
        return found
