import json
import os
import pickle
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from local_lakehouse import daemon
from local_lakehouse.daemon import LakehouseError, Running
from local_lakehouse.protocol.faults import Answer
from local_lakehouse.server.http import Server
from local_lakehouse.store import folder
from local_lakehouse.store.database import FILE, Database
from local_lakehouse.store.documents import Documents
from tests.conftest import connect_to
from zetl_helpers.course import chapters

pytestmark = pytest.mark.once


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    daemon.stop(tmp_path / "state")


def start(state: Path, **options: Any) -> Running:
    return daemon.start(state, port=0, **options)[0]


def zetl(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ZETL_STATE_DIR": str(state)}
    command = [sys.executable, "-m", "zetl_helpers.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def _state(athena: Any, execution: str) -> str:
    return str(athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]["State"])


@pytest.mark.parametrize("option", ["enforce_iam", "governed", None])
def test_start_passes_each_option_to_the_lakehouse(state: Path, option: str | None) -> None:
    health = start(state, refresh_seconds=7.0, **({option: True} if option else {})).health
    seen = {name: health[name] for name in ("enforce_iam", "governed", "refreshing", "refresh_seconds")}
    assert seen == {
        "enforce_iam": option == "enforce_iam", "governed": option == "governed", "refreshing": True,
        "refresh_seconds": 7.0,
    }  # fmt: skip


def test_state_survives_a_restart(state: Path) -> None:
    lab = connect_to(start(state).url)
    lab.client("s3").create_bucket(Bucket="kept-bucket")
    lab.client("s3").put_object(Bucket="kept-bucket", Key="k", Body=b"kept")
    lab.client("iam").create_role(RoleName="kept", AssumeRolePolicyDocument="{}")
    role = lab.client("iam").get_role(RoleName="kept")["Role"]
    daemon.stop(state)
    assert daemon.find(state) is None
    again = connect_to(start(state).url)
    assert again.client("s3").get_object(Bucket="kept-bucket", Key="k")["Body"].read() == b"kept"
    assert again.client("iam").get_role(RoleName="kept")["Role"] == role


def test_query_does_not_load_pandas(state: Path) -> None:
    running = start(state)
    lab = connect_to(running.url)
    lab.client("s3").create_bucket(Bucket="results")
    results = {"OutputLocation": "s3://results/"}
    athena = lab.client("athena")
    query = athena.start_query_execution(QueryString="SELECT split('a,b', ',')", ResultConfiguration=results)
    state_of = partial(_state, athena, query["QueryExecutionId"])
    assert next(found for found in iter(state_of, None) if found not in ("QUEUED", "RUNNING")) == "SUCCEEDED"
    loaded = [file.path for file in psutil.Process(running.pid).memory_maps()]
    assert any("pyarrow" in path for path in loaded)
    assert not [path for path in loaded if "/pandas/" in path]


def test_state_survives_sigkill(state: Path) -> None:
    running = start(state)
    connect_to(running.url).client("s3").create_bucket(Bucket="kept-bucket")
    os.kill(running.pid, signal.SIGKILL)
    again = connect_to(start(state).url)
    assert [bucket["Name"] for bucket in again.client("s3").list_buckets()["Buckets"]] == ["kept-bucket"]


def test_start_returns_the_running_lakehouse(state: Path) -> None:
    first, started = daemon.start(state, port=0)
    second, again = daemon.start(state, port=0)
    assert (started, again) == (True, False)
    assert first.url == second.url


def test_start_on_a_different_port_reports_the_running_url(state: Path) -> None:
    running = start(state)
    with pytest.raises(LakehouseError, match=f"is already running at {running.url}.*zetl local stop"):
        daemon.start(state, port=running.port + 1)


def test_start_fails_on_a_busy_port_and_can_be_retried(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LakehouseError, match=f"Port {port} on 127.0.0.1 cannot be used.*zetl local start --port 0"):
            daemon.start(state, port=port)
    assert daemon.find(state) is None
    assert start(state).url


def test_lakehouses_started_concurrently_have_separate_endpoints(tmp_path: Path) -> None:
    learners = [tmp_path / name for name in ("ana", "ben", "cem")]
    with ThreadPoolExecutor() as pool:
        started = [running for running, _ in pool.map(daemon.start, learners)]
    try:
        assert len({running.port for running in started}) == 3
        for learner, running in zip(learners, started, strict=True):
            connect_to(running.url).client("s3").create_bucket(Bucket=f"{learner.name}-bucket")
        for learner in learners:
            found = daemon.find(learner)
            assert found
            buckets = connect_to(found.url).client("s3").list_buckets()["Buckets"]
            assert [bucket["Name"] for bucket in buckets] == [f"{learner.name}-bucket"]
    finally:
        for learner in learners:
            daemon.stop(learner)


def test_different_lakehouse_on_the_recorded_port_is_ignored(state: Path, tmp_path: Path) -> None:
    neighbor = tmp_path / "neighbor"
    running = start(neighbor)
    try:
        state.mkdir()
        (state / "endpoint.json").write_text(json.dumps({"url": running.url, "pid": running.pid + 1}))
        assert daemon.find(state) is None
        assert daemon.stop(state) is False
        assert start(state).url != running.url
        assert daemon.find(neighbor) == running
    finally:
        daemon.stop(neighbor)


def test_start_rejects_state_from_a_different_moto_version(state: Path) -> None:
    start(state)
    daemon.stop(state)
    database = Database(state)
    documents = Documents(database).collection("about")
    documents.put("moto", "1.0")
    database.close()
    with pytest.raises(LakehouseError, match=r"written with moto 1\.0.*zetl local reset"):
        daemon.start(state, port=0)
    database = Database(state)
    assert Documents(database).collection("about").read() == {"moto": "1.0"}
    database.close()


def test_start_rejects_damaged_state_until_reset(state: Path) -> None:
    state.mkdir()
    (state / FILE).write_bytes(b"damaged")
    with pytest.raises(LakehouseError, match=r"is damaged.*zetl local reset"):
        daemon.start(state, port=0)
    daemon.reset(state)
    assert start(state).url


def test_start_rejects_flipped_bits_and_suggests_the_backup(state: Path) -> None:
    connect_to(start(state).url).client("athena").create_work_group(Name="kept")
    daemon.stop(state)
    content = bytearray((state / FILE).read_bytes())
    connection = sqlite3.connect(state / FILE)
    page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'documents'").fetchone()[0]
    connection.close()
    at = (page - 1) * 4096
    content[at : at + 12] = bytes(byte ^ 0x55 for byte in content[at : at + 12])
    (state / FILE).write_bytes(content)
    with pytest.raises(LakehouseError, match=r"is damaged.*zetl local reset --to-backup"):
        daemon.start(state, port=0)
    # Opening the file increments a counter in its header, so the comparison ignores the header.
    assert (state / FILE).read_bytes()[100:] == content[100:]


def test_start_rejects_a_pickle_without_loading_it(state: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(state / "executed"),)

    state.mkdir()
    (state / "lakehouse.pickle").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(LakehouseError, match=r"pickle.*zetl local reset"):
        daemon.start(state, port=0)
    assert not (state / "executed").exists()


def test_stop_returns_false_if_nothing_is_running(state: Path) -> None:
    assert daemon.stop(state) is False


def test_local_commands_succeed_from_start_to_reset(state: Path) -> None:
    started = zetl("local", "start", "--port", "0", state=state)
    assert started.returncode == 0
    url = started.stdout.splitlines()[-1]
    assert url.startswith("http://127.0.0.1:")
    assert zetl("local", "start", state=state).stdout.splitlines() == ["The local lakehouse was already running.", url]
    status = json.loads(zetl("local", "status", "--json", state=state).stdout)
    assert (status["running"], status["url"], status["account"]) == (True, url, "123456789012")
    exports = zetl("env", state=state).stdout.splitlines()
    assert f"export AWS_ENDPOINT_URL={url}" in exports
    assert zetl("env", state=state).stderr == ""
    assert zetl("local", "stop", state=state).stdout == "The local lakehouse has stopped. Its state is kept.\n"
    assert zetl("local", "status", state=state).returncode == 1
    assert str(state) in zetl("local", "reset", state=state).stdout
    assert zetl("local", "reset", state=state).stdout.startswith(f"There is no state to delete in {state}.")
    assert not (state / FILE).exists()


def test_start_with_a_different_state_folder_prints_the_export_command(state: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    started = zetl("local", "start", "--port", "0", "--state", str(other), state=state)
    try:
        assert started.stdout.splitlines()[1:-1] == [
            f"To use it in notebooks and other commands: export ZETL_STATE_DIR={other.resolve()}"
        ]
    finally:
        daemon.stop(other)


def test_env_reports_on_stderr_that_it_started_a_lakehouse(state: Path) -> None:
    result = zetl("env", state=state)
    assert result.stderr == "Started a local lakehouse; stop it with: zetl local stop\n"
    assert all(line.startswith("export ") for line in result.stdout.splitlines())


def test_refreshes_can_be_paused_and_resumed(state: Path) -> None:
    assert zetl("local", "pause", state=state).stderr.startswith("No local lakehouse is running in")
    start(state)
    assert zetl("local", "pause", state=state).stdout.startswith("Refreshes are paused.")
    assert "but is paused" in zetl("local", "status", state=state).stdout
    assert zetl("local", "refresh", state=state).stdout == "There is no integration to refresh.\n"
    assert zetl("local", "resume", state=state).stdout == "Refreshing every 1 s again.\n"
    assert "paused" not in zetl("local", "status", state=state).stdout


def test_refresh_prints_the_status_of_each_integration(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = start(state, refresh_seconds=0.1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
    lab = connect_to(running.url)
    chapters.catch_up(lab, 3)
    assert zetl("local", "refresh", state=state).stdout == f"{lab.integration} · ACTIVE\n"


@pytest.mark.parametrize("content", ["{}", "[]", "nothing", '{"url": 1}'])
def test_damaged_endpoint_file_is_ignored(state: Path, content: str) -> None:
    state.mkdir()
    (state / "endpoint.json").write_text(content)
    assert daemon.find(state) is None
    assert zetl("local", "status", state=state).stdout.startswith("No local lakehouse is running")


def test_reset_during_a_start_waits_for_the_lakehouse_and_stops_it(state: Path) -> None:
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(daemon.start, state, port=0)
        while not (state / daemon._LOG).exists():
            time.sleep(0.001)
        assert daemon.find(state) is None
        assert daemon.reset(state) is True
        assert starting.result()[1] is True
    assert daemon.find(state) is None
    assert not folder.has_state(state)


@pytest.mark.parametrize(
    "command",
    [daemon.reset, daemon.return_to_backup, daemon.stop, lambda state: daemon.bring(state, state / "export")],
)
def test_state_of_a_lakehouse_that_does_not_respond_is_kept(state: Path, command: Callable[[Path], object]) -> None:
    database = Database(state)
    documents = Documents(database).collection("about")
    documents.put("kept", "before")
    folder.back_up(database)
    with pytest.raises(LakehouseError, match=r"but does not respond.*retry.*lsof"):
        command(state)
    documents.put("kept", "after")
    database.close()
    database = Database(state)
    assert Documents(database).collection("about").read() == {"kept": "after"}
    database.close()


def test_start_keeps_the_address_of_a_lakehouse_that_does_not_respond(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start(state)
    monkeypatch.setattr(daemon, "find", lambda _: None)
    with pytest.raises(LakehouseError, match="but does not respond"):
        daemon.start(state, port=0)
    monkeypatch.undo()
    assert daemon.find(state) == running


def test_lakehouse_withdraws_only_its_own_address(state: Path) -> None:
    state.mkdir()
    (state / "endpoint.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": os.getpid() + 1}))
    daemon.withdraw(state)
    assert (state / "endpoint.json").exists()
    daemon.announce(state, "http://127.0.0.1:1", "token")
    daemon.withdraw(state)
    assert not (state / "endpoint.json").exists()
    assert not (state / "token").exists()


@pytest.mark.parametrize("content", [b"ready", b"[]", b'{"status": "ok"}', b"\xff"])
def test_different_server_on_the_recorded_port_is_ignored(state: Path, content: bytes) -> None:
    server = Server(socket.create_server(("127.0.0.1", 0)), lambda *_: Answer(200, [], content))
    server.start()
    try:
        state.mkdir()
        url = f"http://127.0.0.1:{server.address[1]}"
        (state / "endpoint.json").write_text(json.dumps({"url": url, "pid": os.getpid()}))
        (state / "token").write_text("token")
        assert daemon.find(state) is None
        assert daemon.stop(state) is False
        assert daemon.reset(state) is False
    finally:
        server.stop()


def test_start_after_a_crash_removes_the_recorded_address_first(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state.mkdir()
    (state / "endpoint.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": os.getpid()}))
    (state / "token").write_text("old")
    launch = daemon._launch
    seen = []

    def launched(folder: Path, command: list[str]) -> daemon.Running:
        seen.append([(folder / name).exists() for name in ("endpoint.json", "token")])
        return launch(folder, command)

    monkeypatch.setattr(daemon, "_launch", launched)
    start(state)
    assert seen == [[False, False]]
