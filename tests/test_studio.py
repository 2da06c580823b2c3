import dataclasses

import pytest

from tests.fakes import Answers
from zetl_helpers import permissions, studio
from zetl_helpers.lab import Lab
from zetl_helpers.studio import Project, StudioError

pytestmark = pytest.mark.usefixtures("no_waiting")


@pytest.fixture
def project(lab: Lab) -> Project:
    return studio.find_project(lab)


def administrators(lab: Lab) -> list[str]:
    settings = lab.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return [one["DataLakePrincipalIdentifier"] for one in settings["DataLakeAdmins"]]


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
    with pytest.raises(StudioError, match=r"no SageMaker Unified Studio domain\. An administrator creates one"):
        studio.find_project(lab)


def test_without_a_project_the_error_says_what_to_click(lab: Lab) -> None:
    none = Answers(lab, "datazone", "ListProjects")
    none.once(lambda _: {"items": []})
    with pytest.raises(StudioError, match="choose Create project, name it CustomerDB_Project"):
        studio.find_project(lab)


def test_grants_are_made_once_and_taken_back(lab: Lab, project: Project) -> None:
    assert [step.did for step in studio.share_with_project(lab, project)] == ["created", "created"]
    assert [step.did for step in studio.share_with_project(lab, project)] == ["already there", "already there"]
    assert list(studio.grants(lab, project)["permissions"]) == ["DESCRIBE", "DESCRIBE, SELECT"]
    assert [step.did for step in studio.unshare(lab, project)] == ["deleted", "deleted"]
    assert list(studio.grants(lab, project)["permissions"]) == ["", ""]


def test_the_caller_is_shown_as_session_and_as_principal(lab: Lab) -> None:
    user = dataclasses.replace(lab, caller="arn:aws:iam::123456789012:user/anna")
    assert list(studio.caller_identity(lab)["ARN"]) == [lab.caller, "arn:aws:iam::123456789012:role/Admin"]
    assert list(studio.caller_identity(user)["ARN"]) == [user.caller, user.caller]
