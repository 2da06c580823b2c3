"""Tests for the AWS API calls that the console sends for the page, and for the equivalent code."""

import ast
import base64
import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import Any

import pytest

import zetl_helpers
from tests.console.conftest import PageClient
from zetl_helpers.console import calls, values
from zetl_helpers.console.calls import SERVICES, describe
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

KEYS = [{"AttributeName": "id", "KeyType": "HASH"}]
TYPES = [{"AttributeName": "id", "AttributeType": "S"}]
HOSTILE = ["<script>alert(1)</script>", "'; rm -rf / #", '"$(whoami)"', "a\nb", "​‮", "😀", "'''", "\\"]


@pytest.fixture
def table(page: PageClient) -> str:
    page.call(
        "dynamodb", "CreateTable", TableName="things", KeySchema=KEYS, AttributeDefinitions=TYPES,
        BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    return "things"


def test_call_returns_response_and_equivalent_code(page: PageClient, table: str) -> None:
    answer = page.ask("call", service="dynamodb", operation="DescribeTable", params={"TableName": table})
    assert answer["answer"]["Table"]["TableName"] == table
    assert answer["same"]["boto3"].endswith("dynamodb.describe_table(\n    TableName='things',\n)")
    assert answer["same"]["cli"] == "aws dynamodb describe-table \\\n    --table-name things"


def test_call_returns_error_code_from_lakehouse(page: PageClient) -> None:
    status, answer = page.try_("call", service="dynamodb", operation="DescribeTable", params={"TableName": "none"})
    assert (status, answer["error"]["code"]) == (400, "ResourceNotFoundException")
    assert "describe-table" in answer["same"]["cli"]


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"service": "ec2", "operation": "RunInstances"}, 403, "ServiceNotOffered"),
        ({"service": "../x", "operation": "x"}, 403, "ServiceNotOffered"),
        ({"service": "dynamodb", "operation": "__init__"}, 400, "UnknownOperation"),
        ({"service": "dynamodb", "operation": "close"}, 400, "UnknownOperation"),
        ({"service": "dynamodb"}, 400, "InvalidQuestion"),
        ({"service": "dynamodb", "operation": "ListTables", "params": [1]}, 400, "InvalidQuestion"),
        ({"service": "dynamodb", "operation": "ListTables", "params": {"Nope": 1}}, 400, "ParamValidation"),
        ({"service": "s3", "operation": "PutObject", "params": {"Body": "no base64!"}}, 400, "ParamValidation"),
        ({"service": "s3", "operation": "SelectObjectContent", "params": {}}, 400, "OperationNotOffered"),
    ],
)
def test_call_rejects_unsupported_requests(page: PageClient, parameters: Any, status: int, code: str) -> None:
    found, answer = page.try_("call", **parameters)
    assert (found, answer["error"]["code"]) == (status, code)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_round_trip(page: PageClient, table: str, value: str) -> None:
    page.call("dynamodb", "PutItem", TableName=table, Item={"id": {"S": value}})
    (item,) = page.call("dynamodb", "Scan", TableName=table)["Items"]
    assert item == {"id": {"S": value}}


@pytest.mark.parametrize("value", HOSTILE)
def test_code_quotes_hostile_values(value: str) -> None:
    same = describe("dynamodb", "GetItem", {"TableName": value, "Key": {"id": {"S": value}}})
    _, call = ast.parse(same["boto3"]).body
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    arguments = {each.arg: ast.literal_eval(each.value) for each in call.value.keywords}
    assert arguments == {"TableName": value, "Key": {"id": {"S": value}}}
    words = shlex.split(same["cli"].replace(" \\\n    --", " --"))
    assert words[:5] == ["aws", "dynamodb", "get-item", "--table-name", value]
    assert len(words) == 7


def test_encodes_blobs_as_base64_and_truncates_bodies(page: PageClient) -> None:
    page.call("s3", "CreateBucket", Bucket="things")
    content = b"\x00\xff" * values.MAX_BODY
    page.server.api._link.client("s3").put_object(Bucket="things", Key="large", Body=content)
    body = page.call("s3", "GetObject", Bucket="things", Key="large")["Body"]
    assert body["truncated"]
    assert base64.b64decode(body["base64"]) == content[: values.MAX_BODY]
    page.call("s3", "PutObject", Bucket="things", Key="small", Body=base64.b64encode(b"\x00a").decode())
    assert base64.b64decode(page.call("s3", "GetObject", Bucket="things", Key="small")["Body"]["base64"]) == b"\x00a"


def test_returns_large_integers_as_text() -> None:
    assert values.to_json({"id": 2**53 + 1, "small": 2**53 - 1, "nan": float("nan")}) == {
        "id": str(2**53 + 1), "small": 2**53 - 1, "nan": "nan",
    }  # fmt: skip


@pytest.fixture(scope="module")
def cli() -> Iterator[Any]:
    """Provide the AWS CLI, which runs in this process because its imports take longer than most commands."""
    import awscli
    from awscli.clidriver import create_clidriver

    with pytest.MonkeyPatch.context() as patch:
        # The first import of the CLI sets this variable to the CLI's data folder, and each test restores the variable.
        patch.setenv("AWS_DATA_PATH", str(Path(awscli.__file__).parent / "data"))
        yield create_clidriver()


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_cli_supports_every_service(cli: Any, service: str) -> None:
    operation = {"s3": "ListBuckets", "sts": "GetCallerIdentity", "datazone": "ListDomains"}.get(service)
    operation = operation or calls._service_model(service).operation_names[0]
    command = shlex.split(describe(service, operation, {})["cli"])
    with redirect_stderr(io.StringIO()) as errors, suppress(SystemExit):
        cli.main([*command[1:], "--nope"])
    # The CLI parses all arguments before it rejects an unknown argument or reports a missing argument.
    assert "nope" in errors.getvalue() or "required" in errors.getvalue()
    assert "Found invalid choice" not in errors.getvalue()


def test_helpers_named_on_page_exist() -> None:
    sources = (Path(__file__).parents[2] / "console_web" / "src").rglob("*.ts*")
    named = {found for path in sources for found in re.findall(r"zetl\.(\w+)\.(\w+)\(", path.read_text())}
    assert len(named) > 8
    for module, function in named:
        assert callable(getattr(getattr(zetl_helpers, module), function)), f"{module}.{function}"


def test_lab_names_on_page_match_helpers(page: PageClient, lab: Lab) -> None:
    found = page.ask("lab")
    assert (found["table"], found["bucket"], found["tags"]) == (lab.table, lab.bucket, lab.tags)
