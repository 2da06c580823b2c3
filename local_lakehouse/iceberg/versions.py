"""The schemas of table versions, and predicates bound to these schemas.

Iceberg identifies a column by its field ID. A name identifies a column only within one schema. After a rename, drop or
swap, the same name can refer to different columns in the current schema and in an older schema. PyIceberg binds a
scan's row filter to the current schema by name. Scans are therefore planned on a view of the table with the snapshot's
schema and positional column names.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import NestedField


def schema_of(table: Table, snapshot_id: int | None) -> Schema:
    """Return the schema of a table version.

    Args:
        table: The table.
        snapshot_id: The version's snapshot ID, or None for the current version, which has the table's current schema.
    """
    if snapshot_id is None:
        return table.schema()
    snapshot = table.snapshot_by_id(snapshot_id)
    if snapshot is None or snapshot.schema_id is None:
        return table.schema()
    return table.schemas()[snapshot.schema_id]


def column_name(index: int) -> str:
    """Return a column's name in a scan's predicates, given the column's position in a version's schema."""
    return f"c{index}"


def planned(table: Table, snapshot_id: int | None) -> Table:
    """Return a view of a table for planning the scans of a version.

    The view's columns have the field IDs and types of the version's schema, and the names from `column_name`. Dropped
    columns that a partition specification still needs have names that no predicate uses.
    """
    schema = schema_of(table, snapshot_id)
    fields = [_renamed(field, column_name(index)) for index, field in enumerate(schema.fields)]
    fields += _dropped_sources(table, schema)
    number = max(known.schema_id for known in table.metadata.schemas) + 1
    planning = Schema(*fields, schema_id=number)
    metadata = table.metadata.model_copy(
        update={"schemas": [*table.metadata.schemas, planning], "current_schema_id": number}
    )
    return Table(table.name(), metadata, table.metadata_location, table.io, table.catalog)


def _renamed(field: NestedField, name: str) -> NestedField:
    return NestedField(field.field_id, name, field.field_type, required=field.required)


def _dropped_sources(table: Table, schema: Schema) -> Iterator[NestedField]:
    known = set(schema.field_ids)
    newest_first = sorted(table.metadata.schemas, key=lambda other: other.schema_id, reverse=True)
    for spec in table.metadata.partition_specs:
        for source_id in (field.source_id for field in spec.fields):
            if source_id in known:
                continue
            known.add(source_id)
            owner = next((other for other in newest_first if source_id in other.field_ids), None)
            if owner is not None:
                yield NestedField(source_id, f"p{source_id}", owner.find_type(source_id), required=False)
