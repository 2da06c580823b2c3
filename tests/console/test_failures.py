"""Tests for disconnected browsers and unexpected failures.

After a failure, the page receives an error, and the details are in a log file in the state folder.
"""

import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.console.conftest import PageClient
from zetl_helpers.console.link import Link
from zetl_helpers.console.problems import Problems
from zetl_helpers.console.server import ConsoleServer

RESET = struct.pack("ii", 1, 0)


@pytest.fixture
def log(console: ConsoleServer) -> Path:
    return console.problems.path


@pytest.fixture
def fail_status(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Provide a function that makes all status requests fail with a given error."""

    def replace(error: Exception) -> None:
        def fail(_: object) -> None:
            # Each call raises a copy, because an error that is raised twice contains both tracebacks.
            raise type(error)(*error.args)

        monkeypatch.setitem(page.server.api._paths, "status", fail)

    return replace


def request_of(page: PageClient, content: bytes) -> bytes:
    headers = [f"POST /api/status HTTP/1.1\r\nHost: 127.0.0.1:{page.server.port}\r\nCookie: {page.cookie}"]
    headers += ["X-Zetl-Console: 1", f"Content-Length: {len(content)}"]
    return "\r\n".join(headers).encode() + b"\r\n\r\n" + content


def test_returns_and_records_unexpected_failure(
    page: PageClient, fail_status: Callable[[Exception], None], log: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fail_status(LookupError("no such thing"))
    connection = http.client.HTTPConnection("127.0.0.1", page.server.port, timeout=30)
    headers = {"Cookie": page.cookie, "X-Zetl-Console": "1"}
    # Both requests use the same connection, because a failed request does not close it.
    for _ in range(2):
        connection.request("POST", "/api/status", b"{}", headers)
        response = connection.getresponse()
        error = json.loads(response.read())["error"]
        assert (response.status, error["code"]) == (500, "InternalError")
        assert "LookupError" in error["message"]
        assert str(log) in error["message"]
    connection.close()
    written = log.read_text()
    assert written.count("Traceback") == 1
    assert "no such thing" in written
    assert written.split()[1] in error["message"]
    assert "POST /api/status" in written
    assert log.stat().st_mode & 0o077 == 0
    assert capfd.readouterr() == ("", "")


def test_records_each_cause_separately(page: PageClient, fail_status: Callable[[Exception], None], log: Path) -> None:
    messages = []
    for error in (LookupError("first"), ArithmeticError("second")):
        fail_status(error)
        messages.append(page.try_("status")[1]["error"]["message"])
    assert len(set(messages)) == 2
    assert log.read_text().count("Traceback") == 2


def test_record_contains_no_secrets(page: PageClient, fail_status: Callable[[Exception], None], log: Path) -> None:
    secrets = (page.server.session.token, page.cookie.partition("=")[2])
    fail_status(LookupError(*secrets))
    answer = json.dumps(page.try_("status"))
    page.server.files["app.js"] = Path("nowhere")
    status, _, content = page.get(f"/app.js?token={secrets[0]}", {"Cookie": page.cookie})
    assert status == 500
    assert b"FileNotFoundError" in content
    assert "nowhere" in log.read_text()
    assert not any(secret in text for secret in secrets for text in (log.read_text(), answer, content.decode()))


def test_reports_unwritable_log_file(tmp_path: Path) -> None:
    (tmp_path / "console").write_text("a file, not a folder")
    problems = Problems(tmp_path / "console" / "console.log", str)
    assert "could not be written" in problems.record(ValueError("x"), "POST /api/x")


def test_shortens_record_of_endless_recursion(tmp_path: Path) -> None:
    def again(depth: int) -> int:
        return again(depth + 1) + 1

    problems = Problems(tmp_path / "console.log", str)
    with pytest.raises(RecursionError) as found:
        again(0)
    problems.record(found.value, "POST /api/x")
    assert len(problems.path.read_text().splitlines()) < 200


def test_rejects_deeply_nested_json(page: PageClient, log: Path) -> None:
    headers = {"Cookie": page.cookie, "X-Zetl-Console": "1"}
    status, _, content = page.send("POST", "/api/call", b'{"a":' + b"[" * 500_000, headers)
    assert (status, json.loads(content)["error"]["code"]) == (400, "InvalidQuestion")
    assert not log.exists()


@pytest.mark.parametrize("moment", ["while it reads the answer", "while it sends its request", "between two requests"])
def test_does_not_record_browser_disconnects(
    page: PageClient, log: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], moment: str
) -> None:
    left, over = threading.Event(), threading.Event()
    close = page.server.shutdown_request

    def closed(request: Any) -> None:
        close(request)
        over.set()

    def answer(_: object) -> str:
        assert left.wait(30)
        return "x" * 10_000_000

    monkeypatch.setitem(page.server.api._paths, "status", answer)
    monkeypatch.setattr(page.server, "shutdown_request", closed)
    over.clear()
    with socket.create_connection(("127.0.0.1", page.server.port)) as connection:
        sent = {
            "while it reads the answer": request_of(page, b"{}"),
            "while it sends its request": request_of(page, b"{" + b" " * 10_000)[:-1000],
            "between two requests": b"",
        }[moment]
        connection.sendall(sent)
        # Closing the socket resets the connection, as closing a browser tab does.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    left.set()
    assert over.wait(30)
    assert not log.exists()
    assert capfd.readouterr() == ("", "")


def test_records_failure_while_sending_response(
    page: PageClient, log: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise LookupError("no such thing")

    monkeypatch.setattr("zetl_helpers.console.server._Handler.send_response", fail)
    with pytest.raises(http.client.HTTPException):
        page.get("/app.js")
    assert "no such thing" in log.read_text()
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def stopped_page(tmp_path: Path) -> Iterator[PageClient]:
    """Provide the page of a console whose lakehouse stopped after the first responses."""
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    server = ConsoleServer(Link(tmp_path, endpoint=lakehouse.url))
    server.serve_in_background()
    page = PageClient(server)
    page.call("dynamodb", "ListTables")
    page.ask("lab")
    lakehouse.stop()
    yield page
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("call", {"service": "dynamodb", "operation": "ListTables", "params": {}}),
        ("call", {"service": "s3", "operation": "ListBuckets", "params": {}}),
        ("iceberg", {"database": "customerdb", "table": "customeraccounts"}),
        ("manifests", {"location": "s3://bucket/key"}),
        ("parquet", {"bucket": "bucket", "key": "key"}),
        ("assistant", {"question": "How many accounts are there in each state?"}),
    ],
)
def test_every_response_reports_that_lakehouse_is_stopped(stopped_page: PageClient, path: str, parameters: Any) -> None:
    status, answer = stopped_page.try_(path, **parameters)
    assert (status, answer["error"]["code"]) == (503, "LakehouseStopped")
    assert not stopped_page.server.problems.path.exists()
