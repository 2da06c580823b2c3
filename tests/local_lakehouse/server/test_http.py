"""Tests for HTTP edge cases, such as persistent connections, missing bodies, and invalid headers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.protocol.faults import Answer
from local_lakehouse.protocol.reader import Head, unframed
from local_lakehouse.protocol.request import Body
from local_lakehouse.server.http import Limits, Server
from tests.local_lakehouse.server.raw_http import answer, call, connect, request, send, signed

pytestmark = pytest.mark.once

WHO = "\r\n".join(f"{name}: {value}" for name, value in signed("s3").items()).encode()
LIST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + WHO + b"\r\n\r\n"


@pytest.fixture(scope="module")
def lakehouse() -> Iterator[Lakehouse]:
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    assert request(lakehouse, "PUT", "/some-bucket", signed("s3")).status == 200
    yield lakehouse
    lakehouse.stop()


def put(headers: bytes, body: bytes, key: bytes = b"k") -> bytes:
    return (
        b"PUT /some-bucket/" + key + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + WHO + b"\r\n" + headers + b"\r\n\r\n" + body
    )


def stored(lakehouse: Lakehouse, key: str = "k") -> bytes:
    return request(lakehouse, "GET", f"/some-bucket/{key}", signed("s3")).body


def test_connection_is_kept_alive(lakehouse: Lakehouse) -> None:
    with connect(lakehouse) as connection:
        for _ in range(3):
            connection.sendall(LIST)
            found = answer(connection)
            assert (found.status, found.headers.get("connection")) == (200, None)


def test_connection_close_header_closes_the_connection(lakehouse: Lakehouse) -> None:
    with connect(lakehouse) as connection:
        connection.sendall(LIST.replace(b"Host:", b"Connection: close\r\nHost:"))
        assert answer(connection).headers["connection"] == "close"
        assert connection.recv(1) == b""


def test_pipelined_requests_are_answered_in_order(lakehouse: Lakehouse) -> None:
    with connect(lakehouse) as connection:
        connection.sendall(put(b"Content-Length: 3", b"one", b"together") + LIST)
        first, second = answer(connection, "PUT"), answer(connection)
    assert (first.status, second.status) == (200, 200)
    assert b"ListAllMyBucketsResult" in second.body


def test_incomplete_bodies_do_not_block_other_requests(lakehouse: Lakehouse) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(20):
            slow = stack.enter_context(connect(lakehouse))
            slow.sendall(put(b"Content-Length: 500", b"abc", str(number).encode()))
        assert request(lakehouse, "GET", "/", signed("s3")).status == 200
        assert call(lakehouse, "dynamodb", "DynamoDB_20120810.ListTables", {}).status == 200
        # The last of these requests is still open. The lakehouse responds once the rest of the body arrives.
        slow.sendall(b"x" * 497)
        assert answer(slow, "PUT").status == 200


def test_expect_continue_header_is_answered_before_the_body_arrives(lakehouse: Lakehouse) -> None:
    with connect(lakehouse) as connection:
        connection.sendall(put(b"Expect: 100-continue\r\nContent-Length: 5", b"", b"expected"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"there")
        assert answer(connection, "PUT").status == 200
    assert stored(lakehouse, "expected") == b"there"


def test_rejected_request_is_answered_without_reading_its_body(lakehouse: Lakehouse) -> None:
    with connect(lakehouse) as connection:
        connection.sendall(
            put(b"Origin: https://evil.example\r\nExpect: 100-continue\r\nContent-Length: 500000000", b"")
        )
        assert answer(connection, "PUT").status == 403
    with connect(lakehouse) as connection:
        connection.sendall(put(b"Origin: https://evil.example\r\nContent-Length: 1000000", b"x" * 1_000_000))
        assert answer(connection, "PUT").status == 403


def test_chunked_body_is_decoded(lakehouse: Lakehouse) -> None:
    chunks = b"4\r\nabcd\r\n3;note=1\r\nefg\r\n0\r\nX-Trailer: 1\r\n\r\n"
    assert send(lakehouse, put(b"Transfer-Encoding: chunked", chunks, b"chunked"), "PUT").status == 200
    assert stored(lakehouse, "chunked") == b"abcdefg"


@pytest.mark.parametrize("kind", ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_aws_chunked_body_is_decoded(lakehouse: Lakehouse, kind: str) -> None:
    framed = b"4;chunk-signature=00\r\nabcd\r\n0;chunk-signature=00\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    headers = {
        **signed("s3"),
        "x-amz-content-sha256": kind,
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "4",
    }
    assert request(lakehouse, "PUT", "/some-bucket/framed", headers, framed).status == 200
    assert stored(lakehouse, "framed") == b"abcd"
    broken = request(lakehouse, "PUT", "/some-bucket/framed", headers, b"9\r\nabcd")
    assert (broken.status, broken.code) == (400, "IncompleteBody")


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5))
def test_chunks_are_joined_without_their_framing(pieces: list[bytes]) -> None:
    framed = b"".join(b"%x;chunk-signature=0\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    assert unframed(framed + b"0\r\n\r\n") == b"".join(pieces)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: -1",
        b"Content-Length: 1x",
        b"Content-Length: 1, 2",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Content-Length: 99999999999999999999999",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: unknown",
        b"No Colon",
        b"Na me: x",
        b": x",
    ],
)
def test_invalid_headers_are_rejected(lakehouse: Lakehouse, headers: bytes) -> None:
    found = send(lakehouse, put(headers, b"abc"), "PUT")
    assert (found.status, found.code) in ((400, "BadRequest"), (400, "IncompleteBody"))
    assert found.headers["connection"] == "close"


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"HELLO / HTTP/1.1\r\n\r\n"]
)
def test_content_that_is_not_http_is_rejected(lakehouse: Lakehouse, content: bytes) -> None:
    assert send(lakehouse, content).status == 400


def test_oversized_headers_are_rejected(lakehouse: Lakehouse) -> None:
    for head in (b"X: " + b"x" * 200_000, b"\r\n".join(b"X-%d: 1" % number for number in range(20_000))):
        assert send(lakehouse, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n\r\n").status == 431


def test_incomplete_body_is_not_stored(lakehouse: Lakehouse) -> None:
    with connect(lakehouse) as connection:
        connection.sendall(put(b"Content-Length: 500", b"abc", b"unfinished"))
        connection.shutdown(socket.SHUT_WR)
        found = answer(connection, "PUT")
    assert (found.status, found.code) == (400, "IncompleteBody")
    assert request(lakehouse, "GET", "/some-bucket/unfinished", signed("s3")).status == 404


def test_invalid_chunk_is_rejected(lakehouse: Lakehouse) -> None:
    found = send(lakehouse, put(b"Transfer-Encoding: chunked", b"4\r\nabcd\r\nzz\r\n", b"broken"), "PUT")
    assert (found.status, found.code) == (400, "IncompleteBody")


def test_metadata_headers_keep_their_names(lakehouse: Lakehouse) -> None:
    kept = {"x-amz-meta-under_score": "1", "x-amz-meta-under-score": "2"}
    assert request(lakehouse, "PUT", "/some-bucket/named", {**signed("s3"), **kept}).status == 200
    found = request(lakehouse, "HEAD", "/some-bucket/named", signed("s3")).headers
    assert {name: found[name] for name in kept} == kept


def test_head_response_has_a_length_but_no_body(lakehouse: Lakehouse) -> None:
    assert send(lakehouse, put(b"Content-Length: 7", b"content", b"head"), "PUT").status == 200
    with connect(lakehouse) as connection:
        for _ in range(2):
            connection.sendall(LIST.replace(b"GET / ", b"HEAD /some-bucket/head "))
            assert answer(connection, "HEAD").headers["content-length"] == "7"


def test_line_breaks_in_header_values_are_replaced(lakehouse: Lakehouse) -> None:
    target = "/some-bucket/head?response-content-type=text/plain%0d%0aX-Injected:%201"
    found = request(lakehouse, "GET", target, signed("s3"))
    assert "x-injected" not in found.headers
    assert found.headers["content-type"] == "text/plain  X-Injected: 1"


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff\xfe", b'{"TableName": "\\ud800"}', b"NaN", b"1", b'{"Limit": NaN}', b"[" * 100_000]
)
def test_invalid_json_body_causes_a_modeled_error(lakehouse: Lakehouse, body: bytes) -> None:
    found = call(lakehouse, "dynamodb", "DynamoDB_20120810.ListTables", body)
    assert (found.status, found.code) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("target", "code"), [("/some-bucket/%ff", "InvalidURI"), ("/some-bucket?prefix=%ff", "InvalidURI")]
)
def test_path_that_is_not_utf_8_causes_a_modeled_error(lakehouse: Lakehouse, target: str, code: str) -> None:
    found = request(lakehouse, "GET", target, signed("s3"))
    assert (found.status, found.code) == (400, code)


def test_compressed_requests_are_limited_in_size(lakehouse: Lakehouse) -> None:
    import gzip

    fine = call(
        lakehouse, "dynamodb", "DynamoDB_20120810.ListTables", gzip.compress(b"{}"), **{"Content-Encoding": "gzip"}
    )
    assert fine.status == 200
    bomb = gzip.compress(b" " * 50_000_000 + b"{}")
    found = call(lakehouse, "dynamodb", "DynamoDB_20120810.ListTables", bomb, **{"Content-Encoding": "gzip"})
    assert (found.status, found.code) == (413, "RequestEntityTooLarge")


# The following tests run the HTTP server without the lakehouse.


class Echo:
    """A server that returns each request's body. A test chooses the server's limits."""

    def __init__(self, **limits: Any) -> None:
        self.server = Server(socket.create_server(("127.0.0.1", 0)), self.serve, Limits(**limits))

    def __enter__(self) -> Echo:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def serve(self, head: Head, body: Body) -> Answer:
        return Answer(200, [], body.read(1_000_000))

    def connect(self) -> socket.socket:
        return socket.create_connection(self.server.address, timeout=10)


def test_idle_connection_is_closed() -> None:
    with Echo(idle=0.05) as echo, echo.connect() as connection:
        assert connection.recv(1) == b""


def test_incomplete_headers_time_out() -> None:
    with Echo(pause=0.05) as echo, echo.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost:")
        assert answer(connection).code == "RequestTimeout"


def test_connections_over_the_limit_are_rejected() -> None:
    with Echo(connections=1) as echo, echo.connect() as first, echo.connect() as second:
        assert answer(second).status == 503
        first.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert answer(first).status == 200


def test_stop_closes_idle_connections_immediately() -> None:
    # If stopping waited for the connection, the test would exceed its time limit.
    with Echo(idle=3600) as echo, echo.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert answer(connection).status == 200
        echo.server.stop()
        assert connection.recv(1) == b""


@settings(max_examples=50, deadline=None)
@given(
    bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 200), max_size=6),
    chunked=st.booleans(),
)
def test_requests_can_be_split_anywhere(echo: Echo, bodies: list[bytes], cuts: list[int], chunked: bool) -> None:
    written = b""
    for body in bodies:
        kind = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
        content = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n" if chunked else body
        written += b"POST / HTTP/1.1\r\n" + kind + b"\r\n\r\n" + content
    with echo.connect() as connection:
        at = 0
        for cut in cuts:
            connection.sendall(written[at : at + cut])
            at += cut
        connection.sendall(written[at:])
        assert [answer(connection, "POST").body for _ in bodies] == bodies


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with Echo() as echo:
        yield echo


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(socket.create_server(("127.0.0.1", 0)), lambda *_: Answer(200, [], b"served"))
    server.start()
    yield server
    server.stop()
    assert not server._accepting.is_alive()


def responses(server: Server, count: int) -> list[bytes]:
    """Send requests on separate connections, and return the status codes of the responses."""
    found = []
    for _ in range(count):
        with socket.create_connection(server.address, timeout=5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            try:
                found.append(connection.recv(65_536)[9:12])
            except ConnectionResetError:
                found.append(b"")
    return found


def test_server_recovers_if_no_thread_can_be_started(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = threading.Thread.start
    failures = iter([RuntimeError("can't start new thread")] * 2)

    def limited(thread: threading.Thread) -> None:
        if thread.name == "connection" and (failure := next(failures, None)):
            raise failure
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    assert responses(server, 3) == [b"503", b"503", b"200"]
    assert "no thread could be started: can't start new thread" in caplog.text


def test_server_accepts_connections_after_an_unexpected_error(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begin, failures = server._begin, iter([MemoryError()])

    def limited(peer: socket.socket) -> None:
        if failure := next(failures, None):
            raise failure
        begin(peer)

    monkeypatch.setattr(server, "_begin", limited)
    assert responses(server, 2) == [b"", b"200"]
    assert "a connection could not be served" in caplog.text


def test_unexpected_error_in_a_connection_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> Answer:
        raise LookupError("unexpected")

    server = Server(socket.create_server(("127.0.0.1", 0)), fail)
    server.start()
    try:
        assert responses(server, 1) == [b""]
    finally:
        server.stop()
    assert "a connection failed" in caplog.text
    assert "LookupError: unexpected" in caplog.text
