"""Tests that concurrent learners merge account-wide settings and restore them exactly."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.recorder import recorded_lab
from tests.faults import unrelated_resources
from tests.faults.conftest import SharedLakehouse
from zetl_helpers import cleanup, permissions, studio, target
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

ADMIN = "arn:aws:iam::123456789012:role/Admin"
GOLDEN_STATEMENTS = [
    *unrelated_resources.STATEMENTS,
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
def anna(shared_lakehouse: SharedLakehouse, lab: Lab) -> Lab:
    unrelated_resources.create_resources(lab)
    return recorded_lab(shared_lakehouse.lakehouse.url, "anna")[0]


@pytest.fixture
def ben(shared_lakehouse: SharedLakehouse, anna: Lab) -> Lab:
    return recorded_lab(shared_lakehouse.lakehouse.url, "ben")[0]


def policy(lab: Lab) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(lab.client("glue").get_resource_policy()["PolicyInJson"])
    return document


def put_policy(lab: Lab, statements: Any) -> None:
    document = {"Version": "2012-10-17", "Id": "Theirs", "Statement": statements}
    lab.client("glue").put_resource_policy(PolicyInJson=json.dumps(document))


def administrators(lab: Lab) -> list[str]:
    settings = lab.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    return [administrator["DataLakePrincipalIdentifier"] for administrator in settings["DataLakeAdmins"]]


def before_next_call(lab: Lab, operation: str, act: Callable[[], object]) -> None:
    """Run another caller's action once, just before the lab next calls an operation."""
    pending: Iterator[Callable[[], object]] = iter([act])
    service = "glue" if "Policy" in operation else "lakeformation"
    lab.client(service).meta.events.register(
        f"before-parameter-build.{service}.{operation}", lambda **_: next(pending, lambda: None)()
    )


def test_merge_adds_statements_to_policy(anna: Lab) -> None:
    before = policy(anna)
    target.merge_catalog_policy(anna)
    assert policy(anna) == {"Version": "2012-10-17", "Statement": GOLDEN_STATEMENTS}
    target.remove_catalog_statements(anna)
    assert policy(anna) == before


@pytest.mark.parametrize("order", ["merge merge remove remove", "merge merge remove_ben remove_anna"])
def test_two_learners_can_restore_policy_in_any_order(anna: Lab, ben: Lab, order: str) -> None:
    before = policy(anna)
    first, last = (ben, anna) if "ben" in order else (anna, ben)
    target.merge_catalog_policy(anna)
    target.merge_catalog_policy(ben)
    assert len(policy(anna)["Statement"]) == len(unrelated_resources.STATEMENTS) + 4
    target.remove_catalog_statements(first)
    assert len(target.catalog_statements(last)) == 2
    target.remove_catalog_statements(last)
    assert policy(anna) == before


def test_concurrent_writes_keep_statements_of_both_learners(anna: Lab, ben: Lab) -> None:
    """If two learners write at the same time, the policy keeps the statements of both.

    Ben writes between Anna's read and her write, so her hash is outdated and her merge is retried.
    """
    before = policy(anna)
    before_next_call(anna, "PutResourcePolicy", lambda: target.merge_catalog_policy(ben))
    assert target.merge_catalog_policy(anna).did == "created"
    assert (len(target.catalog_statements(anna)), len(target.catalog_statements(ben))) == (2, 2)
    before_next_call(anna, "PutResourcePolicy", lambda: target.remove_catalog_statements(ben))
    target.remove_catalog_statements(anna)
    assert policy(anna) == before


def test_merge_keeps_policy_created_concurrently(anna: Lab, ben: Lab) -> None:
    anna.client("glue").delete_resource_policy()
    before_next_call(anna, "PutResourcePolicy", lambda: target.merge_catalog_policy(ben))
    target.merge_catalog_policy(anna)
    assert (len(target.catalog_statements(anna)), len(target.catalog_statements(ben))) == (2, 2)


def test_removal_keeps_statements_added_concurrently(anna: Lab, ben: Lab) -> None:
    anna.client("glue").delete_resource_policy()
    target.merge_catalog_policy(anna)
    before_next_call(anna, "DeleteResourcePolicy", lambda: target.merge_catalog_policy(ben))
    target.remove_catalog_statements(anna)
    assert len(target.catalog_statements(ben)) == 2
    assert target.catalog_statements(anna) == []


def test_merge_recreates_policy_deleted_concurrently(anna: Lab) -> None:
    before_next_call(anna, "PutResourcePolicy", lambda: anna.client("glue").delete_resource_policy())
    target.merge_catalog_policy(anna)
    assert policy(anna)["Statement"] == GOLDEN_STATEMENTS[-2:]


def test_restores_single_statement_and_policy_id(anna: Lab) -> None:
    put_policy(anna, unrelated_resources.STATEMENTS[1])
    target.merge_catalog_policy(anna)
    target.remove_catalog_statements(anna)
    assert policy(anna) == {"Version": "2012-10-17", "Id": "Theirs", "Statement": [unrelated_resources.STATEMENTS[1]]}


class TestAdministrators:
    """Tests for Lake Formation's list of administrators, which has no hash."""

    @pytest.fixture(autouse=True)
    def prepared(self, anna: Lab, ben: Lab) -> None:
        for learner in (anna, ben):
            permissions.create_target_role(learner)
            target.merge_catalog_policy(learner)

    def test_removing_administrator_restores_settings(self, anna: Lab) -> None:
        settings = anna.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
        studio.add_administrator(anna)
        assert administrators(anna) == [unrelated_resources.ADMINISTRATOR, ADMIN]
        assert studio.remove_administrator(anna).did == "deleted"
        assert anna.client("lakeformation").get_data_lake_settings()["DataLakeSettings"] == settings

    def test_administrator_added_concurrently_is_kept(self, anna: Lab) -> None:
        newcomer = "arn:aws:iam::123456789012:role/Newcomer"
        formation = anna.client("lakeformation")
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        both = [*settings["DataLakeAdmins"], {"DataLakePrincipalIdentifier": newcomer}]
        reads = iter([False, False, True])

        def add_newcomer(**_: Any) -> None:
            if next(reads, False):
                formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": both})

        formation.meta.events.register("before-parameter-build.lakeformation.GetDataLakeSettings", add_newcomer)
        studio.add_administrator(anna)
        assert administrators(anna) == [unrelated_resources.ADMINISTRATOR, newcomer, ADMIN]

    def test_adding_administrator_is_retried_if_settings_are_overwritten(self, anna: Lab) -> None:
        formation = anna.client("lakeformation")
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        pending = iter([True])

        def write_over(**_: Any) -> None:
            if next(pending, False):
                formation.put_data_lake_settings(DataLakeSettings=settings)

        formation.meta.events.register("after-call.lakeformation.PutDataLakeSettings", write_over)
        studio.add_administrator(anna)
        assert administrators(anna) == [unrelated_resources.ADMINISTRATOR, ADMIN]

    def test_administrator_is_kept_until_last_lab_removes_it(self, anna: Lab, ben: Lab) -> None:
        assert [studio.add_administrator(entry).did for entry in (anna, ben)] == ["created", "already there"]
        assert studio.remove_administrator(anna).did == "still needed"
        assert ADMIN in administrators(ben)
        assert studio.remove_administrator(ben).did == "deleted"
        assert administrators(ben) == [unrelated_resources.ADMINISTRATOR]

    def test_concurrent_removals_restore_administrators(self, anna: Lab, ben: Lab) -> None:
        studio.add_administrator(anna)
        studio.add_administrator(ben)
        # Ben leaves after Anna has recorded that she is leaving, but before she checks which other learners remain.
        pending = iter([True])

        def leave(**_: Any) -> None:
            if next(pending, False):
                studio.remove_administrator(ben)

        anna.client("iam").meta.events.register("after-call.iam.TagRole", leave)
        studio.remove_administrator(anna)
        assert administrators(anna) == [unrelated_resources.ADMINISTRATOR]

    def test_removal_ignores_labs_that_did_not_add_administrator(self, anna: Lab, ben: Lab) -> None:
        studio.add_administrator(anna)
        assert studio.remove_administrator(anna).did == "deleted"
        assert studio.added_administrator(ben) is None

    def test_existing_administrator_is_not_recorded(self, anna: Lab, ben: Lab) -> None:
        formation = anna.client("lakeformation")
        settings = formation.get_data_lake_settings()["DataLakeSettings"]
        admins = [*settings["DataLakeAdmins"], {"DataLakePrincipalIdentifier": ADMIN}]
        formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": admins})
        for learner in (anna, ben):
            assert studio.add_administrator(learner).did == "already there"
            assert studio.added_administrator(learner) is None


def test_cleanup_of_two_labs_restores_the_account(shared_lakehouse: SharedLakehouse, anna: Lab, ben: Lab) -> None:
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
