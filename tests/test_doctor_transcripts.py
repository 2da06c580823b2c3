"""Tests that compare doctor's report for each kind of environment and user with a golden file."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_lakehouse import system
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.fakes import FakeOperation
from tests.permissions.callers import learner_policies, replace_policies, session_of
from zetl_helpers import _place, _rights, doctor, permissions, studio
from zetl_helpers import lab as lab_module
from zetl_helpers.course import chapters, classroom
from zetl_helpers.doctor import _machine_checks
from zetl_helpers.lab import Lab

Golden = Callable[[str, str], None]
GB = 2**30


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a computer with enough resources, regardless of the computer that runs the tests."""
    monkeypatch.setattr(system, "free_memory", lambda: 2 * GB)
    monkeypatch.setattr(_machine_checks, "_free_disk", lambda _: 9 * GB)
    monkeypatch.setattr(_machine_checks, "static_image_obstacle", lambda: None)


@contextmanager
def account(*, governed: bool = False) -> Iterator[Lab]:
    """Provide an account that enforces IAM, with its administrator's credentials."""
    running = Lakehouse(Settings(refresh_seconds=0.05, enforce_iam=True, governed=governed))
    running.start()
    try:
        yield connect_to(running.url)
    finally:
        running.stop()


def report(lab: Lab | None) -> str:
    """Return doctor's report without the lines that contain versions."""
    lines = doctor.report(doctor.examine(lab)).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("[OK]   Python", "[OK]   packages"))) + "\n"


def test_report_without_credentials_matches_golden_file(
    golden: Golden, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    nothing = str(tmp_path / "nothing")
    monkeypatch.setenv("AWS_CONFIG_FILE", nothing)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", nothing)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("ZETL_TARGET", "aws")
    golden("doctor_without_account.txt", report(None))


def test_learner_report_matches_golden_file(golden: Golden) -> None:
    with account() as lab:
        replace_policies(lab, learner_policies(lab))
        golden("doctor_learner.txt", report(lab))


def test_class_learner_report_matches_golden_file(golden: Golden) -> None:
    with account() as lab:
        classroom.prepare(lab)
        replace_policies(lab, learner_policies(lab, names=_rights.CLASS_POLICIES))
        golden("doctor_class_learner.txt", report(lab))


def test_instructor_report_matches_golden_file(golden: Golden) -> None:
    with account() as lab:
        arn = f"arn:aws:iam::{lab.account}:role/Teacher"
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{lab.account}:root"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        lab.client("iam").create_role(RoleName="Teacher", AssumeRolePolicyDocument=document)
        policy = json.dumps(permissions.render(lab, "instructor_permissions", caller=arn))
        lab.client("iam").put_role_policy(RoleName="Teacher", PolicyName="own", PolicyDocument=policy)
        golden("doctor_instructor.txt", report(session_of(lab, "Teacher", str(lab.endpoint))))


def test_governed_account_report_matches_golden_file(golden: Golden) -> None:
    with account(governed=True) as lab:
        golden("doctor_governed.txt", report(lab))


def in_space(lab: Lab, folder: Path, monkeypatch: pytest.MonkeyPatch) -> studio.Project:
    """Make this computer look like one of the project's spaces in SageMaker Unified Studio."""
    project = studio.find_project(lab)
    found = {"DataZoneDomainId": project.domain_id, "DataZoneProjectId": project.project_id}
    path = folder / "resource-metadata.json"
    path.write_text(json.dumps({"AdditionalMetadata": found, "ExecutionRoleArn": project.role_arn}))
    monkeypatch.setattr(_place, "METADATA", path)
    return project


def test_report_in_space_with_local_target_matches_golden_file(
    golden: Golden, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with account() as lab:
        in_space(lab, tmp_path, monkeypatch)
        golden("doctor_space_local.txt", report(lab))


def test_report_in_iam_based_domain_matches_golden_file(
    golden: Golden, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with account() as lab:
        in_space(lab, tmp_path, monkeypatch)
        express = {"connectionId": "c", "domainId": "d", "domainUnitId": "u", "name": "default.iam", "type": "IAM"}
        FakeOperation(lab, "datazone", "ListConnections").once(
            lambda _: {"items": [{**express, "physicalEndpoints": []}]}
        )
        golden("doctor_iam_domain.txt", report(lab_module._in_space(lab)))


def test_report_in_identity_center_domain_matches_golden_file(
    golden: Golden, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with account() as lab:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(lab.endpoint))
        project = in_space(lab, tmp_path, monkeypatch)
        before = lab_module._in_space(studio.as_project(lab, project))
        golden("doctor_identity_center_unshared.txt", report(before))
        chapters.catch_up(lab, 4)
        chapters.share(lab)
        golden("doctor_identity_center.txt", report(lab_module._in_space(studio.as_project(lab, project))))
