"""Tests for the pytest fixture that docs/testing.md describes for use in external test suites."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.testing import LakehouseInUseError
from local_lakehouse.testing import lakehouse as fixture

_PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def test_documented_example_passes(tmp_path: Path) -> None:
    configuration, example = re.findall(r"```py(?:thon)?\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "conftest.py").write_text(configuration, encoding="utf-8")
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert f"{example.count('def test_')} passed" in run.stdout, run.stdout + run.stderr


@pytest.mark.parametrize("value", ["a text", True, {"nested": 1}])
def test_refresh_waits_until_the_target_is_reloaded(value: object) -> None:
    running = fixture.__wrapped__()  # type: ignore[attr-defined]
    lakehouse = next(running)
    lakehouse.create_table("Mixed", [{"id": "a", "value": 1}], key="id")
    lakehouse.integrate("Mixed", "mixed")
    lakehouse.table("Mixed").put_item(Item={"id": "b", "value": value})
    lakehouse.refresh()
    assert [row["id"] for row in lakehouse.query("SELECT id FROM mixed ORDER BY id", database="mixed")] == ["a", "b"]
    running.close()


def test_fixture_rejects_a_second_lakehouse_in_the_process() -> None:
    start = fixture.__wrapped__  # type: ignore[attr-defined]
    first = Lakehouse(Settings(paused=True))
    first.start()
    try:
        with pytest.raises(LakehouseInUseError, match="Stop it before this test"):
            next(start())
    finally:
        first.stop()
    second = start()
    assert next(second).client("dynamodb").list_tables()["TableNames"] == ["Orders"]
    second.close()


def test_another_lakehouse_can_start_after_a_failed_start_on_a_busy_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Lakehouse(Settings(port=taken.getsockname()[1], paused=True))
    second = fixture.__wrapped__()  # type: ignore[attr-defined]
    next(second)
    second.close()
