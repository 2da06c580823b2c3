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
from tests.fakes import FakeOperation
from tests.permissions.callers import learner_policies, replace_policies, without
from tests.test_transcripts import create_foreign_resources
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
def governed_lakehouse() -> Iterator[Lakehouse]:
    """Provide a running lakehouse whose account is governed by Lake Formation."""
    lakehouse = Lakehouse(Settings(refresh_seconds=3600, governed=True))
    lakehouse.start()
    yield lakehouse
    lakehouse.stop()


def failures(checks: list[Check]) -> list[str]:
    return [check.what for check in checks if not check.ok]


def test_healthy_lab_passes_all_checks(lab: Lab, golden: Callable[[str, str], None]) -> None:
    checks = doctor.examine(lab)
    assert failures(checks) == []
    # The first two lines contain versions.
    golden("doctor.txt", doctor.report(checks[2:]) + "\n")


def test_command_prints_report_and_fails_if_a_check_fails(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "connect", lambda: lab)
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().out == doctor.report(doctor.examine(lab)) + "\n"
    FakeOperation(lab, "glue", "DescribeIntegrations").fail("AccessDeniedException", times=99)
    assert cli.main(["doctor"]) == 1


def test_reports_denied_service_with_next_step(lab: Lab) -> None:
    FakeOperation(lab, "glue", "DescribeIntegrations").fail("AccessDeniedException", times=99)
    checks = doctor.examine(lab)
    assert failures(checks) == [
        "AWS Glue zero-ETL does not respond",
        "integrations from earlier runs cannot be listed",
        "logs from earlier runs cannot be listed",
    ]
    assert "[FAIL] AWS Glue zero-ETL does not respond\n       " in doctor.report(checks)
    assert "policies/" in doctor.report(checks)


def test_learner_policies_pass_permission_check(lab: Lab) -> None:
    replace_policies(lab, learner_policies(lab))
    assert failures(_account_checks.rights(lab)) == []


def test_reports_missing_permissions_with_policy(lab: Lab) -> None:
    replace_policies(lab, learner_policies(lab, without("glue:DeleteIntegration")))
    (check,) = _account_checks.rights(lab)
    assert check == Check(
        False,
        "permissions are missing: glue:DeleteIntegration",
        "See policies/learner_build_permissions.json, statement DeleteOwnIntegration. zetl policies writes this policy "
        "with the names of your resources, so that an administrator can attach it.",
    )


def test_reports_permissions_that_cannot_be_simulated(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SimulatePrincipalPolicy")
    monkeypatch.setattr(permissions, "simulate", Mock(side_effect=denied))
    assert failures(_account_checks.rights(lab)) == ["permissions cannot be simulated"]


def test_reports_foreign_resources_with_lab_names(lab: Lab) -> None:
    create_foreign_resources(lab)
    found = failures(doctor.examine(lab))
    assert "DynamoDB table CustomerAccounts has one of the lab's names but doesn't belong to the lab" in found
    assert f"S3 bucket {lab.bucket} has one of the lab's names but doesn't belong to the lab" in found


def test_counts_leftovers_from_earlier_run(lab: Lab) -> None:
    source.create_table(lab)
    assert "[OK]   the lab has 1 resource; zetl cleanup --dry-run lists" in doctor.report(doctor.examine(lab))


def test_only_one_check_fails_if_credentials_are_expired(lab: Lab) -> None:
    FakeOperation(lab, "cloudwatch", "DescribeAlarms").fail("ExpiredToken", times=9)
    assert failures(doctor.examine(lab)) == ["resources from earlier runs cannot be listed"]


def test_reports_why_connection_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Lab:
        raise ConnectionRefusedByLabError("Port 4555 is taken.")

    monkeypatch.delenv("ZETL_TARGET", raising=False)
    monkeypatch.setattr(doctor, "connect", refuse)
    assert doctor.report(doctor.examine()).endswith("[FAIL] target local\n       Port 4555 is taken.")


def test_reports_unknown_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZETL_TARGET", "moon")
    assert "[FAIL] target\n       ZETL_TARGET is 'moon'" in doctor.report(doctor.examine())


@pytest.mark.parametrize(
    ("installed", "expected_message"),
    [("5.24.1", "plotly 5.24.1 does not match >=6.0"), (None, "plotly is missing")],
)
def test_reports_package_outside_range_and_shows_install_command(
    monkeypatch: pytest.MonkeyPatch, installed: str | None, expected_message: str
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
    assert (check.ok, check.what) == (False, f"packages: {expected_message}")
    assert check.next_step.endswith("-m pip install 'plotly>=6.0'")


def test_checks_local_packages_only_for_local_target(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["plotly>=6.0", "no-such-package>=1; extra == 'local'", "no-such-tool>=1; extra == 'dev'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: lines)
    assert failures(_machine_checks.packages(local=False)) == []
    assert failures(_machine_checks.packages(local=True)) == ["packages: no-such-package is missing"]


def test_reports_full_disk_and_low_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_machine_checks, "_free_disk", lambda _: 0.3 * GB)
    monkeypatch.setattr(system, "free_memory", lambda: GB // 2)
    memory = _machine_checks.memory()
    assert memory is not None
    assert failures([_machine_checks.disk(), memory]) == [
        "disk: only 0.3 GB free for the local lakehouse",
        "memory: only 0.5 GB for the local lakehouse and a notebook",
    ]


def test_browser_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_machine_checks, "static_image_obstacle", lambda: "Static images are unavailable, because …")
    assert str(_machine_checks.still_pictures()) == "[OK]   optional: Static images are unavailable, because …"


def on_aws(lab: Lab, region: str) -> Lab:
    return dataclasses.replace(lab, target="aws", region=region)


def test_reports_regions_that_support_zero_etl(lab: Lab) -> None:
    assert _account_checks.region(on_aws(lab, "eu-west-1")).ok
    check = _account_checks.region(on_aws(lab, "eu-south-2"))
    assert not check.ok
    assert "ap-northeast-1, " in check.next_step


def test_reports_nearly_full_catalog_policy(lab: Lab) -> None:
    statement = {
        "Sid": "Theirs",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{lab.account}:root"},
        "Action": "glue:GetTable",
        "Resource": [f"arn:aws:glue:us-east-1:{lab.account}:table/{'x' * 9800}/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    FakeOperation(lab, "glue", "GetResourcePolicy").once(lambda _: {"PolicyInJson": policy, "PolicyHash": "h"})
    found = [check for check in _account_checks.quotas(lab) if "Data Catalog" in check.what]
    assert failures(found) == [f"account-wide quota: {len(policy):,} of 10,240 bytes of the Data Catalog policy"]


def test_reports_exhausted_quotas(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
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


def without_administrators(lab: Lab) -> Lab:
    """Remove all Lake Formation administrators, and return the lab."""
    formation = lab.client("lakeformation")
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": []})
    return lab


def test_reports_governed_account(governed_lakehouse: Lakehouse) -> None:
    lab = connect_to(governed_lakehouse.url)
    assert str(_account_checks.governance(lab)) == (
        "[OK]   Lake Formation governs this account; you are an administrator, and chapter 1 grants permissions"
    )
    check = _account_checks.governance(without_administrators(lab))
    assert not check.ok
    assert check.what.endswith("Missing: CREATE_DATABASE on the catalog, and the grants from chapter 1")
    assert "Ask a Lake Formation administrator" in check.next_step


def test_governed_account_passes_with_existing_grants(governed_lakehouse: Lakehouse) -> None:
    lab = without_administrators(governed_lab(governed_lakehouse.url))
    assert str(_account_checks.governance(lab)) == (
        "[OK]   Lake Formation governs this account; all permissions that the lab needs are granted"
    )


def test_reports_missing_grants_in_governed_account(governed_lakehouse: Lakehouse) -> None:
    lab = governed_lab(governed_lakehouse.url)
    lab.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": lab.role_arn},
        Resource={"Database": {"Name": lab.database}},
        Permissions=["CREATE_TABLE"],
    )
    check = _account_checks.governance(without_administrators(lab))
    assert check.what.endswith("Missing: zETLTargetRole: CREATE_TABLE on the database customerdb")
