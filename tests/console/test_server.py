"""Tests that only the console's own page, with the session's cookie, receives responses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import PageClient
from zetl_helpers.console.link import Link
from zetl_helpers.console.server import ConsoleServer

pytestmark = pytest.mark.once

STATUS = ("POST", "/api/status", b"{}")


def own(page: PageClient, **changed: str) -> dict[str, str]:
    headers = {"Cookie": page.cookie, "X-Zetl-Console": "1", "Origin": f"http://127.0.0.1:{page.server.port}"}
    headers["Sec-Fetch-Site"] = "same-origin"
    return {**headers, **{name.replace("_", "-"): value for name, value in changed.items()}}


def test_its_own_page_is_answered(page: PageClient) -> None:
    status, _, content = page.send(*STATUS, own(page))
    assert (status, json.loads(content)["state"]) == (200, "running")


def test_the_right_token_is_exchanged_for_a_strict_cookie(page: PageClient) -> None:
    cookie = page.get(f"/?token={page.server.session.token}")[1]["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert page.server.session.token not in cookie


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/?token=%C3%BC", "/?token=a&token=b"])
def test_any_other_token_opens_nothing(page: PageClient, path: str) -> None:
    assert page.get(path)[1]["Set-Cookie"] is None


@pytest.mark.parametrize("cookie", ["", "zetl-console=x", "=;=", "a" * 5000])
def test_without_the_cookie_nothing_is_answered(page: PageClient, cookie: str) -> None:
    status, _, content = page.send(*STATUS, own(page, Cookie=cookie))
    assert (status, json.loads(content)["error"]["code"]) == (401, "NoToken")


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
def test_another_page_is_not_answered_even_with_the_cookie(page: PageClient, changed: dict[str, str]) -> None:
    assert page.send(*STATUS, own(page, **changed))[0] == 403


def test_a_form_of_another_page_lacks_the_header(page: PageClient) -> None:
    headers = own(page)
    del headers["X-Zetl-Console"]
    assert page.send(*STATUS, headers)[0] == 403


def test_a_rebound_name_does_not_even_get_the_page(page: PageClient) -> None:
    assert page.get("/", {"Host": f"evil.example:{page.server.port}"})[0] == 403


def test_the_page_is_not_embedded(page: PageClient) -> None:
    assert page.get("/", {"Sec-Fetch-Dest": "iframe"})[0] == 403
    assert "frame-ancestors 'none'" in page.get("/")[1]["Content-Security-Policy"]


def test_the_policy_allows_no_inline_code_and_another_nonce_each_time(page: PageClient) -> None:
    policies = [page.get("/")[1]["Content-Security-Policy"] for _ in range(2)]
    assert policies[0] != policies[1]
    for policy in policies:
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert re.search(r"'nonce-[^']{20,}'", policy)


def test_files_outside_the_page_are_not_served(page: PageClient) -> None:
    for path in ("/../server.py", "/%2e%2e/server.py", "/static/app.js", "//etc/passwd", "/server.py"):
        assert page.get(path)[0] == 404


@pytest.mark.parametrize("path", ["/app.js", "/style.css", "/plotly.min.js"])
def test_its_files_are_served_and_kept_by_the_browser(page: PageClient, path: str) -> None:
    status, headers, content = page.get(path)
    assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert len(content) > 1000
    assert page.get(path, {"If-None-Match": headers["ETag"]})[0] == 304


@pytest.mark.parametrize("length", ["", "x", "-1", str(10**9)])
def test_a_question_of_unknown_or_great_length_is_refused(page: PageClient, length: str) -> None:
    assert page.send("POST", "/api/status", b"", own(page, Content_Length=length))[0] == 413


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"1"])
def test_a_question_that_is_no_object_is_refused(page: PageClient, content: bytes) -> None:
    status = page.send("POST", "/api/call", content, own(page))[0]
    assert status in (400, 404)


def test_a_stopped_lakehouse_is_a_clear_state(tmp_path: Path) -> None:
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


def test_it_listens_on_this_computer_only(console: ConsoleServer) -> None:
    assert console.server_address[0] == "127.0.0.1"
