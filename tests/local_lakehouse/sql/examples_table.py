"""A generator of the example tables in ``docs/trino-tests.md``.

The examples are from the Trino function pages and the Athena user guide. After a change to ``trino_examples.jsonl`` or
``guide_examples.jsonl``, run ``python -m tests.local_lakehouse.sql.examples_table`` to update the tables.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

SOURCES = ("trino", "guide")
PAGE = Path(__file__).parents[3] / "docs" / "trino-tests.md"


def examples(source: str) -> list[dict[str, Any]]:
    """Return the examples from a source, each with its page, statement and result.

    Args:
        source: One of `SOURCES`.
    """
    path = Path(__file__).parent / f"{source}_examples.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def is_refused(example: dict[str, Any]) -> bool:
    """Return whether the local Athena rejects an example as unsupported."""
    return isinstance(example["result"], dict) and "refused" in example["result"]


def table(source: str) -> str:
    """Return a Markdown table with the numbers of reproduced and rejected examples for each page."""
    reproduced: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for example in examples(source):
        (refused if is_refused(example) else reproduced)[example["page"]] += 1
    lines = ["| page | examples | reproduced | not supported |", "| --- | --- | --- | --- |"]
    for page in sorted(reproduced.keys() | refused.keys()):
        total = reproduced[page] + refused[page]
        lines.append(f"| `{page}` | {total} | {reproduced[page]} | {refused[page]} |")
    total = reproduced.total() + refused.total()
    lines.append(f"| all | {total} | {reproduced.total()} | {refused.total()} |")
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """Return a page's text with up-to-date tables.

    Args:
        page: The page's text.
    """
    for source in SOURCES:
        start, end = f"<!-- {source} examples -->\n", f"<!-- end of {source} examples -->\n"
        before, _, rest = page.partition(start)
        _, _, after = rest.partition(end)
        page = f"{before}{start}\n{table(source)}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
