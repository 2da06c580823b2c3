"""The requests that are turned away before anything is read or done: those of web pages and of other computers' names.

A browser sends requests on behalf of any page to any address. It says so in ``Origin``, in ``Sec-Fetch-Site``, and in
``Host`` where a page has let its own name point to this computer. Programs send none of these, so nothing that a
browser sends for a page is ever wanted. No answer has CORS headers, with which a page could ask for an exception.

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
    """Return the answer to a request that must not be looked at; None for any other.

    Args:
        headers: Names and values as they came.
    """
    hosts = _values(headers, "host")
    if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
        return _refusal("This address answers to 127.0.0.1 and localhost only.")
    if _values(headers, "origin"):
        return _refusal("This address does not answer web pages.")
    # A person who types the address sends "none".
    if any(value != "none" for value in _values(headers, "sec-fetch-site")):
        return _refusal("This address does not answer web pages.")
    return None


def has_token(headers: Sequence[tuple[str, str]], token: str) -> bool:
    """Return whether a request carries the state's token, which only this user can read.

    Args:
        headers: Names and values as they came.
        token: The token.
    """
    given = _values(headers, _TOKEN)
    return len(given) == 1 and hmac.compare_digest(given[0].encode("latin-1", "replace"), token.encode())


def _values(headers: Sequence[tuple[str, str]], wanted: str) -> list[str]:
    return [value.strip() for name, value in headers if name.lower() == wanted]


def _refusal(reason: str) -> Answer:
    return Answer(403, [("Content-Type", "text/plain; charset=utf-8")], f"{reason}\n".encode())
