"""The table in ``docs/trino-tests.md`` of the examples on Trino's function pages.

Run ``python -m tests.local_lakehouse.sql.examples_table`` to write it again after a change of ``trino_examples.jsonl``.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent / "trino_examples.jsonl"
PAGE = Path(__file__).parents[3] / "docs" / "trino-tests.md"
_START, _END = "<!-- examples -->\n", "<!-- end of examples -->\n"


def examples() -> list[dict[str, Any]]:
    """Return the examples, each with its page, statement and result."""
    return [json.loads(line) for line in EXAMPLES.read_text().splitlines()]


def table() -> str:
    """Return the number of examples per page that are reproduced and refused."""
    reproduced: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for example in examples():
        result = example["result"]
        is_refused = isinstance(result, dict) and "refused" in result
        (refused if is_refused else reproduced)[example["page"]] += 1
    lines = ["| page | examples | reproduced | refused by name |", "| --- | --- | --- | --- |"]
    for page in sorted(reproduced.keys() | refused.keys()):
        total = reproduced[page] + refused[page]
        lines.append(f"| `{page}` | {total} | {reproduced[page]} | {refused[page]} |")
    total = reproduced.total() + refused.total()
    lines.append(f"| all | {total} | {reproduced.total()} | {refused.total()} |")
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """Return a page's text with the current table.

    Args:
        page: The page's text.
    """
    before, _, rest = page.partition(_START)
    _, _, after = rest.partition(_END)
    return f"{before}{_START}\n{table()}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
