"""The lab's tables in the Data Catalog, with sample values read through Athena."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

from zetl_helpers import lakehouse
from zetl_helpers._aws import absent
from zetl_helpers.assistant import _model
from zetl_helpers.assistant._model import Model
from zetl_helpers.lab import Lab

_ROWS_SAMPLED = 5000
_kept: dict[tuple[str, str, str], tuple[str, dict[str, list[str]]]] = {}
_lock = threading.Lock()


def read(lab: Lab) -> Model:
    """Return the semantic model of the lab's database.

    Args:
        lab: The lab.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_GetTables.html
    """
    tables: list[dict[str, Any]] = []
    with absent("EntityNotFoundException"):
        for page in lab.client("glue").get_paginator("get_tables").paginate(DatabaseName=lab.database):
            tables += page["TableList"]
    readable = [table for table in tables if table.get("StorageDescriptor", {}).get("Columns")]
    versions = {table["Name"]: _version(table) for table in readable}

    def sample(table: str, columns: Sequence[str]) -> dict[str, list[str]]:
        return _sample(lab, table, columns, versions[table])

    return _model.build(lab.database, lab.target_table, readable, sample)


def _version(table: dict[str, Any]) -> str:
    """Return a value that changes whenever the table's data or columns change."""
    pointer = table.get("Parameters", {}).get("metadata_location", "")
    return pointer or json.dumps([str(table.get("UpdateTime")), table["StorageDescriptor"]["Columns"]], default=str)


def _sample(lab: Lab, table: str, columns: Sequence[str], version: str) -> dict[str, list[str]]:
    key = (lab.endpoint or lab.account, lab.database, table)
    with _lock:
        kept = _kept.get(key)
    if kept is not None and kept[0] == version:
        return kept[1]
    values = _distinct(lab, table, columns) if columns else {}
    with _lock:
        _kept[key] = (version, values)
    return values


def _distinct(lab: Lab, table: str, columns: Sequence[str]) -> dict[str, list[str]]:
    """Query distinct values of text columns in a sample of the table's rows.

    For each column, the query returns at most ``MOST_VALUES`` + 1 values. The extra value shows that a column has more
    values than the model keeps.
    """
    items = ", ".join(
        f"JSON_FORMAT(CAST(SLICE(ARRAY_SORT(ARRAY_AGG(DISTINCT {_quoted(name)}) "
        f"FILTER (WHERE {_quoted(name)} IS NOT NULL)), 1, {_model.MOST_VALUES + 1}) AS JSON)) AS c{place}"
        for place, name in enumerate(columns)
    )
    inner = f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table)} LIMIT {_ROWS_SAMPLED}"  # noqa: S608
    frame = lakehouse.query(lab, f"SELECT {items} FROM ({inner})")  # noqa: S608
    row = frame.iloc[0]
    return {
        name: [str(value) for value in json.loads(row[f"c{place}"])] if isinstance(row[f"c{place}"], str) else []
        for place, name in enumerate(columns)
    }


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
