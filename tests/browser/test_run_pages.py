"""Browser tests for the pages that `zetl run` writes."""

import re
import subprocess
from pathlib import Path

import nbformat
import pytest

from zetl_helpers.course import notebooks

pytestmark = pytest.mark.browser

SOURCE = """\
import pandas as pd
import zetl_helpers.charts as charts
charts.pie(pd.DataFrame({"state": ["CA", "NV"], "share": [3, 1]}), "state", "share", "CA owes most of it")"""


def rendered(chromium: str, page: Path, profile: Path) -> str:
    """Return a page's elements after its scripts have run."""
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}",
        "--virtual-time-budget=15000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=90).stdout


def test_index_links_to_page_with_figure(chromium: str, tmp_path: Path) -> None:
    cells = [nbformat.v4.new_markdown_cell("# A page"), nbformat.v4.new_code_cell(SOURCE)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "00_page.ipynb")
    out = tmp_path / "out"
    assert notebooks.run([tmp_path / "00_page.ipynb"], out) == 0

    index = rendered(chromium, out / "index.html", tmp_path / "profile")
    link = re.search(r"<a href=\"([^\"]+)\">00 · A page</a>", index)
    assert link

    page = rendered(chromium, out / link[1], tmp_path / "profile")
    assert "CA owes most of it" in page
    assert len(re.findall(r"<path class=\"surface\"", page)) == 2
