"""An HTTP/1.1 server with a separate thread for each keep-alive connection.

A request that is slow, unfinished or endless occupies only one thread. A request's head is parsed by llhttp, through
its Python binding httptools. The body is read on demand, so a request can be rejected without reading its body.
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import http.client
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httptools

from local_lakehouse.protocol.faults import Answer, Fault, fail
from local_lakehouse.protocol.reader import Head
from local_lakehouse.protocol.request import Body

_LOG = logging.getLogger(__name__)

# Amazon S3 limits request headers to 8 KB, not counting query strings and signatures. No valid request has a head of
# more than 64 KB.
_LARGEST_HEAD = 64 * 1024
_PIECE = 64 * 1024
# If a request's body was not read, at most this many bytes of it are discarded to keep the connection open.
_LARGEST_REST = 256 * 1024
_LINGER_SECONDS = 2.0

Serve = Callable[[Head, Body], Answer]


@dataclass(frozen=True)
class Limits:
    """The server's limits for time and connections.

    Args:
        idle: The maximum number of seconds without a request.
        pause: The maximum number of seconds without data within a request.
        connections: The maximum number of connections.
    """

    idle: float = 75.0
    pause: float = 20.0
    connections: int = 1000


class Server:
    """A server that responds to requests on a listening socket.

    Args:
        listener: The socket, which is closed when the server stops.
        serve: A function that returns the response to a request. The function is called from many threads.
        limits: The server's limits.
    """

    def __init__(self, listener: socket.socket, serve: Serve, limits: Limits | None = None) -> None:
        self._listener = listener
        self._serve = serve
        self._limits = limits or Limits()
        self._connections: set[_Connection] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self._accepting = threading.Thread(target=self._accept, name="endpoint", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """The host and port."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def start(self) -> None:
        """Serve requests until `stop` is called."""
        self._accepting.start()

    def stop(self, patience: float = 10.0) -> None:
        """Stop accepting requests, finish the current requests, and close all connections.

        Args:
            patience: The number of seconds until unfinished requests are abandoned.
        """
        with self._lock:
            self._stopping = True
            connections = list(self._connections)
        # On Linux, shutdown() wakes a thread in accept(), and on macOS, close() wakes it.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in connections:
            connection.finish()
        deadline = time.monotonic() + patience
        for connection in connections:
            connection.thread.join(max(0.0, deadline - time.monotonic()))
        if self._accepting.is_alive():
            self._accepting.join(patience)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                peer, _ = self._listener.accept()
            except OSError as error:
                if self._stopping:
                    return
                # For example, accept() fails while too many files are open.
                _LOG.warning("a connection could not be accepted: %s", error)
                time.sleep(0.05)
                continue
            try:
                self._begin(peer)
            except Exception:  # noqa: BLE001  (top-level handler of the thread, without which no connection is accepted)
                _LOG.exception("a connection could not be served")
                peer.close()

    def _begin(self, peer: socket.socket) -> None:
        connection = _Connection(peer, self._serve, self._limits, self._end)
        problem = "Too many connections."
        with self._lock:
            crowded = self._stopping or len(self._connections) >= self._limits.connections
            if not crowded:
                try:
                    # `stop` waits for the threads of all connections, so it must not see one that has not started.
                    connection.thread.start()
                    self._connections.add(connection)
                except RuntimeError as error:
                    _LOG.warning("a connection was closed because no thread could be started: %s", error)
                    crowded, problem = True, "The operating system's limit for threads has been reached."
        if crowded:
            with contextlib.suppress(OSError):
                answer = fail("s3", "GET", Fault("SlowDown", problem, status=503))
                peer.sendall(_written(answer, "GET", True) + answer.body)
            peer.close()

    def _end(self, connection: _Connection) -> None:
        with self._lock:
            self._connections.discard(connection)


class _BrokenError(Exception):
    """No more data can be read from a connection.

    Args:
        fault: The error for the client, or None if the client has disconnected.
    """

    def __init__(self, fault: Fault | None = None) -> None:
        super().__init__(fault.message if fault else "the connection was closed")
        self.fault = fault


class _Connection:
    """A client's connection, which implements the httptools protocol."""

    def __init__(self, peer: socket.socket, serve: Serve, limits: Limits, ended: Callable[[_Connection], None]) -> None:
        self.thread = threading.Thread(target=self._run, name="connection", daemon=True)
        self._peer = peer
        self._serve = serve
        self._limits = limits
        self._ended = ended
        self._parser = httptools.HttpRequestParser(self)
        self._waiting = True
        self._stopping = False
        self._lock = threading.Lock()
        self._begun = False
        # The parsed but unread data: heads, pieces of bodies, and None at the end of each body.
        self._read: deque[Head | bytes | None] = deque()
        self._url = b""
        self._headers: list[tuple[str, str]] = []
        self._expects = False
        self._alive = True
        self._upgraded = False
        self._failure: Fault | None = None

    # httptools calls these methods.

    def on_message_begin(self) -> None:
        self._url, self._headers, self._expects = b"", [], False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1").strip(" \t")))

    def on_headers_complete(self) -> None:
        method = self._parser.get_method().decode("latin-1")
        self._expects = any(
            name.lower() == "expect" and value.lower() == "100-continue" for name, value in self._headers
        )
        self._alive = self._parser.should_keep_alive()
        self._read.append(Head(method, _origin_form(self._url.decode("latin-1")), self._headers))

    def on_body(self, piece: bytes) -> None:
        self._read.append(piece)

    def on_message_complete(self) -> None:
        self._read.append(None)

    # The connection's thread calls these methods.

    def finish(self) -> None:
        """Close the connection as soon as no request is in progress."""
        with self._lock:
            self._stopping = True
            if self._waiting:
                with contextlib.suppress(OSError):
                    self._peer.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._exchange():
                pass
        except (OSError, _BrokenError) as error:
            _LOG.debug("a connection ended: %s", error)
        except Exception:  # noqa: BLE001  (top-level handler of the thread)
            _LOG.exception("a connection failed")
        finally:
            self._peer.close()
            self._ended(self)

    def _exchange(self) -> bool:
        """Read one request, send the response, and return whether another request can follow."""
        try:
            head = self._next_head()
        except _BrokenError as broken:
            if broken.fault is not None:
                self._send(_refusal(self._headers, broken.fault), "", True)
                self._linger()
            raise
        body = _Incoming(self)
        answer = self._serve(head, Body(body))
        keep = self._alive and not self._stopping and not self._upgraded and self._rest_is_short(body)
        self._send(answer, head.method, not keep)
        if not keep:
            self._linger()
            return False
        with self._lock:
            self._waiting = True
            return not self._stopping

    def _next_head(self) -> Head:
        received = 0
        deadline = time.monotonic() + self._limits.pause
        while not self._read:
            if self._failure is not None:
                raise _BrokenError(self._failure)
            self._peer.settimeout(self._limits.pause if received else self._limits.idle)
            try:
                data = self._peer.recv(_PIECE)
            except TimeoutError:
                raise _BrokenError(_timeout() if received else None) from None
            if not data:
                raise _BrokenError
            if not received:
                deadline = time.monotonic() + self._limits.pause
            received += len(data)
            self._feed(data)
            if not self._read and self._failure is None and (received > _LARGEST_HEAD or time.monotonic() > deadline):
                late = received <= _LARGEST_HEAD
                raise _BrokenError(_timeout() if late else _too_large())
        with self._lock:
            self._waiting = False
        head = self._read.popleft()
        if not isinstance(head, Head):
            raise AssertionError("part of the previous request's body was not read")
        if len(head.target) + sum(len(name) + len(value) for name, value in head.headers) > _LARGEST_HEAD:
            raise _BrokenError(_too_large())
        return head

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The client offers to switch to another protocol. A normal response declines the offer.
            self._upgraded = True
        except httptools.HttpParserError as error:
            # Data before the error is still valid.
            self._failure = Fault("BadRequest", f"This is not an HTTP/1.1 request: {error}")

    def receive(self) -> bytes | None:
        """Return the next piece of the body, or None at the end of the body."""
        while not self._read:
            if self._failure is not None:
                self._alive = False
                raise Fault("IncompleteBody", f"The request's body cannot be read. {self._failure.message}")
            if self._expects:
                self._expects = False
                self._peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._peer.settimeout(self._limits.pause)
            try:
                data = self._peer.recv(_PIECE)
            except TimeoutError:
                self._alive = False
                raise _timeout() from None
            if not data:
                self._alive = False
                raise Fault("IncompleteBody", "The connection closed before the end of the request's body.")
            self._feed(data)
        piece = self._read.popleft()
        if isinstance(piece, Head):
            raise AssertionError("the next request began before the end of a body")
        return piece

    def _rest_is_short(self, body: _Incoming) -> bool:
        """Read the rest of a body that was not used, and return whether the end was reached."""
        if body.ended:
            return True
        if self._expects:
            return False
        size = 0
        with contextlib.suppress(Fault):
            for piece in body:
                size += len(piece)
                if size > _LARGEST_REST:
                    return False
        return body.ended

    def _send(self, answer: Answer, method: str, last: bool) -> None:
        self._peer.settimeout(self._limits.idle)
        head = _written(answer, method, last)
        bare = method == "HEAD" or answer.status in (204, 304)
        if bare or len(answer.sent) <= _PIECE:
            self._peer.sendall(head if bare else b"".join([head, answer.sent]))
        else:
            self._peer.sendall(head)
            self._peer.sendall(answer.sent)

    def _linger(self) -> None:
        """Let the client read the response, which would be lost if a socket with unread data were closed."""
        with contextlib.suppress(OSError):
            self._peer.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + _LINGER_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                self._peer.settimeout(left)
                if not self._peer.recv(_PIECE):
                    return


class _Incoming:
    """The body of a request, in pieces."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self.ended = False

    def __iter__(self) -> Iterator[bytes]:
        while not self.ended:
            piece = self._connection.receive()
            if piece is None:
                self.ended = True
            else:
                yield piece


def _origin_form(url: str) -> str:
    """Return the path and query of a request's target, which also contains the host if a proxy is used."""
    scheme, separator, rest = url.partition("://")
    if not separator or "/" in scheme or not scheme:
        return url
    return "/" + rest.partition("/")[2]


def _refusal(headers: list[tuple[str, str]], fault: Fault) -> Answer:
    json = any(name.lower() == "x-amz-target" for name, _ in headers)
    return fail("dynamodb" if json else "s3", "", fault)


def _timeout() -> Fault:
    return Fault("RequestTimeout", "Your socket connection was not read from or written to within the timeout period.")


def _too_large() -> Fault:
    return Fault("RequestHeaderSectionTooLarge", f"A request's head is limited to {_LARGEST_HEAD:,} bytes.", status=431)


def _written(answer: Answer, method: str, last: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, 'Unknown')}".encode()]
    named = set()
    for name, value in answer.headers:
        lowered = name.lower()
        named.add(lowered)
        if lowered in ("connection", "transfer-encoding") or (lowered == "content-length" and answer.status == 204):
            continue
        lines.append(f"{_line(name)}: {_line(value)}".encode("latin-1", "xmlcharrefreplace"))
    if "content-length" not in named and answer.status not in (204, 304):
        lines.append(f"Content-Length: {0 if method == 'HEAD' else len(answer.sent)}".encode())
    if "date" not in named:
        lines.append(f"Date: {_date(int(time.time()))}".encode())
    if last:
        lines.append(b"Connection: close")
    return b"\r\n".join([*lines, b"", b""])


@functools.lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    return email.utils.formatdate(seconds, usegmt=True)


def _line(text: str) -> str:
    """Replace unprintable characters in a header with spaces, because stored values can contain them."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
