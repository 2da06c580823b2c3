"""Views in the Glue Data Catalog, stored as ``/* Presto View: <base64 of JSON> */``."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from local_lakehouse.sql.analysis.session import CATALOG, View
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar.parser import parse_query, parse_type
from local_lakehouse.sql.hive_types import glue_type
from local_lakehouse.sql.types import Type

_TEXT = re.compile(r"/\* Presto View: (\S+) \*/")


def read_view(entry: dict[str, Any], names: tuple[str, ...]) -> View:
    """Return the view that a catalog entry describes.

    Raises:
        QueryFailure: The entry is not an Athena view.
    """
    definition = view_definition(entry)
    if definition is None:
        raise QueryFailure("INVALID_VIEW", f"View '{'.'.join(names)}' was not created by Athena and cannot be read")
    columns = tuple((column["name"], parse_type(column["type"])) for column in definition["columns"])
    return View(names, parse_query(definition["originalSql"]), definition.get("schema"), columns)


def view_definition(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return the definition in a view's entry, or None if Athena did not write it."""
    match = _TEXT.fullmatch(entry.get("ViewOriginalText", "").strip())
    if match is None:
        return None
    decoded: dict[str, Any] = json.loads(base64.b64decode(match.group(1)))
    return decoded


def view_input(name: str, sql: str, database: str | None, columns: list[tuple[str, Type]]) -> dict[str, Any]:
    """Return the ``TableInput`` that ``CreateTable`` requires for a view."""
    definition = {
        "originalSql": sql,
        "catalog": CATALOG,
        "schema": database,
        "columns": [{"name": column, "type": str(type_)} for column, type_ in columns],
    }
    encoded = base64.b64encode(json.dumps(definition).encode()).decode()
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": glue_type(type_)} for column, type_ in columns],
            # Clients expect `Location`, although a view has no files.
            "Location": "",
            "SerdeInfo": {},
        },
    }
