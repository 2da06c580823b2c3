"""State that outlives the process, whatever it was doing when it ended."""

import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.store.journal import Journal, Keeper, UnreadableStateError
from tests.conftest import connect_to
from tests.local_lakehouse.zero_etl.conftest import BUCKET
from zetl_helpers import lakehouse as lakehouse_helpers
from zetl_helpers import source, target
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab


class Counter:
    """A participant that is a number."""

    def __init__(self) -> None:
        self.value = 0

    def dump(self) -> int:
        return self.value

    def load(self, state: Any) -> None:
        self.value = state


def journal(directory: Path, **participants: Counter) -> Journal:
    return Journal(directory, participants, threading.Lock())


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    counter, again = Counter(), Counter()
    counter.value = 3
    journal(tmp_path, counter=counter).checkpoint()
    assert journal(tmp_path, counter=again).restore()
    assert again.value == 3


def test_without_a_checkpoint_there_is_nothing_to_put_back(tmp_path: Path) -> None:
    assert not journal(tmp_path, counter=Counter()).restore()


def test_a_checkpoint_that_fails_leaves_the_last_one(tmp_path: Path) -> None:
    counter, again = Counter(), Counter()
    counter.value = 3
    kept = journal(tmp_path, counter=counter)
    kept.checkpoint()
    counter.value = lambda: None  # type: ignore[assignment]  # cannot be pickled
    with pytest.raises((pickle.PicklingError, AttributeError)):
        kept.checkpoint()
    journal(tmp_path, counter=again).restore()
    assert again.value == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be read"),
        (b"not a pickle", "cannot be read"),
        (pickle.dumps(None), "cannot be read"),
        (pickle.dumps({"versions": {"moto": "0.1"}, "state": {}}), "was written with moto 0.1"),
    ],
)
def test_a_state_of_others_is_refused_and_kept(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "lakehouse.pickle"
    file.write_bytes(content)
    with pytest.raises(UnreadableStateError, match=reason):
        journal(tmp_path, counter=Counter()).restore()
    assert file.read_bytes() == content


def test_a_state_with_other_parts_is_refused(tmp_path: Path) -> None:
    journal(tmp_path, counter=Counter()).checkpoint()
    with pytest.raises(UnreadableStateError, match="zetl local reset"):
        journal(tmp_path, counter=Counter(), more=Counter()).restore()


def test_the_keeper_saves_a_last_time_when_it_stops(tmp_path: Path) -> None:
    counter, again = Counter(), Counter()
    keeper = Keeper(journal(tmp_path, counter=counter), lambda: counter.value)
    keeper.start()
    counter.value = 7
    keeper.stop()
    journal(tmp_path, counter=again).restore()
    assert again.value == 7


def test_a_query_that_ends_is_a_change_too(lab: Lab, lakehouse: Lakehouse) -> None:
    before = lakehouse.athena.finished
    target.create_bucket(lab)
    assert lakehouse_helpers.query(lab, "SELECT 1 AS one")["one"].tolist() == [1]
    assert lakehouse.athena.finished > before


def test_a_refresh_that_brings_something_is_a_change_too(lab: Lab, lakehouse_ticks: Lakehouse) -> None:
    chapters.catch_up(lab, 3)
    lakehouse_ticks.zero_etl.refresh_now()
    before = lakehouse_ticks.zero_etl.moved
    lakehouse_ticks.zero_etl.refresh_now()
    assert lakehouse_ticks.zero_etl.moved == before
    chapters.apply_changes(lab)
    lakehouse_ticks.zero_etl.refresh_now()
    assert lakehouse_ticks.zero_etl.moved > before


def test_tables_versions_and_exports_outlive_the_process(tmp_path: Path) -> None:
    first = Lakehouse(Settings(tmp_path))
    first.start()
    lab = connect_to(first.url)
    source.create_table(lab)
    source.enable_pitr(lab)
    source.load_items(lab)
    lab.client("s3").create_bucket(Bucket=BUCKET)
    arn = lab.client("dynamodb").export_table_to_point_in_time(TableArn=lab.table_arn, S3Bucket=BUCKET)[
        "ExportDescription"
    ]["ExportArn"]
    first.stop()

    second = Lakehouse(Settings(tmp_path))
    second.start()
    try:
        described = connect_to(second.url).client("dynamodb").describe_export(ExportArn=arn)["ExportDescription"]
        assert (described["ExportStatus"], described["ItemCount"]) == ("COMPLETED", 25)
    finally:
        second.stop()
