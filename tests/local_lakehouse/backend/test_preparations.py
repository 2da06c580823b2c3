"""Tests for actions that run when the moto classes of a service are first imported."""

import subprocess
import sys
from types import ModuleType

import pytest

from local_lakehouse.backend import preparations


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Provide the list of executed actions, which is empty before the first import."""
    done: list[str] = []
    for name in ("early", "late"):
        module = ModuleType(name)
        module.apply = lambda name=name: done.append(name)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(preparations, "_MODULES", {})
    monkeypatch.setattr(preparations, "_carried_out", set())
    return done


def test_preparation_waits_until_the_service_is_requested(applied: list[str]) -> None:
    preparations.prepare("s3", "early")
    assert applied == []
    preparations.carry_out("s3")
    assert applied == ["early"]


def test_preparation_of_a_requested_service_runs_immediately_and_only_once(applied: list[str]) -> None:
    preparations.carry_out("s3")
    preparations.prepare("s3", "late")
    preparations.prepare("s3", "late")
    assert applied == ["late"]


# This program prints the moto modules that are imported while the database lock is held.
_FIRST_REQUESTS = """
import sys
import boto3
from local_lakehouse.lakehouse import Lakehouse, Settings

class Finder:
    def find_spec(self, name, path, target=None):
        if lakehouse.database.lock.held and name.startswith("moto."):
            print(name)

lakehouse = Lakehouse(Settings())
lakehouse.start()
sys.meta_path.insert(0, Finder())
requests = [
    ("sts", "get_caller_identity", {}),
    ("s3", "create_bucket", {"Bucket": "first"}),
    ("iam", "create_user", {"UserName": "first"}),
    ("glue", "create_database", {"DatabaseInput": {"Name": "first"}}),
    ("logs", "create_log_group", {"logGroupName": "first"}),
    ("cloudwatch", "put_metric_data", {"Namespace": "first", "MetricData": [{"MetricName": "m", "Value": 1}]}),
    ("kms", "create_key", {}),
    ("events", "list_rules", {}),
    ("dynamodb", "create_table", {
        "TableName": "First", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }),
]
for service, operation, arguments in sorted(requests, key=lambda request: request[0] != sys.argv[1]):
    client = boto3.client(
        service, endpoint_url=lakehouse.url, region_name="us-east-1", aws_access_key_id="unknown",
        aws_secret_access_key="secret",
    )
    getattr(client, operation)(**arguments)
lakehouse.stop()
"""


@pytest.mark.parametrize("first", ["sts", "s3", "glue", "dynamodb"])
def test_first_request_imports_modules_before_it_acquires_the_lock(first: str) -> None:
    found = subprocess.run([sys.executable, "-c", _FIRST_REQUESTS, first], capture_output=True, text=True, check=True)
    assert found.stdout == ""


# This program prints whether requests with an unknown access key have imported moto's IAM module.
_WITHOUT_IDENTITIES = """
import sys
import boto3
from local_lakehouse.lakehouse import Lakehouse, Settings

lakehouse = Lakehouse(Settings())
lakehouse.start()
for service, operation in [("s3", "list_buckets"), ("dynamodb", "list_tables")]:
    client = boto3.client(
        service, endpoint_url=lakehouse.url, region_name="us-east-1", aws_access_key_id="unknown",
        aws_secret_access_key="secret",
    )
    getattr(client, operation)()
    print("moto.iam.models" in sys.modules)
lakehouse.stop()
"""


def test_unknown_access_key_does_not_import_moto_iam() -> None:
    found = subprocess.run([sys.executable, "-c", _WITHOUT_IDENTITIES], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
