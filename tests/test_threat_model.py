"""Tests that each protection in docs/threat-model.md has the test that the page names."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.partition("## Prevented")[2].partition("## ")[0].splitlines() if line.startswith("| ")][
    2:
]


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip()[:50] for row in ROWS])
def test_protection_names_existing_test(row: str) -> None:
    named = re.search(r"`(tests/[\w/]+\.py)::(test_\w+)` \|$", row)
    assert named, row
    assert f"def {named[2]}(" in (ROOT / named[1]).read_text(encoding="utf-8")


def test_page_lists_protections() -> None:
    assert len(ROWS) > 20
