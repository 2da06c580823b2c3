"""Tests that the console responds only to its own page, and only with the session's cookie."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import PageClient
from zetl_helpers.console.admission import Session
from zetl_helpers.console.link import Link
from zetl_helpers.console.server import ConsoleServer

pytestmark = pytest.mark.once

STATUS = ("POST", "/api/status", b"{}")


def page_headers(page: PageClient, **changed: str) -> dict[str, str]:
    headers = {"Cookie": page.cookie, "X-Zetl-Console": "1", "Origin": f"http://127.0.0.1:{page.server.port}"}
    headers["Sec-Fetch-Site"] = "same-origin"
    return {**headers, **{name.replace("_", "-"): value for name, value in changed.items()}}


def test_responds_to_its_own_page(page: PageClient) -> None:
    status, _, content = page.send(*STATUS, page_headers(page))
    assert (status, json.loads(content)["state"]) == (200, "running")


def test_exchanges_token_for_strict_cookie(page: PageClient) -> None:
    cookie = page.get(f"/?token={page.server.session.token}")[1]["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert page.server.session.token not in cookie


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/?token=%C3%BC", "/?token=a&token=b"])
def test_wrong_token_does_not_set_cookie(page: PageClient, path: str) -> None:
    assert page.get(path)[1]["Set-Cookie"] is None


@pytest.mark.parametrize("cookie", ["", "zetl-console=x", "=;=", "a" * 5000])
def test_rejects_request_without_cookie(page: PageClient, cookie: str) -> None:
    status, _, content = page.send(*STATUS, page_headers(page, Cookie=cookie))
    assert (status, json.loads(content)["error"]["code"]) == (401, "NoToken")


def test_accepts_cookie_next_to_malformed_cookie(page: PageClient) -> None:
    assert page.send(*STATUS, page_headers(page, Cookie=f'x={{"a":1}}; {page.cookie}'))[0] == 200


def session_cookie(session: Session) -> str:
    return (session.cookie_for(session.token) or "").partition(";")[0]


@pytest.mark.parametrize(
    "other",
    ['x={"a":1}', "x={'a':1, 'b':2}", "x", "", "=", "x=a b", "x=a=b", 'x="', "x[1]=2", "x=\xfc", "zetl-console-1=x"],
)
def test_session_finds_cookie_among_malformed_cookies_of_other_applications(other: str) -> None:
    session = Session(1)
    cookie = session_cookie(session)
    assert all(
        session.knows(sent) for sent in (f"{other}; {cookie}", f"{cookie}; {other}", f"{other};{cookie};{other}")
    )


@pytest.mark.parametrize(
    "cookies",
    [
        "zetl-console-1",
        "zetl-console-1=",
        "zetl-console-1=x",
        "zetl-console-1=\xfc",
        "zetl-console-1=x; zetl-console-1=y",
        "{value}",
        "other={value}",
        "zetl-console-12={value}",
        "x-zetl-console-1={value}",
        "other=zetl-console-1={value}",
        "zetl-console-1={value}x",
        "zetl-console-1=x{value}",
        "zetl-console-1=={value}",
    ],
)
def test_session_rejects_cookies_with_different_name_or_value(cookies: str) -> None:
    session = Session(1)
    value = session_cookie(session).partition("=")[2]
    assert not session.knows(cookies.replace("{value}", value))


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
    ],
)
def test_rejects_requests_from_other_pages_even_with_cookie(page: PageClient, changed: dict[str, str]) -> None:
    assert page.send(*STATUS, page_headers(page, **changed))[0] == 403


def test_rejects_request_without_page_header(page: PageClient) -> None:
    headers = page_headers(page)
    del headers["X-Zetl-Console"]
    assert page.send(*STATUS, headers)[0] == 403


def test_rejects_page_request_for_different_host(page: PageClient) -> None:
    assert page.get("/", {"Host": f"evil.example:{page.server.port}"})[0] == 403


def test_page_cannot_be_embedded(page: PageClient) -> None:
    assert page.get("/", {"Sec-Fetch-Dest": "iframe"})[0] == 403
    assert "frame-ancestors 'none'" in page.get("/")[1]["Content-Security-Policy"]


def test_content_policy_forbids_inline_code_and_uses_new_nonce_each_time(page: PageClient) -> None:
    policies = [page.get("/")[1]["Content-Security-Policy"] for _ in range(2)]
    assert policies[0] != policies[1]
    for policy in policies:
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert re.search(r"'nonce-[^']{20,}'", policy)


def test_does_not_serve_files_outside_page_folder(page: PageClient) -> None:
    for path in ("/../server.py", "/%2e%2e/server.py", "/static/app.js", "//etc/passwd", "/server.py"):
        assert page.get(path)[0] == 404


@pytest.mark.parametrize("path", ["/app.js", "/style.css", "/plotly.min.js"])
def test_serves_page_files_with_etag(page: PageClient, path: str) -> None:
    status, headers, content = page.get(path)
    assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert len(content) > 1000
    assert page.get(path, {"If-None-Match": headers["ETag"]})[0] == 304


@pytest.mark.parametrize("length", ["", "x", "-1", str(10**9)])
def test_rejects_invalid_content_length(page: PageClient, length: str) -> None:
    assert page.send("POST", "/api/status", b"", page_headers(page, Content_Length=length))[0] == 413


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"1"])
def test_rejects_content_that_is_not_an_object(page: PageClient, content: bytes) -> None:
    status = page.send("POST", "/api/call", content, page_headers(page))[0]
    assert status in (400, 404)


def test_reports_that_lakehouse_is_stopped(tmp_path: Path) -> None:
    server = ConsoleServer(Link(tmp_path))
    server.serve_in_background()
    client = PageClient(server)
    found: dict[str, Any] = client.ask("status")
    assert found["state"] == "stopped"
    assert "zetl local start" in found["message"]
    status, answer = client.try_("call", service="dynamodb", operation="ListTables", params={})
    assert (status, answer["error"]["code"]) == (503, "LakehouseStopped")
    server.shutdown()
    server.server_close()


def test_listens_on_loopback_only(console: ConsoleServer) -> None:
    assert console.server_address[0] == "127.0.0.1"
