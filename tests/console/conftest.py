"""Fixtures for a console with a separate lakehouse, and for a client that sends the same requests as its page."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers.console.link import Link
from zetl_helpers.console.server import ConsoleServer


class PageClient:
    """A client that sends the same requests and cookie as the console's page."""

    def __init__(self, server: ConsoleServer) -> None:
        self.server = server
        cookie = self.get(f"/?token={server.session.token}")[1]["Set-Cookie"]
        self.cookie = cookie.partition(";")[0]

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
        return self.send("GET", path, None, headers or {})

    def ask(self, path: str, **parameters: Any) -> Any:
        """Send a request as the page does, and return the response."""
        status, answer = self.try_(path, **parameters)
        assert status == 200, answer
        return answer

    def try_(self, path: str, **parameters: Any) -> tuple[int, Any]:
        headers = {"Cookie": self.cookie, "X-Zetl-Console": "1", "Origin": f"http://127.0.0.1:{self.server.port}"}
        status, _, content = self.send("POST", f"/api/{path}", json.dumps(parameters).encode(), headers)
        return status, json.loads(content)

    def call(self, service: str, operation: str, **params: Any) -> Any:
        return self.ask("call", service=service, operation=operation, params=params)["answer"]

    def send(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


@pytest.fixture
def console(lakehouse: Lakehouse, tmp_path: Path) -> Iterator[ConsoleServer]:
    """Provide a console for a running lakehouse."""
    server = ConsoleServer(Link(tmp_path, endpoint=lakehouse.url))
    server.serve_in_background()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(console: ConsoleServer) -> PageClient:
    """Provide a client that sends the same requests as the console's page."""
    return PageClient(console)
