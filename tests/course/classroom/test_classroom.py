"""Tests for the instructor's view of three learners in one account."""

from collections.abc import Iterator

import pandas as pd
import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.conftest import connect_to
from tests.fakes import FakeOperation
from zetl_helpers import integration, monitoring, permissions, source
from zetl_helpers._aws import tag_list
from zetl_helpers._role_tags import REGION_TAG
from zetl_helpers._wait import without_waiting
from zetl_helpers.cleanup import LeftoverError
from zetl_helpers.cleanup._leftovers import StillThereError
from zetl_helpers.cli import main
from zetl_helpers.course import chapters, classroom
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import save_query


@pytest.fixture
def instructor_lab(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Provide an instructor's lab in an empty account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    with without_waiting(lakehouse.zero_etl.refresh_now):
        yield connect_to(lakehouse.url)


@pytest.fixture
def class_lab(instructor_lab: Lab) -> Lab:
    """Provide the lab of an instructor who has a class.

    Ana has an alarm, Ben has a table, and Cem has only a role.
    """
    ana, ben, cem = (connect_to(str(instructor_lab.endpoint), name) for name in ("ana", "ben", "cem"))
    chapters.catch_up(ana, 7)
    save_query(ana, "one", "SELECT 1", "A query")
    monitoring.create_alarm(ana)
    source.create_table(ben)
    permissions.create_target_role(cem)
    return instructor_lab


def status_of(class_lab: Lab) -> pd.DataFrame:
    return classroom.status(classroom.learners(class_lab)).set_index("learner")


def prefixes(class_lab: Lab) -> list[str]:
    return [lab.prefix for lab in classroom.learners(class_lab)]


def make_table(lab: Lab, name: str) -> None:
    lab.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


class TestStatus:
    def test_status_shows_progress_of_each_learner(self, class_lab: Lab) -> None:
        seen = status_of(class_lab)
        assert list(seen.index) == ["ana", "ben", "cem"]
        assert list(seen["chapter"]) == [8, 1, 0]
        assert list(seen["integration"]) == ["ACTIVE", "none", "none"]
        assert seen.loc["ana", "last_sync"] == integration.last_sync(connect_to(str(class_lab.endpoint), "ana"))
        assert seen["last_sync"].isna().tolist() == [False, True, True]
        assert set(seen["note"]) == {""}

    def test_empty_account_has_no_learners(self, instructor_lab: Lab) -> None:
        assert classroom.learners(instructor_lab) == []
        assert classroom.status([]).empty

    def test_status_derives_chapter_from_resources(self, instructor_lab: Lab) -> None:
        ana = connect_to(str(instructor_lab.endpoint), "ana")
        for caught_up, seen in ((2, 1), (3, 2), (4, 2), (7, 6)):
            chapters.catch_up(ana, caught_up)
            assert status_of(instructor_lab).loc["ana", "chapter"] == seen
        for table, chapter in (("ProfilesFull", 10), ("Payments", 11)):
            make_table(ana, ana.with_table(table).table)
            assert status_of(instructor_lab).loc["ana", "chapter"] == chapter

    def test_status_explains_why_integration_needs_attention(self, instructor_lab: Lab, lakehouse: Lakehouse) -> None:
        ana = connect_to(lakehouse.url, "ana")
        chapters.catch_up(ana, 3)
        off = {"PointInTimeRecoveryEnabled": False}
        ana.client("dynamodb").update_continuous_backups(TableName=ana.table, PointInTimeRecoverySpecification=off)
        chapters.apply_changes(ana)
        lakehouse.zero_etl.refresh_now()
        row = status_of(instructor_lab).loc["ana"]
        assert row["integration"] == "NEEDS_ATTENTION"
        assert row["note"]

    def test_status_notes_foreign_table_with_a_lab_name(self, instructor_lab: Lab) -> None:
        make_table(instructor_lab, "dora_CustomerAccounts")
        source.create_table(connect_to(str(instructor_lab.endpoint), "eli"))
        seen = status_of(instructor_lab)
        assert "doesn't belong to the lab" in str(seen.loc["dora", "note"])
        assert seen.loc["eli", "chapter"] == 1
        assert [entry.lab.prefix for entry in classroom.plan(classroom.learners(instructor_lab)) if entry] == ["eli"]

    def test_invalid_prefixes_are_not_listed_as_learners(self, instructor_lab: Lab) -> None:
        instructor_lab.client("s3").create_bucket(Bucket=f"{instructor_lab.bucket}-not-a-prefix")
        instructor_lab.client("iam").create_role(RoleName="Big_zETLTargetRole", AssumeRolePolicyDocument="{}")
        assert classroom.learners(instructor_lab) == []

    def test_reserved_prefix_is_not_listed_as_learner(self, instructor_lab: Lab) -> None:
        make_table(instructor_lab, "tutorial_CustomerAccounts")
        assert classroom.learners(instructor_lab) == []

    def test_role_of_lab_in_another_region_is_not_listed(self, class_lab: Lab) -> None:
        """An account has one list of roles, which contains the roles of labs in all Regions."""
        iam = class_lab.client("iam")
        for name in ("ana", "cem"):
            tags = tag_list({REGION_TAG: "eu-central-1"})
            iam.tag_role(RoleName=f"{name}_zETLTargetRole", Tags=tags)
        assert prefixes(class_lab) == ["ana", "ben"]
        outcomes = classroom.apply(classroom.plan(classroom.learners(class_lab)))
        assert "IAM role" not in set(outcomes["kind"])
        assert {role["RoleName"] for role in iam.list_roles()["Roles"]} >= {"ana_zETLTargetRole", "cem_zETLTargetRole"}


class TestCleanUp:
    def test_cleanup_error_names_learner_and_leftovers(self, instructor_lab: Lab) -> None:
        for name in ("ana", "ben"):
            source.create_table(connect_to(str(instructor_lab.endpoint), name))
        ana, ben = classroom.learners(instructor_lab)
        FakeOperation(ana, "dynamodb", "DeleteTable").fail("LimitExceededException", times=2)
        outcomes = classroom.apply(classroom.plan([ana, ben])).set_index("learner")["outcome"]
        assert outcomes["ana"].startswith("failed")
        assert outcomes["ben"] == "deleted"
        with pytest.raises(LeftoverError, match=r"^ana: Still there: DynamoDB table ana_CustomerAccounts"):
            classroom.verify([ana, ben], timeout=0)

    def test_cleanup_without_learners_returns_empty_table(self) -> None:
        assert classroom.apply([]).empty


class TestCommand:
    @pytest.fixture(autouse=True)
    def connected(self, instructor_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("zetl_helpers.lab.connect", lambda: instructor_lab)

    def test_status_and_cleanup_succeed_for_empty_account(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["class", "status"]) == 0
        assert capsys.readouterr().out == "No learner has created anything yet.\n"
        assert main(["class", "cleanup"]) == 0
        assert capsys.readouterr().out.endswith("All resources of the class are deleted.\n")

    def test_cleanup_reports_unknown_learner(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["class", "cleanup", "zoe", "--yes"]) == 1
        assert capsys.readouterr().err == "No resources were found for zoe. To list the learners: zetl class status\n"

    def test_cleanup_deletes_class_but_keeps_instructor_lab(
        self, class_lab: Lab, capsys: pytest.CaptureFixture[str]
    ) -> None:
        source.create_table(class_lab)
        assert main(["class", "status"]) == 0
        head, own, ana, *_, legend = capsys.readouterr().out.splitlines()
        assert legend == "chapter: the last chapter with resources"
        assert head.split() == ["learner", "chapter", "integration", "last_sync", "note"]
        assert own.split() == ["(no", "prefix)", "1", "none", "never"]
        assert ana.split()[:3] == ["ana", "8", "ACTIVE"]
        assert main(["class", "status", "--json"]) == 0
        assert '"learner":"ben","chapter":1,"integration":"none","last_sync":null' in capsys.readouterr().out

        assert main(["class", "cleanup"]) == 1
        printed = capsys.readouterr().out
        assert "Would delete DynamoDB table ben_CustomerAccounts" in printed
        assert printed.endswith("To delete these resources: zetl class cleanup --yes\n")
        assert prefixes(class_lab) == ["", "ana", "ben", "cem"]

        assert main(["class", "cleanup", "ben", "--yes"]) == 0
        assert capsys.readouterr().out.endswith("No resources remain for ben.\n")
        assert prefixes(class_lab) == ["", "ana", "cem"]

        assert main(["class", "cleanup", "--yes"]) == 0
        assert capsys.readouterr().out.endswith("No resources remain for ana and cem.\n")
        assert prefixes(class_lab) == [""]

    def test_cleanup_fails_if_step_failed_but_nothing_remains(
        self, class_lab: Lab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise StillThereError("simulated")

        monkeypatch.setattr("zetl_helpers.cleanup._discover._wait_for_table", fail)
        assert main(["class", "cleanup", "ben", "--yes"]) == 1
        captured = capsys.readouterr()
        assert "No resources remain" not in captured.out
        assert captured.err.startswith("At least one step failed")
