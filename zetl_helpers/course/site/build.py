"""The site build, based on MkDocs."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.commands.build import build as make_pages
from mkdocs.config import load_config

from zetl_helpers.course import kit
from zetl_helpers.course.site import reference, slides, sources

_CONFIGURATION = "mkdocs.yml"
_ASSETS = ("accessible.css", "accessible.js", "iframe-worker.js")


def build(root: Path, out: Path, parser: argparse.ArgumentParser) -> Path:
    """Build the site from the notebooks' stored outputs, without running cells or using the network.

    Args:
        root: The tutorial's folder, with ``mkdocs.yml``.
        out: The folder for the site. Any existing contents are replaced.
        parser: The ``zetl`` command's parser, whose help becomes a page.

    Returns:
        The page to open first.

    Raises:
        FileNotFoundError: A document links to a missing file.
        mkdocs.exceptions.Abort: A page links to a missing page or heading.
    """
    drafts = out.with_name(out.name + ".sources")
    shutil.rmtree(drafts, ignore_errors=True)
    reached = sources.gather(root, drafts)
    notebooks = sorted(path for path in reached if path.suffix == ".ipynb")
    guide = kit.write([root / path for path in notebooks], drafts / "kit")
    for path in notebooks:
        slides.write(root / path, drafts / "slides" / f"{path.stem}.html")
    (drafts / "slides" / "index.md").write_text(_slides_page(root, notebooks), encoding="utf-8")
    for name in _ASSETS:
        shutil.copyfile(Path(__file__).with_name(name), drafts / "assets" / name)
    navigation = [
        *_navigation(root, reached, notebooks, [path.relative_to(drafts) for path in guide]),
        {"Reference": [str(path) for path in reference.write(drafts, parser)]},
    ]
    configuration = load_config(
        str(root / _CONFIGURATION), docs_dir=str(drafts.absolute()), site_dir=str(out.absolute()), nav=navigation
    )
    make_pages(configuration)
    shutil.rmtree(drafts)
    return out / "index.html"


def _navigation(root: Path, reached: Sequence[Path], notebooks: Sequence[Path], guide: Sequence[Path]) -> list[Any]:
    documents = [path for path in reached if path.suffix == ".md" and path != Path("README.md")]
    return [
        {"Start": "README.md"},
        {"Chapters": [{title(root / path): str(path)} for path in notebooks]},
        {"Teaching": [*(str(path) for path in guide), {"Slides": "slides/index.md"}]},
        {"Documents": [str(path) for path in documents]},
    ]


def title(path: Path) -> str:
    """Return a notebook's first heading, which is its title."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return str(cell.source.splitlines()[0][2:])
    return path.stem


def _slides_page(root: Path, notebooks: Sequence[Path]) -> str:
    links = "\n".join(f"- [{title(root / path)}]({path.stem}.html)" for path in notebooks)
    return (
        "# Slides\n\nEach slide contains one idea. The slides are generated from the notebooks with their stored "
        "outputs. Each question comes before its answer. Use the arrow keys to change slides, N for the speaker "
        f"notes, and F for full screen. Each deck is one file and works without a network connection.\n\n{links}\n"
    )
