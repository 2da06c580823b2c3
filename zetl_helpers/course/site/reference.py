"""The site's reference pages for the public modules and the ``zetl`` command."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import zetl_helpers

_FOLDER = Path("reference")
_COLUMNS = 100
# These public names are not modules. All other names in `zetl_helpers.__all__` are modules.
FUNCTIONS = {
    "Lab": "zetl_helpers.lab.Lab",
    "connect": "zetl_helpers.lab.connect",
    "open_chapter": "zetl_helpers.course.opening.open_chapter",
    "catch_up": "zetl_helpers.course.chapters.catch_up",
    "query": "zetl_helpers.lakehouse.query",
    "table": "zetl_helpers.tables.table",
}
_ELSEWHERE = {"exercises": "zetl_helpers.course.exercises"}


def modules() -> dict[str, str]:
    """Return the public modules, keyed by page name."""
    names = [name for name in zetl_helpers.__all__ if name not in FUNCTIONS]
    return {name: _ELSEWHERE.get(name, f"zetl_helpers.{name}") for name in names} | {
        "local_lakehouse.testing": "local_lakehouse.testing"
    }


def write(drafts: Path, parser: argparse.ArgumentParser) -> list[Path]:
    """Write the pages. When MkDocs builds the site, mkdocstrings inserts the docstrings.

    Args:
        drafts: The folder that the site is built from.
        parser: The ``zetl`` command's parser.

    Returns:
        The pages, relative to that folder, in order.
    """
    pages = {"zetl_helpers": "# zetl_helpers\n\n" + "".join(f"::: {name}\n\n" for name in FUNCTIONS.values())}
    pages |= {name: f"# {name}\n\n::: {module}\n" for name, module in modules().items()}
    pages["command"] = command(parser)
    (drafts / _FOLDER).mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (drafts / _FOLDER / f"{name}.md").write_text(text, encoding="utf-8")
    return [_FOLDER / f"{name}.md" for name in pages]


def command(parser: argparse.ArgumentParser) -> str:
    """Return the page about the command, with the help text of each subcommand and action.

    Args:
        parser: The command's parser.
    """
    return "# The zetl command\n" + "".join(
        f"\n## {each.prog}\n\n```text\n{_help(each)}\n```\n" for each in parsers(parser)
    )


def _help(parser: argparse.ArgumentParser) -> str:
    # Otherwise, the width would depend on the terminal.
    parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=_COLUMNS)
    return parser.format_help().rstrip()


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and, recursively, the parsers of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from parsers(sub)
