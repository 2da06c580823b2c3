"""Tests for the exact output of cleanup's dry run.

After an intended change, rewrite the files and review the diff: .venv/bin/python -m pytest tests/test_transcripts.py
--rewrite-golden
"""

import json
import re
from collections.abc import Callable

import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.conftest import connect_to
from zetl_helpers import cleanup, cli, integration, lakehouse, monitoring, permissions, source, target
from zetl_helpers._aws import tag_list
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

Golden = Callable[[str, str], None]


def dry_run(*labs: Lab) -> str:
    text = "\n\n".join(cleanup.transcript(cleanup.plan(lab)) for lab in labs)
    # Only this part differs between runs.
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "INTEGRATION-ID", text) + "\n"


@pytest.fixture
def full_lab(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """Provide a lab with one resource of every type."""
    chapters.catch_up(lab, 8)
    chapters.share(lab)
    monitoring.create_alarm(lab)
    lakehouse.save_query(lab, "Credit use by place", "SELECT 1", "A query")
    lakehouse.query(lab, "SELECT 1")
    return lab


def create_foreign_resources(lab: Lab) -> None:
    """Create resources that have the lab's names but do not belong to it, because they lack tags or have another lab's
    tags.
    """
    lab.client("dynamodb").create_table(**source.definition(lab))
    source.enable_pitr(lab)
    lab.client("s3").create_bucket(Bucket=lab.bucket)
    lab.client("s3").put_object(Bucket=lab.bucket, Key="theirs", Body=b"theirs")
    lab.client("glue").create_database(DatabaseInput={"Name": lab.database, "LocationUri": f"{lab.location}/"})
    lab.client("glue").create_table(DatabaseName=lab.database, TableInput={"Name": lab.target_table})
    trust = json.dumps(permissions.render(lab, "target_role_trust"))
    lab.client("iam").create_role(
        RoleName=lab.role, AssumeRolePolicyDocument=trust, Tags=tag_list({"zetl-lab": "somebodyelse"})
    )
    target.merge_catalog_policy(lab)
    policy = json.loads(lab.client("glue").get_resource_policy()["PolicyInJson"])
    (compared,) = policy["Statement"][0]["Condition"].values()
    compared["aws:SourceArn"] += "*"
    lab.client("glue").put_resource_policy(PolicyInJson=json.dumps(policy), EnableHybrid="TRUE")
    glue = lab.client("glue")
    glue.create_integration_resource_property(
        ResourceArn=lab.database_arn, TargetProcessingProperties={"RoleArn": lab.role_arn}
    )
    integration.set_table_properties(lab)
    glue.create_integration(IntegrationName=lab.integration, SourceArn=lab.table_arn, TargetArn=lab.database_arn)
    lakehouse.save_query(lab, "theirs", "SELECT 1", "Their query")
    lab.client("cloudwatch").put_metric_alarm(
        AlarmName=monitoring.alarm_name(lab),
        Namespace="Theirs",
        MetricName="Theirs",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def test_dry_run_of_empty_account_matches_golden_file(lab: Lab, golden: Golden) -> None:
    golden("empty_account.txt", dry_run(lab))


def test_dry_run_of_complete_lab_matches_golden_file(full_lab: Lab, golden: Golden) -> None:
    golden("full_lab.txt", dry_run(full_lab))


def test_dry_run_of_incomplete_lab_matches_golden_file(lab: Lab, golden: Golden) -> None:
    source.create_table(lab)
    target.create_bucket(lab)
    target.create_database(lab)
    lab.client("iam").create_role(RoleName=lab.role, AssumeRolePolicyDocument="{}", Tags=tag_list(lab.tags))
    integration.set_target_role(lab)
    golden("incomplete_lab.txt", dry_run(lab))


def test_dry_run_without_database_or_integration_matches_golden_file(full_lab: Lab, golden: Golden) -> None:
    integration.delete(full_lab)
    full_lab.client("glue").delete_table(DatabaseName=full_lab.database, Name=full_lab.target_table)
    full_lab.client("glue").delete_database(Name=full_lab.database)
    golden("orphaned_resources.txt", dry_run(full_lab))


def test_dry_run_for_two_learners_matches_golden_file(lakehouse: Lakehouse, golden: Golden) -> None:
    labs = [connect_to(lakehouse.url, learner) for learner in ("anna", "ben")]
    for lab in labs:
        chapters.catch_up(lab, 2)
    golden("two_learners.txt", dry_run(*labs))


def test_dry_run_with_foreign_resources_matches_golden_file(lab: Lab, golden: Golden) -> None:
    create_foreign_resources(lab)
    before = dry_run(lab)
    golden("foreign_resources.txt", before)
    cleanup.apply(cleanup.plan(lab))
    assert dry_run(lab) == before
    assert lab.client("s3").get_object(Bucket=lab.bucket, Key="theirs")["Body"].read() == b"theirs"


def test_cleanup_command_output_matches_golden_file(
    lab: Lab, golden: Golden, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_connect", lambda *_, **__: lab)
    chapters.catch_up(lab, 2)
    assert cli.main(["cleanup", "--yes"]) == 0
    golden("cleanup_command.txt", capsys.readouterr().out)
