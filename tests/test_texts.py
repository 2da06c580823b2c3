"""Tests for links in the documents, and for statements that must match the code."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from zetl_helpers import cost

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
TEXTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / f for f in ("sample_data/README.md", "policies/README.md")),
]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_project_files_are_valid(text: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", text.read_text(encoding="utf-8"))
    assert [link for link in links if not (text.parent / link).exists()] == []


def test_readme_lists_every_notebook_in_order() -> None:
    listed = re.findall(r"^\| \[(\w+)\]\(notebooks/\1\.ipynb\)", README, re.MULTILINE)
    assert listed == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_readme_cost_matches_estimate() -> None:
    assert round(cost.estimate(50, 200, changes_per_day=30, days=1).total, 1) == 0.1
    assert "about $0.10 for a day" in README
    assert round(cost.idle_cost(15), 1) == 2.8
    assert "about $2.80 a month per table" in README


def test_index_lists_every_decision() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert re.findall(r"^\| \[\d{4}\]\(([^)]+)\)", index, re.MULTILINE) == records


def test_architecture_diagram_has_text_alternative() -> None:
    picture = ElementTree.parse(ROOT / "docs" / "images" / "architecture.svg").getroot()  # noqa: S314  (The file is part of this project.)
    words = {child.tag.rpartition("}")[2]: child.text for child in picture}
    assert words["title"]
    assert "zero-ETL integration" in (words["desc"] or "")
    assert re.search(r"!\[[^\]]{100,}\]\(docs/images/architecture\.svg\)", README)
