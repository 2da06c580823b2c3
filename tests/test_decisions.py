"""Tests that all decision records have the required form and are in the index."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

FOLDER = Path(__file__).parents[1] / "docs" / "decisions"
RECORDS = sorted(FOLDER.glob("0*.md"))
FORM = re.compile(
    r"# (?P<number>\d{4}) · (?P<title>.+)\n\n- Date: \d{4}-\d\d-\d\d\n- Status: (?P<status>[^\n]+)\n\n"
    r"## Context\n\n.+\n\n## Decision\n\n.+\n\n## Consequences\n\n.+\n",
    re.DOTALL,
)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_record_has_required_form(path: Path) -> None:
    match = FORM.fullmatch(path.read_text(encoding="utf-8"))
    assert match, "number, title, date, status, context, decision and consequences, in this order"
    assert match["number"] == path.name[:4]


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_index_lists_title_and_status(path: Path) -> None:
    match = FORM.fullmatch(path.read_text(encoding="utf-8"))
    assert match
    line = f"| [{match['number']}]({path.name}) | {match['title']} | {match['status']} |"
    assert line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
