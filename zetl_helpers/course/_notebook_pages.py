"""The HTML pages and the index that `notebooks.run` writes."""

from __future__ import annotations

import datetime
import html
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

_PICTURES = "images"
_LINK = re.compile(r"(?<!!)(\[[^\]]*\])\(([^):#\s]+)(#[^)\s]*|)\)")
# The pages omit the external resources of nbconvert's template, because the figures include the scripts that they need.
_TEMPLATE = """\
{%- extends 'index.html.j2' -%}
{%- block html_head_js_requirejs -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a notebook's run."""

    path: Path
    title: str
    cells: int
    seconds: float
    error: str


def write(notebook: nbformat.NotebookNode, path: Path, out: Path) -> dict[str, Path]:
    """Write a notebook's page.

    Args:
        notebook: The notebook with its outputs. Its links and pictures are changed in place.
        path: The notebook's path.
        out: The folder for the pages.

    Returns:
        The Markdown files that the notebook links to, keyed by page name.
    """
    texts = {}
    for target in _targets(notebook, path.parent):
        if target.suffix == ".md" and target.exists():
            texts[_page_name(target, path.parent.parent)] = target
    _link_pages(notebook, path.parent, out, {text.resolve(): name for name, text in texts.items()})
    _export(notebook, path, out / f"{path.stem}.html")
    return texts


def write_texts(texts: Mapping[str, Path], out: Path) -> None:
    """Write the pages of Markdown files.

    Args:
        texts: The files, keyed by page name.
        out: The folder for the pages.
    """
    pages = {text.resolve(): name for name, text in texts.items()}
    for name, path in texts.items():
        cell = nbformat.v4.new_markdown_cell(path.read_text(encoding="utf-8"))
        notebook = nbformat.v4.new_notebook(cells=[cell])
        _link_pages(notebook, path.parent, out, pages)
        _export(notebook, path, out / name)


def _export(notebook: nbformat.NotebookNode, path: Path, page: Path) -> None:
    _bring_pictures(notebook, path.parent, page.parent)
    resources = {"metadata": {"path": str(path.parent), "name": path.stem}}
    exporter = HTMLExporter(embed_images=True, raw_template=_TEMPLATE)
    page.write_text(exporter.from_notebook_node(notebook, resources)[0], encoding="utf-8")


def _page_name(text: Path, root: Path) -> str:
    parts = Path(os.path.relpath(text.with_suffix(".html"), root)).parts
    return "_".join(part for part in parts if part != "..")


def _targets(notebook: nbformat.NotebookNode, folder: Path) -> list[Path]:
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [folder / match[2] for source in cells for match in _LINK.finditer(source)]


def _link_pages(notebook: nbformat.NotebookNode, folder: Path, out: Path, pages: Mapping[Path, str]) -> None:
    """Make links to chapters and Markdown files open their pages, and all other links open the original files."""

    def from_the_page(match: re.Match[str]) -> str:
        target = folder / match[2]
        if re.fullmatch(r"\d\d_\w+\.ipynb", target.name):
            place = f"{target.stem}.html"
        else:
            place = pages.get(target.resolve()) or Path(os.path.relpath(target, out)).as_posix()
        return f"{match[1]}({place}{match[3]})"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _LINK.sub(from_the_page, cell.source)


def _bring_pictures(notebook: nbformat.NotebookNode, folder: Path, out: Path) -> None:
    """Copy a notebook's pictures and update the links, because nbconvert ignores pictures in parent folders."""

    def beside(match: re.Match[str]) -> str:
        picture = folder / match[2]
        if not picture.exists():
            return match[0]
        (out / _PICTURES).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, out / _PICTURES / picture.name)
        return f"{match[1]}({_PICTURES}/{picture.name})"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"(!\[[^\]]*\])\(([^):]+)\)", beside, cell.source)


def title(notebook: nbformat.NotebookNode, path: Path) -> str:
    """Return a notebook's title, which starts with the notebook's number."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            heading = str(cell.source.splitlines()[0][2:])
            number = re.match(r"\d\d(?=_)", path.name)
            return f"{number[0]} · {heading}" if number and not heading.startswith(number[0]) else heading
    return path.stem


def write_index(outcomes: Sequence[Outcome], out: Path) -> None:
    """Write the index of the pages.

    Args:
        outcomes: The outcomes of the notebooks, in order.
        out: The folder for the pages.
    """
    rows = "\n".join(
        f"<tr><td><a href='{outcome.path.stem}.html'>{html.escape(outcome.title)}</a></td>"
        f"<td>{outcome.cells}</td><td>{outcome.seconds:.1f}</td><td>{html.escape(outcome.error or 'ran')}</td></tr>"
        for outcome in outcomes
    )
    today = f"{datetime.datetime.now().astimezone():%Y-%m-%d}"
    (out / "index.html").write_text(_PAGE.replace("DATE", today).replace("ROWS", rows), encoding="utf-8")


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DynamoDB zero-ETL with SageMaker Lakehouse</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 3rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #8888; }
</style>
</head>
<body>
<h1>DynamoDB zero-ETL with SageMaker Lakehouse</h1>
<p>The notebooks of the tutorial, executed on the local lakehouse on DATE.</p>
<table>
<thead><tr><th>Notebook</th><th>Cells</th><th>Seconds</th><th>Outcome</th></tr></thead>
<tbody>
ROWS
</tbody>
</table>
<p>To work through the notebooks, run <code>make lab</code>.</p>
</body>
</html>
"""
