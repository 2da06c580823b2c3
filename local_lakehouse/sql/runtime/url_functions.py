"""Functions for URLs, which are parsed according to the rules of Java's ``java.net.URI``.

https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/net/URI.html
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from urllib.parse import quote_plus, unquote, unquote_plus

from local_lakehouse.sql.runtime.udf import AthenaError, udf

# Non-ASCII characters are valid unless they are spaces or control characters.
_OTHER = "[^\\x00-\\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]|%[0-9A-Fa-f]{2}"
_UNRESERVED = r"A-Za-z0-9\-_.!~*'()"
_URIC = rf"(?:[{_UNRESERVED};/?:@&=+$,\[\]]|{_OTHER})"
_PATH = rf"(?:[{_UNRESERVED}:@&=+$,;/]|{_OTHER})*"
_USER = rf"(?:[{_UNRESERVED};:&=+$,]|{_OTHER})*"
_REGISTRY = re.compile(rf"(?:[{_UNRESERVED}$,;:@&=+]|{_OTHER})*")
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_HOST = (
    rf"\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z_.]+)?\]|(?:{_BYTE}\.){{3}}{_BYTE}"
    rf"|(?:{_LABEL}\.)+(?=[A-Za-z]){_LABEL}\.?|{_LABEL}\.?"
)
_SERVER = re.compile(rf"(?:{_USER}@)?({_HOST})(?::([0-9]{{0,9}}))?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*")
_OPAQUE = re.compile(rf"(?!/){_URIC}+(?:#({_URIC}*))?")
_HIERARCHICAL = re.compile(rf"(?://([^/?#]*))?({_PATH})(?:\?({_URIC}*))?(?:#({_URIC}*))?")


@dataclass(frozen=True)
class _Url:
    scheme: str = ""
    host: str = ""
    port: int | None = None
    path: str = ""
    query: str | None = None
    fragment: str = ""


@functools.lru_cache(maxsize=1024)
def _url(text: str) -> _Url | None:
    """Parse a URL. Return None if the URL is malformed."""
    head, colon, rest = text.partition(":")
    scheme = head if colon and not re.search("[/?#]", head) else ""
    if (scheme and not _SCHEME.fullmatch(scheme)) or text.startswith(":"):
        return None
    opaque = _OPAQUE.fullmatch(rest) if scheme else None
    if opaque:
        return _Url(scheme, fragment=opaque.group(1) or "")
    match = _HIERARCHICAL.fullmatch(rest if scheme else text)
    if match is None or (scheme and not rest) or match.group() == "//":
        return None
    server = _SERVER.fullmatch(match.group(1) or "")
    if match.group(1) and not server and not _REGISTRY.fullmatch(match.group(1)):
        return None
    # An authority that is not a valid host, for example because it contains an underscore, is a registry-based name.
    host, port = server.group(1, 2) if server else ("", None)
    return _Url(scheme, host, int(port) if port else None, match.group(2), match.group(3), match.group(4) or "")


@udf("s:s")
def url_host(text: str) -> str | None:
    """Return the host of a URL, or NULL if the URL is malformed."""
    url = _url(text)
    return url.host if url else None


@udf("s:s")
def url_path(text: str) -> str | None:
    """Return the path of a URL, or NULL if the URL is malformed."""
    url = _url(text)
    return unquote(url.path) if url else None


@udf("s:s")
def url_protocol(text: str) -> str | None:
    """Return the protocol of a URL, or NULL if the URL is malformed."""
    url = _url(text)
    return url.scheme if url else None


@udf("s:s")
def url_query(text: str) -> str | None:
    """Return the query of a URL, or NULL if the URL is malformed."""
    url = _url(text)
    return unquote(url.query or "") if url else None


@udf("s:s")
def url_fragment(text: str) -> str | None:
    """Return the fragment of a URL, or NULL if the URL is malformed."""
    url = _url(text)
    return unquote(url.fragment) if url else None


@udf("s:n")
def url_port(text: str) -> int | None:
    """Return the port of a URL, or NULL if there is no port or the URL is malformed."""
    url = _url(text)
    return url.port if url else None


@udf("ss:s")
def url_parameter(text: str, name: str) -> str | None:
    """Return the first value of a parameter in a URL's query, or NULL if there is no such parameter.

    The name is compared with the names in the query before their escape sequences are decoded.
    """
    url = _url(text)
    if url is None or url.query is None:
        return None
    found = (argument.partition("=") for argument in url.query.split("&"))
    return next((unquote_plus(value) for key, _, value in found if key == name), None)


@udf("s:s")
def url_encode(text: str) -> str:
    """Escape a string for a URL's query."""
    return quote_plus(text, safe="*-._").replace("~", "%7E")


@udf("s:s")
def url_decode(text: str) -> str:
    """Decode a string that was escaped for a URL's query."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise AthenaError(f"Illegal hex characters in escape (%) pattern: {text}")
    return unquote_plus(text)
