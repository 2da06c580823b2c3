"""Functions of URLs."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlsplit

from local_lakehouse.sql.runtime.udf import AthenaError, udf


def _url_part(name: str, text: str) -> str | None:
    try:
        parts = urlsplit(text)
        values = {
            "host": _host(text),
            "path": parts.path,
            "protocol": parts.scheme,
            "query": parts.query,
            "fragment": parts.fragment,
        }
    except ValueError:
        return None
    if re.search(r"[\s<>\"{}|\\^`]", text):
        return None
    return values[name]


def _host(text: str) -> str:
    authority = urlsplit(text).netloc.rpartition("@")[2]
    return re.sub(r":\d*$", "", authority)


@udf("s:s")
def url_host(text: str) -> str | None:
    """Return the host of a URL."""
    return _url_part("host", text)


@udf("s:s")
def url_path(text: str) -> str | None:
    """Return the path of a URL."""
    path = _url_part("path", text)
    return None if path is None else unquote_plus(path.replace("+", "%2B"))


@udf("s:s")
def url_protocol(text: str) -> str | None:
    """Return the protocol of a URL."""
    return _url_part("protocol", text)


@udf("s:s")
def url_query(text: str) -> str | None:
    """Return the query of a URL."""
    return _url_part("query", text)


@udf("s:s")
def url_fragment(text: str) -> str | None:
    """Return the fragment of a URL."""
    return _url_part("fragment", text)


@udf("s:n")
def url_port(text: str) -> int | None:
    """Return the port of a URL."""
    try:
        return urlsplit(text).port if _url_part("host", text) is not None else None
    except ValueError:
        return None


@udf("ss:s")
def url_parameter(text: str, name: str) -> str | None:
    """Return the first value of a parameter in a URL's query."""
    query = _url_part("query", text)
    found = parse_qsl(query or "", keep_blank_values=True)
    return next((value for key, value in found if key == name), None)


@udf("s:s")
def url_encode(text: str) -> str:
    """Escape a string for a URL's query."""
    return quote_plus(text, safe="*-._").replace("~", "%7E")


@udf("s:s")
def url_decode(text: str) -> str:
    """Resolve the escapes of a URL's query."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise AthenaError(f"Illegal hex characters in escape (%) pattern: {text}")
    return unquote_plus(text)
