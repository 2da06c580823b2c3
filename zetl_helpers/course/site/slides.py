"""Slides from the notebooks: a slide for each section, by what the cells say of themselves."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbconvert import SlidesExporter

from zetl_helpers.course.site import sources

_NEW_SLIDE = ("opening", "section", "exercise", "key-points", "aws", "next")
_LEFT_OUT = ("connect", "answer")


def write(path: Path, out: Path) -> None:
    """Make slides of a notebook with its stored outputs.

    The frame that shows them, reveal.js, is loaded from the network when the slides are opened: nbconvert brings no
    copy of it.

    Args:
        path: The notebook.
        out: The page to write.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata["slideshow"] = {"slide_type": slide_type(cell)}
    for data in sources.figures(notebook):
        if "image/png" in data:
            picture = f"data:image/png;base64,{data['image/png']}"
            data["text/html"] = f'<img src="{picture}" alt="{sources.words(data)}">'
    sources.link_pages(notebook)
    exporter = SlidesExporter(embed_images=True, reveal_scroll=True, exclude_anchor_links=True)
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"path": str(path.parent)}})
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")


def slide_type(cell: nbformat.NotebookNode) -> str:
    """Return what a cell is on the slides: the beginning of one, of one below it, a part of it, or nothing."""
    kind = cell.metadata.get("zetl", {}).get("kind")
    if kind in _NEW_SLIDE:
        return "slide"
    if kind in _LEFT_OUT:
        return "skip"
    return "subslide" if cell.cell_type == "markdown" else "-"
