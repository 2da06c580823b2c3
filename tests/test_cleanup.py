import json
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.conftest import connect_to
from tests.fakes import Answers
from zetl_helpers import cleanup, cli, integration, lakehouse, monitoring, source, target
from zetl_helpers._aws import tag_list
from zetl_helpers._wait import without_waiting
from zetl_helpers.cleanup import LeftoverError
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
def full(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """Provide a lab with one resource of every type."""
    chapters.catch_up(lab, 8)
    chapters.share(lab)
    monitoring.create_alarm(lab)
    lakehouse.save_query(lab, "one", "SELECT 1", "A query")
    lakehouse.query(lab, "SELECT 1")
    return lab


@pytest.fixture
def integrated(lab: Lab) -> Lab:
    """Provide a lab with an integration that has not loaded anything yet."""
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    integration.create(lab)
    return lab


def kinds(lab: Lab) -> list[str]:
    return [entry.kind for entry in cleanup.plan(lab)]


def foreign(lab: Lab) -> list[str]:
    return [f"{entry.kind} {entry.name}" for entry in cleanup.plan(lab).foreign]


def test_everything_is_found_deleted_and_gone(full: Lab) -> None:
    before = kinds(full)
    assert before == EVERYTHING
    assert kinds(full) == before, "a plan changes nothing"
    outcomes = cleanup.apply(cleanup.plan(full))
    assert set(outcomes["outcome"]) == {"deleted"}
    assert cleanup.verify(full) == "All resources of the lab are deleted."


def test_a_further_table_goes_with_the_rest(lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    beside = lab.with_table("PaymentsByState")
    source.create_table(beside)
    source.enable_pitr(beside)
    source.load_items(beside, list(payments(30)))
    source.put_policy(beside)
    target.merge_catalog_policy(beside)
    integration.set_table_properties(beside, partition_by=chapters.PARTITION_BY)
    integration.create(beside)
    integration.wait_until_loaded(beside)
    assert kinds(lab) == [
        "integration", "log stream", "table properties", "resource property", "Glue table", "Glue database",
        "S3 bucket", *["point-in-time recovery"] * 2, *["resource policy"] * 2, *["DynamoDB table"] * 2,
        *["Data Catalog policy statement"] * 4, "IAM role",
    ]  # fmt: skip
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_one_failure_does_not_keep_the_rest_from_going(lab: Lab) -> None:
    target.create_bucket(lab)
    target.create_database(lab)
    source.create_table(lab)
    stuck = Answers(lab, "glue", "DeleteDatabase")
    stuck.fail("OperationTimeoutException")
    told: list[str] = []
    outcomes = cleanup.apply(cleanup.plan(lab), tell=told.append).set_index("kind")["outcome"]
    assert outcomes["Glue database"].startswith("failed: ")
    assert (outcomes.drop("Glue database") == "deleted").all()
    assert told[1] == f"[2/3] S3 bucket {lab.bucket}: deleted"
    with pytest.raises(
        LeftoverError, match=r"Still there: Glue database customerdb.* Delete everything with zetl.cleanup"
    ):
        cleanup.verify(lab, timeout=0)


def test_objects_that_s3_keeps_are_a_failure(lab: Lab) -> None:
    target.create_bucket(lab)
    target.create_prefix(lab)
    locked: dict[str, Any] = {"Errors": [{"Key": "customerdb/", "Code": "AccessDenied", "Message": "Access Denied"}]}
    lab.client("s3").meta.events.register("after-call.s3.DeleteObjects", lambda parsed, **_: parsed.update(locked))
    (outcome,) = cleanup.apply(cleanup.plan(lab))["outcome"]
    assert outcome == (
        f"failed: S3 did not delete 1 of the objects in bucket {lab.bucket}. The first is customerdb/: Access Denied"
    )


def test_a_bucket_goes_with_all_its_versions(lab: Lab) -> None:
    target.create_bucket(lab)
    s3 = lab.client("s3")
    s3.put_bucket_versioning(Bucket=lab.bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"old", b"new"):
        s3.put_object(Bucket=lab.bucket, Key="one", Body=body)
    s3.delete_object(Bucket=lab.bucket, Key="one")
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_a_table_that_is_being_made_goes_as_soon_as_it_can(lab: Lab, no_waiting: None) -> None:
    source.create_table(lab)
    busy = Answers(lab, "dynamodb", "DeleteTable")
    busy.fail("ResourceInUseException", times=3)
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_what_takes_long_is_asked_for_together_and_waited_for_one_by_one(lab: Lab) -> None:
    for table in ("CustomerAccounts", "Payments"):
        source.create_table(lab.with_table(table))
    happened: list[str] = []
    lab.client("dynamodb").meta.events.register("after-call.dynamodb.DeleteTable", lambda **_: happened.append("asked"))
    cleanup.apply(cleanup.plan(lab), tell=happened.append)
    assert happened == ["asked", "asked", *[line for line in happened if "DynamoDB table" in line]]
    assert len(happened) == 4


def test_a_wait_that_ends_without_the_thing_gone_is_a_failure(lab: Lab, no_waiting: None) -> None:
    source.create_table(lab)
    busy = Answers(lab, "dynamodb", "DeleteTable")
    busy.fail("ResourceInUseException", times=10**6)
    (outcome,) = cleanup.apply(cleanup.plan(lab))["outcome"]
    assert outcome.startswith("failed: Timed out after 10 min 00 s waiting for table CustomerAccounts to be deleted")


def test_an_integration_in_the_middle_of_something_goes_as_soon_as_it_can(
    integrated: Lab, lakehouse: Lakehouse
) -> None:
    busy = Answers(integrated, "glue", "DeleteIntegration")
    busy.fail("IntegrationConflictOperationFault", times=2)
    (found,) = [entry for entry in cleanup.plan(integrated) if entry.kind == "integration"]
    with without_waiting(meanwhile=lakehouse.zero_etl.refresh_now):
        found.delete()
    assert "integration" not in kinds(integrated)


def test_a_table_with_the_labs_tag_is_found_by_it(lab: Lab) -> None:
    arguments = {**source.definition(lab), "TableName": "AnotherName"}
    lab.client("dynamodb").create_table(**arguments, Tags=tag_list(lab.tags))
    assert [entry.name for entry in cleanup.plan(lab)] == ["AnotherName"]


def test_table_optimizers_go_before_their_table(lab: Lab) -> None:
    target.create_database(lab)
    lab.client("glue").create_table(DatabaseName=lab.database, TableInput={"Name": lab.target_table})
    Answers(lab, "glue", "GetTableOptimizer").once(lambda request: {"TableOptimizer": {"type": request["Type"]}})
    assert [(entry.kind, entry.name) for entry in cleanup.plan(lab)] == [
        ("table optimizer", "compaction of customerdb.customeraccounts"),
        ("Glue table", "customerdb.customeraccounts"),
        ("Glue database", "customerdb"),
    ]


def test_grants_of_every_principal_are_found(lab: Lab) -> None:
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


def test_an_attached_policy_does_not_keep_the_role(lab: Lab) -> None:
    iam = lab.client("iam")
    iam.create_role(RoleName=lab.role, AssumeRolePolicyDocument="{}", Tags=tag_list(lab.tags))
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = iam.create_policy(PolicyName="extra", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=lab.role, PolicyArn=policy)
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_a_log_group_of_one_integration_alone_goes_whole(integrated: Lab) -> None:
    group = f"{integration.LOG_GROUP}{integration.integration_id(integrated)}"
    integrated.client("logs").create_log_group(logGroupName=group)
    assert ("log group", group) in [(entry.kind, entry.name) for entry in cleanup.plan(integrated)]


def test_the_last_look_is_patient(lab: Lab, no_waiting: None) -> None:
    source.create_table(lab)
    late = Answers(lab, "dynamodb", "DescribeTable")
    answer = {"Table": lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]}
    cleanup.apply(cleanup.plan(lab))
    late.once(lambda _: answer)
    assert cleanup.verify(lab) == "All resources of the lab are deleted."


def test_a_check_before_the_deletion_fails_at_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_deletion_in_a_console_is_waited_for(lab: Lab) -> None:
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


def test_what_may_not_be_looked_for_is_not_called_gone(lab: Lab) -> None:
    source.create_table(lab)
    Answers(lab, "cloudwatch", "DescribeAlarms").fail("AccessDenied", times=10**6)
    found = cleanup.plan(lab)
    assert [what for what, _ in found.unseen] == ["CloudWatch alarms"]
    assert "Could not look for CloudWatch alarms: " in cleanup.transcript(found)
    cleanup.apply(found)
    with pytest.raises(LeftoverError, match=r"^Could not look for CloudWatch alarms: .*AccessDenied"):
        cleanup.verify(lab, timeout=0)


def test_expired_credentials_are_one_error(lab: Lab) -> None:
    Answers(lab, "glue", "DescribeIntegrations").fail("ExpiredTokenException", times=9)
    with pytest.raises(lab.client("glue").exceptions.ClientError, match="ExpiredTokenException"):
        cleanup.plan(lab)


def test_a_bucket_of_another_account_is_left_alone(lab: Lab) -> None:
    Answers(lab, "s3", "HeadBucket").fail("403", times=9)
    assert foreign(lab) == [f"S3 bucket {lab.bucket}"]
    assert cleanup.verify(lab) == (
        "All resources of the lab are deleted."
        " Resources with the lab's names that don't belong to the lab and are kept: 1."
    )


def test_a_bucket_of_ones_own_that_may_not_be_looked_at_is_not_called_foreign(lab: Lab) -> None:
    target.create_bucket(lab)
    Answers(lab, "s3", "HeadBucket").fail("403", times=9)
    found = cleanup.plan(lab)
    assert not found.foreign
    assert "S3 bucket" in [what for what, _ in found.unseen]


def test_statements_of_an_earlier_version_and_for_another_person_are_the_labs(lab: Lab) -> None:
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


def test_a_neighbors_things_stay(lakehouse_ticks: Lakehouse) -> None:
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


def test_the_command_deletes_nothing_by_itself(command: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    source.create_table(command)
    assert cli.main(["cleanup"]) == 1
    assert cli.main(["cleanup", "--dry-run"]) == 1
    assert "To delete all of this, run zetl cleanup in a terminal, or with --yes." in capsys.readouterr().out
    assert kinds(command) == ["DynamoDB table"]


def test_the_command_deletes_when_the_accounts_number_is_typed(command: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    source.create_table(command)
    answer(monkeypatch, "yes")
    assert cli.main(["cleanup"]) == 1
    assert kinds(command) == ["DynamoDB table"]
    answer(monkeypatch, f"{command.account} ")
    assert cli.main(["cleanup"]) == 0
    assert kinds(command) == []


def test_the_command_fails_when_something_stays(
    command: Lab, capsys: pytest.CaptureFixture[str], no_waiting: None
) -> None:
    source.create_table(command)
    Answers(command, "dynamodb", "DeleteTable").fail("LimitExceededException", times=9)
    assert cli.main(["cleanup", "--yes"]) == 1
    said = capsys.readouterr()
    assert "[1/1] DynamoDB table CustomerAccounts: failed: " in said.out
    assert "Still there: DynamoDB table CustomerAccounts." in said.err


def test_the_command_is_content_with_an_empty_account(command: Lab) -> None:
    assert cli.main(["cleanup", "--dry-run"]) == 0
