"""A comparison of the results that the local Athena and DuckDB return for the 99 TPC-DS queries."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from local_lakehouse.athena.result_columns import render
from local_lakehouse.athena.results import Text
from local_lakehouse.sql.analysis.analysis import compile_query
from local_lakehouse.sql.analysis.session import Session, Source, SourceColumn, Version
from local_lakehouse.sql.failures import MalformedQuery, Position, QueryFailure
from local_lakehouse.sql.grammar.parser import parse_query, parse_type
from local_lakehouse.sql.grammar.reader import RESERVED
from local_lakehouse.sql.grammar.tokens import Kind, tokenize
from local_lakehouse.sql.workers.pool import WorkerPool

# These words can precede a parenthesis, but are not function names.
_NOT_FUNCTIONS = RESERVED | {"OVER", "ROWS", "ALL", "ANY", "SOME", "DATE", "INTERVAL", "DECIMAL", "VARCHAR", "SETS"}
_ROUNDING = 0.011
_BARE_DATE = re.compile(r"(?<!DATE )('\d{4}-\d\d-\d\d')")
_DAYS = re.compile(r"(\bd\d\.d_date) \+ (\d+)\b")


class Tables:
    """A catalog of the generated tables.

    Args:
        folder: The folder with the tables.
    """

    def __init__(self, folder: Path) -> None:
        self.tables = {path.stem: pq.read_table(path) for path in folder.glob("*.parquet")}
        self._opened = 0
        self.opened: dict[str, str] = {}

    def resolve(
        self, names: tuple[str, ...], database: str | None, version: Version | None, position: Position
    ) -> Source:
        """Return the source of a table."""
        if names[-1] not in self.tables:
            raise QueryFailure("TABLE_NOT_FOUND", f"Table '{'.'.join(names)}' does not exist", position)
        self._opened += 1
        relation = f"ds{self._opened}"
        self.opened[relation] = names[-1]
        fields = enumerate(self.tables[names[-1]].schema)
        columns = tuple(
            SourceColumn(field.name, parse_type(_type_name(field.type)), f"c{place}") for place, field in fields
        )
        return Source(("awsdatacatalog", "tpcds", names[-1]), relation, columns)

    def rows(self, relation: str) -> pa.Table:
        """Return a table's rows, with the column names that the generated DuckDB SQL uses."""
        table = self.tables[self.opened[relation]]
        return table.rename_columns([f"c{place}" for place in range(table.num_columns)])


def _type_name(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    return _NAMES[str(kind)]


_NAMES = {"int64": "bigint", "int32": "integer", "string": "varchar", "double": "double", "date32[day]": "date"}


def to_trino(text: str) -> str:
    """Rewrite a DuckDB query for Trino: quote the function names, and use typed dates and intervals.

    Args:
        text: The query in the DuckDB dialect.
    """
    text = _BARE_DATE.sub(r"DATE \1", _DAYS.sub(r"\1 + INTERVAL '\2' DAY", text))
    pieces, end = [], 0
    tokens = tokenize(text)
    for token, following in pairwise(tokens):
        pieces.append(text[end : token.start])
        function = token.kind is Kind.WORD and following.text == "(" and token.upper not in _NOT_FUNCTIONS
        pieces.append(f'"{token.text.lower()}"' if function else token.text)
        end = token.end
    return "".join(pieces)


def same(mine: Sequence[Sequence[Text]], its: Sequence[Sequence[Text]]) -> bool:
    """Return whether two results have the same rows, in any order.

    Numbers may differ by at most 0.011 or one millionth of DuckDB's number, whichever is greater.

    Args:
        mine: The rows that the local Athena returned.
        its: The rows that DuckDB returned.
    """
    if len(mine) != len(its):
        return False
    rows = zip(sorted(mine, key=_order), sorted(its, key=_order), strict=True)
    return all(len(left) == len(right) and all(map(_close, left, right)) for left, right in rows)


def _order(row: Sequence[Text]) -> tuple[str, ...]:
    return tuple(_shown(value) for value in row)


def _shown(value: Text) -> str:
    number = _number(value)
    return f"{number:020.0f}" if number is not None else (value or "~").rstrip()


def _number(value: Text) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None


def _close(mine: Text, its: Text) -> bool:
    left, right = _number(mine), _number(its)
    if left is not None and right is not None:
        return abs(left - right) <= max(_ROUNDING, abs(right) * 1e-6)
    return (mine or "").rstrip() == (its or "").rstrip() and (mine is None) == (its is None)


def main(arguments: Sequence[str]) -> int:
    """Run the queries, report each query that fails or returns different rows, and return the number of such queries.

    Args:
        arguments: The folder with tables and queries, and the numbers of the requested queries.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("numbers", nargs="*")
    given = parser.parse_args(arguments)
    tables = Tables(given.folder)
    queries = json.loads((given.folder / "queries.json").read_text())
    pool, bad, began = WorkerPool(), 0, time.monotonic()
    for number in given.numbers or queries:
        text = to_trino(queries[number]["text"].rstrip().rstrip(";"))
        tables.opened.clear()
        with pool.opened() as worker:
            now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
            try:
                compiled = compile_query(parse_query(text), Session(tables, None, now, worker.constant))
                for relation in tables.opened:
                    worker.register(relation, tables.rows(relation))
                rows = render(worker.read(compiled.sql), [column.type for column in compiled.columns])
            except (QueryFailure, MalformedQuery) as failure:
                print(f"{number}: {failure}")
                bad += 1
                continue
        if not same(rows, queries[number]["rows"]):
            print(f"{number}: the {len(rows)} rows differ from DuckDB's {len(queries[number]['rows'])} rows")
            bad += 1
    pool.stop()
    total = len(given.numbers or queries)
    print(f"{total - bad} of {total} queries returned the same results as DuckDB, in {time.monotonic() - began:.0f} s")
    return bad


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
