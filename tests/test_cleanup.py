import json
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.conftest import connect_to
from tests.fakes import FakeOperation
from zetl_helpers import cleanup, cli, integration, lakehouse, monitoring, permissions, source, studio, target
from zetl_helpers._aws import tag_dict, tag_list
from zetl_helpers._role_tags import REGION_TAG
from zetl_helpers._wait import without_waiting
from zetl_helpers.cleanup import LeftoverError
from zetl_helpers.cleanup._leftovers import StillThereError
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab
from zetl_helpers.payments import payments

EVERYTHING = [
    "CloudWatch alarm", "integration", "log stream", "table properties", "resource property", "Lake Formation grants",
    "Lake Formation location", "Lake Formation administrator", "saved query", "Glue table", "Glue database",
    "Athena results", "S3 bucket", "point-in-time recovery", "resource policy", "DynamoDB table",
    "Data Catalog policy statement", "Data Catalog policy statement", "IAM role",
]  # fmt: skip


@pytest.fixture
def full_lab(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """Provide a lab with one resource of every type."""
    chapters.catch_up(lab, 8)
    chapters.share(lab)
    monitoring.create_alarm(lab)
    lakehouse.save_query(lab, "one", "SELECT 1", "A query")
    lakehouse.query(lab, "SELECT 1")
    return lab


@pytest.fixture
def integrated_lab(lab: Lab) -> Lab:
    """Provide a lab with an integration whose first load has not started."""
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    integration.create(lab)
    return lab


def kinds(lab: Lab) -> list[str]:
    return [entry.kind for entry in cleanup.plan(lab)]


def foreign(lab: Lab) -> list[str]:
    return [f"{entry.kind} {entry.name}" for entry in cleanup.plan(lab).foreign]


def test_finds_and_deletes_everything(full_lab: Lab) -> None:
    before = kinds(full_lab)
    assert before == EVERYTHING
    assert kinds(full_lab) == before, "a plan changes nothing"
    outcomes = cleanup.apply(cleanup.plan(full_lab))
    assert set(outcomes["outcome"]) == {"deleted"}
    assert cleanup.verify(full_lab) == "All resources of the lab are deleted."


def test_deletes_resources_of_additional_table(lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    second_lab = lab.with_table("PaymentsByState")
    source.create_table(second_lab)
    source.enable_pitr(second_lab)
    source.load_items(second_lab, list(payments(30)))
    source.put_policy(second_lab)
    target.merge_catalog_policy(second_lab)
    integration.set_table_properties(second_lab, partition_by=chapters.PARTITION_BY)
    integration.create(second_lab)
    integration.wait_until_loaded(second_lab)
    assert kinds(lab) == [
        "integration", "log stream", "table properties", "resource property", "Glue table", "Glue database",
        "S3 bucket", *["point-in-time recovery"] * 2, *["resource policy"] * 2, *["DynamoDB table"] * 2,
        *["Data Catalog policy statement"] * 4, "IAM role",
    ]  # fmt: skip
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_continues_after_a_failure(lab: Lab) -> None:
    target.create_bucket(lab)
    target.create_database(lab)
    source.create_table(lab)
    stuck = FakeOperation(lab, "glue", "DeleteDatabase")
    stuck.fail("OperationTimeoutException")
    messages: list[str] = []
    outcomes = cleanup.apply(cleanup.plan(lab), tell=messages.append).set_index("kind")["outcome"]
    assert outcomes["Glue database"].startswith("failed: ")
    assert (outcomes.drop("Glue database") == "deleted").all()
    assert messages[1] == f"[2/3] S3 bucket {lab.bucket}: deleted"
    with pytest.raises(
        LeftoverError, match=r"Still there: Glue database customerdb.* Delete everything with zetl.cleanup"
    ):
        cleanup.verify(lab, timeout=0)


def test_reports_objects_that_s3_did_not_delete(lab: Lab) -> None:
    target.create_bucket(lab)
    target.create_prefix(lab)
    locked: dict[str, Any] = {"Errors": [{"Key": "customerdb/", "Code": "AccessDenied", "Message": "Access Denied"}]}
    lab.client("s3").meta.events.register("after-call.s3.DeleteObjects", lambda parsed, **_: parsed.update(locked))
    (outcome,) = cleanup.apply(cleanup.plan(lab))["outcome"]
    assert outcome == (
        f"failed: S3 did not delete 1 of the objects in bucket {lab.bucket}. The first is customerdb/: Access Denied"
    )


def test_deletes_all_object_versions(lab: Lab) -> None:
    target.create_bucket(lab)
    s3 = lab.client("s3")
    s3.put_bucket_versioning(Bucket=lab.bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"old", b"new"):
        s3.put_object(Bucket=lab.bucket, Key="one", Body=body)
    s3.delete_object(Bucket=lab.bucket, Key="one")
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_retries_while_table_is_being_created(lab: Lab, no_waiting: None) -> None:
    source.create_table(lab)
    busy = FakeOperation(lab, "dynamodb", "DeleteTable")
    busy.fail("ResourceInUseException", times=3)
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_requests_slow_deletions_before_waiting(lab: Lab) -> None:
    for table in ("CustomerAccounts", "Payments"):
        source.create_table(lab.with_table(table))
    events: list[str] = []
    lab.client("dynamodb").meta.events.register("after-call.dynamodb.DeleteTable", lambda **_: events.append("asked"))
    cleanup.apply(cleanup.plan(lab), tell=events.append)
    assert events == ["asked", "asked", *[line for line in events if "DynamoDB table" in line]]
    assert len(events) == 4


def test_reports_that_a_deletion_timed_out(lab: Lab, no_waiting: None) -> None:
    source.create_table(lab)
    busy = FakeOperation(lab, "dynamodb", "DeleteTable")
    busy.fail("ResourceInUseException", times=10**6)
    (outcome,) = cleanup.apply(cleanup.plan(lab))["outcome"]
    assert outcome.startswith("failed: Timed out after 10 min 00 s waiting for table CustomerAccounts to be deleted")


def test_retries_while_integration_is_busy(integrated_lab: Lab, lakehouse: Lakehouse) -> None:
    busy = FakeOperation(integrated_lab, "glue", "DeleteIntegration")
    busy.fail("IntegrationConflictOperationFault", times=2)
    (found,) = [entry for entry in cleanup.plan(integrated_lab) if entry.kind == "integration"]
    with without_waiting(meanwhile=lakehouse.zero_etl.refresh_now):
        found.delete()
    assert "integration" not in kinds(integrated_lab)


def test_finds_tables_by_tag(lab: Lab) -> None:
    arguments = {**source.definition(lab), "TableName": "AnotherName"}
    lab.client("dynamodb").create_table(**arguments, Tags=tag_list(lab.tags))
    assert [entry.name for entry in cleanup.plan(lab)] == ["AnotherName"]


def test_deletes_table_optimizers_before_table(lab: Lab) -> None:
    target.create_database(lab)
    lab.client("glue").create_table(DatabaseName=lab.database, TableInput={"Name": lab.target_table})
    FakeOperation(lab, "glue", "GetTableOptimizer").once(lambda request: {"TableOptimizer": {"type": request["Type"]}})
    assert [(entry.kind, entry.name) for entry in cleanup.plan(lab)] == [
        ("table optimizer", "compaction of customerdb.customeraccounts"),
        ("Glue table", "customerdb.customeraccounts"),
        ("Glue database", "customerdb"),
    ]


def test_finds_grants_to_every_principal(lab: Lab) -> None:
    target.create_database(lab)
    formation, database = lab.client("lakeformation"), {"Database": {"Name": lab.database}}
    admins = [{"DataLakePrincipalIdentifier": f"arn:aws:iam::{lab.account}:role/Admin"}]
    formation.put_data_lake_settings(DataLakeSettings={"DataLakeAdmins": admins})
    holder = {"DataLakePrincipalIdentifier": f"arn:aws:iam::{lab.account}:role/OfAProjectThatIsGone"}
    formation.grant_permissions(Principal=holder, Resource=database, Permissions=["DESCRIBE"])
    formation.create_lake_formation_opt_in(Principal=holder, Resource=database)
    (found,) = [entry for entry in cleanup.plan(lab) if entry.kind == "Lake Formation grants"]
    assert found.name == holder["DataLakePrincipalIdentifier"]
    found.delete()
    assert kinds(lab) == ["Glue database"]


def test_deletes_role_with_attached_policy(lab: Lab) -> None:
    iam = lab.client("iam")
    iam.create_role(RoleName=lab.role, AssumeRolePolicyDocument="{}", Tags=tag_list(lab.tags))
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = iam.create_policy(PolicyName="extra", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=lab.role, PolicyArn=policy)
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_keeps_role_of_lab_in_another_region(lab: Lab) -> None:
    """The role's tags are the only record of the Studio domain and the administrator in the other Region."""
    permissions.create_target_role(lab)
    records = {
        REGION_TAG: "eu-central-1",
        "zetl-lab-domain": "dzd_1",
        "zetl-lab-administrator": "arn:aws:iam::1:user/a",
    }
    lab.client("iam").tag_role(RoleName=lab.role, Tags=tag_list(records))
    found = cleanup.plan(lab)
    assert list(found) == []
    assert [(entry.kind, entry.name) for entry in found.foreign] == [("IAM role", lab.role)]
    assert found.foreign[0].why == (
        "it has zetl-lab-region=eu-central-1, so it belongs to the lab in eu-central-1, and this lab is in us-east-1; "
        "to clean up that lab, set AWS_REGION=eu-central-1"
    )
    cleanup.apply(found)
    assert cleanup.verify(lab).endswith("Resources that have the lab's names but don't belong to the lab were kept: 1.")
    assert records.items() <= tag_dict(lab.client("iam").list_role_tags(RoleName=lab.role)["Tags"]).items()


def test_keeps_role_while_added_administrator_is_recorded(
    command: Lab, capsys: pytest.CaptureFixture[str], no_waiting: None
) -> None:
    permissions.create_target_role(command)
    studio.add_administrator(command)
    principal = studio.added_administrator(command)
    refused = FakeOperation(command, "lakeformation", "PutDataLakeSettings")
    refused.fail("AccessDeniedException", times=10**6)
    assert cli.main(["cleanup", "--yes"]) == 1
    captured = capsys.readouterr()
    assert "All resources of the lab are deleted." not in captured.out
    assert (
        f"[2/2] IAM role {command.role}: failed: The tags of role {command.role} list resources that still exist: "
        f"Lake Formation administrator {principal}. Delete these first, then run cleanup again." in captured.out
    )
    assert f"Still there: Lake Formation administrator {principal}, IAM role {command.role}." in captured.err
    refused.left = 0
    assert cli.main(["cleanup", "--yes"]) == 0
    assert kinds(command) == []


def test_deletes_log_group_that_belongs_to_one_integration(integrated_lab: Lab) -> None:
    group = f"{integration.LOG_GROUP}{integration.integration_id(integrated_lab)}"
    integrated_lab.client("logs").create_log_group(logGroupName=group)
    assert ("log group", group) in [(entry.kind, entry.name) for entry in cleanup.plan(integrated_lab)]


def test_verify_waits_until_resources_are_gone(lab: Lab, no_waiting: None) -> None:
    source.create_table(lab)
    late = FakeOperation(lab, "dynamodb", "DescribeTable")
    answer = {"Table": lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]}
    cleanup.apply(cleanup.plan(lab))
    late.once(lambda _: answer)
    assert cleanup.verify(lab) == "All resources of the lab are deleted."


def test_verify_fails_without_waiting_if_nothing_was_deleted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_deleted", set())
    own = lab.with_table("MyTable")
    source.create_table(own)
    waits: list[str] = []
    command = r"zetl\.cleanup\.apply\(zetl\.cleanup\.plan\("
    with without_waiting(meanwhile=lambda: waits.append("wait")):
        with pytest.raises(LeftoverError, match=rf"^Still there: DynamoDB table MyTable\. .*{command}lab\)\)\.$"):
            cleanup.verify(lab)
        with pytest.raises(LeftoverError, match=rf'{command}lab, only=\[lab\.with_table\("MyTable"\)\]\)\)\.$'):
            cleanup.verify(lab, only=[own])
    assert not waits


def test_verify_waits_for_deletion_started_elsewhere(lab: Lab) -> None:
    source.create_table(lab)
    source.enable_pitr(lab)
    dynamodb, deleting = lab.client("dynamodb"), {"TableStatus": "DELETING"}
    dynamodb.meta.events.register(
        "after-call.dynamodb.DescribeTable", lambda parsed, **_: parsed.get("Table", {}).update(deleting)
    )
    (found,) = cleanup.plan(lab)
    assert (found.kind, found.is_being_deleted) == ("DynamoDB table", True)
    with without_waiting(meanwhile=lambda: dynamodb.delete_table(TableName=lab.table)):
        assert cleanup.verify(lab) == "All resources of the lab are deleted."


def test_verify_reports_resources_that_cannot_be_listed(lab: Lab) -> None:
    source.create_table(lab)
    FakeOperation(lab, "cloudwatch", "DescribeAlarms").fail("AccessDenied", times=10**6)
    found = cleanup.plan(lab)
    assert [what for what, _ in found.unseen] == ["CloudWatch alarms"]
    assert "Could not look for CloudWatch alarms: " in cleanup.transcript(found)
    cleanup.apply(found)
    with pytest.raises(LeftoverError, match=r"^Could not look for CloudWatch alarms: .*AccessDenied"):
        cleanup.verify(lab, timeout=0)


def test_plan_raises_error_for_expired_credentials(lab: Lab) -> None:
    FakeOperation(lab, "glue", "DescribeIntegrations").fail("ExpiredTokenException", times=9)
    with pytest.raises(lab.client("glue").exceptions.ClientError, match="ExpiredTokenException"):
        cleanup.plan(lab)


def test_keeps_bucket_in_another_account(lab: Lab) -> None:
    FakeOperation(lab, "s3", "HeadBucket").fail("403", times=9)
    assert foreign(lab) == [f"S3 bucket {lab.bucket}"]
    assert cleanup.verify(lab) == (
        "All resources of the lab are deleted."
        " Resources that have the lab's names but don't belong to the lab were kept: 1."
    )


def test_inaccessible_bucket_is_not_reported_as_foreign(lab: Lab) -> None:
    target.create_bucket(lab)
    FakeOperation(lab, "s3", "HeadBucket").fail("403", times=9)
    found = cleanup.plan(lab)
    assert not found.foreign
    assert "S3 bucket" in [what for what, _ in found.unseen]


def test_deletes_catalog_statements_from_earlier_versions(lab: Lab) -> None:
    target.create_database(lab)
    target.merge_catalog_policy(lab)
    glue = lab.client("glue")
    policy = json.loads(glue.get_resource_policy()["PolicyInJson"])
    for statement in policy["Statement"]:
        ((_, compared),) = statement["Condition"].items()
        statement["Condition"] = {"StringEquals": compared}
    policy["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{lab.account}:role/Somebody"}
    glue.put_resource_policy(PolicyInJson=json.dumps(policy), EnableHybrid="TRUE")
    assert kinds(lab) == ["Glue database", *["Data Catalog policy statement"] * 2]
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_keeps_resources_of_another_learner(lakehouse_ticks: Lakehouse) -> None:
    anna, ben = connect_to(lakehouse_ticks.url, "anna"), connect_to(lakehouse_ticks.url, "ben")
    for learner in (anna, ben):
        chapters.catch_up(learner, 3)
    before = kinds(ben)
    cleanup.apply(cleanup.plan(anna))
    assert cleanup.verify(anna)
    assert kinds(ben) == before


@pytest.fixture
def command(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Make the command ``zetl cleanup`` use this lab."""
    monkeypatch.setattr(cli, "_connect", lambda *_, **__: lab)
    return lab


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: text)


def test_command_deletes_nothing_without_confirmation(command: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    source.create_table(command)
    assert cli.main(["cleanup"]) == 1
    assert cli.main(["cleanup", "--dry-run"]) == 1
    assert "To delete these resources, run zetl cleanup in a terminal, or with --yes." in capsys.readouterr().out
    assert kinds(command) == ["DynamoDB table"]


def test_command_deletes_after_account_number_is_typed(command: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    source.create_table(command)
    answer(monkeypatch, "yes")
    assert cli.main(["cleanup"]) == 1
    assert kinds(command) == ["DynamoDB table"]
    answer(monkeypatch, f"{command.account} ")
    assert cli.main(["cleanup"]) == 0
    assert kinds(command) == []


def test_command_fails_if_resources_remain(command: Lab, capsys: pytest.CaptureFixture[str], no_waiting: None) -> None:
    source.create_table(command)
    FakeOperation(command, "dynamodb", "DeleteTable").fail("LimitExceededException", times=9)
    assert cli.main(["cleanup", "--yes"]) == 1
    captured = capsys.readouterr()
    assert "[1/1] DynamoDB table CustomerAccounts: failed: " in captured.out
    assert "Still there: DynamoDB table CustomerAccounts." in captured.err


def test_command_fails_if_step_failed_but_nothing_remains(
    command: Lab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed step can delete the evidence by which cleanup finds a resource."""
    source.create_table(command)

    def fail(*_: object) -> None:
        raise StillThereError("simulated")

    monkeypatch.setattr("zetl_helpers.cleanup._discover._wait_for_table", fail)
    assert cli.main(["cleanup", "--yes"]) == 1
    captured = capsys.readouterr()
    assert "All resources of the lab are deleted." not in captured.out
    assert captured.err == (
        "At least one step failed (see above), although cleanup finds no resources now. Fix the cause, and check "
        "whether the resource still exists.\n"
    )


def test_command_succeeds_for_empty_account(command: Lab) -> None:
    assert cli.main(["cleanup", "--dry-run"]) == 0
