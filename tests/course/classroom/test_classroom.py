"""Tests with three learners in one account, and their instructor."""

from collections.abc import Iterator

import pandas as pd
import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.conftest import connect_to
from tests.fakes import Answers
from zetl_helpers import integration, monitoring, permissions, source
from zetl_helpers._wait import without_waiting
from zetl_helpers.cleanup import LeftoverError
from zetl_helpers.cli import main
from zetl_helpers.course import chapters, classroom
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import save_query


@pytest.fixture
def alone(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Provide the lab of an instructor in an empty account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
    with without_waiting(lakehouse.zero_etl.refresh_now):
        yield connect_to(lakehouse.url)


@pytest.fixture
def teacher(alone: Lab) -> Lab:
    """Provide the lab of an instructor who has a class.

    Ana has an alarm, Ben has a table, and Cem's lab consists only of a role.
    """
    ana, ben, cem = (connect_to(str(alone.endpoint), name) for name in ("ana", "ben", "cem"))
    chapters.catch_up(ana, 7)
    save_query(ana, "one", "SELECT 1", "A query")
    monitoring.create_alarm(ana)
    source.create_table(ben)
    permissions.create_target_role(cem)
    return alone


def status_of(teacher: Lab) -> pd.DataFrame:
    return classroom.status(classroom.learners(teacher)).set_index("learner")


def prefixes(teacher: Lab) -> list[str]:
    return [lab.prefix for lab in classroom.learners(teacher)]


def make_table(lab: Lab, name: str) -> None:
    lab.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


class TestStatus:
    def test_the_instructor_sees_who_is_where(self, teacher: Lab) -> None:
        seen = status_of(teacher)
        assert list(seen.index) == ["ana", "ben", "cem"]
        assert list(seen["chapter"]) == [8, 1, 0]
        assert list(seen["integration"]) == ["ACTIVE", "none", "none"]
        assert seen.loc["ana", "last_sync"] == integration.last_sync(connect_to(str(teacher.endpoint), "ana"))
        assert seen["last_sync"].isna().tolist() == [False, True, True]
        assert set(seen["note"]) == {""}

    def test_nobody_is_there_before_anybody_did_anything(self, alone: Lab) -> None:
        assert classroom.learners(alone) == []
        assert classroom.status([]).empty

    def test_the_chapter_is_read_off_what_is_there(self, alone: Lab) -> None:
        ana = connect_to(str(alone.endpoint), "ana")
        for caught_up, seen in ((2, 1), (3, 2), (4, 2), (7, 6)):
            chapters.catch_up(ana, caught_up)
            assert status_of(alone).loc["ana", "chapter"] == seen
        for table, chapter in (("ProfilesFull", 10), ("Payments", 11)):
            make_table(ana, ana.with_table(table).table)
            assert status_of(alone).loc["ana", "chapter"] == chapter

    def test_an_integration_that_needs_attention_says_why(self, alone: Lab, lakehouse: Lakehouse) -> None:
        ana = connect_to(lakehouse.url, "ana")
        chapters.catch_up(ana, 3)
        off = {"PointInTimeRecoveryEnabled": False}
        ana.client("dynamodb").update_continuous_backups(TableName=ana.table, PointInTimeRecoverySpecification=off)
        chapters.apply_changes(ana)
        lakehouse.zero_etl.refresh_now()
        row = status_of(alone).loc["ana"]
        assert row["integration"] == "NEEDS_ATTENTION"
        assert row["note"]

    def test_somebody_elses_table_with_such_a_name_is_noted_and_hides_nobody(self, alone: Lab) -> None:
        make_table(alone, "dora_CustomerAccounts")
        source.create_table(connect_to(str(alone.endpoint), "eli"))
        seen = status_of(alone)
        assert "doesn't belong to the lab" in str(seen.loc["dora", "note"])
        assert seen.loc["eli", "chapter"] == 1
        assert [entry.lab.prefix for entry in classroom.plan(classroom.learners(alone)) if entry] == ["eli"]

    def test_names_that_no_lab_can_have_are_nobody(self, alone: Lab) -> None:
        alone.client("s3").create_bucket(Bucket=f"{alone.bucket}-not-a-prefix")
        alone.client("iam").create_role(RoleName="Big_zETLTargetRole", AssumeRolePolicyDocument="{}")
        assert classroom.learners(alone) == []


class TestCleanUp:
    def test_what_cannot_be_deleted_is_named_with_its_learner(self, alone: Lab) -> None:
        for name in ("ana", "ben"):
            source.create_table(connect_to(str(alone.endpoint), name))
        ana, ben = classroom.learners(alone)
        Answers(ana, "dynamodb", "DeleteTable").fail("LimitExceededException", times=2)
        outcomes = classroom.apply(classroom.plan([ana, ben])).set_index("learner")["outcome"]
        assert outcomes["ana"].startswith("failed")
        assert outcomes["ben"] == "deleted"
        with pytest.raises(LeftoverError, match=r"^ana: Still there: DynamoDB table ana_CustomerAccounts"):
            classroom.verify([ana, ben], timeout=0)

    def test_cleaning_up_after_nobody_is_no_error(self) -> None:
        assert classroom.apply([]).empty


class TestCommand:
    @pytest.fixture(autouse=True)
    def connected(self, alone: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("zetl_helpers.lab.connect", lambda: alone)

    def test_an_empty_account(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["class", "status"]) == 0
        assert capsys.readouterr().out == "No learner has created anything yet.\n"
        assert main(["class", "cleanup"]) == 0
        assert capsys.readouterr().out.endswith("All resources of the class are deleted.\n")

    def test_a_learner_who_is_not_there_is_named(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["class", "cleanup", "zoe", "--yes"]) == 1
        assert capsys.readouterr().err == "No resources were found for zoe. To list the class: zetl class status\n"

    def test_it_shows_the_class_then_cleans_up_when_told_to_and_leaves_the_teachers_own_lab(
        self, teacher: Lab, capsys: pytest.CaptureFixture[str]
    ) -> None:
        source.create_table(teacher)
        assert main(["class", "status"]) == 0
        head, own, ana, *_, legend = capsys.readouterr().out.splitlines()
        assert legend == "chapter: the last chapter with resources"
        assert head.split() == ["learner", "chapter", "integration", "last_sync", "note"]
        assert own.split() == ["(no", "prefix)", "1", "none", "never"]
        assert ana.split()[:3] == ["ana", "8", "ACTIVE"]
        assert main(["class", "status", "--json"]) == 0
        assert '"learner":"ben","chapter":1,"integration":"none","last_sync":null' in capsys.readouterr().out

        assert main(["class", "cleanup"]) == 1
        said = capsys.readouterr().out
        assert "Would delete DynamoDB table ben_CustomerAccounts" in said
        assert said.endswith("To delete all of this: zetl class cleanup --yes\n")
        assert prefixes(teacher) == ["", "ana", "ben", "cem"]

        assert main(["class", "cleanup", "ben", "--yes"]) == 0
        assert capsys.readouterr().out.endswith("No resources remain for ben.\n")
        assert prefixes(teacher) == ["", "ana", "cem"]

        assert main(["class", "cleanup", "--yes"]) == 0
        assert capsys.readouterr().out.endswith("No resources remain for ana and cem.\n")
        assert prefixes(teacher) == [""]
