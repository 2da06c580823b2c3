"""Tests for requests that are rejected before the lakehouse reads or changes anything."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from local_lakehouse import daemon
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.local_lakehouse.server.raw_http import request, send, signed

pytestmark = pytest.mark.once

CORS = b"""<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>
<AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>"""


@pytest.fixture(scope="module")
def lakehouse() -> Iterator[Lakehouse]:
    """Provide a lakehouse with an object in a bucket whose CORS settings allow all origins."""
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    assert request(lakehouse, "PUT", "/some-bucket", signed("s3")).status == 200
    assert request(lakehouse, "PUT", "/some-bucket?cors", signed("s3"), CORS).status == 200
    assert request(lakehouse, "PUT", "/some-bucket/k", signed("s3"), b"content").status == 200
    yield lakehouse
    lakehouse.stop()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "http://localhost:8888", ""])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"])
def test_request_with_an_origin_is_rejected(lakehouse: Lakehouse, method: str, origin: str) -> None:
    found = request(
        lakehouse, method, "/some-bucket/k", {**signed("s3"), "Origin": origin}, b"x" if method == "PUT" else b""
    )
    assert found.status == 403
    assert request(lakehouse, "GET", "/some-bucket/k", signed("s3")).body == b"content"


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 403), ("none", 200)]
)
def test_request_from_a_web_page_is_rejected(lakehouse: Lakehouse, site: str, status: int) -> None:
    assert request(lakehouse, "GET", "/some-bucket/k", {**signed("s3"), "Sec-Fetch-Site": site}).status == status


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "", "[::2]", "10.0.0.1"]
)
def test_request_for_another_host_is_rejected(lakehouse: Lakehouse, host: str) -> None:
    assert send(lakehouse, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status == 403


def test_request_without_exactly_one_host_is_rejected(lakehouse: Lakehouse) -> None:
    assert send(lakehouse, b"GET / HTTP/1.1\r\n\r\n").status == 403
    assert send(lakehouse, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n").status == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_responses_have_no_cors_headers(lakehouse: Lakehouse, method: str) -> None:
    for origin in ({}, {"Origin": "https://evil.example"}):
        for target in ("/some-bucket/k", "/some-bucket", "/", "/_zetl/health"):
            found = request(lakehouse, method, target, {**signed("s3"), **origin})
            assert not [name for name in found.headers if name.startswith("access-control-")]


def test_cors_is_disabled_if_moto_is_imported_first() -> None:
    program = (
        "import moto.settings, os; os.environ.pop('MOTO_DISABLE_GLOBAL_CORS', None)\n"
        "from local_lakehouse.lakehouse import Lakehouse, Settings\n"
        "from tests.local_lakehouse.server.raw_http import request, signed\n"
        "lakehouse = Lakehouse(Settings()); lakehouse.start()\n"
        "found = request(lakehouse, 'GET', '/', signed('s3')).headers\n"
        "lakehouse.stop()\n"
        "raise SystemExit([name for name in found if name.startswith('access-control')] or 0)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    "target", ["/moto-api/reset", "/moto-api/data.json", "/moto-api/", "/latest/meta-data/", "/favicon.ico"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_moto_administration_pages_do_not_exist(lakehouse: Lakehouse, method: str, target: str) -> None:
    assert request(lakehouse, method, target, signed("s3")).status in (404, 501)
    assert request(lakehouse, "GET", "/some-bucket/k", signed("s3")).body == b"content"


@pytest.mark.parametrize("control", ["health", "refresh", "pause", "resume", "rights", "nothing"])
@pytest.mark.parametrize("token", [None, "", "wrong", "ä"])
def test_control_request_with_missing_or_wrong_token_is_rejected(
    lakehouse: Lakehouse, control: str, token: str | None
) -> None:
    headers = {} if token is None else {"X-Zetl-Token": token}
    paused = control != "pause"
    (lakehouse.zero_etl.pause if paused else lakehouse.zero_etl.resume)()
    assert request(lakehouse, "POST", f"/_zetl/{control}", headers, b"{}").status == 403
    assert lakehouse.zero_etl.paused == paused


def test_control_request_with_correct_token_is_accepted(lakehouse: Lakehouse) -> None:
    token = {"X-Zetl-Token": lakehouse.token}
    assert request(lakehouse, "POST", "/_zetl/health", token, b"{}").status == 200
    assert request(lakehouse, "POST", "/_zetl/nothing", token, b"{}").status == 404
    assert request(lakehouse, "GET", "/_zetl/health", token).status == 404
    assert request(lakehouse, "POST", "/_zetl/health", {**token, "Origin": "http://127.0.0.1"}, b"{}").status == 403


def test_token_is_private_and_different_for_each_lakehouse(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old")
    (tmp_path / "token").chmod(0o644)
    daemon.announce(tmp_path, "http://127.0.0.1:1", "new")
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert (tmp_path / "token").read_text() == "new"
    assert len({Lakehouse(Settings()).token for _ in range(2)}) == 2


def in_url(service: str, **parameters: str) -> str:
    """Return the path and query of a link that contains a signature, which a redirect can send a browser to."""
    credential = f"any-key/20260101/us-east-1/{service}/aws4_request"
    return "/?" + urlencode({**parameters, "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": credential})


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_link_cannot_change_anything(lakehouse: Lakehouse, method: str) -> None:
    redirected = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
    name = f"role-{method}"
    create = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": name, "AssumeRolePolicyDocument": "{}"}
    found = request(lakehouse, method, in_url("iam", **create), redirected)
    assert found.status == 405
    if method == "GET":
        assert b"CreateRole only by POST" in found.body
    look_up = {"Action": "GetRole", "Version": "2010-05-08", "RoleName": name}
    assert request(lakehouse, "GET", in_url("iam", **look_up)).status == 404
    form = {**signed("iam"), "Content-Type": "application/x-www-form-urlencoded"}
    assert request(lakehouse, "POST", "/", form, urlencode(create).encode()).status == 200
    assert request(lakehouse, "GET", in_url("iam", **look_up)).status == 200


def test_link_cannot_name_a_json_operation(lakehouse: Lakehouse) -> None:
    target = {"X-Amz-Target": "AWSGlue.PutDataCatalogEncryptionSettings"}
    found = request(lakehouse, "GET", in_url("glue", **target), {"Sec-Fetch-Site": "none"})
    assert found.status == 405
    assert b"only by POST" in found.body


def test_presigned_read_is_accepted(lakehouse: Lakehouse) -> None:
    identity = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    found = request(lakehouse, "GET", in_url("sts", **identity))
    assert (found.status, b"<Account>" in found.body) == (200, True)
