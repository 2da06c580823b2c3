import dataclasses
from collections.abc import Iterator

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.fakes import FakeOperation
from zetl_helpers import (
    _governed,
    cleanup,
    integration,
    lakehouse,
    permissions,
    studio,
    target,
)
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab
from zetl_helpers.studio import Project, StudioError


@pytest.fixture
def project(lab: Lab) -> Project:
    return studio.find_project(lab)


def administrators(lab: Lab) -> list[str]:
    settings = lab.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return [administrator["DataLakePrincipalIdentifier"] for administrator in settings["DataLakeAdmins"]]


def test_add_administrator_keeps_existing_administrators(lab: Lab) -> None:
    permissions.create_target_role(lab)
    other = "arn:aws:iam::123456789012:role/DataOwner"
    settings = {"DataLakeAdmins": [{"DataLakePrincipalIdentifier": other}]}
    lab.client("lakeformation").put_data_lake_settings(DataLakeSettings=settings)
    assert [studio.add_administrator(lab).did, studio.add_administrator(lab).did] == ["created", "already there"]
    assert administrators(lab) == [other, "arn:aws:iam::123456789012:role/Admin"]
    assert studio.added_administrator(lab)
    assert [studio.remove_administrator(lab).did, studio.remove_administrator(lab).did] == ["deleted", "already gone"]
    assert administrators(lab) == [other]


def test_existing_administrator_is_not_recorded(lab: Lab) -> None:
    permissions.create_target_role(lab)
    settings = {"DataLakeAdmins": [{"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:role/Admin"}]}
    lab.client("lakeformation").put_data_lake_settings(DataLakeSettings=settings)
    assert studio.add_administrator(lab).did == "already there"
    assert not studio.added_administrator(lab)


def test_find_project_returns_project_and_role(lab: Lab, project: Project) -> None:
    assert project.name == "CustomerDB_Project"
    role = project.role_arn.rpartition("/")[2]
    assert lab.client("iam").get_role(RoleName=role)["Role"]["Arn"] == project.role_arn


def test_missing_domain_error_says_who_can_create_one(lab: Lab) -> None:
    none = FakeOperation(lab, "datazone", "ListDomains")
    none.once(lambda _: {"items": []})
    with pytest.raises(
        StudioError, match=r"no SageMaker Unified Studio domain in this Region\. An administrator can create one"
    ):
        studio.find_project(lab)


def test_missing_project_error_gives_console_steps(lab: Lab) -> None:
    none = FakeOperation(lab, "datazone", "ListProjects")
    none.once(lambda _: {"items": []})
    with pytest.raises(StudioError, match="choose Create project, name it CustomerDB_Project"):
        studio.find_project(lab)


ASK = "SELECT count(*) AS n FROM customeraccounts"


@pytest.fixture
def loaded_lab(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """Provide a lab as it is before chapter 3, with an administrator as the caller."""
    chapters.catch_up(lab, 3)
    studio.add_administrator(lab)
    return lab


def test_share_is_idempotent_and_reversible(loaded_lab: Lab, project: Project) -> None:
    assert [step.did for step in studio.share_with_project(loaded_lab, project)] == ["created"] * 5
    assert [step.did for step in studio.share_with_project(loaded_lab, project)] == ["already there"] * 5
    assert list(studio.grants(loaded_lab, project)["permissions"]) == ["DESCRIBE", "DESCRIBE, SELECT"]
    assert [step.did for step in studio.unshare(loaded_lab, project)] == ["deleted", "deleted"]
    assert list(studio.grants(loaded_lab, project)["permissions"]) == ["", ""]
    assert [studio.deregister_location(loaded_lab).did for _ in range(2)] == ["deleted", "already gone"]


def test_project_can_query_only_while_it_has_permission(loaded_lab: Lab, project: Project) -> None:
    member = studio.as_project(loaded_lab, project)
    assert member.caller.startswith("arn:aws:sts::123456789012:assumed-role/datazone_usr_role_")
    assert member.workgroup.startswith("workgroup-")
    with pytest.raises(lakehouse.QueryError, match="not authorized to perform: s3:GetObject"):
        lakehouse.query(member, ASK)
    studio.share_with_project(loaded_lab, project)
    assert lakehouse.query(member, ASK)["n"].tolist() == [25]
    loaded_lab.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": project.role_arn},
        Resource={"Table": {"DatabaseName": loaded_lab.database, "Name": loaded_lab.target_table}},
        Permissions=["SELECT"],
    )
    with pytest.raises(lakehouse.QueryError, match="Required Select on customeraccounts"):
        lakehouse.query(member, ASK)
    assert lakehouse.query(loaded_lab, ASK)["n"].tolist() == [25], "the access of other principals has not changed"


def test_keeps_location_registered_by_someone_else(loaded_lab: Lab) -> None:
    formation = loaded_lab.client("lakeformation")
    whole = f"arn:aws:s3:::{loaded_lab.bucket}"
    formation.register_resource(ResourceArn=whole, UseServiceLinkedRole=True, HybridAccessEnabled=True)
    assert studio.register_location(loaded_lab).did == "already there"
    assert studio.deregister_location(loaded_lab).did == "already gone"
    assert [entry["ResourceArn"] for entry in formation.list_resources()["ResourceInfoList"]] == [whole]


def test_acting_as_project_requires_membership(loaded_lab: Lab, project: Project) -> None:
    FakeOperation(loaded_lab, "datazone", "GetConnection").once(lambda _: {"environmentUserRole": project.role_arn})
    with pytest.raises(StudioError, match="because you are not a member of the project"):
        studio.as_project(loaded_lab, project)


class TestGoverned:
    """Tests for an account governed by Lake Formation, in which IAM permissions alone grant no access."""

    @pytest.fixture
    def lab(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
        running = Lakehouse(Settings(refresh_seconds=0.05, governed=True))
        running.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield connect_to(running.url)
        running.stop()

    def test_grants_permissions_to_target_role_and_owner(self, lab: Lab) -> None:
        chapters.catch_up(lab, 4)
        assert _governed.is_governed(lab)
        assert lakehouse.query(lab, ASK)["n"].tolist() == [25]
        assert [step.did for step in permissions.create_target_role(lab)] == ["already there"] * 5

    def test_refreshes_continue_after_location_is_registered(self, lab: Lab) -> None:
        chapters.catch_up(lab, 3)
        project = studio.find_project(lab)
        studio.share_with_project(lab, project)
        assert lakehouse.query(studio.as_project(lab, project), ASK)["n"].tolist() == [25]
        integration.wait_until_synced(lab, chapters.apply_changes(lab), timeout=30)
        assert cleanup.apply(cleanup.plan(lab))["outcome"].unique().tolist() == ["deleted"]
        assert cleanup.verify(lab)

    def test_missing_grant_error_contains_aws_message(self, lab: Lab) -> None:
        chapters.catch_up(lab, 4)
        lab.client("lakeformation").revoke_permissions(
            Principal={"DataLakePrincipalIdentifier": lab.role_arn},
            Resource={"Table": {"DatabaseName": lab.database, "TableWildcard": {}}},
            Permissions=["INSERT"],
        )
        message = integration.wait_until_attention(lab, timeout=30)
        assert "Insufficient lake formation permissions on Target Glue database." in message
        assert "lacks INSERT on table customerdb.customeraccounts" in message

    def test_create_target_role_requires_lake_formation_administrator(self, lab: Lab) -> None:
        target.create_bucket(lab)
        target.create_database(lab)
        formation = lab.client("lakeformation")
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": []})
        with pytest.raises(_governed.NotAdministratorError, match="Ask a Lake Formation administrator"):
            permissions.create_target_role(lab)


def test_caller_identity_shows_session_and_principal(lab: Lab) -> None:
    user = dataclasses.replace(lab, caller="arn:aws:iam::123456789012:user/anna")
    assert list(studio.caller_identity(lab)["ARN"]) == [lab.caller, "arn:aws:iam::123456789012:role/Admin"]
    assert list(studio.caller_identity(user)["ARN"]) == [user.caller, user.caller]
