"""A client that sends arbitrary bytes as HTTP requests."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_lakehouse.lakehouse import Lakehouse

LEARNER = "LOCALLAKEHOUSE000000"


def signed(service: str, key: str = LEARNER, region: str = "us-east-1") -> dict[str, str]:
    """Return the header that names the caller and the service."""
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request"}


@dataclass
class RawResponse:
    """A response with its status, its headers by lowercase name, and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """Return the error code in the JSON or XML body."""
        if self.body.startswith(b"{"):
            return str(json.loads(self.body)["__type"])
        return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


def connect(lakehouse: Lakehouse, timeout: float = 10) -> socket.socket:
    """Open a connection to a lakehouse."""
    return socket.create_connection(lakehouse._server.address, timeout=timeout)


def answer(connection: socket.socket, method: str = "GET") -> RawResponse:
    """Read exactly one response."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += _received(connection, 1)
    status, *lines = head.decode("latin-1").rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    bare = method == "HEAD" or "content-length" not in headers
    return RawResponse(
        int(status.split()[1]), headers, b"" if bare else _received(connection, int(headers["content-length"]))
    )


def _received(connection: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = connection.recv(size - len(content))
        if not piece:
            raise ConnectionError("the connection was closed before the whole response arrived")
        content += piece
    return content


def send(lakehouse: Lakehouse, content: bytes, method: str = "GET") -> RawResponse:
    """Send bytes on a separate connection and read one response."""
    with connect(lakehouse) as connection:
        connection.sendall(content)
        return answer(connection, method)


def request(
    lakehouse: Lakehouse, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> RawResponse:
    """Send a request and read its response."""
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return send(lakehouse, "\r\n".join([*lines, "", ""]).encode() + body, method)


def call(lakehouse: Lakehouse, service: str, target: str, document: Any, **headers: str) -> RawResponse:
    """Send an AWS JSON request and read its response. A document of type bytes is sent unchanged."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    kind = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
    return request(lakehouse, "POST", "/", {**signed(service), **kind, **headers}, body)
