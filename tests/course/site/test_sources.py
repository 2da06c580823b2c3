"""Tests for gathering the site's files, and for converting their links and figures."""

from pathlib import Path
from typing import Any

import nbformat
import pytest

from zetl_helpers.course import _notebook_figures
from zetl_helpers.course.site import sources

pytestmark = pytest.mark.once


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Provide a folder whose README links to a chapter, which links to another chapter and to a document."""
    root = tmp_path / "root"
    (root / "notebooks").mkdir(parents=True)
    (root / "docs").mkdir()
    (root / "README.md").write_text("# Course\n\n[first](notebooks/00_a.ipynb) [elsewhere](https://example.com)\n")
    (root / "docs" / "glossary.md").write_text("# Glossary\n\n## Snapshot\n")
    figure = {"data": [{"type": "bar", "x": ["NV"], "y": [1]}], "layout": {}}
    write(
        root / "notebooks" / "00_a.ipynb",
        nbformat.v4.new_markdown_cell("# A\n\n[next](01_b.ipynb#end) [word](../docs/glossary.md#snapshot)"),
        nbformat.v4.new_code_cell(
            "figure",
            outputs=[output("display_data", {_notebook_figures.PLOTLY: figure, "text/plain": 'NV is "first"'})],
        ),
    )
    write(root / "notebooks" / "01_b.ipynb", nbformat.v4.new_markdown_cell("# B\n\n[back](00_a.ipynb)"))
    return root


def output(kind: str, data: dict[str, Any]) -> nbformat.NotebookNode:
    return nbformat.NotebookNode(output_type=kind, data=data, metadata={})


def write(path: Path, *cells: nbformat.NotebookNode) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), path)


def test_each_linked_file_is_copied_once(root: Path, tmp_path: Path) -> None:
    reached = sources.gather(root, tmp_path / "out")
    assert [str(path) for path in reached] == [
        "README.md", "notebooks/00_a.ipynb", "notebooks/01_b.ipynb", "docs/glossary.md",
    ]  # fmt: skip
    assert (tmp_path / "out" / "docs" / "glossary.md").exists()
    assert (tmp_path / "out" / sources.PLOTLY_JS).exists()


def test_broken_link_is_reported(root: Path, tmp_path: Path) -> None:
    (root / "docs" / "glossary.md").unlink()
    with pytest.raises(FileNotFoundError, match=r"notebooks/00_a\.ipynb links to \.\./docs/glossary\.md"):
        sources.gather(root, tmp_path / "out")


def test_notebook_links_point_to_pages(root: Path, tmp_path: Path) -> None:
    sources.gather(root, tmp_path / "out")
    text = nbformat.read(tmp_path / "out" / "notebooks" / "00_a.ipynb", 4).cells[0].source
    assert "[next](01_b.html#end) [word](../docs/glossary.html#snapshot)" in text


def test_figure_is_interactive_and_has_text_alternative(root: Path, tmp_path: Path) -> None:
    sources.gather(root, tmp_path / "out")
    data = nbformat.read(tmp_path / "out" / "notebooks" / "00_a.ipynb", 4).cells[1].outputs[0].data
    assert 'aria-label="NV is &quot;first&quot;"' in data["text/html"]
    assert "../assets/plotly.min.js" in data["text/html"]
