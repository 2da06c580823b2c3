import pytest

from tests.conftest import connect_to
from tests.fakes import Answers
from zetl_helpers import chapters, cleanup, integration, lakehouse, monitoring, source, target
from zetl_helpers._aws import ForeignResourceError
from zetl_helpers.cleanup import LeftoverError
from zetl_helpers.lab import Lab
from zetl_helpers.local.lakehouse import Lakehouse
from zetl_helpers.payments import payments

EVERYTHING = [
    "CloudWatch alarm", "integration", "log stream", "table properties", "resource property", "Lake Formation grants",
    "Lake Formation administrator", "saved query", "Glue table", "Glue database", "S3 bucket", "DynamoDB table",
    "IAM role", "Data Catalog policy statements",
]  # fmt: skip


@pytest.fixture
def full(lab: Lab, lakehouse_ticks: Lakehouse) -> Lab:
    """A lab with one of everything."""
    chapters.catch_up(lab, 9)
    monitoring.create_alarm(lab)
    lakehouse.save_query(lab, "one", "SELECT 1", "A query")
    return lab


def kinds(lab: Lab) -> list[str]:
    return [one.kind for one in cleanup.plan(lab)]


def test_everything_is_found_deleted_and_gone(full: Lab) -> None:
    assert kinds(full) == EVERYTHING
    outcomes = cleanup.apply(cleanup.plan(full))
    assert set(outcomes["outcome"]) == {"deleted"}
    assert cleanup.verify(full) == "Nothing is left of the lab."


def test_a_further_table_goes_with_the_rest(lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(lab, 2)
    integration.set_target_role(lab)
    beside = lab.with_table("PaymentsByState")
    source.create_table(beside)
    source.enable_pitr(beside)
    source.load_items(beside, list(payments(30)))
    source.put_policy(beside)
    target.merge_catalog_policy(beside)
    integration.set_table_properties(beside, partition_by=chapters.PARTITION_BY)
    integration.create(beside)
    integration.wait_until_loaded(beside)
    assert kinds(lab) == [
        "integration", "log stream", "table properties", "resource property", "Glue table", "Glue database",
        "S3 bucket", "DynamoDB table", "DynamoDB table", "IAM role", "Data Catalog policy statements",
        "Data Catalog policy statements",
    ]  # fmt: skip
    assert set(cleanup.apply(cleanup.plan(lab))["outcome"]) == {"deleted"}
    assert cleanup.verify(lab)


def test_looking_changes_nothing(full: Lab) -> None:
    assert kinds(full) == kinds(full)


def test_one_failure_does_not_keep_the_rest_from_going(full: Lab) -> None:
    stuck = Answers(full, "glue", "DeleteDatabase")
    stuck.fail("OperationTimeoutException")
    outcomes = cleanup.apply(cleanup.plan(full)).set_index("kind")["outcome"]
    assert outcomes["Glue database"].startswith("failed: ")
    assert (outcomes.drop("Glue database") == "deleted").all()
    with pytest.raises(LeftoverError, match=r"Still there: Glue database customerdb\. Run cleanup.apply"):
        cleanup.verify(full)


def test_an_empty_account_has_nothing_to_clean(lab: Lab) -> None:
    assert cleanup.plan(lab) == []
    assert cleanup.verify(lab)


def test_half_made_things_are_found(lab: Lab) -> None:
    source.create_table(lab)
    target.create_bucket(lab)
    assert kinds(lab) == ["S3 bucket", "DynamoDB table"]


def test_a_thing_that_is_not_the_labs_stops_the_plan(lab: Lab) -> None:
    lab.client("s3").create_bucket(Bucket=lab.bucket)
    with pytest.raises(ForeignResourceError):
        cleanup.plan(lab)


def test_a_neighbours_things_stay(lakehouse_ticks: Lakehouse) -> None:
    anna, ben = connect_to(lakehouse_ticks.url, "anna"), connect_to(lakehouse_ticks.url, "ben")
    for learner in (anna, ben):
        chapters.catch_up(learner, 4)
    before = kinds(ben)
    cleanup.apply(cleanup.plan(anna))
    assert cleanup.verify(anna)
    assert kinds(ben) == before
