"""Tests that statements run in separate processes, and that no statement can stop another."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.workers import pool as pool_module
from local_lakehouse.sql.workers.limits import MB, Limits
from local_lakehouse.sql.workers.pool import InterruptedStatementError, WorkerPool, WorkerSession

ENDLESS = "SELECT count(*) FROM range(1000000000) a(i), range(1000000) b(j) WHERE (i + j) % 7 = 9"
SORTED = "SELECT * FROM range(100000000000) t(i) ORDER BY hash(i)"
ONE_LIST = "SELECT len(list(repeat('x', 1000) || i)) FROM range(100000000) t(i)"


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(Limits(query_bytes=128 * MB))
    yield pool
    pool.stop()


def worker_of(session: WorkerSession) -> int:
    """Return the process ID of a session's worker."""
    session.constant("1")
    assert session._worker
    return session._worker.pid


def failure(run: Callable[[], object]) -> str:
    with pytest.raises(QueryFailure) as caught:
        run()
    return caught.value.reason


def test_read_returns_typed_rows(pool: WorkerPool) -> None:
    with pool.opened() as session:
        rows = session.read("SELECT 1::TINYINT AS a, [1.5, NULL] AS b, DATE '2026-01-02' AS c")
    assert rows.schema.field("a").type == pa.int8()
    assert rows.column("a").to_pylist() == [1]


def test_registered_rows_exist_only_in_their_session(pool: WorkerPool) -> None:
    with pool.opened() as session:
        session.register("given", pa.table({"x": range(5)}))
        assert session.read("SELECT sum(x) AS s FROM given").to_pylist() == [{"s": 10}]
    with pool.opened() as session:
        assert "NOT_SUPPORTED" in failure(lambda: session.read("SELECT * FROM given"))


def test_python_function_does_not_load_pandas(pool: WorkerPool) -> None:
    with pool.opened() as session:
        assert session.constant("athena_hash_number(1)") is not None
        loaded = [file.path for file in psutil.Process(worker_of(session)).memory_maps()]
    assert any("pyarrow" in path for path in loaded)
    assert not [path for path in loaded if "/pandas/" in path]


def test_views_exist_only_in_their_session(pool: WorkerPool) -> None:
    with pool.opened() as session:
        session.define("CREATE TEMP VIEW seven AS SELECT 7 AS x")
        assert session.read("SELECT x FROM seven").to_pylist() == [{"x": 7}]
    with pool.opened() as session:
        assert "NOT_SUPPORTED" in failure(lambda: session.read("SELECT x FROM seven"))


def test_failure_of_a_definition_is_raised_once_by_the_next_query(pool: WorkerPool) -> None:
    with pool.opened() as session:
        session.define("CREATE TEMP VIEW broken AS SELECT absent FROM nowhere")
        assert "NOT_SUPPORTED" in failure(lambda: session.read("SELECT 1"))
        assert session.read("SELECT 1 AS x").to_pylist() == [{"x": 1}]


def test_rows_can_be_read_after_the_session_ends(pool: WorkerPool) -> None:
    with pool.opened() as session:
        rows = session.read("SELECT i FROM range(200000) t(i)")
    assert rows.num_rows == 200_000
    assert rows.column("i")[199_999].as_py() == 199_999


def test_session_is_usable_after_a_failed_statement(pool: WorkerPool) -> None:
    with pool.opened() as session:
        assert "NUMERIC_VALUE_OUT_OF_RANGE" in failure(lambda: session.read("SELECT 300::TINYINT"))
        assert session.constant("1 + 1") == 2


@pytest.mark.parametrize("sql", [SORTED, ONE_LIST], ids=["sort", "list"])
def test_statement_that_exceeds_its_memory_limit_fails(pool: WorkerPool, sql: str) -> None:
    with pool.opened() as session:
        assert failure(lambda: session.read(sql)).startswith("EXCEEDED_LOCAL_MEMORY_LIMIT")
    with pool.opened() as session:
        assert session.constant("1 + 1") == 2


def test_memory_that_duckdb_does_not_count_is_limited() -> None:
    # DuckDB could use a terabyte here, so only the operating system's limit ends the statement.
    pool = WorkerPool(Limits(query_bytes=64 * MB, duckdb_bytes=2**40))
    with pool.opened() as session:
        reason = failure(lambda: session.read(SORTED))
    pool.stop()
    assert reason.startswith("EXCEEDED_LOCAL_MEMORY_LIMIT")


def test_interrupt_ends_a_running_statement(pool: WorkerPool) -> None:
    session = pool.session()
    worker_of(session)
    stopper = threading.Timer(0.2, session.interrupt)
    stopper.start()
    with pytest.raises(InterruptedStatementError):
        session.read(ENDLESS)
    session.close()


def test_rows_of_a_finished_statement_cannot_be_read_after_an_interrupt(pool: WorkerPool) -> None:
    session = pool.session()
    rows = session.stream("SELECT range FROM range(1000000)")
    assert rows.read_next_batch().num_rows > 0
    session.interrupt()
    with pytest.raises(InterruptedStatementError):
        rows.read_next_batch()
    session.close()


def test_interrupt_before_the_start_prevents_a_statement_from_running(pool: WorkerPool) -> None:
    session = pool.session()
    session.interrupt()
    with pytest.raises(InterruptedStatementError):
        session.read(ENDLESS)
    session.close()


def test_worker_that_ignores_an_interrupt_is_killed(pool: WorkerPool) -> None:
    session = pool.session()
    os.kill(worker_of(session), signal.SIGSTOP)
    stopper = threading.Timer(0.1, session.interrupt)
    stopper.start()
    with pytest.raises(InterruptedStatementError):
        session.read("SELECT 1")
    session.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGABRT], ids=["killed", "aborted"])
def test_killing_a_worker_affects_only_its_statement(pool: WorkerPool, how: signal.Signals) -> None:
    with pool.opened() as session, pool.opened() as other:
        other.constant("1")
        stopper = threading.Timer(0.2, os.kill, args=(worker_of(session), how))
        stopper.start()
        assert failure(lambda: session.read(ENDLESS)).startswith("EXCEEDED_LOCAL_MEMORY_LIMIT")
        assert other.constant("1 + 1") == 2


def test_crashed_worker_causes_an_internal_error(pool: WorkerPool) -> None:
    with pool.opened() as session:
        stopper = threading.Timer(0.2, os.kill, args=(worker_of(session), signal.SIGSEGV))
        stopper.start()
        assert failure(lambda: session.read(ENDLESS)).startswith("GENERIC_INTERNAL_ERROR")


def test_largest_statement_is_stopped_at_the_total_memory_limit() -> None:
    pool = WorkerPool(Limits(query_bytes=1024 * MB, all_bytes=256 * MB))
    with pool.opened() as small, pool.opened() as large:
        small.register("given", pa.table({"x": range(10)}))
        assert failure(lambda: large.read(SORTED)).startswith("EXCEEDED_LOCAL_MEMORY_LIMIT")
        assert small.read("SELECT sum(x) AS s FROM given").to_pylist() == [{"s": 45}]
    pool.stop()


def test_statements_run_while_thirty_long_statements_are_running() -> None:
    pool = WorkerPool(Limits(query_bytes=64 * MB, seconds=5))
    reasons: list[str] = []
    sessions = [pool.session() for _ in range(30)]

    def run(session: WorkerSession, sql: str) -> None:
        try:
            session.read(sql)
        except (QueryFailure, InterruptedStatementError) as error:
            reasons.append(type(error).__name__ if isinstance(error, InterruptedStatementError) else str(error)[:27])
        finally:
            session.close()

    statements = [SORTED, ENDLESS, ONE_LIST]
    threads = [
        threading.Thread(target=run, args=(session, statements[index % 3])) for index, session in enumerate(sessions)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            with pool.opened() as other:
                assert other.constant("1 + 1") == 2
    finally:
        for session in sessions:
            session.interrupt()
        for thread in threads:
            thread.join()
    assert len(reasons) == 30
    assert set(reasons) <= {"EXCEEDED_LOCAL_MEMORY_LIMIT", "InterruptedStatementError"}
    pool.stop()


def test_priority_of_a_long_statement_is_lowered_once(pool: WorkerPool) -> None:
    own = psutil.Process().nice()
    with pool.opened() as short, pool.opened() as long:
        workers = [psutil.Process(worker_of(session)) for session in (short, long)]
        assert [worker.nice() for worker in workers] == [own, own]
        assert long._worker
        long._worker.give_way(60)
        assert workers[1].nice() == own
        long._worker.give_way(0)
        long._worker.give_way(0)
        # The operating system limits the value to 19.
        assert [worker.nice() for worker in workers] == [own, min(own + 10, 19)]


@pytest.mark.parametrize(("more", "slowed"), [(0, False), (1, True)])
def test_priority_is_lowered_sooner_when_many_statements_are_running(
    monkeypatch: pytest.MonkeyPatch, more: int, slowed: bool
) -> None:
    monkeypatch.setattr(pool_module, "_CROWD", 2)
    # The test calls the pool's periodic check, so the pool must not call it during the test.
    monkeypatch.setattr(pool_module, "_WATCH_SECONDS", 60)
    pool = WorkerPool(Limits(query_bytes=64 * MB))
    workers = [pool.lease() for _ in range(2 + more)]
    for worker in workers:
        worker.busy_since -= 1.0
    pool._enforce_limits()
    assert [worker.fresh for worker in workers] == [not slowed] * len(workers)
    for worker in workers:
        pool.take_back(worker)
    pool.stop()


def test_pool_keeps_at_most_two_idle_workers(pool: WorkerPool) -> None:
    sessions = [pool.session() for _ in range(6)]
    pids = [worker_of(session) for session in sessions]
    for session in sessions:
        session.close()
    assert len(pool._idle) <= 2
    alive = [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]
    assert {worker.pid for worker in pool._idle} <= set(alive)


def test_files_outside_the_readable_folders_are_rejected(pool: WorkerPool) -> None:
    with pool.opened() as session:
        assert "NOT_SUPPORTED" in failure(lambda: session.read("SELECT * FROM read_text('/etc/hostname')"))
        for setting in ("enable_external_access = true", "allowed_directories = ['/']", "lock_configuration = false"):
            session.define(f"SET {setting}")
            assert "NOT_SUPPORTED" in failure(lambda: session.read("SELECT 1"))


def test_files_in_a_readable_folder_are_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("readable")
    (folder / "some.csv").write_text("a\n1\n")
    pool = WorkerPool(Limits(readable=(folder,)))
    with pool.opened() as session:
        assert session.read(f"SELECT a FROM read_csv('{folder}/some.csv')").to_pylist() == [{"a": 1}]
        assert "NOT_SUPPORTED" in failure(lambda: session.read("SELECT * FROM read_text('/etc/hostname')"))
    pool.stop()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_statement_fails_on_full_disk(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    with pool.opened() as session:
        monkeypatch.setattr(session, "_path", lambda: Path("/dev/full"))
        message = failure(lambda: session.read("SELECT i FROM range(1000000) t(i)"))

    assert "EXCEEDED_LOCAL_DISK_LIMIT" in message


def test_forking_process_has_a_single_thread(pool: WorkerPool) -> None:
    """The forking process has only one thread, so no library lock can be held during a fork."""
    with pool.opened() as session:
        server = psutil.Process(worker_of(session)).parent()
    assert server is not None
    assert server.num_threads() == 1
