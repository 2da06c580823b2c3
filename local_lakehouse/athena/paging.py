"""Pagination of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from local_lakehouse.athena.faults import invalid_request

_T = TypeVar("_T")


def page(items: Sequence[_T], request: dict[str, Any], default: int, *, message: str) -> tuple[list[_T], str | None]:
    """Return a page of a list, and the token for the next page. The token is None for the last page.

    Args:
        items: The complete list.
        request: The request, with ``MaxResults`` and ``NextToken``.
        default: The default page size.
        message: The error message for an invalid token, with ``{}`` as the placeholder for the token.
    """
    token = request.get("NextToken")
    if token is not None and not (token.isdigit() and int(token) <= len(items)):
        raise invalid_request(message.format(token))
    start = int(token or 0)
    end = start + (request.get("MaxResults") or default)
    return list(items[start:end]), str(end) if end < len(items) else None
