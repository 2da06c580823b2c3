"""Rejection of requests from web pages and of requests for other hosts, before the requests are read.

A browser sends requests to any address on behalf of any page. Such a request has an ``Origin`` or ``Sec-Fetch-Site``
header, or a foreign ``Host`` if the page's name resolves to this computer. Requests from programs have no such header,
so a request that has one is never legitimate. No response contains the CORS headers that would allow exceptions.

See https://fetch.spec.whatwg.org/#origin-header and https://www.w3.org/TR/fetch-metadata/.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

from local_lakehouse.protocol.faults import Answer

_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
_TOKEN = "x-zetl-token"


def turn_away(headers: Sequence[tuple[str, str]]) -> Answer | None:
    """Return an error response to reject a request, or None to accept it.

    Args:
        headers: The names and values of the headers, unchanged.
    """
    hosts = _values(headers, "host")
    if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
        return _refusal("This address accepts only the host names 127.0.0.1 and localhost.")
    if _values(headers, "origin"):
        return _refusal("This address does not accept requests from web pages.")
    # If a user types the address, the browser sends "none".
    if any(value != "none" for value in _values(headers, "sec-fetch-site")):
        return _refusal("This address does not accept requests from web pages.")
    return None


def has_token(headers: Sequence[tuple[str, str]], token: str) -> bool:
    """Return whether a request contains the control token, which only the user who started the lakehouse can read.

    Args:
        headers: The names and values of the headers, unchanged.
        token: The token.
    """
    given = _values(headers, _TOKEN)
    return len(given) == 1 and hmac.compare_digest(given[0].encode("latin-1", "replace"), token.encode())


def _values(headers: Sequence[tuple[str, str]], wanted: str) -> list[str]:
    return [value.strip() for name, value in headers if name.lower() == wanted]


def _refusal(reason: str) -> Answer:
    return Answer(403, [("Content-Type", "text/plain; charset=utf-8")], f"{reason}\n".encode())
