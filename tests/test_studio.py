import dataclasses
from collections.abc import Iterator

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.fakes import Answers
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


def test_the_caller_becomes_an_administrator_beside_the_others(lab: Lab) -> None:
    permissions.create_target_role(lab)
    other = "arn:aws:iam::123456789012:role/DataOwner"
    settings = {"DataLakeAdmins": [{"DataLakePrincipalIdentifier": other}]}
    lab.client("lakeformation").put_data_lake_settings(DataLakeSettings=settings)
    assert [studio.add_administrator(lab).did, studio.add_administrator(lab).did] == ["created", "already there"]
    assert administrators(lab) == [other, "arn:aws:iam::123456789012:role/Admin"]
    assert studio.added_administrator(lab)
    assert [studio.remove_administrator(lab).did, studio.remove_administrator(lab).did] == ["deleted", "already gone"]
    assert administrators(lab) == [other]


def test_who_was_an_administrator_before_stays_one(lab: Lab) -> None:
    permissions.create_target_role(lab)
    settings = {"DataLakeAdmins": [{"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:role/Admin"}]}
    lab.client("lakeformation").put_data_lake_settings(DataLakeSettings=settings)
    assert studio.add_administrator(lab).did == "already there"
    assert not studio.added_administrator(lab)


def test_the_project_and_its_role_are_found(lab: Lab, project: Project) -> None:
    assert project.name == "CustomerDB_Project"
    role = project.role_arn.rpartition("/")[2]
    assert lab.client("iam").get_role(RoleName=role)["Role"]["Arn"] == project.role_arn


def test_without_a_domain_the_error_says_who_makes_one(lab: Lab) -> None:
    none = Answers(lab, "datazone", "ListDomains")
    none.once(lambda _: {"items": []})
    with pytest.raises(
        StudioError, match=r"no SageMaker Unified Studio domain in this Region\. An administrator can create one"
    ):
        studio.find_project(lab)


def test_without_a_project_the_error_says_what_to_click(lab: Lab) -> None:
    none = Answers(lab, "datazone", "ListProjects")
    none.once(lambda _: {"items": []})
    with pytest.raises(StudioError, match="choose Create project, name it CustomerDB_Project"):
        studio.find_project(lab)


ASK = "SELECT count(*) AS n FROM customeraccounts"


@pytest.fixture
def loaded(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """Provide a lab in its state before chapter 3, with an administrator as the caller."""
    chapters.catch_up(lab, 3)
    studio.add_administrator(lab)
    return lab


def test_sharing_is_done_once_and_taken_back(loaded: Lab, project: Project) -> None:
    assert [step.did for step in studio.share_with_project(loaded, project)] == ["created"] * 5
    assert [step.did for step in studio.share_with_project(loaded, project)] == ["already there"] * 5
    assert list(studio.grants(loaded, project)["permissions"]) == ["DESCRIBE", "DESCRIBE, SELECT"]
    assert [step.did for step in studio.unshare(loaded, project)] == ["deleted", "deleted"]
    assert list(studio.grants(loaded, project)["permissions"]) == ["", ""]
    assert [studio.deregister_location(loaded).did for _ in range(2)] == ["deleted", "already gone"]


def test_the_project_queries_after_the_grant_and_not_after_it_was_revoked(loaded: Lab, project: Project) -> None:
    member = studio.as_project(loaded, project)
    assert member.caller.startswith("arn:aws:sts::123456789012:assumed-role/datazone_usr_role_")
    assert member.workgroup.startswith("workgroup-")
    with pytest.raises(lakehouse.QueryError, match="not authorized to perform: s3:GetObject"):
        lakehouse.query(member, ASK)
    studio.share_with_project(loaded, project)
    assert lakehouse.query(member, ASK)["n"].tolist() == [25]
    loaded.client("lakeformation").revoke_permissions(
        Principal={"DataLakePrincipalIdentifier": project.role_arn},
        Resource={"Table": {"DatabaseName": loaded.database, "Name": loaded.target_table}},
        Permissions=["SELECT"],
    )
    with pytest.raises(lakehouse.QueryError, match="Required Select on customeraccounts"):
        lakehouse.query(member, ASK)
    assert lakehouse.query(loaded, ASK)["n"].tolist() == [25], "nobody else's access changed"


def test_a_location_that_somebody_registered_above_the_table_is_used_and_kept(loaded: Lab) -> None:
    formation = loaded.client("lakeformation")
    whole = f"arn:aws:s3:::{loaded.bucket}"
    formation.register_resource(ResourceArn=whole, UseServiceLinkedRole=True, HybridAccessEnabled=True)
    assert studio.register_location(loaded).did == "already there"
    assert studio.deregister_location(loaded).did == "already gone"
    assert [entry["ResourceArn"] for entry in formation.list_resources()["ResourceInfoList"]] == [whole]


def test_who_is_no_member_gets_no_credentials_of_the_project(loaded: Lab, project: Project) -> None:
    Answers(loaded, "datazone", "GetConnection").once(lambda _: {"environmentUserRole": project.role_arn})
    with pytest.raises(StudioError, match="because you are not a member of the project"):
        studio.as_project(loaded, project)


class TestGoverned:
    """Tests of an account governed by Lake Formation, in which IAM permissions alone grant no access."""

    @pytest.fixture
    def lab(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
        running = Lakehouse(Settings(refresh_seconds=0.05, governed=True))
        running.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        yield connect_to(running.url)
        running.stop()

    def test_the_target_role_and_the_owner_get_their_grants(self, lab: Lab) -> None:
        chapters.catch_up(lab, 4)
        assert _governed.is_governed(lab)
        assert lakehouse.query(lab, ASK)["n"].tolist() == [25]
        assert [step.did for step in permissions.create_target_role(lab)] == ["already there"] * 5

    def test_refreshes_go_on_after_the_location_was_registered(self, lab: Lab) -> None:
        chapters.catch_up(lab, 3)
        project = studio.find_project(lab)
        studio.share_with_project(lab, project)
        assert lakehouse.query(studio.as_project(lab, project), ASK)["n"].tolist() == [25]
        integration.wait_until_synced(lab, chapters.apply_changes(lab), timeout=30)
        assert cleanup.apply(cleanup.plan(lab))["outcome"].unique().tolist() == ["deleted"]
        assert cleanup.verify(lab)

    def test_without_its_grants_the_integration_says_so_in_the_words_of_aws(self, lab: Lab) -> None:
        chapters.catch_up(lab, 4)
        lab.client("lakeformation").revoke_permissions(
            Principal={"DataLakePrincipalIdentifier": lab.role_arn},
            Resource={"Table": {"DatabaseName": lab.database, "TableWildcard": {}}},
            Permissions=["INSERT"],
        )
        said = integration.wait_until_attention(lab, timeout=30)
        assert "Insufficient lake formation permissions on Target Glue database." in said
        assert "lacks INSERT on table customerdb.customeraccounts" in said

    def test_who_may_not_grant_is_told_who_can(self, lab: Lab) -> None:
        target.create_bucket(lab)
        target.create_database(lab)
        formation = lab.client("lakeformation")
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": []})
        with pytest.raises(_governed.NotAdministratorError, match="Ask a Lake Formation administrator"):
            permissions.create_target_role(lab)


def test_the_caller_is_shown_as_session_and_as_principal(lab: Lab) -> None:
    user = dataclasses.replace(lab, caller="arn:aws:iam::123456789012:user/anna")
    assert list(studio.caller_identity(lab)["ARN"]) == [lab.caller, "arn:aws:iam::123456789012:role/Admin"]
    assert list(studio.caller_identity(user)["ARN"]) == [user.caller, user.caller]
