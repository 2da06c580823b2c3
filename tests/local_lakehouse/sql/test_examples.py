"""Tests for the examples that show a result on the Trino function pages or in the Athena user guide.

An example is either reproduced or rejected with an error that names the unsupported construct. Each line of
``trino_examples.jsonl`` and ``guide_examples.jsonl`` contains a statement, and either its result as Athena displays it
or the name of its failure. Names and values from the guide are replaced in statements and results. ``printed`` contains
the values in the guide's notation. Examples are omitted if their result is random or depends on the current time or the
session's time zone.
"""

from __future__ import annotations

from typing import Any

import pytest

from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.sql.conftest import Run
from tests.local_lakehouse.sql.examples_table import PAGE, SOURCES, examples, is_refused, written

EXAMPLES = [example for source in SOURCES for example in examples(source)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["statement"][:80])
def test_example_returns_the_documented_result(run: Run, example: dict[str, Any]) -> None:
    wanted = example["result"]
    if isinstance(wanted, dict):
        with pytest.raises(QueryFailure, match=next(iter(wanted.values()))):
            run(example["statement"])
        return
    rows = run(example["statement"]).rows
    if not isinstance(wanted, list):
        assert rows == [[wanted]]
    elif "ORDER BY" in example["statement"]:
        assert rows == wanted
    else:
        assert sorted(rows) == sorted(wanted)


@pytest.mark.parametrize(("source", "reproduced"), [("trino", 266), ("guide", 50)])
def test_most_examples_are_reproduced(source: str, reproduced: int) -> None:
    assert len([example for example in examples(source) if not is_refused(example)]) >= reproduced


@pytest.mark.parametrize("example", [example for example in EXAMPLES if "printed" in example], ids=lambda e: e["page"])
def test_result_in_guide_notation_contains_the_same_values(example: dict[str, Any]) -> None:
    def values(rows: list[list[str]]) -> list[list[str]]:
        return sorted(sorted("".join(row).replace(":", "=").translate(BRACKETS)) for row in rows)

    assert values(example["printed"]) == values(example["result"])


def test_documented_tables_are_up_to_date() -> None:
    page = PAGE.read_text()

    assert written(page) == page, "run: python -m tests.local_lakehouse.sql.examples_table"


BRACKETS = {ord(character): None for character in "[]{}, "}
