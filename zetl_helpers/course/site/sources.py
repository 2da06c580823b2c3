"""The site's sources, which are all files that the README links to, directly or indirectly."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
from plotly.offline import get_plotlyjs

from zetl_helpers.course import _notebook_figures

PLOTLY_JS = "assets/plotly.min.js"
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
_PAGE = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)\.(?:ipynb|md)(?=[)#])")
_NOTEBOOK = ".ipynb"


def gather(root: Path, out: Path) -> list[Path]:
    """Copy the README and the files that it links to, including notebooks with their stored outputs.

    Args:
        root: The tutorial's folder.
        out: The folder for the copies. Their links remain valid, because the folder structure is the same.

    Returns:
        The copied files, relative to the folder, in the order in which they were found.

    Raises:
        FileNotFoundError: A link's target does not exist.
    """
    todo = [Path("README.md")]
    reached: list[Path] = []
    while todo:
        path = todo.pop(0)
        reached.append(path)
        copy = out / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == _NOTEBOOK:
            notebook = nbformat.read(root / path, as_version=4)
            texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
            nbformat.write(_prepare(notebook, "../" + PLOTLY_JS), copy)
        else:
            shutil.copyfile(root / path, copy)
            texts = [copy.read_text(encoding="utf-8")] if path.suffix == ".md" else []
        for link in (link for text in texts for link in _LINK.findall(text)):
            target = _resolve(root, path, link)
            if target not in reached and target not in todo:
                todo.append(target)
    (out / PLOTLY_JS).parent.mkdir(parents=True, exist_ok=True)
    (out / PLOTLY_JS).write_text(get_plotlyjs(), encoding="utf-8")
    return reached


def _resolve(root: Path, path: Path, link: str) -> Path:
    target = (root / path.parent / link).resolve()
    if not target.is_file():
        raise FileNotFoundError(f"{path} links to {link}, but there is no such file. Fix the link.")
    return target.relative_to(root.resolve())


def _prepare(notebook: nbformat.NotebookNode, plotly_js: str) -> nbformat.NotebookNode:
    """Make a notebook's figures interactive, add their descriptions, and link to pages instead of files."""
    labels = {id(data): words(data) for data in figures(notebook)}
    _notebook_figures.add_interactive_html(notebook, plotly_js)
    for data in figures(notebook):
        data["text/html"] = f'<div role="group" aria-label="{labels[id(data)]}">{data["text/html"]}</div>'
        del data[_notebook_figures.PLOTLY]
    link_pages(notebook)
    return notebook


def link_pages(notebook: nbformat.NotebookNode) -> None:
    """Rewrite links to notebooks and documents as links to their pages. MkDocs does this only in Markdown files."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"(?<=[(/])README\.md(?=[)#])", "index.html", cell.source)
            cell.source = _PAGE.sub(r"](\1.html", text)


def figures(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """Return the data of each output that is a figure."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"] for output in outputs if _notebook_figures.PLOTLY in output.get("data", {})]


def words(data: dict[str, Any]) -> str:
    """Return a figure's description, escaped for an HTML attribute."""
    return html.escape("".join(data.get("text/plain", "")), quote=True)
