"""A check that admits only requests that the console's page sends for the user who started the console.

A browser sends requests to any address on behalf of any page. The browser describes the requesting page in ``Origin``
and ``Sec-Fetch-Site``, and names the requested host in ``Host``. Every request that reads or changes data also needs
the session's cookie.

See https://fetch.spec.whatwg.org/#origin-header and https://www.w3.org/TR/fetch-metadata/.
"""

from __future__ import annotations

import hmac
import secrets
from email.message import Message

_NAMES = ("127.0.0.1", "localhost")
# A form on another page cannot set this header, even if the browser omits the headers that describe the requesting
# page.
HEADER = "X-Zetl-Console"


class Session:
    """The token and the cookie that protect one run of the console.

    Args:
        port: The port that the console listens on. Cookies do not distinguish ports, so the cookie's name contains the
            port.
    """

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(32)
        self._cookie = secrets.token_urlsafe(32)
        self._name = f"zetl-console-{port}"

    def cookie_for(self, token: str) -> str | None:
        """Return the value of ``Set-Cookie`` for the correct token, or None for any other token.

        Args:
            token: The token in the address.
        """
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        return f"{self._name}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"

    def knows(self, cookies: str | None) -> bool:
        """Return whether a request contains the session's cookie.

        Args:
            cookies: The value of the ``Cookie`` header, or None if there is no such header.
        """
        # SimpleCookie would discard this cookie if another local application's cookie in the header were malformed.
        pairs = (pair.strip().partition("=") for pair in (cookies or "").split(";"))
        return any(
            name == self._name and hmac.compare_digest(value.encode(), self._cookie.encode())
            for name, _, value in pairs
        )

    def redact(self, text: str) -> str:
        """Return text with the session's secrets removed.

        Args:
            text: Text that can contain secrets, such as an error message.
        """
        return text.replace(self.token, "<token>").replace(self._cookie, "<cookie>")


def refusal(headers: Message, port: int, *, opens_page: bool) -> str | None:
    """Return the reason for rejecting a request, or None if the request is accepted.

    Args:
        headers: The request's headers.
        port: The port that the console listens on.
        opens_page: Whether the request only opens the page, which contains no data. Clicking a link in a notebook sends
            a request of this kind.
    """
    hosts = [f"{name}:{port}" for name in _NAMES]
    named = headers.get_all("Host", [])
    if len(named) != 1 or named[0] not in hosts:
        return f"The practice console can be reached only at {' and '.join(hosts)}."
    if opens_page:
        return None if headers.get("Sec-Fetch-Dest", "document") == "document" else "The page cannot be embedded."
    if any(origin != f"http://{named[0]}" for origin in headers.get_all("Origin", [])):
        return "The practice console doesn't accept requests from other pages."
    if any(site not in ("same-origin", "none") for site in headers.get_all("Sec-Fetch-Site", [])):
        return "The practice console doesn't accept requests from other pages."
    return None
