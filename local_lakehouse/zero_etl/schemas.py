"""The target table's initial Iceberg schema, and its evolution with the source.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-limitations.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DoubleType,
    IcebergType,
    ListType,
    NestedField,
    StringType,
    StructType,
    TimestamptzType,
)

from local_lakehouse.zero_etl.problems import FailedForGoodError, NameConflictError, Problem, SnapshotNeededError
from local_lakehouse.zero_etl.times import TIMESTAMP
from local_lakehouse.zero_etl.unnest import NOUNNEST, Column

COLUMN_LIMIT = 1000
SCHEMA_SIZE_LIMIT = 10 * 2**20

_PRIMITIVES: Mapping[pa.DataType, IcebergType] = {
    pa.string(): StringType(),
    pa.float64(): DoubleType(),
    pa.bool_(): BooleanType(),
    pa.binary(): BinaryType(),
    TIMESTAMP: TimestamptzType(),
}

Origins = Mapping[str, tuple[str, ...]]


def evolved(columns: Sequence[Column], current: Schema | None, last_id: int) -> Schema:
    """Return the schema that contains the columns of the table and of the changed items.

    Args:
        columns: The changed items' columns.
        current: The table's schema, or None if the table does not exist.
        last_id: The highest field ID that the table has ever used.

    Raises:
        SnapshotNeededError: A column's data type has changed.
        NameConflictError: Two attributes would share a column.
        FailedForGoodError: A service limit is exceeded.
    """
    growth = _Growth(last_id, replace=False, keep=True)
    fields = growth.fields(columns, current)
    if growth.conflicts:
        raise SnapshotNeededError(frozenset(growth.conflicts))
    return _checked(fields)


def replaced(columns: Sequence[Column], current: Schema, last_id: int, *, keep: bool) -> Schema:
    """Return the schema for a new full load, in which columns whose data types have changed are replaced.

    Args:
        columns: The columns of all items.
        current: The table's schema.
        last_id: The highest field ID that the table has ever used.
        keep: Whether to keep columns that no longer occur in any item, unless their names conflict with the items'
            names.

    Raises:
        NameConflictError: Two attributes would share a column.
        FailedForGoodError: A service limit is exceeded.
    """
    if keep:
        with contextlib.suppress(NameConflictError):
            return _checked(_Growth(last_id, replace=True, keep=True).fields(columns, current))
    return _checked(_Growth(last_id, replace=True, keep=False).fields(columns, current))


def same_layout(schema: Schema, other: Schema) -> bool:
    """Return whether two schemas have the same fields."""
    return schema.as_struct() == other.as_struct()


def check_names(columns: Sequence[Column], origins: Origins, mode: str) -> dict[str, tuple[str, ...]]:
    """Check that each target column has only one source attribute.

    Args:
        columns: The items' columns.
        origins: The previous source attributes of the target's columns.
        mode: The unnest mode.

    Returns:
        The new source attributes of the target's columns.

    Raises:
        NameConflictError: Two attributes would share a column.
        FailedForGoodError: A name contains a colon.
    """
    known = dict(origins)
    taken: set[str] = set()
    for column in columns:
        if ":" in column.name:
            raise _colon(".".join(column.source))
        other = known.setdefault(column.name, column.source)
        if mode == NOUNNEST and column.name in taken:
            # The column that contains all other attributes can have the same name as a key.
            sources = f"The key {_shown(other)} and the map of all other attributes"
            raise NameConflictError(_collision(column.name, sources, "Choose another UnnestSpec."))
        if other != column.source:
            raise NameConflictError(_collision(column.name, _attributes(other, column.source)))
        taken.add(column.name)
    return known


def _shown(path: tuple[str, ...]) -> str:
    return path[0] if len(path) == 1 else f"{path[0]}{{{'}{'.join(path[1:])}}}"


def _attributes(path: tuple[str, ...], other: tuple[str, ...]) -> str:
    return f"The attributes {_shown(path)} and {_shown(other)}"


_RENAME = "Rename or remove one of the attributes in every item."


def _collision(column: str, sources: str, advice: str = _RENAME) -> Problem:
    return Problem(
        "COLUMN_NAME_CONFLICT",
        f"{sources} would both become the column {column}. This refresh was not applied. {advice} "
        "The integration then retries automatically.",
    )


def _colon(name: str) -> FailedForGoodError:
    return FailedForGoodError(
        Problem(
            "UNSUPPORTED_COLUMN_NAME",
            f"The name {name} contains a colon, which zero-ETL does not support. Remove the attribute from the source "
            "table, then delete the integration and create it again.",
        )
    )


def _checked(fields: Sequence[NestedField]) -> Schema:
    """Create a schema from fields, and check that it is within the limits and that its names are unique."""
    if len(fields) > COLUMN_LIMIT:
        raise FailedForGoodError(
            Problem(
                "TOO_MANY_COLUMNS",
                f"The target table would have {len(fields)} columns, but zero-ETL allows at most {COLUMN_LIMIT}. "
                "Choose an UnnestSpec that creates fewer columns (TOPLEVEL or NOUNNEST), then delete the integration "
                "and create it again.",
            )
        )
    paths: dict[str, tuple[str, ...]] = {}
    for path in _paths(StructType(*fields), ()):
        name = ".".join(path).lower()
        if name in paths:
            raise NameConflictError(_collision(name, _attributes(paths[name], path)))
        paths[name] = path
    schema = Schema(*fields)
    size = len(schema.model_dump_json())
    if size > SCHEMA_SIZE_LIMIT:
        raise FailedForGoodError(
            Problem(
                "SCHEMA_TOO_LARGE",
                f"The target table's schema would be {size} bytes long, but zero-ETL allows at most 10 MB. Reduce "
                "the number of different attribute names, then delete the integration and create it again.",
            )
        )
    return schema


def _paths(struct: StructType, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for nested in struct.fields:
        path = (*prefix, nested.name)
        yield path
        if isinstance(nested.field_type, StructType):
            yield from _paths(nested.field_type, path)
        elif isinstance(nested.field_type, ListType):
            yield (*path, "element")


@dataclass
class _Growth:
    """The Iceberg fields for Arrow columns. Known fields keep their IDs, and new fields receive the next IDs."""

    last_id: int
    replace: bool
    keep: bool
    conflicts: set[str] = field(default_factory=set)

    def fields(self, columns: Sequence[Column], current: Schema | None) -> list[NestedField]:
        arrow = pa.struct([(column.name, column.values.type) for column in columns])
        return self._fields(arrow, current.as_struct() if current else StructType(), "")

    def _fields(self, arrow: pa.StructType, known: StructType, prefix: str) -> list[NestedField]:
        incoming = {child.name: child.type for child in arrow}
        fields = [
            self._known(old, incoming[old.name], prefix + old.name) if old.name in incoming else old
            for old in known.fields
            if self.keep or old.name in incoming
        ]
        names = {old.name for old in known.fields}
        return fields + [self._new(name, kind, prefix + name) for name, kind in incoming.items() if name not in names]

    def _known(self, old: NestedField, arrow: pa.DataType, path: str) -> NestedField:
        if isinstance(old.field_type, StructType) and pa.types.is_struct(arrow):
            inner = StructType(*self._fields(arrow, old.field_type, f"{path}."))
            return NestedField(old.field_id, old.name, inner, required=False)
        if _fits(old.field_type, arrow):
            return old
        self.conflicts.add(path)
        return self._new(old.name, arrow, path) if self.replace else old

    def _new(self, name: str, arrow: pa.DataType, path: str) -> NestedField:
        if ":" in name:
            raise _colon(path)
        field_id = self._next_id()
        return NestedField(field_id, name, self._type(arrow, path), required=False)

    def _type(self, arrow: pa.DataType, path: str) -> IcebergType:
        if pa.types.is_struct(arrow):
            return StructType(*(self._new(child.name, child.type, f"{path}.{child.name}") for child in arrow))
        if pa.types.is_list(arrow):
            return ListType(self._next_id(), self._type(arrow.value_type, path), element_required=False)
        return _PRIMITIVES[arrow]

    def _next_id(self) -> int:
        self.last_id += 1
        return self.last_id


def _fits(known: IcebergType, arrow: pa.DataType) -> bool:
    if isinstance(known, ListType):
        return pa.types.is_list(arrow) and _fits(known.element_type, arrow.value_type)
    return _PRIMITIVES.get(arrow) == known
