"""The examples with results on Trino's function pages: reproduced, or refused by name.

``trino_examples.jsonl`` has one statement per line, with the text that Athena shows for it, or the name of its failure.
Examples are omitted if their result depends on the current time, on chance, or on the session's time zone.
"""

from __future__ import annotations

from typing import Any

import pytest

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Ask
from tests.local_lakehouse.sql.examples_table import PAGE, examples, written

EXAMPLES = examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["statement"][:80])
def test_example(ask: Ask, example: dict[str, Any]) -> None:
    wanted = example["result"]
    if isinstance(wanted, dict):
        with pytest.raises(QueryFailure, match=next(iter(wanted.values()))):
            ask(example["statement"])
        return
    rows = ask(example["statement"]).rows
    assert (rows if isinstance(wanted, list) else rows[0][0]) == wanted


def test_few_are_refused() -> None:
    refused = [
        example for example in EXAMPLES if isinstance(example["result"], dict) and "refused" in example["result"]
    ]
    assert len(EXAMPLES) - len(refused) >= 266


def test_the_table_in_the_docs_is_current() -> None:
    page = PAGE.read_text()

    assert written(page) == page, "run: python -m tests.local_lakehouse.sql.examples_table"
