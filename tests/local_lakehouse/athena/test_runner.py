"""Tests for the end of an execution, and for failures after it."""

from __future__ import annotations

import logging
import threading

import pytest

from local_lakehouse.athena.result_files import ResultFiles
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.workers.pool import WorkerSession
from tests.local_lakehouse.athena.conftest import Athena


def test_execution_ends_before_its_worker_is_cleaned_up(athena: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    athena.run("SELECT 1")
    seen, close = threading.Event(), WorkerSession.close
    waited: list[bool] = []

    def close_later(session: WorkerSession) -> None:
        waited.append(seen.wait(30))
        close(session)

    monkeypatch.setattr(WorkerSession, "close", close_later)
    execution = athena.service._executions.get(athena.start("SELECT 2"))
    assert execution is not None
    athena.service._runner.wait(execution, 60)
    assert (execution.state, waited) == ("SUCCEEDED", []), "the cleanup has not ended"
    seen.set()
    monkeypatch.undo()
    assert athena.run("SELECT 3") == [["3"]]


def test_failed_cleanup_is_logged(athena: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    athena.run("SELECT 1")
    logged = threading.Event()
    close = WorkerSession.close

    def fail(session: WorkerSession) -> None:
        close(session)
        raise OSError("no space left")

    monkeypatch.setattr(WorkerSession, "close", fail)
    monkeypatch.setattr(logging.getLogger("local_lakehouse.athena.runner"), "error", lambda *_, **__: logged.set())
    assert athena.run("SELECT 2") == [["2"]]
    assert logged.wait(60)


@pytest.mark.parametrize("error", [QueryFailure("PERMISSION_DENIED", "denied"), OSError("no space left")])
def test_execution_is_marked_as_failed_even_if_the_reason_cannot_be_written(
    athena: Athena, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(ResultFiles, "write_failure", fail)
    status = athena.finished(athena.start("SELECT missing"))["Status"]
    assert (status["State"], "COLUMN_NOT_FOUND" in status["StateChangeReason"]) == ("FAILED", True)


def test_query_execution_is_saved_three_times(athena: Athena) -> None:
    database = athena.clients.documents.database
    athena.run("SELECT 1")
    before = database.revision

    athena.run("SELECT 1")

    assert database.revision == before + 3
