"""Tests that the message for a missing permission names the permission and says who can grant it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.fakes import FakeOperation
from tests.permissions.callers import learner_policies, replace_policies, without
from zetl_helpers import cleanup, integration, lakehouse, monitoring, permissions, source, studio, target
from zetl_helpers._wait import without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

BUILD, USE = "policies/learner_build_permissions.json", "policies/learner_use_permissions.json"
ACCOUNT = "policies/learner_account_permissions.json"


@pytest.fixture
def enforcing_lakehouse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lakehouse]:
    """Provide a running lakehouse that enforces IAM and refreshes continuously."""
    lakehouse = Lakehouse(Settings(refresh_seconds=0.05, enforce_iam=True))
    lakehouse.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    yield lakehouse
    lakehouse.stop()


def tutorial(lab: Lab) -> None:
    """Run the steps of the chapters, except the charts."""
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
    lakehouse.save_query(lab, "Accounts", "SELECT 1", "The number of accounts")
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
        ("lakeformation:PutDataLakeSettings", f"{ACCOUNT}, statement ShareInLakeFormation"),
        ("glue:PutResourcePolicy", f"{ACCOUNT}, statement ChangeCatalogPolicy"),
        ("s3:PutBucketPolicy", f"{BUILD}, statement TargetBucket"),
        ("athena:StartQueryExecution", f"{USE}, statement Query"),
        (
            "s3:GetObject",
            f"{BUILD}, statement TargetObjects",
        ),  # Athena reads with the learner's permissions.
        ("cloudwatch:PutMetricAlarm", f"{USE}, statement Alarms"),
    ],
)
def test_error_names_missing_action_and_statement(enforcing_lakehouse: Lakehouse, action: str, where: str) -> None:
    lab = connect_to(enforcing_lakehouse.url)
    replace_policies(lab, learner_policies(lab, without(action)))
    with pytest.raises((ClientError, lakehouse.QueryError)) as error:
        tutorial(lab)
    text = str(error.value)
    assert f"You are missing {action}. For a policy that allows it, see {where}." in text
    assert "Run zetl policies to write the policies with the names of your resources. Ask an account" in text


@pytest.fixture
def shared_lab(lakehouse_ticks: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Provide a lab whose table is shared with the project."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse_ticks.url)
    lab = connect_to(lakehouse_ticks.url)
    chapters.catch_up(lab, 4)
    chapters.share(lab)
    return lab


SHARE = r"Ask the owner of the lab to share the table with this project, as described in chapter 3"


@pytest.mark.parametrize("removed", ["opt-in", "registration", "grant"])
def test_member_error_says_who_can_share_table(shared_lab: Lab, removed: str) -> None:
    project = studio.find_project(shared_lab)
    who = {"DataLakePrincipalIdentifier": project.role_arn}
    table = {"Table": {"DatabaseName": shared_lab.database, "Name": shared_lab.target_table}}
    formation = shared_lab.client("lakeformation")
    if removed == "opt-in":
        formation.delete_lake_formation_opt_in(Principal=who, Resource=table)
    elif removed == "registration":
        studio.deregister_location(shared_lab)
    else:
        formation.revoke_permissions(Principal=who, Resource=table, Permissions=["SELECT"])
    member = studio.as_project(shared_lab, project)
    with pytest.raises(lakehouse.QueryError) as error:
        lakehouse.query(member, "SELECT count(*) AS accounts FROM customeraccounts")
    assert re.search(
        "A Lake Formation administrator can grant the permission" if removed == "grant" else SHARE, str(error.value)
    )


def test_missing_workgroup_error_names_setting(shared_lab: Lab) -> None:
    with pytest.raises(lakehouse.QueryError, match=r"nowhere.*zetl settings workgroup=.*ask an administrator"):
        lakehouse.query(replace(shared_lab, workgroup="nowhere"), "SELECT 1")


def test_missing_log_group_warning_says_who_creates_it(shared_lab: Lab) -> None:
    shared_lab.client("logs").delete_log_group(logGroupName=integration.LOG_GROUP)
    with pytest.warns(monitoring.NoLogWarning, match=r"no log group .*logs:CreateLogGroup.*create_target_role"):
        assert monitoring.log_events(shared_lab).empty


def test_missing_catalog_statement_error_names_helper(enforcing_lakehouse: Lakehouse) -> None:
    lab = connect_to(enforcing_lakehouse.url)
    replace_policies(lab, learner_policies(lab))
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    target.remove_catalog_statements(lab)
    with without_waiting(), pytest.raises(ClientError, match=r"CreateInboundIntegration.*merge_catalog_policy\(lab\)"):
        integration.create(lab)


@pytest.mark.parametrize(
    ("removed", "expected_message"),
    [
        ("point-in-time recovery", r"UpdateContinuousBackups|[Pp]oint-in-time recovery"),
        ("table policy", r"resource policy of table|PutResourcePolicy|resource policy"),
        ("permission of the target role", r"s3:PutObject"),
        ("target database", r"Target Glue database not found\. Create the database customerdb again"),
        ("catalog policy", r"AuthorizeInboundIntegration.*Data Catalog|Data Catalog resource policy"),
    ],
)
def test_integration_reports_missing_prerequisite(shared_lab: Lab, removed: str, expected_message: str) -> None:
    if removed == "point-in-time recovery":
        source.disable_pitr(shared_lab)
    elif removed == "table policy":
        shared_lab.client("dynamodb").delete_resource_policy(ResourceArn=shared_lab.table_arn)
    elif removed == "permission of the target role":
        permissions.limit_target_role(shared_lab, "s3:PutObject")
    elif removed == "target database":
        shared_lab.client("glue").delete_database(Name=shared_lab.database)
    else:
        target.remove_catalog_statements(shared_lab)
    # The item has the partition column, because a refresh that has already started would otherwise report a different
    # problem.
    item = {"CustomerID": {"S": "CUST9003"}, "AccountNumber": {"S": "ACC900003"}, "State": {"S": "NV"}}
    shared_lab.client("dynamodb").put_item(TableName=shared_lab.table, Item=item)
    assert re.search(expected_message, integration.wait_until_attention(shared_lab))


@pytest.mark.parametrize(
    ("resource", "removed", "expected_message"),
    [
        ({"Database": {"Name": "customerdb"}}, "CREATE_TABLE", "CREATE_TABLE on database customerdb"),
        (
            {"Table": {"DatabaseName": "customerdb", "TableWildcard": {}}},
            "INSERT",
            "INSERT on table customerdb.customeraccounts",
        ),
    ],
    ids=["database", "table"],
)
def test_integration_reports_missing_grants_for_target_role(
    monkeypatch: pytest.MonkeyPatch, resource: dict[str, Any], removed: str, expected_message: str
) -> None:
    lakehouse = Lakehouse(Settings(refresh_seconds=0.05, governed=True))
    lakehouse.start()
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
        lab = connect_to(lakehouse.url)
        chapters.catch_up(lab, 4)
        lab.client("lakeformation").revoke_permissions(
            Principal={"DataLakePrincipalIdentifier": lab.role_arn}, Resource=resource, Permissions=[removed]
        )
        key = {"CustomerID": {"S": "CUST9003"}, "AccountNumber": {"S": "ACC900003"}}
        lab.client("dynamodb").put_item(TableName=lab.table, Item=key)
        text = integration.wait_until_attention(lab)
        assert "Insufficient lake formation permissions on Target Glue database." in text
        assert f"The target role {lab.role_arn} lacks {expected_message}." in text
        assert "Grant each missing permission with GrantPermissions" in text
    finally:
        lakehouse.stop()


def test_missing_domain_error_says_who_can_create_one(lab: Lab) -> None:
    FakeOperation(lab, "datazone", "ListDomains").once(lambda _: {"items": []})
    with pytest.raises(studio.StudioError, match=r"An administrator can create one in the Amazon SageMaker console"):
        studio.find_project(lab)
