"""Tests that run the blog post's corrected commands in the AWS CLI."""

import io
import json
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from zetl_helpers import permissions
from zetl_helpers.lab import Lab, local_environment

pytestmark = pytest.mark.once

SAMPLES = Path(__file__).parent.parent.parent / "sample_data"


class Cli:
    """The AWS CLI, run in this process because its imports take longer than most commands.

    Each command uses a new CLI driver, as if it ran in a new process.
    """

    def __call__(self, *words: str) -> Any:
        from awscli.clidriver import create_clidriver

        with redirect_stdout(io.StringIO()) as output, redirect_stderr(io.StringIO()) as errors:
            status = create_clidriver().main([*words, "--output", "json"])
        assert status == 0, f"aws {' '.join(words)}: {errors.getvalue()}"
        return json.loads(output.getvalue()) if output.getvalue().strip() else None

    def until(self, wanted: Any, *words: str) -> Any:
        """Repeat a command until its output satisfies a condition."""
        deadline = time.monotonic() + 30
        while not wanted(answer := self(*words)):
            assert time.monotonic() < deadline, answer
            time.sleep(0.2)
        return answer


@pytest.fixture
def running() -> Any:
    lakehouse = Lakehouse(Settings(refresh_seconds=0.2))
    lakehouse.start()
    yield lakehouse
    lakehouse.stop()


@pytest.fixture
def lab(running: Lakehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Provide a lab whose lakehouse the AWS CLI uses, and write the lab's policies to the current folder."""
    lab = connect_to(running.url)
    permissions.write_all(lab, tmp_path)
    for name, value in {**local_environment(running.url, "us-east-1"), "AWS_PAGER": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return lab


@pytest.mark.usefixtures("lab")
def test_installed_cli_uses_lakehouse() -> None:
    command = [str(Path(sys.executable).with_name("aws")), "sts", "get-caller-identity", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Account"] == "123456789012"


def test_blog_commands_succeed_from_table_to_evolved_schema(lab: Lab, tmp_path: Path) -> None:
    aws = Cli()

    aws("dynamodb", "create-table", "--cli-input-json", f"file://{SAMPLES / 'table.json'}")
    aws("dynamodb", "wait", "table-exists", "--table-name", "CustomerAccounts")
    aws("dynamodb", "update-continuous-backups", "--table-name", "CustomerAccounts",
        "--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true")  # fmt: skip
    for batch in ("items_1.json", "items_2.json"):
        left = aws("dynamodb", "batch-write-item", "--request-items", f"file://{SAMPLES / batch}")
        assert left["UnprocessedItems"] == {}
    aws("dynamodb", "put-resource-policy", "--resource-arn", lab.table_arn,
        "--policy", "file://table_resource_policy.json")  # fmt: skip
    stored = aws("dynamodb", "get-resource-policy", "--resource-arn", lab.table_arn)["Policy"]
    assert json.loads(stored) == json.loads((tmp_path / "table_resource_policy.json").read_text())

    aws("s3api", "create-bucket", "--bucket", lab.bucket)
    aws("s3api", "put-object", "--bucket", lab.bucket, "--key", "customerdb/")
    database = {"Name": "customerdb", "LocationUri": f"s3://{lab.bucket}/customerdb/"}
    aws("glue", "create-database", "--database-input", json.dumps(database))
    aws("glue", "put-resource-policy", "--policy-in-json", "file://catalog_resource_policy.json")
    aws("iam", "create-role", "--role-name", lab.role, "--assume-role-policy-document", "file://target_role_trust.json")
    aws("iam", "put-role-policy", "--role-name", lab.role, "--policy-name", "zETLTargetPolicy",
        "--policy-document", "file://target_role_permissions.json")  # fmt: skip

    aws("glue", "create-integration-resource-property", "--resource-arn", lab.database_arn,
        "--target-processing-properties", f"RoleArn={lab.role_arn}")  # fmt: skip
    aws("glue", "create-integration-table-properties", "--resource-arn", lab.database_arn,
        "--table-name", "CustomerAccounts", "--target-table-config", '{"UnnestSpec": "TOPLEVEL"}')  # fmt: skip
    created = aws("glue", "create-integration", "--integration-name", "ddb-to-lakehouse",
               "--source-arn", lab.table_arn, "--target-arn", lab.database_arn)  # fmt: skip
    describe = ("glue", "describe-integrations", "--integration-identifier", created["IntegrationArn"])
    aws.until(lambda answer: answer["Integrations"][0]["Status"] == "ACTIVE", *describe)
    find_table = ("glue", "get-tables", "--database-name", "customerdb")
    aws.until(lambda answer: answer["TableList"], *find_table)
    assert ask(aws, "SELECT count(*) AS n FROM customeraccounts") == [["n"], ["50"]]

    changes = json.loads((SAMPLES / "changes.json").read_text())
    for name, arguments in changes.items():
        (tmp_path / "change.json").write_text(json.dumps({"TableName": "CustomerAccounts", **arguments}))
        aws("dynamodb", name.replace("_", "-"), "--cli-input-json", "file://change.json")
    aws.until(lambda answer: len(answer["TableList"][0]["StorageDescriptor"]["Columns"]) == 16, *find_table)

    three = "SELECT customerid FROM customeraccounts WHERE customerid IN ('CUST0026','CUST0001','CUST0002') ORDER BY 1"
    deadline = time.monotonic() + 20
    while ask(aws, three) != [["customerid"], ["CUST0001"], ["CUST0026"]]:
        assert time.monotonic() < deadline
    snapshots = ask(aws, 'SELECT snapshot_id FROM "customeraccounts$snapshots" ORDER BY committed_at')
    first = snapshots[1][0]
    before = three.replace("customeraccounts", f"customeraccounts FOR VERSION AS OF {first}")
    assert ask(aws, before) == [["customerid"], ["CUST0001"], ["CUST0002"]]

    aws("glue", "delete-integration", "--integration-identifier", created["IntegrationArn"])
    aws.until(lambda answer: not answer["Integrations"], "glue", "describe-integrations")


def ask(aws: Cli, sql: str) -> list[list[str]]:
    """Run a query with the CLI, and return the header and the rows as strings."""
    started = aws("athena", "start-query-execution", "--query-string", sql,
                  "--query-execution-context", "Database=customerdb")  # fmt: skip
    identity = ("--query-execution-id", started["QueryExecutionId"])
    ended = aws.until(
        lambda answer: answer["QueryExecution"]["Status"]["State"] not in ("QUEUED", "RUNNING"),
        "athena", "get-query-execution", *identity,
    )  # fmt: skip
    assert ended["QueryExecution"]["Status"]["State"] == "SUCCEEDED", ended
    rows = aws("athena", "get-query-results", *identity)["ResultSet"]["Rows"]
    return [[value.get("VarCharValue") for value in row["Data"]] for row in rows]
