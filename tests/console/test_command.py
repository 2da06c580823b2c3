"""Tests for ``zetl console`` and ``zetl.console(lab)``."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import zetl_helpers as zetl
from local_lakehouse import daemon
from zetl_helpers import cli
from zetl_helpers.console import ConsoleError
from zetl_helpers.lab import Lab

ADDRESS = r"http://127\.0\.0\.1:\d+/\?token=[\w-]{40,}"


@pytest.fixture
def console_process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, float]]:
    """Run `zetl console`, and yield its process, its address and the number of seconds until it printed the address."""
    environment = {**os.environ, "ZETL_STATE_DIR": str(tmp_path), "ZETL_TARGET": "local"}
    begin = time.monotonic()
    command = [sys.executable, "-m", "zetl_helpers.cli", "console", "--no-browser"]
    # If a shell runs the tests in the background, the tests ignore Ctrl-C, and so would their child processes.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    address = ""
    while not address.startswith("http"):
        address = process.stdout.readline().strip()
    yield process, address, time.monotonic() - begin
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    daemon.stop(tmp_path)


def test_prints_address_last_and_serves_immediately(
    console_process: tuple[subprocess.Popen[str], str, float], tmp_path: Path
) -> None:
    process, address, seconds = console_process
    assert re.fullmatch(ADDRESS, address)
    assert urllib.request.urlopen(address).status == 200
    # The console starts in a second on an idle machine, but the tests may run on a shared machine.
    assert seconds < 5
    # The lakehouse starts in the background.
    deadline = time.monotonic() + 60
    while daemon.find(tmp_path) is None:
        assert time.monotonic() < deadline
    assert process.poll() is None


def test_command_fails_when_target_is_aws(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ZETL_TARGET", "aws")
    assert cli.main(["console"]) == 1
    assert "use the AWS console" in capsys.readouterr().err


def test_command_reports_port_in_use(
    lakehouse: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZETL_STATE_DIR", str(tmp_path))
    port = lakehouse.url.rpartition(":")[2]
    assert cli.main(["console", "--port", port]) == 1
    assert f"Port {port} cannot be used" in capsys.readouterr().err


def test_notebook_shows_same_link_each_time(lab: Lab) -> None:
    first, second = zetl.console(lab), zetl.console(lab)
    assert first.url == second.url
    assert re.fullmatch(ADDRESS, first.url)
    assert f"href='{first.url}'" in first._repr_html_()
    assert urllib.request.urlopen(first.url).status == 200


def test_console_raises_error_for_lab_on_aws(lab: Lab) -> None:
    from dataclasses import replace

    with pytest.raises(ConsoleError, match="AWS console"):
        zetl.console(replace(lab, target="aws", endpoint=None))
