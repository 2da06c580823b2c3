"""The console's HTTP server on 127.0.0.1, which serves the page, plotly.js and the API."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import secrets
import sys
import threading
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from zetl_helpers.console import admission
from zetl_helpers.console.admission import Session
from zetl_helpers.console.api import Api
from zetl_helpers.console.calls import CallError
from zetl_helpers.console.link import Link, StoppedError
from zetl_helpers.console.problems import Problems

STATIC = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
# The largest request contains a 400 KB DynamoDB item before and after a change, with each control character escaped as
# six characters.
_MAX_REQUEST = 6 * 1024 * 1024
_IDLE_SECONDS = 30
_PLOTLY = "plotly.min.js"


class ConsoleServer(ThreadingHTTPServer):
    """A console that listens on a port and responds to requests while `serve_forever` is running.

    Args:
        link: The connection to the lakehouse.
        port: The port, or 0 to select a free port.
    """

    daemon_threads = True

    def __init__(self, link: Link, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.port = int(self.server_address[1])
        self.session = Session(self.port)
        self.link = link
        self.api = Api(link)
        self.problems = Problems(link.state / "console" / "console.log", self.session.redact)
        self.files = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}

    @property
    def url(self) -> str:
        """The address to open, with the token."""
        return f"http://127.0.0.1:{self.port}/?token={self.session.token}"

    def url_of(self, place: str) -> str:
        """Return the address that opens a page of the console.

        Args:
            place: The page's path, with or without a leading slash. ``/`` is the first page.
        """
        path = place.lstrip("/")
        return f"{self.url}#/{path}" if path else self.url

    def serve_in_background(self) -> None:
        """Handle requests in a thread that ends with the process."""
        threading.Thread(target=self.serve_forever, name="console", daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Record a failure that occurred outside a request's handler, unless the browser closed the connection."""
        del request, client_address
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.problems.record(error, "a connection")


@dataclass(frozen=True)
class _Response:
    status: int
    kind: str
    content: bytes
    extra: tuple[tuple[str, str], ...] = ()
    # The connection cannot be reused while part of the request is unread.
    closes: bool = False


class _Handler(BaseHTTPRequestHandler):
    server: ConsoleServer
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    # Nagle's algorithm would delay each small response by 40 ms.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        try:
            found = self._get()
        except Exception as error:  # noqa: BLE001  (recorded, and reported to the browser)
            found = _Response(500, "text/plain", f"{self._failure(error)}\n".encode())
        self._send(found)

    def do_POST(self) -> None:
        content = self._content()
        if content is None:
            message = f"A request must specify its length, which must be at most {_MAX_REQUEST} bytes."
            self._send(replace(_json(413, _error("TooLarge", message)), closes=True))
            return
        try:
            found = self._post(content)
        except Exception as error:  # noqa: BLE001  (recorded, and reported to the page)
            found = _json(500, _error("InternalError", self._failure(error)))
        self._send(found)

    def _get(self) -> _Response:
        address = urlsplit(self.path)
        name = address.path.lstrip("/") or "index.html"
        opens_page = name == "index.html"
        reason = admission.refusal(self.headers, self.server.port, opens_page=opens_page)
        if reason is not None:
            return _Response(403, "text/plain", f"{reason}\n".encode())
        if opens_page:
            return self._page(parse_qs(address.query).get("token", []))
        return self._file(_plotly() if name == _PLOTLY else self.server.files.get(name))

    def _post(self, content: bytes) -> _Response:
        reason = admission.refusal(self.headers, self.server.port, opens_page=False)
        if reason is None and self.headers.get(admission.HEADER) is None:
            reason = "The practice console accepts requests only from its own page."
        if reason is not None:
            return _json(403, _error("Refused", reason))
        if not self.server.session.knows(self.headers.get("Cookie")):
            message = "Open the address that zetl console printed, which contains the token."
            return _json(401, _error("NoToken", message))
        return _json(*self._ask(urlsplit(self.path).path, content))

    def _ask(self, path: str, content: bytes) -> tuple[int, Any]:
        try:
            asked = json.loads(content or b"{}")
        except (ValueError, RecursionError):
            return 400, _error("InvalidQuestion", "The request is not JSON.")
        if not path.startswith("/api/") or not isinstance(asked, dict):
            return 404, _error("NotFound", "The practice console accepts JSON objects under /api/.")
        try:
            return 200, self.server.api.answer(path.removeprefix("/api/"), asked)
        except CallError as error:
            return error.status, {**_error(error.code, error.message), "same": error.same}
        except StoppedError as error:
            return 503, _error("LakehouseStopped", str(error))

    def _content(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        return self.rfile.read(int(length)) if length.isdecimal() and int(length) <= _MAX_REQUEST else None

    def _page(self, tokens: list[str]) -> _Response:
        # The clients are created while the browser is loading the page's scripts.
        self.server.link.warm_up()
        nonce = secrets.token_urlsafe(16)
        page = (STATIC / "index.html").read_text(encoding="utf-8").replace("NONCE", nonce)
        cookie = self.server.session.cookie_for(tokens[0]) if len(tokens) == 1 else None
        extra = [("Content-Security-Policy", _policy(nonce)), ("Cache-Control", "no-store")]
        # The cookie is set with this response, because browsers withhold a strict cookie on redirects from other sites.
        return _Response(200, "text/html", page.encode(), (*extra, *([("Set-Cookie", cookie)] if cookie else [])))

    def _file(self, path: Path | None) -> _Response:
        if path is None:
            return _Response(404, "text/plain", b"There is no such file.\n")
        content = path.read_bytes()
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        extra = (("ETag", tag), ("Cache-Control", "no-cache"))
        if self.headers.get("If-None-Match") == tag:
            return _Response(304, "", b"", extra)
        return _Response(200, _TYPES.get(path.suffix, "application/octet-stream"), content, extra)

    def _failure(self, error: Exception) -> str:
        # The query string can contain the token.
        where = self.server.problems.record(error, f"{self.command} {urlsplit(self.path).path}")
        return f"The practice console could not process this request ({type(error).__name__}). {where}"

    def _send(self, found: _Response) -> None:
        self.close_connection = self.close_connection or found.closes
        self.send_response(found.status)
        if found.kind:
            self.send_header("Content-Type", f"{found.kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(found.content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        for name, value in found.extra:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(found.content)

    def version_string(self) -> str:
        return "zetl-console"

    def log_message(self, *_: object) -> None:
        """Log nothing, because an address can contain the token."""


def _json(status: int, document: Any) -> _Response:
    content = json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return _Response(status, "application/json", content, (("Cache-Control", "no-store"),))


def _policy(nonce: str) -> str:
    """Return the content security policy, which allows only the console's files and its libraries' styles."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' blob: data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _plotly() -> Path | None:
    """Return plotly.js from the Python package."""
    found = importlib.util.find_spec("plotly")
    folders = found.submodule_search_locations if found else None
    path = Path(folders[0]) / "package_data" / _PLOTLY if folders else None
    return path if path is not None and path.is_file() else None


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}
