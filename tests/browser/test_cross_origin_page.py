"""Browser tests that verify that a page from another host can neither read from nor write to the lakehouse."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.local_lakehouse.server.raw_http import LEARNER

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

# The page attempts requests that do not require a user action. Each attempt reports the data that it was able to read.
PAGE = Path(__file__).with_name("cross_origin_page.html")


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.read_bytes())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def client(lakehouse: Lakehouse, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=lakehouse.url,
        region_name="us-east-1",
        aws_access_key_id=LEARNER,
        aws_secret_access_key="x",
    )


@pytest.fixture(scope="module")
def resolving_browser(browser: Browser, chromium: str) -> Iterator[Browser]:
    """Provide a Chromium browser that resolves every host name under `example` to this computer."""
    resolving_browser = browser.browser_type.launch(
        executable_path=chromium,
        args=["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP *.example 127.0.0.1"],
    )
    yield resolving_browser
    resolving_browser.close()


@pytest.mark.parametrize("host", ["evil.example", "localhost"])
@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "rebound.example"])
def test_cross_origin_page_cannot_read_or_write(
    lakehouse: Lakehouse, resolving_browser: Browser, site: int, host: str, address: str
) -> None:
    s3, iam, dynamodb = (client(lakehouse, service) for service in ("s3", "iam", "dynamodb"))
    # Refreshes are resumed, so that the test can detect a page that pauses them.
    lakehouse.zero_etl.resume()
    s3.create_bucket(Bucket="kept-bucket")
    s3.put_object(Bucket="kept-bucket", Key="k", Body=b"kept")
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "PUT", "POST", "DELETE"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket="kept-bucket", CORSConfiguration={"CORSRules": [rule]})
    iam.create_role(RoleName="Kept", AssumeRolePolicyDocument=json.dumps({}))
    dynamodb.create_table(
        TableName="Kept",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    port = lakehouse._server.address[1]
    # Each test has a new context, which shares neither connections nor cached responses with other tests.
    with resolving_browser.new_context() as context:
        page = context.new_page()
        scope = f"{LEARNER}/20260101/us-east-1/SERVICE/aws4_request"
        page.goto(f"http://{host}:{site}/?target=http://{address}:{port}&scope={scope}")
        assert page.evaluate("everything()") == []
    assert s3.get_object(Bucket="kept-bucket", Key="k")["Body"].read() == b"kept"
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="kept-bucket")["Contents"]] == ["k"]
    assert iam.get_role(RoleName="Kept")["Role"]["RoleName"] == "Kept"
    assert dynamodb.list_tables()["TableNames"] == ["Kept"]
    assert not lakehouse.zero_etl.paused
