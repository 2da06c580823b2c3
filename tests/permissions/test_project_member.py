"""Tests for a project member in an Identity Center domain, who runs chapters as the project's role."""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from botocore.exceptions import ClientError

import zetl_helpers
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.fakes import FakeOperation
from tests.permissions.callers import checked_permissions, last_check
from zetl_helpers import _place, doctor, monitoring, studio
from zetl_helpers import lab as lab_module
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
# In chapters 6 and 8, a member skips the cells that contain these strings. These cells write data, or read the
# integration, its log or its metrics.
NOT_FOR_MEMBERS = (
    "put_item", "set_balance", "wait_until", "ex.q", "change", "log_events", "monitoring.metrics", "ingestions",
    "create_alarm", "limit_target_role", "create_target_role",
)  # fmt: skip


@pytest.fixture(scope="module")
def enforcing_lakehouse() -> Iterator[Lakehouse]:
    """Provide a lakehouse that enforces IAM, in its state after chapter 6, with a table shared with the project."""
    lakehouse = Lakehouse(Settings(refresh_seconds=0.05, enforce_iam=True))
    lakehouse.start()
    administrator = connect_to(lakehouse.url)
    chapters.catch_up(administrator, 7)
    chapters.share(administrator)
    yield lakehouse
    lakehouse.stop()


def metadata(folder: Path, lab: Lab, project: studio.Project) -> Path:
    """Write the metadata file of a notebook space."""
    found = {
        "DataZoneDomainId": project.domain_id,
        "DataZoneProjectId": project.project_id,
        "DataZoneDomainRegion": lab.region,
    }
    path = folder / "resource-metadata.json"
    path.write_text(json.dumps({"AdditionalMetadata": found, "ExecutionRoleArn": project.role_arn}))
    return path


@pytest.fixture
def member(enforcing_lakehouse: Lakehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Provide the lab of a member who works in one of the project's spaces."""
    administrator = connect_to(enforcing_lakehouse.url)
    project = studio.find_project(administrator)
    monkeypatch.setattr(_place, "METADATA", metadata(tmp_path, administrator, project))
    monkeypatch.setenv("AWS_ENDPOINT_URL", enforcing_lakehouse.url)
    monkeypatch.setenv("ZETL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("ZETL_WORKGROUP", raising=False)
    lab = lab_module._in_space(studio.as_project(administrator, project))
    monkeypatch.setattr(zetl_helpers, "connect", lambda: lab)
    return lab


def run(chapter: str, without: tuple[str, ...] = ()) -> int:
    """Run a notebook's cells, except those that contain certain strings, and return the number of cells that ran."""
    (path,) = NOTEBOOKS.glob(f"{chapter}_*.ipynb")
    names: dict[str, Any] = {}
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    chosen = [source for source in cells if not any(text in source for text in without)]
    for source in chosen:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, str(path), "exec"), names)  # noqa: S102
    return len(chosen)


def test_space_is_found_without_listing_domains(member: Lab, enforcing_lakehouse: Lakehouse) -> None:
    assert member.place is not None
    assert (member.place.kind, member.place.builds) == ("Identity Center", False)
    assert member.workgroup == member.place.workgroup
    assert member.workgroup.startswith("workgroup-")
    assert "Identity Center domain: you can run chapters 4, 5 and 7 and read chapters 6 and 8" in repr(member)
    before = last_check(enforcing_lakehouse)
    assert studio.find_project(member).name == "CustomerDB_Project"
    assert "datazone:ListDomains" not in {
        permission["action"] for permission in checked_permissions(enforcing_lakehouse, after=before)
    }


def test_chapters_for_members_run_without_denials(member: Lab, enforcing_lakehouse: Lakehouse) -> None:
    before = last_check(enforcing_lakehouse)
    assert all(run(chapter) > 10 for chapter in ("04", "05", "07"))
    denied = [
        permission for permission in checked_permissions(enforcing_lakehouse, after=before) if not permission["allowed"]
    ]
    assert denied == [], denied


def test_cells_that_read_data_run_in_chapters_6_and_8(member: Lab, enforcing_lakehouse: Lakehouse) -> None:
    before = last_check(enforcing_lakehouse)
    assert run("06", without=NOT_FOR_MEMBERS) >= 3
    assert run("08", without=NOT_FOR_MEMBERS) >= 4
    denied = [
        permission for permission in checked_permissions(enforcing_lakehouse, after=before) if not permission["allowed"]
    ]
    assert denied == [], denied
    assert monitoring.freshness(member).total_seconds() > 0


@pytest.mark.parametrize("chapter", [1, 2, 3, 9, 10, 11, 12, 13])
def test_error_for_other_chapters_says_who_runs_them(member: Lab, chapter: int) -> None:
    with pytest.raises(chapters.MemberError, match=r"boundary of the project's role denies.*administrator runs"):
        chapters.catch_up(member, chapter)


@pytest.mark.parametrize(
    ("service", "call", "parameters"),
    [
        ("dynamodb", "scan", {"TableName": "CustomerAccounts"}),
        ("glue", "describe_integrations", {}),
        ("datazone", "list_domains", {}),
        ("cloudwatch", "list_metrics", {}),
        ("lakeformation", "list_permissions", {}),
        ("s3", "list_objects_v2", {"Bucket": "glue-zetl-target-123456789012-us-east-1"}),
        ("s3", "create_bucket", {"Bucket": "another"}),
        ("iam", "create_role", {"RoleName": "Another", "AssumeRolePolicyDocument": "{}"}),
    ],
)
def test_boundary_overrides_project_policies(
    member: Lab, enforcing_lakehouse: Lakehouse, service: str, call: str, parameters: dict[str, Any]
) -> None:
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam = connect_to(enforcing_lakehouse.url).client("iam")
    role = studio.find_project(member).role_arn.rpartition("/")[2]
    iam.put_role_policy(RoleName=role, PolicyName="everything", PolicyDocument=json.dumps(everything))
    try:
        with pytest.raises(ClientError, match=r"explicit deny|permissions boundary"):
            getattr(member.client(service), call)(**parameters)
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="everything")


def test_primary_workgroup_is_denied(member: Lab) -> None:
    with pytest.raises(ClientError, match="athena:StartQueryExecution"):
        member.client("athena").start_query_execution(QueryString="SELECT 1", WorkGroup="primary")


def test_unshared_table_error_names_role_and_administrator(member: Lab, enforcing_lakehouse: Lakehouse) -> None:
    administrator = connect_to(enforcing_lakehouse.url)
    project = studio.find_project(administrator)
    formation = administrator.client("lakeformation")
    who = {"DataLakePrincipalIdentifier": project.role_arn}
    table = {"Table": {"DatabaseName": "customerdb", "Name": "customeraccounts"}}
    formation.revoke_permissions(Principal=who, Resource=table, Permissions=["DESCRIBE", "SELECT"])
    try:
        with pytest.raises(chapters.MemberError, match=rf"not shared.*Ask the administrator.*{project.role_arn}"):
            chapters.catch_up(member, 4)
    finally:
        chapters.share(administrator)


def test_missing_table_is_reported(member: Lab) -> None:
    with pytest.raises(chapters.MemberError, match=r"There is no table ana_customerdb\.customeraccounts yet"):
        chapters.catch_up(replace(member, prefix="ana"), 4)


def test_all_chapters_are_available_in_iam_based_domain(
    enforcing_lakehouse: Lakehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = connect_to(enforcing_lakehouse.url)
    project = studio.find_project(lab)
    monkeypatch.setattr(_place, "METADATA", metadata(tmp_path, lab, project))
    express = {"connectionId": "c", "domainId": "d", "domainUnitId": "u", "name": "default.iam", "type": "IAM"}
    FakeOperation(lab, "datazone", "ListConnections").once(lambda _: {"items": [{**express, "physicalEndpoints": []}]})
    found = lab_module._in_space(lab)
    assert found.place is not None
    assert (found.place.kind, found.place.builds, found.is_members) == ("IAM-based", True, False)
    assert found.workgroup == "primary"
    assert "IAM-based domain: every chapter runs" in repr(found)
    assert studio.find_project(found) == project


def test_missing_permissions_are_reported_in_iam_based_domain(tmp_path: Path) -> None:
    place = _place.Place(_place.Space("d", "p", "us-east-1", "r"), "IAM-based", "", builds=False)
    assert not place.is_members
    assert "the project's role lacks the learner's permissions; attach the policies in policies/ to the role" in str(
        place
    )


def test_find_space_returns_none_outside_a_space(tmp_path: Path) -> None:
    assert _place.find_space(tmp_path / "missing.json") is None
    other = tmp_path / "resource-metadata.json"
    other.write_text(json.dumps({"ResourceArn": "arn", "AdditionalMetadata": {}}))
    assert _place.find_space(other) is None


def test_doctor_checks_only_what_a_member_needs(member: Lab, enforcing_lakehouse: Lakehouse) -> None:
    before = last_check(enforcing_lakehouse)
    report = doctor.report(doctor.examine(member))
    assert "[OK]   space of project" in report
    assert "[FAIL]" not in report
    denied = [
        permission for permission in checked_permissions(enforcing_lakehouse, after=before) if not permission["allowed"]
    ]
    assert denied == [], denied
