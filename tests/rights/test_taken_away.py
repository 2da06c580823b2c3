"""Ten rights taken away, one at a time: each ends in an error that names the action and the statement to look at."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.rights.people import become, learners_policies, without
from zetl_helpers import cleanup, integration, lakehouse, monitoring, permissions, source, studio, target
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

BUILD, USE = "policies/learner_build_permissions.json", "policies/learner_use_permissions.json"


@pytest.fixture
def enforcing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lakehouse]:
    """A running lakehouse that enforces IAM and refreshes all the time."""
    lakehouse = Lakehouse(Settings(refresh_seconds=0.05, enforce_iam=True))
    lakehouse.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    yield lakehouse
    lakehouse.stop()


def tutorial(lab: Lab) -> None:
    """Do what the chapters do, without their pictures."""
    source.create_table(lab)
    source.enable_pitr(lab)
    source.load_items(lab)
    source.put_policy(lab)
    target.create_bucket(lab)
    target.create_prefix(lab)
    target.create_database(lab)
    target.merge_catalog_policy(lab)
    permissions.create_target_role(lab)
    integration.set_target_role(lab)
    integration.set_table_properties(lab, unnest="TOPLEVEL", partition_by=chapters.PARTITION_BY)
    integration.create(lab)
    integration.wait_until_active(lab)
    integration.wait_until_loaded(lab)
    studio.add_administrator(lab)
    lakehouse.query(lab, "SELECT count(*) AS accounts FROM customeraccounts")
    lakehouse.save_query(lab, "Accounts", "SELECT 1", "How many there are")
    monitoring.log_events(lab)
    monitoring.create_alarm(lab)
    cleanup.apply(cleanup.plan(lab))


@pytest.mark.parametrize(
    ("action", "where"),
    [
        ("dynamodb:PutResourcePolicy", f"{BUILD}, statement SourceTables"),
        ("s3:CreateBucket", f"{BUILD}, statement TargetBucket"),
        ("iam:CreateRole", f"{BUILD}, statement CreateTargetRoleUnderBoundary"),
        ("iam:PassRole", f"{BUILD}, statement PassTargetRoleToGlue"),
        ("glue:CreateIntegration", f"{BUILD}, statement CreateIntegration"),
        ("logs:FilterLogEvents", f"{USE}, statement IntegrationLogs"),
        ("lakeformation:PutDataLakeSettings", f"{USE}, statement ShareInLakeFormation"),
        ("athena:StartQueryExecution", f"{USE}, statement Query"),
        ("s3:GetObject", f"{BUILD}, statement TargetObjects"),  # which Athena reads with, in the learner's name
        ("cloudwatch:PutMetricAlarm", f"{USE}, statement Alarms"),
    ],
)
def test_an_error_names_the_action_and_the_statement(enforcing: Lakehouse, action: str, where: str) -> None:
    lab = connect_to(enforcing.url)
    become(lab, learners_policies(lab, without(action)))
    with pytest.raises((ClientError, lakehouse.QueryError)) as error:
        tutorial(lab)
    text = str(error.value)
    assert f"You are missing {action}: see {where}." in text
    assert "Write the policies with your names by zetl policies, and ask whoever administers the account" in text
