"""Tests that a problem stops an integration until it is fixed, and that an error names the problem."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from local_lakehouse.iceberg.catalog import load_catalog
from tests.local_lakehouse.zero_etl.conftest import (
    BUCKET,
    CATALOG_ARN,
    DATABASE,
    DATABASE_ARN,
    ROLE_ARN,
    TRUST,
    World,
    catalog_policy,
    policy,
    role_statements,
    table_arn,
    table_policy,
)
from tests.local_lakehouse.zero_etl.documented_behavior import covers

Break = Callable[[World], object]


def _loaded(world: World) -> str:
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "a"}})
    arn = world.integrate("Orders")
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    return arn


def _recovery(world: World, enabled: bool) -> None:
    world.clients.client("dynamodb").update_continuous_backups(
        TableName="Orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
    )


def _table_policy(world: World, text: str) -> None:
    world.clients.client("dynamodb").put_resource_policy(ResourceArn=table_arn("Orders"), Policy=text)


def _catalog_policy(world: World, text: str) -> None:
    world.clients.client("glue").put_resource_policy(PolicyInJson=text)


def _trust(world: World, text: str) -> None:
    world.clients.client("iam").update_assume_role_policy(RoleName="zETLTargetRole", PolicyDocument=text)


CAUSES: dict[str, tuple[Break, Break, str, str]] = {
    "point-in-time recovery is off": (
        lambda world: _recovery(world, False),
        lambda world: _recovery(world, True),
        "POINT_IN_TIME_RECOVERY_DISABLED",
        "Orders",
    ),
    "no table policy": (
        lambda world: world.clients.client("dynamodb").delete_resource_policy(ResourceArn=table_arn("Orders")),
        lambda world: _table_policy(world, table_policy()),
        "SOURCE_ACCESS_DENIED",
        "dynamodb:ExportTableToPointInTime",
    ),
    "the table policy does not allow DescribeExport": (
        lambda world: _table_policy(world, table_policy().replace(', "dynamodb:DescribeExport"', "")),
        lambda world: _table_policy(world, table_policy()),
        "SOURCE_ACCESS_DENIED",
        "dynamodb:DescribeExport",
    ),
    "the table policy is for another account": (
        lambda world: _table_policy(
            world, table_policy().replace('"aws:SourceAccount": "1', '"aws:SourceAccount": "2')
        ),
        lambda world: _table_policy(world, table_policy()),
        "SOURCE_ACCESS_DENIED",
        "aws:SourceAccount",
    ),
    "the catalog policy does not allow the integration": (
        lambda world: _catalog_policy(world, catalog_policy("Other")),
        lambda world: _catalog_policy(world, catalog_policy("Orders")),
        "INBOUND_INTEGRATION_NOT_AUTHORIZED",
        "glue:AuthorizeInboundIntegration",
    ),
    "the role does not trust Glue": (
        lambda world: _trust(world, TRUST.replace("glue.", "ec2.")),
        lambda world: _trust(world, TRUST),
        "TARGET_ROLE_NOT_TRUSTED",
        ROLE_ARN,
    ),
    "no resource property": (
        lambda world: world.call("DeleteIntegrationResourceProperty", ResourceArn=DATABASE_ARN),
        lambda world: (
            world.call(
                "CreateIntegrationResourceProperty",
                ResourceArn=DATABASE_ARN,
                TargetProcessingProperties={"RoleArn": ROLE_ARN},
            )
            and None
        ),
        "UNRECOVERABLE_ACCESS_DENIED",
        DATABASE_ARN,
    ),
    "the bucket policy denies PutObject": (
        lambda world: (
            world.clients.client("s3").put_bucket_policy(
                Bucket=BUCKET,
                Policy=policy(
                    {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:PutObject",
                        "Resource": f"arn:aws:s3:::{BUCKET}/*",
                    }
                ),
            )
            and None
        ),
        lambda world: world.clients.client("s3").delete_bucket_policy(Bucket=BUCKET),
        "TARGET_ACCESS_DENIED",
        "s3:PutObject",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
@covers(
    "pitr",
    "table-policy",
    "table-policy-conditions",
    "grant-b",
    "target-role-trust",
    "resource-property",
    "needs-attention-recovery",
)
def test_integration_reports_a_problem_and_recovers_after_it_is_fixed(world: World, cause: str) -> None:
    arn = _loaded(world)
    broken, fix, code, named = CAUSES[cause]
    broken(world)
    world.put("Orders", {"pk": {"S": "b"}})
    world.service.tick()
    described = world.describe(arn)
    assert described["Status"] == "NEEDS_ATTENTION"
    assert [error["ErrorCode"] for error in described["Errors"]] == [code]
    assert named in described["Errors"][0]["ErrorMessage"]
    assert [row["pk"] for row in world.rows("orders")] == ["a"]
    fix(world)
    world.clock.now += 60
    world.service.tick()
    assert (world.status(arn), world.codes(arn)) == ("ACTIVE", [])
    assert [row["pk"] for row in world.rows("orders")] == ["a", "b"]


_NEEDED = [
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "glue:GetDatabase",
    "glue:CreateTable",
    "glue:GetTable",
    "glue:GetTables",
    "glue:DeleteTable",
    "glue:UpdateTable",
    "glue:GetTableVersion",
    "glue:GetTableVersions",
    "glue:GetResourcePolicy",
]


@pytest.mark.parametrize("action", _NEEDED)
@covers("target-role-permissions")
def test_target_role_needs_every_permission(world: World, action: str) -> None:
    arn = _loaded(world)
    world.put_role_policy([*role_statements(), {"Effect": "Deny", "Action": action, "Resource": "*"}])
    world.service.tick()
    (error,) = world.describe(arn)["Errors"]
    assert error["ErrorCode"] == "TARGET_ACCESS_DENIED"
    assert f" {action} on " in error["ErrorMessage"]
    world.put_role_policy(role_statements())
    world.refresh()
    assert world.status(arn) == "ACTIVE"


def test_target_role_permissions_on_a_different_prefix_are_not_enough(world: World) -> None:
    arn = _loaded(world)
    statements = json.loads(json.dumps(role_statements()).replace(f"{BUCKET}/{DATABASE}/*", f"{BUCKET}/other/*"))
    world.put_role_policy(statements)
    world.service.tick()
    assert world.codes(arn) == ["TARGET_ACCESS_DENIED"]


@pytest.mark.parametrize("right", ["logs:PutLogEvents", "cloudwatch:PutMetricData"])
@covers("metrics")
def test_missing_telemetry_permission_does_not_stop_the_load(world: World, right: str) -> None:
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "a"}})
    world.put_role_policy([*role_statements(), {"Effect": "Deny", "Action": right, "Resource": "*"}])
    arn = world.integrate("Orders")
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert len(world.rows("orders")) == 1
    groups = world.clients.client("logs").describe_log_groups()["logGroups"]
    metrics = world.clients.client("cloudwatch").list_metrics(Namespace="AWS/Glue/ZeroETL")["Metrics"]
    assert (not groups, not metrics) == (right.startswith("logs"), right.startswith("cloudwatch"))


def test_integration_recovers_from_problems_before_the_first_load(world: World) -> None:
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "a"}})
    _recovery(world, False)
    world.clients.client("dynamodb").delete_resource_policy(ResourceArn=table_arn("Orders"))
    arn = world.integrate("Orders")
    world.refresh()
    assert world.status(arn) == "NEEDS_ATTENTION"
    assert world.codes(arn) == ["POINT_IN_TIME_RECOVERY_DISABLED", "SOURCE_ACCESS_DENIED"]
    _recovery(world, True)
    _table_policy(world, table_policy())
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert len(world.rows("orders")) == 1


@covers("needs-attention-recovery")
def test_retries_back_off(world: World) -> None:
    arn = _loaded(world)
    _recovery(world, False)
    tried = []
    checked = world.service._lifecycle.checks.problems
    world.service._lifecycle.checks.problems = lambda ends: tried.append(world.clock.now) or checked(ends)  # type: ignore[method-assign,func-returns-value]
    start = world.clock.now
    for _ in range(30):
        world.service.tick()
        world.clock.now += 1
    assert world.status(arn) == "NEEDS_ATTENTION"
    # Problems are checked a second time before they are reported.
    assert [moment - start for moment in dict.fromkeys(tried)] == [0, 1, 3, 7, 15, 23]


@covers("seven-days", "failed-terminal")
def test_integration_fails_if_problem_lasts_seven_days(world: World) -> None:
    arn = _loaded(world)
    _recovery(world, False)
    world.service.tick()
    world.clock.now += 7 * 24 * 3600
    world.service.tick()
    assert world.status(arn) == "FAILED"
    assert world.codes(arn) == ["POINT_IN_TIME_RECOVERY_DISABLED"]
    _recovery(world, True)
    world.refresh()
    assert world.status(arn) == "FAILED"


@covers("log-messages")
def test_failure_is_logged_once(world: World) -> None:
    arn = _loaded(world)
    _recovery(world, False)
    for _ in range(3):
        world.service.refresh_now()
    events = world.clients.client("logs").get_log_events(
        logGroupName="/aws-glue/zeroETL-integrations/logs/", logStreamName=arn.rpartition(":")[2]
    )["events"]
    failed = [m for event in events if (m := json.loads(event["message"]))["messageType"] == "IngestionFailed"]
    (message,) = failed
    assert message["details"]["tableName"] == "orders"
    assert message["details"]["error_code"] == "client_error"
    assert "Point-in-time recovery is off" in message["details"]["errorMessage"]


@covers("deleting-keeps", "delete-answer")
def test_deleting_status_is_shown_once_and_data_is_kept(world: World) -> None:
    arn = _loaded(world)
    answer = world.call("DeleteIntegration", IntegrationIdentifier=arn)
    assert answer["Status"] == "DELETING"
    assert "IntegrationConfig" not in answer
    world.service.tick()
    assert world.status(arn) == "DELETING"
    world.service.tick()
    assert world.refused("DescribeIntegrations", IntegrationIdentifier=arn).code == "IntegrationNotFoundFault"
    assert world.call("DescribeIntegrations")["Integrations"] == []
    assert len(world.rows("orders")) == 1


def test_new_integration_reloads_an_existing_target(world: World) -> None:
    arn = _loaded(world)
    world.call("DeleteIntegration", IntegrationIdentifier=arn)
    world.refresh()
    world.delete("Orders", {"pk": {"S": "a"}})
    world.put("Orders", {"pk": {"S": "b"}, "n": {"N": "1"}})
    again = world.integrate("Orders")
    world.refresh()
    assert world.status(again) == "ACTIVE"
    assert world.rows("orders") == [{"pk": "b", "n": 1.0}]
    assert len(world.snapshots("orders")) == 2
    parameters = world.clients.client("glue").get_table(DatabaseName=DATABASE, Name="orders")["Table"]["Parameters"]
    assert parameters["glue_integration_id"].startswith(again.rpartition(":")[2])


@covers("managed-key")
def test_integration_needs_attention_if_source_uses_the_aws_managed_key(world: World) -> None:
    own = world.clients.client("kms").create_key()["KeyMetadata"]["Arn"]
    world.create_table("Managed", SSESpecification={"Enabled": True, "SSEType": "KMS"})
    world.create_table("Own", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": own})
    managed, customer = world.integrate("Managed"), world.integrate("Own")
    world.refresh()
    assert world.codes(managed) == ["SOURCE_ENCRYPTION_UNSUPPORTED"]
    assert world.status(customer) == "ACTIVE"


@covers("modifying", "interval-changes")
def test_modifying_status_is_shown_once(world: World) -> None:
    arn = _loaded(world)
    answer = world.call(
        "ModifyIntegration",
        IntegrationIdentifier=arn,
        IntegrationName="renamed",
        IntegrationConfig={"RefreshInterval": "60"},
    )
    assert (answer["Status"], answer["IntegrationName"]) == ("MODIFYING", "renamed")
    world.service.tick()
    assert world.status(arn) == "MODIFYING"
    world.service.tick()
    assert world.status(arn) == "ACTIVE"
    assert world.describe(arn)["IntegrationConfig"] == {"RefreshInterval": "60"}


@covers("source-missing")
def test_recreated_source_is_loaded_again(world: World) -> None:
    arn = _loaded(world)
    world.dynamodb("DeleteTable", TableName="Orders")
    world.service.tick()
    assert world.codes(arn) == ["SOURCE_TABLE_NOT_FOUND"]
    world.create_table("Orders")
    world.put("Orders", {"pk": {"S": "z"}})
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [row["pk"] for row in world.rows("orders")] == ["z"]


def test_deleted_target_table_is_loaded_again(world: World) -> None:
    arn = _loaded(world)
    world.clients.client("glue").delete_table(DatabaseName=DATABASE, Name="orders")
    world.put("Orders", {"pk": {"S": "b"}})
    world.refresh()
    assert world.status(arn) == "SYNCING"
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [row["pk"] for row in world.rows("orders")] == ["a", "b"]


def test_two_integrations_cannot_share_a_target_table(world: World) -> None:
    _loaded(world)
    world.create_table("Other")
    arn = world.integrate("Other", TargetTableName="orders")
    world.refresh()
    assert world.codes(arn) == ["TARGET_TABLE_IN_USE"]
    world.call(
        "UpdateIntegrationTableProperties",
        ResourceArn=DATABASE_ARN,
        TableName="Other",
        TargetTableConfig={"TargetTableName": "Elsewhere"},
    )
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert world.rows("elsewhere") == []


def test_existing_foreign_table_is_not_overwritten(world: World) -> None:
    world.create_table("Orders")
    schema = Schema(NestedField(1, "own", LongType(), required=False))
    load_catalog(world.clients).create_table((DATABASE, "orders"), schema, f"s3://{BUCKET}/elsewhere")
    arn = world.integrate("Orders")
    world.refresh()
    assert world.codes(arn) == ["TARGET_TABLE_CONFLICT"]
    assert [field.name for field in world.table("orders").schema().fields] == ["own"]
    world.clients.client("glue").delete_table(DatabaseName=DATABASE, Name="orders")
    world.clients.client("glue").create_table(DatabaseName=DATABASE, TableInput={"Name": "orders", "Parameters": {}})
    world.refresh()
    assert world.codes(arn) == ["TARGET_TABLE_CONFLICT"]
    world.clients.client("glue").delete_table(DatabaseName=DATABASE, Name="orders")
    world.refresh()
    assert world.status(arn) == "ACTIVE"


def test_state_survives_a_restart(world: World) -> None:
    arn = _loaded(world)
    world.put("Orders", {"pk": {"S": "b"}})
    saved = world.service.dump()
    world.restart()
    world.service.load(saved)
    world.refresh()
    assert world.status(arn) == "ACTIVE"
    assert [row["pk"] for row in world.rows("orders")] == ["a", "b"]


@covers("grant-a")
def test_create_integration_requires_the_inbound_permission(world: World) -> None:
    world.create_table("Orders")
    _catalog_policy(world, catalog_policy("Other"))
    world.clients.client("iam").delete_role_policy(RoleName="Admin", PolicyName="Administrator")
    fault = world.refused(
        "CreateIntegration", IntegrationName="n", SourceArn=table_arn("Orders"), TargetArn=DATABASE_ARN
    )
    assert fault.code == "AccessDeniedException"
    assert "glue:CreateInboundIntegration" in fault.message
    world.clients.client("iam").put_role_policy(
        RoleName="Admin",
        PolicyName="own",
        PolicyDocument=policy(
            {
                "Effect": "Allow",
                "Action": "glue:CreateInboundIntegration",
                "Resource": [CATALOG_ARN, DATABASE_ARN],
            }
        ),
    )
    assert world.integrate("Orders")


def test_error_names_an_unsupported_policy_operator(world: World) -> None:
    odd = policy(
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "glue:*",
            "Resource": "*",
            "Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "1"}},
        }
    )
    arn = _loaded(world)
    _catalog_policy(world, odd)
    world.service.tick()
    (error,) = world.describe(arn)["Errors"]
    assert (error["ErrorCode"], "NumericLessThan" in error["ErrorMessage"]) == ("POLICY_NOT_EVALUATED", True)
    world.create_table("Other")
    _catalog_policy(world, odd)
    fault = world.refused(
        "CreateIntegration", IntegrationName="n", SourceArn=table_arn("Other"), TargetArn=DATABASE_ARN
    )
    assert (fault.code, "NumericLessThan" in fault.message) == ("AccessDeniedException", True)


def test_tick_without_writes_does_not_send_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create_table("Orders")
    arn = world.integrate("Orders")
    world.refresh()
    for _ in range(3):
        world.service.tick()
    sent: list[str] = []
    for service in ("dynamodb", "iam"):
        # A handler of the less specific event "before-call" is not called, because the lakehouse has already responded.
        events = world.clients.client(service).meta.events
        events.register("before-call.*", lambda model, **_: sent.append(model.name))
    world.service.tick()
    assert sent == []
    world.clients.client("dynamodb").delete_resource_policy(ResourceArn=table_arn("Orders"))
    assert sent == ["DeleteResourcePolicy"]
    world.service.tick()
    assert world.status(arn) == "NEEDS_ATTENTION"


def test_refresh_after_a_data_change_does_not_read_settings(world: World) -> None:
    world.create_table("Orders")
    world.integrate("Orders")
    world.refresh()
    world.put("Orders", {"pk": {"S": "a"}})
    world.refresh()
    sent: list[str] = []
    for service in ("dynamodb", "glue", "iam", "s3"):
        world.clients.client(service).meta.events.register("before-call.*", lambda model, **_: sent.append(model.name))
    world.put("Orders", {"pk": {"S": "b"}})
    world.refresh()
    settings = {"DescribeContinuousBackups", "GetBucketPolicy", "GetResourcePolicy", "GetRole", "GetRolePolicy"}
    assert "UpdateTable" in sent, "the refresh committed the change"
    assert settings.isdisjoint(sent)
