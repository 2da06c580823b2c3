"""The practice console's start time: from the command to its address, and from the address to the first view.

Needs a Chromium. Times on a shared machine vary by half; the targets are for an idle one.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

FIRST_VIEW_SECONDS = 1.0
ROUNDS = 5


def bench_first_usable_view(tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("no Chromium on this machine")
    environment = {**os.environ, "ZETL_STATE_DIR": str(tmp_path), "ZETL_TARGET": "local"}
    subprocess.run(
        [sys.executable, "-m", "zetl_helpers.cli", "local", "start", "--port", "0"], env=environment, check=True
    )
    printed, shown, bare = [], [], []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            command = [sys.executable, "-m", "zetl_helpers.cli", "console", "--no-browser"]
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            address = next(line for line in process.stdout if line.startswith("http")).strip()
            printed.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            browser.new_context().new_page().goto(f"{address.partition('?')[0]}style.css")
            bare.append(time.perf_counter() - begin)
            page = browser.new_context().new_page()
            begin = time.perf_counter()
            page.goto(f"{address}#/dynamodb/tables")
            page.get_by_text("There is no table yet.").wait_for()
            shown.append(time.perf_counter() - begin)
            process.send_signal(signal.SIGINT)
            process.wait()
        browser.close()
    subprocess.run([sys.executable, "-m", "zetl_helpers.cli", "local", "stop"], env=environment, check=True)
    address_after, view_after, file_after = (statistics.median(each) for each in (printed, shown, bare))
    print(f"\nconsole: address after {address_after:.2f} s, then the tables after {view_after:.2f} s")
    print(f"(slowest {max(printed):.2f} and {max(shown):.2f} s; a bare file opens in {file_after:.2f} s)")
    # On a busy machine, the browser's own time does not count as the console's.
    assert view_after - file_after <= FIRST_VIEW_SECONDS
