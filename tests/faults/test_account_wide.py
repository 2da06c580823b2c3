"""Tests that concurrent learners merge account-wide settings and restore them exactly."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.recorder import recorded_lab
from tests.faults import neighbors
from tests.faults.conftest import Ground
from zetl_helpers import cleanup, permissions, studio, target
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

ADMIN = "arn:aws:iam::123456789012:role/Admin"
GOLDEN_STATEMENTS = [
    *neighbors.STATEMENTS,
    {
        "Sid": "ZeroEtlCreateannacustomerdb",
        "Effect": "Allow",
        "Principal": {"AWS": ADMIN},
        "Action": "glue:CreateInboundIntegration",
        "Resource": [
            "arn:aws:glue:us-east-1:123456789012:catalog",
            "arn:aws:glue:us-east-1:123456789012:database/anna_customerdb",
        ],
        "Condition": {
            "ArnLike": {"aws:SourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/anna_CustomerAccounts"}
        },
    },
    {
        "Sid": "ZeroEtlAuthorizeannacustomerdb",
        "Effect": "Allow",
        "Principal": {"Service": "glue.amazonaws.com"},
        "Action": "glue:AuthorizeInboundIntegration",
        "Resource": [
            "arn:aws:glue:us-east-1:123456789012:catalog",
            "arn:aws:glue:us-east-1:123456789012:database/anna_customerdb",
        ],
        "Condition": {
            "ArnEquals": {"aws:SourceArn": "arn:aws:dynamodb:us-east-1:123456789012:table/anna_CustomerAccounts"}
        },
    },
]


@pytest.fixture
def anna(ground: Ground, lab: Lab) -> Lab:
    neighbors.move_in(lab)
    return recorded_lab(ground.lakehouse.url, "anna")[0]


@pytest.fixture
def ben(ground: Ground, anna: Lab) -> Lab:
    return recorded_lab(ground.lakehouse.url, "ben")[0]


def policy(lab: Lab) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(lab.client("glue").get_resource_policy()["PolicyInJson"])
    return document


def put_policy(lab: Lab, statements: Any) -> None:
    document = {"Version": "2012-10-17", "Id": "Theirs", "Statement": statements}
    lab.client("glue").put_resource_policy(PolicyInJson=json.dumps(document))


def administrators(lab: Lab) -> list[str]:
    settings = lab.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return [administrator["DataLakePrincipalIdentifier"] for administrator in settings["DataLakeAdmins"]]


def meanwhile(lab: Lab, operation: str, act: Callable[[], object]) -> None:
    """Run another caller's action once, just before the lab's next call of an operation."""
    pending: Iterator[Callable[[], object]] = iter([act])
    service = "glue" if "Policy" in operation else "lakeformation"
    lab.client(service).meta.events.register(
        f"before-parameter-build.{service}.{operation}", lambda **_: next(pending, lambda: None)()
    )


def test_the_policy_after_a_merge_is_this_one(anna: Lab) -> None:
    before = policy(anna)
    target.merge_catalog_policy(anna)
    assert policy(anna) == {"Version": "2012-10-17", "Statement": GOLDEN_STATEMENTS}
    target.remove_catalog_statements(anna)
    assert policy(anna) == before


@pytest.mark.parametrize("order", ["merge merge remove remove", "merge merge remove_ben remove_anna"])
def test_two_learners_leave_the_policy_as_it_was(anna: Lab, ben: Lab, order: str) -> None:
    before = policy(anna)
    first, last = (ben, anna) if "ben" in order else (anna, ben)
    target.merge_catalog_policy(anna)
    target.merge_catalog_policy(ben)
    assert len(policy(anna)["Statement"]) == len(neighbors.STATEMENTS) + 4
    target.remove_catalog_statements(first)
    assert len(target.catalog_statements(last)) == 2
    target.remove_catalog_statements(last)
    assert policy(anna) == before


def test_two_learners_who_write_at_the_same_moment_both_stay(anna: Lab, ben: Lab) -> None:
    """If two learners write at the same time, the policy keeps the statements of both.

    Ben writes between Anna's read and her write, so her hash is outdated and her merge is retried.
    """
    before = policy(anna)
    meanwhile(anna, "PutResourcePolicy", lambda: target.merge_catalog_policy(ben))
    assert target.merge_catalog_policy(anna).did == "created"
    assert (len(target.catalog_statements(anna)), len(target.catalog_statements(ben))) == (2, 2)
    meanwhile(anna, "PutResourcePolicy", lambda: target.remove_catalog_statements(ben))
    target.remove_catalog_statements(anna)
    assert policy(anna) == before


def test_the_first_policy_of_the_account_is_not_written_over(anna: Lab, ben: Lab) -> None:
    anna.client("glue").delete_resource_policy()
    meanwhile(anna, "PutResourcePolicy", lambda: target.merge_catalog_policy(ben))
    target.merge_catalog_policy(anna)
    assert (len(target.catalog_statements(anna)), len(target.catalog_statements(ben))) == (2, 2)


def test_the_last_statement_is_not_deleted_with_what_came_meanwhile(anna: Lab, ben: Lab) -> None:
    anna.client("glue").delete_resource_policy()
    target.merge_catalog_policy(anna)
    meanwhile(anna, "DeleteResourcePolicy", lambda: target.merge_catalog_policy(ben))
    target.remove_catalog_statements(anna)
    assert len(target.catalog_statements(ben)) == 2
    assert target.catalog_statements(anna) == []


def test_a_policy_that_somebody_deletes_meanwhile_is_begun_anew(anna: Lab) -> None:
    meanwhile(anna, "PutResourcePolicy", lambda: anna.client("glue").delete_resource_policy())
    target.merge_catalog_policy(anna)
    assert policy(anna)["Statement"] == GOLDEN_STATEMENTS[-2:]


def test_a_single_statement_without_a_list_and_an_id_are_kept(anna: Lab) -> None:
    put_policy(anna, neighbors.STATEMENTS[1])
    target.merge_catalog_policy(anna)
    target.remove_catalog_statements(anna)
    assert policy(anna) == {"Version": "2012-10-17", "Id": "Theirs", "Statement": [neighbors.STATEMENTS[1]]}


class TestAdministrators:
    """Tests of Lake Formation's list of administrators, which has no hash."""

    @pytest.fixture(autouse=True)
    def prepared(self, anna: Lab, ben: Lab) -> None:
        for learner in (anna, ben):
            permissions.create_target_role(learner)
            target.merge_catalog_policy(learner)

    def test_added_and_put_back(self, anna: Lab) -> None:
        settings = anna.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
        studio.add_administrator(anna)
        assert administrators(anna) == [neighbors.ADMINISTRATOR, ADMIN]
        assert studio.remove_administrator(anna).did == "deleted"
        assert anna.client("lakeformation").get_data_lake_settings()["DataLakeSettings"] == settings

    def test_somebody_who_comes_between_reading_and_writing_stays(self, anna: Lab) -> None:
        newcomer = "arn:aws:iam::123456789012:role/Newcomer"
        formation = anna.client("lakeformation")
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        both = [*settings["DataLakeAdmins"], {"DataLakePrincipalIdentifier": newcomer}]
        reads = iter([False, False, True])

        def come(**_: Any) -> None:
            if next(reads, False):
                formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": both})

        formation.meta.events.register("before-parameter-build.lakeformation.GetDataLakeSettings", come)
        studio.add_administrator(anna)
        assert administrators(anna) == [neighbors.ADMINISTRATOR, newcomer, ADMIN]

    def test_who_is_written_over_is_merged_again(self, anna: Lab) -> None:
        formation = anna.client("lakeformation")
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        pending = iter([True])

        def write_over(**_: Any) -> None:
            if next(pending, False):
                formation.put_data_lake_settings(DataLakeSettings=settings)

        formation.meta.events.register("after-call.lakeformation.PutDataLakeSettings", write_over)
        studio.add_administrator(anna)
        assert administrators(anna) == [neighbors.ADMINISTRATOR, ADMIN]

    def test_the_same_person_in_two_labs_keeps_the_right_until_the_last_leaves(self, anna: Lab, ben: Lab) -> None:
        assert [studio.add_administrator(entry).did for entry in (anna, ben)] == ["created", "already there"]
        assert studio.remove_administrator(anna).did == "still needed"
        assert ADMIN in administrators(ben)
        assert studio.remove_administrator(ben).did == "deleted"
        assert administrators(ben) == [neighbors.ADMINISTRATOR]

    def test_two_labs_that_leave_at_the_same_moment_leave_nothing(self, anna: Lab, ben: Lab) -> None:
        studio.add_administrator(anna)
        studio.add_administrator(ben)
        # Ben leaves after Anna has recorded that she leaves, but before she checks which other learners remain.
        pending = iter([True])

        def leave(**_: Any) -> None:
            if next(pending, False):
                studio.remove_administrator(ben)

        anna.client("iam").meta.events.register("after-call.iam.TagRole", leave)
        studio.remove_administrator(anna)
        assert administrators(anna) == [neighbors.ADMINISTRATOR]

    def test_a_lab_that_never_came_to_chapter_3_keeps_nobody_in_office(self, anna: Lab, ben: Lab) -> None:
        studio.add_administrator(anna)
        assert studio.remove_administrator(anna).did == "deleted"
        assert studio.added_administrator(ben) is None

    def test_who_was_an_administrator_before_both_stays_one(self, anna: Lab, ben: Lab) -> None:
        formation = anna.client("lakeformation")
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        admins = [*settings["DataLakeAdmins"], {"DataLakePrincipalIdentifier": ADMIN}]
        formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": admins})
        for learner in (anna, ben):
            assert studio.add_administrator(learner).did == "already there"
            assert studio.added_administrator(learner) is None


def test_two_whole_labs_side_by_side_leave_the_account_as_it_was(ground: Ground, anna: Lab, ben: Lab) -> None:
    before, admins = policy(anna), administrators(anna)
    for chapter in (2, 3, 4):
        for learner in (anna, ben):
            chapters.catch_up(learner, chapter)
            if chapter == 3:
                chapters.share(learner)
    plans = [cleanup.plan(learner) for learner in (anna, ben)]
    for found in plans:
        cleanup.apply(found)
    assert all(cleanup.verify(learner) for learner in (anna, ben))
    assert (policy(anna), administrators(anna)) == (before, admins)
