"""Tests that invalid input and unsuitable environments cause a clear error and change nothing."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.recorder import Recorder, recorded_lab
from tests.fakes import FakeOperation
from tests.faults.conftest import SharedLakehouse
from tests.faults.network_faults import NetworkFaults
from zetl_helpers import integration, monitoring, source, target
from zetl_helpers._aws import ForeignResourceError
from zetl_helpers.course import chapters
from zetl_helpers.keys import KeyNotUsableError
from zetl_helpers.lab import ConnectionRefusedByLabError, Lab, connect

pytestmark = pytest.mark.once


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Provide an environment that contains only the AWS settings of a test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ZETL_"))}
    environment = {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }
    monkeypatch.setattr(os, "environ", environment)
    return environment


def test_connect_fails_without_credentials(bare_environment: dict[str, str]) -> None:
    with pytest.raises(ConnectionRefusedByLabError, match=r"There are no AWS credentials\. Sign in \(aws sso login"):
        connect("aws")


def test_connect_fails_for_unknown_profile(bare_environment: dict[str, str]) -> None:
    bare_environment["AWS_PROFILE"] = "nobody"
    with pytest.raises(ConnectionRefusedByLabError, match=r"nobody.*Set AWS_PROFILE to one of your profiles"):
        connect("aws")


def test_connect_fails_for_unknown_region(bare_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    bare_environment.update(AWS_DEFAULT_REGION="us-est-1", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
    NetworkFaults(monkeypatch).drop_requests()
    with pytest.raises(ConnectionRefusedByLabError, match=r"does not contain it\. Did you mean .*us-east-1"):
        connect("aws")


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("ExpiredToken", r"no longer valid\. Sign in again"),
        ("InvalidClientTokenId", "check whether the Region is enabled for your account"),
        ("SignatureDoesNotMatch", r"Sign in again, or set AWS_PROFILE"),
    ],
)
def test_connect_fails_for_rejected_credentials(
    bare_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, code: str, step: str
) -> None:
    bare_environment.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_SESSION_TOKEN="x")
    NetworkFaults(monkeypatch, "GetCallerIdentity").respond_with_xml_error(code, times=9)
    with pytest.raises(ConnectionRefusedByLabError, match=f"AWS could not identify you.*{code}.*{step}"):
        connect("aws")


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_step_can_be_repeated_after_token_expires(lab: Lab, recorder: Recorder, code: str) -> None:
    source.create_table(lab)
    before = recorder.changes
    FakeOperation(lab, "dynamodb", "DescribeContinuousBackups").fail(code)
    with pytest.raises(ClientError, match=r"repeat the step\. It continues where it stopped"):
        source.enable_pitr(lab)
    assert recorder.changes == before
    assert source.enable_pitr(lab).did == "changed"


def test_lakehouse_rejects_requests_for_other_regions(shared_lakehouse: SharedLakehouse) -> None:
    shared_lakehouse.snapshots.put_back(shared_lakehouse.empty)
    lab, recorder = recorded_lab(shared_lakehouse.lakehouse.url, region="eu-central-1")
    with pytest.raises(ClientError, match=r"This local lakehouse is in us-east-1, but the request is for eu-central-1"):
        chapters.catch_up(lab, 2)
    assert recorder.changes == []


@pytest.mark.parametrize(
    ("service", "operation"),
    [("dynamodb", "DescribeTable"), ("glue", "GetDatabase"), ("iam", "GetRole"), ("glue", "DescribeIntegrations")],
)
def test_nothing_is_changed_if_permission_is_missing(
    lab: Lab, recorder: Recorder, service: str, operation: str
) -> None:
    denied = FakeOperation(lab, service, operation)
    denied.fail("AccessDeniedException", times=9, message=f"not authorized to perform: {service}:{operation}")
    with pytest.raises(ClientError, match=f"not authorized to perform: {service}:{operation}"):
        chapters.catch_up(lab, 2)
    assert recorder.changes == []


def test_denied_call_is_not_retried(lab: Lab, recorder: Recorder) -> None:
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    FakeOperation(lab, "glue", "CreateIntegration").fail(
        "AccessDeniedException", times=9, message="User: x is not authorized to perform: glue:CreateIntegration on y"
    )
    with pytest.raises(ClientError, match="glue:CreateIntegration"):
        integration.create(lab)
    assert [call for call in recorder.changes if call == "glue.CreateIntegration"] == ["glue.CreateIntegration"]


def _table(lab: Lab) -> None:
    lab.client("dynamodb").create_table(**source.definition(lab))


def _bucket(lab: Lab) -> None:
    lab.client("s3").create_bucket(Bucket=lab.bucket)


def _database(lab: Lab) -> None:
    lab.client("glue").create_database(DatabaseInput={"Name": lab.database})


def _role(lab: Lab) -> None:
    lab.client("iam").create_role(RoleName=lab.role, AssumeRolePolicyDocument="{}")


@pytest.mark.parametrize(
    ("take", "kind"), [(_table, "Table"), (_bucket, "Bucket"), (_database, "Database"), (_role, "Role")]
)
def test_rejects_foreign_resource_with_lab_name(
    lab: Lab, recorder: Recorder, take: Callable[[Lab], None], kind: str
) -> None:
    take(lab)
    before = recorder.changes
    with pytest.raises(ForeignResourceError, match=rf"^{kind} .* doesn't belong to the lab.*Set ZETL_PREFIX"):
        chapters.catch_up(lab, 4)
    assert recorder.changes == before


def test_rejects_foreign_integration_with_lab_name(lab: Lab, recorder: Recorder) -> None:
    foreign = {"IntegrationName": lab.integration, "SourceArn": f"{lab.table_arn}Old", "TargetArn": lab.database_arn}
    FakeOperation(lab, "glue", "DescribeIntegrations").once(lambda _: {"Integrations": [foreign]})
    with pytest.raises(ForeignResourceError, match="Integration ddb-to-lakehouse exists but doesn't belong to the lab"):
        chapters.catch_up(lab, 4)
    assert recorder.changes == []


def test_rejects_foreign_alarm_with_lab_name(lab: Lab, recorder: Recorder) -> None:
    chapters.catch_up(lab, 3)
    lab.client("cloudwatch").put_metric_alarm(
        AlarmName=monitoring.alarm_name(lab), Namespace="Other", MetricName="Other", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    before = recorder.changes
    with pytest.raises(ForeignResourceError, match="Alarm ddb-to-lakehouse-ingestion-failed exists but doesn't have"):
        monitoring.create_alarm(lab)
    assert recorder.changes == before


class TestInaccessibleBucket:
    """Tests for buckets that the lab cannot use because of their account, their Region or a missing permission."""

    def test_rejects_bucket_in_another_account(self, lab: Lab, recorder: Recorder) -> None:
        FakeOperation(lab, "s3", "HeadBucket").fail("403")
        with pytest.raises(ForeignResourceError, match=r"belongs to another account\. Set ZETL_PREFIX"):
            chapters.catch_up(lab, 2)
        assert recorder.changes == []

    def test_explains_missing_permission_on_own_bucket(self, lab: Lab, recorder: Recorder) -> None:
        _bucket(lab)
        FakeOperation(lab, "s3", "HeadBucket").fail("403")
        with pytest.raises(
            ForeignResourceError, match=r"is in your account, but you can't access it, because you lack s3:ListBucket"
        ):
            target.create_bucket(lab)
        assert recorder.changes == ["s3.CreateBucket"]

    def test_explains_inaccessible_bucket_if_buckets_cannot_be_listed(self, lab: Lab, recorder: Recorder) -> None:
        FakeOperation(lab, "s3", "HeadBucket").fail("403")
        FakeOperation(lab, "s3", "ListBuckets").fail("AccessDenied")
        with pytest.raises(ForeignResourceError, match="belongs to another account, or you lack s3:ListBucket"):
            target.create_bucket(lab)
        assert recorder.changes == []

    def test_rejects_bucket_in_another_region(self, lab: Lab, recorder: Recorder) -> None:
        FakeOperation(lab, "s3", "HeadBucket").fail("301")
        with pytest.raises(ForeignResourceError, match="isn't in the lab's Region, us-east-1"):
            target.create_bucket(lab)
        assert recorder.changes == []

    def test_raises_error_if_bucket_name_is_taken_concurrently(self, lab: Lab) -> None:
        FakeOperation(lab, "s3", "CreateBucket").fail("BucketAlreadyExists")
        with pytest.raises(ClientError, match="BucketAlreadyExists"):
            target.create_bucket(lab)


@pytest.mark.parametrize(
    ("service", "operation", "code", "step"),
    [
        ("glue", "CreateIntegration", "IntegrationQuotaExceededFault", "Service Quotas console"),
        ("glue", "CreateDatabase", "ResourceNumberLimitExceededException", "Service Quotas console"),
        ("s3", "CreateBucket", "TooManyBuckets", "Service Quotas console"),
        ("iam", "CreateRole", "LimitExceeded", "Service Quotas console"),
        ("dynamodb", "CreateTable", "LimitExceededException", "Service Quotas console"),
        ("s3", "CreateBucket", "IllegalLocationConstraintException", "must be in the same Region"),
        ("glue", "CreateIntegration", "KMSKeyNotAccessibleFault", r"keys\.statements"),
    ],
)
def test_explains_quota_region_and_key_errors(lab: Lab, service: str, operation: str, code: str, step: str) -> None:
    FakeOperation(lab, service, operation).fail(code, times=9)
    with pytest.raises(ClientError, match=step) as caught:
        chapters.catch_up(lab, 4)
    assert caught.value.response["Error"]["Code"] == code


def _disabled_key(lab: Lab) -> str:
    key = str(lab.client("kms").create_key()["KeyMetadata"]["KeyId"])
    lab.client("kms").disable_key(KeyId=key)
    return key


def _signing_key(lab: Lab) -> str:
    return str(lab.client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"])


def _missing_key(_: Lab) -> str:
    return "alias/nobody"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (_disabled_key, "is in the state Disabled. Enable the key"),
        (_signing_key, "is not a symmetric encryption key"),
        (_missing_key, "There is no KMS key alias/nobody in Region us-east-1"),
    ],
)
def test_rejects_unusable_keys(lab: Lab, recorder: Recorder, key: Callable[[Lab], str], why: str) -> None:
    name = key(lab)
    before = recorder.changes
    attempts: list[Callable[..., Any]] = [
        source.create_table, target.create_bucket, integration.set_target_role, integration.create,
    ]  # fmt: skip
    for attempt in attempts:
        with pytest.raises(KeyNotUsableError, match=why):
            attempt(lab, kms_key=name)
    assert recorder.changes == before
