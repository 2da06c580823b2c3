import dataclasses
import importlib.metadata
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from local_lakehouse import system
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.fakes import Answers
from tests.rights.people import become, learners_policies, without
from tests.test_transcripts import make_foreign_things
from zetl_helpers import cli, doctor, permissions, source, target
from zetl_helpers.doctor import _account_checks, _machine_checks
from zetl_helpers.doctor._check import Check
from zetl_helpers.lab import ConnectionRefusedByLabError, Lab

GB = 2**30


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a computer with enough resources, regardless of the computer that runs the tests."""
    monkeypatch.setattr(system, "free_memory", lambda: 2 * GB)
    monkeypatch.setattr(_machine_checks, "_free_disk", lambda _: 9 * GB)
    monkeypatch.setattr(_machine_checks, "static_image_obstacle", lambda: None)


@pytest.fixture
def governed() -> Iterator[Lakehouse]:
    """Provide a running lakehouse whose account is governed by Lake Formation."""
    lakehouse = Lakehouse(Settings(refresh_seconds=3600, governed=True))
    lakehouse.start()
    yield lakehouse
    lakehouse.stop()


def failures(checks: list[Check]) -> list[str]:
    return [check.what for check in checks if not check.ok]


def test_a_healthy_lab_is_ok_in_every_line(lab: Lab, golden: Callable[[str, str], None]) -> None:
    checks = doctor.examine(lab)
    assert failures(checks) == []
    # The first two lines contain versions.
    golden("doctor.txt", doctor.report(checks[2:]) + "\n")


def test_the_command_prints_the_same_and_fails_when_a_line_does(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "connect", lambda: lab)
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().out == doctor.report(doctor.examine(lab)) + "\n"
    Answers(lab, "glue", "DescribeIntegrations").fail("AccessDeniedException", times=99)
    assert cli.main(["doctor"]) == 1


def test_a_service_that_denies_is_named_with_the_next_step(lab: Lab) -> None:
    Answers(lab, "glue", "DescribeIntegrations").fail("AccessDeniedException", times=99)
    checks = doctor.examine(lab)
    assert failures(checks) == [
        "AWS Glue zero-ETL does not respond",
        "integrations of earlier runs cannot be listed",
        "logs of earlier runs cannot be listed",
    ]
    assert "[FAIL] AWS Glue zero-ETL does not respond\n       " in doctor.report(checks)
    assert "policies/" in doctor.report(checks)


def test_a_learner_has_every_right(lab: Lab) -> None:
    become(lab, learners_policies(lab))
    assert failures(_account_checks.rights(lab)) == []


def test_rights_that_are_missing_are_named_with_their_policy(lab: Lab) -> None:
    become(lab, learners_policies(lab, without("glue:DeleteIntegration")))
    (check,) = _account_checks.rights(lab)
    assert check == Check(
        False,
        "permissions are missing: glue:DeleteIntegration",
        "See policies/learner_build_permissions.json, statement DeleteOwnIntegration. zetl policies writes this policy "
        "with the names of your resources, so that an administrator can attach it.",
    )


def test_rights_that_may_not_be_simulated_are_not_called_there(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SimulatePrincipalPolicy")
    monkeypatch.setattr(permissions, "simulate", Mock(side_effect=denied))
    assert failures(_account_checks.rights(lab)) == ["permissions cannot be simulated"]


def test_foreign_things_with_the_labs_names_are_found_before_anything_is_made(lab: Lab) -> None:
    make_foreign_things(lab)
    found = failures(doctor.examine(lab))
    assert "DynamoDB table CustomerAccounts has one of the lab's names but doesn't belong to the lab" in found
    assert f"S3 bucket {lab.bucket} has one of the lab's names but doesn't belong to the lab" in found


def test_leftovers_of_an_earlier_run_are_counted(lab: Lab) -> None:
    source.create_table(lab)
    assert "[OK]   1 resource of the lab found; zetl cleanup --dry-run lists" in doctor.report(doctor.examine(lab))


def test_expired_credentials_are_a_failure_and_no_crash(lab: Lab) -> None:
    Answers(lab, "cloudwatch", "DescribeAlarms").fail("ExpiredToken", times=9)
    assert failures(doctor.examine(lab)) == ["resources of earlier runs cannot be listed"]


def test_no_connection_ends_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Lab:
        raise ConnectionRefusedByLabError("Port 4555 is taken.")

    monkeypatch.delenv("ZETL_TARGET", raising=False)
    monkeypatch.setattr(doctor, "connect", refuse)
    assert doctor.report(doctor.examine()).endswith("[FAIL] target local\n       Port 4555 is taken.")


def test_a_target_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZETL_TARGET", "moon")
    assert "[FAIL] target\n       ZETL_TARGET is 'moon'" in doctor.report(doctor.examine())


@pytest.mark.parametrize(
    ("installed", "said"),
    [("5.24.1", "plotly 5.24.1 does not match >=6.0"), (None, "plotly is missing")],
)
def test_a_package_outside_its_range_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, installed: str | None, said: str
) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name != "plotly":
            return real(name)
        if installed is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(importlib.metadata, "version", version)
    (check,) = _machine_checks.packages(local=False)
    assert (check.ok, check.what) == (False, f"packages: {said}")
    assert check.next_step.endswith("-m pip install 'plotly>=6.0'")


def test_packages_of_the_local_lakehouse_matter_to_the_local_target_only(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["plotly>=6.0", "no-such-package>=1; extra == 'local'", "no-such-tool>=1; extra == 'dev'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: lines)
    assert failures(_machine_checks.packages(local=False)) == []
    assert failures(_machine_checks.packages(local=True)) == ["packages: no-such-package is missing"]


def test_a_full_disk_and_little_memory_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_machine_checks, "_free_disk", lambda _: 0.3 * GB)
    monkeypatch.setattr(system, "free_memory", lambda: GB // 2)
    memory = _machine_checks.memory()
    assert memory is not None
    assert failures([_machine_checks.disk(), memory]) == [
        "disk: only 0.3 GB free for the local lakehouse",
        "memory: only 0.5 GB for the local lakehouse and a notebook",
    ]


def test_a_browser_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_machine_checks, "static_image_obstacle", lambda: "No static pictures: …")
    assert str(_machine_checks.still_pictures()) == "[OK]   optional: No static pictures: …"


def on_aws(lab: Lab, region: str) -> Lab:
    return dataclasses.replace(lab, target="aws", region=region)


def test_a_region_without_zero_etl_is_named_with_those_that_have_it(lab: Lab) -> None:
    assert _account_checks.region(on_aws(lab, "eu-west-1")).ok
    check = _account_checks.region(on_aws(lab, "eu-south-2"))
    assert not check.ok
    assert "ap-northeast-1, " in check.next_step


def test_a_class_that_fills_the_data_catalog_policy_is_told(lab: Lab) -> None:
    statement = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{lab.account}:root"},
        "Action": "glue:GetTable",
        "Resource": [f"arn:aws:glue:us-east-1:{lab.account}:table/{'x' * 9800}/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    Answers(lab, "glue", "GetResourcePolicy").once(lambda _: {"PolicyInJson": policy, "PolicyHash": "h"})
    found = [check for check in _account_checks.quotas(lab) if "Data Catalog" in check.what]
    assert failures(found) == [f"account-wide quota: {len(policy):,} of 10,240 bytes of the Data Catalog policy"]


def test_quotas_are_full_when_they_are_full(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    quotas: Any = json.loads(Path("zetl_helpers/data/quotas.json").read_text(encoding="utf-8"))
    for quota in quotas["quotas"].values():
        quota["limit"] = 0
    monkeypatch.setattr(_account_checks, "_data", lambda _: quotas)
    before = failures(_account_checks.quotas(lab))
    assert before == [
        "account-wide quota: 0 of 0 tables in the Region",
        "account-wide quota: 0 of 0 buckets",
        "account-wide quota: 0 of 0 bytes of the Data Catalog policy",
        "account-wide quota: 0 of 0 Lake Formation administrators",
    ]


def governed_lab(url: str) -> Lab:
    lab = connect_to(url)
    target.create_bucket(lab)
    target.create_database(lab)
    permissions.create_target_role(lab)
    return lab


def dismissed(lab: Lab) -> Lab:
    """Remove the caller from Lake Formation's administrators."""
    formation = lab.client("lakeformation")
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": []})
    return lab


def test_an_account_that_lake_formation_governs_is_told(governed: Lakehouse) -> None:
    lab = connect_to(governed.url)
    assert str(_account_checks.governance(lab)) == (
        "[OK]   Lake Formation governs this account; you are an administrator, and chapter 1 grants permissions"
    )
    check = _account_checks.governance(dismissed(lab))
    assert not check.ok
    assert check.what.endswith("Missing: CREATE_DATABASE on the catalog, and the grants of chapter 1")
    assert "Ask a Lake Formation administrator" in check.next_step


def test_grants_that_somebody_else_made_are_enough_in_a_governed_account(governed: Lakehouse) -> None:
    lab = dismissed(governed_lab(governed.url))
    assert str(_account_checks.governance(lab)) == (
        "[OK]   Lake Formation governs this account; all permissions that the lab needs are granted"
    )


def test_each_missing_grant_in_a_governed_account_is_named(governed: Lakehouse) -> None:
    lab = governed_lab(governed.url)
    lab.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": lab.role_arn},
        Resource={"Database": {"Name": lab.database}},
        Permissions=["CREATE_TABLE"],
    )
    check = _account_checks.governance(dismissed(lab))
    assert check.what.endswith("Missing: zETLTargetRole: CREATE_TABLE on the database customerdb")
