"""Tests that catch-up creates only the resources that a chapter needs, and that chapter 3 is optional."""

import pytest

from tests.conftest import connect_to
from tests.fakes import FakeOperation
from zetl_helpers import integration, lakehouse
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

WITHOUT_STUDIO = [4, 5, 6, 7, 8, 9, 10, 11, 13]


def administrators(lab: Lab) -> list[str]:
    settings = lab.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return [entry["DataLakePrincipalIdentifier"] for entry in settings["DataLakeAdmins"]]


@pytest.mark.once  # The test checks calls and settings, and loads data only so that the chapter is ready.
@pytest.mark.usefixtures("lakehouse_ticks")
@pytest.mark.parametrize("chapter", WITHOUT_STUDIO)
def test_catch_up_succeeds_without_studio_or_lake_formation(lab: Lab, chapter: int) -> None:
    before = administrators(lab)
    for service, operation in (
        ("datazone", "ListDomains"),
        ("lakeformation", "GetDataLakeSettings"),
        ("lakeformation", "PutDataLakeSettings"),
        ("lakeformation", "GrantPermissions"),
        ("lakeformation", "ListPermissions"),
    ):
        FakeOperation(lab, service, operation).fail("AccessDeniedException", times=99)
    with lab.recording() as calls:
        assert chapters.catch_up(lab, chapter) == f"Ready for chapter {chapter}."
    # The helpers only check whether Lake Formation governs the target, and a denied check changes nothing.
    restricted_calls = {call for call in calls if call.startswith(("datazone.", "lakeformation."))}
    assert restricted_calls <= {"lakeformation.ListPermissions"}
    assert administrators(connect_to(str(lab.endpoint))) == before


@pytest.mark.usefixtures("lakehouse_ticks")
@pytest.mark.parametrize("chapter", [4, 6])
def test_catch_up_does_not_apply_changes_before_they_are_needed(lab: Lab, chapter: int) -> None:
    chapters.catch_up(lab, chapter)
    assert lakehouse.query(lab, "SELECT count(*) AS n FROM customeraccounts")["n"].tolist() == [25]
    assert len(lakehouse.snapshots(lab)) == 1


@pytest.mark.parametrize("chapter", [10, 11, 13])
def test_chapters_with_their_own_tables_do_not_create_an_integration(lab: Lab, chapter: int) -> None:
    chapters.catch_up(lab, chapter)
    assert integration.find(lab) is None
    assert lab.client("dynamodb").list_tables()["TableNames"] == []


@pytest.mark.parametrize("chapter", [1, 12])
def test_first_and_last_chapters_do_not_need_resources(lab: Lab, chapter: int) -> None:
    with lab.recording() as calls:
        chapters.catch_up(lab, chapter)
    assert calls == []
