"""Conversion of DynamoDB items to the target table's columns, in the three unnest modes.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-ddb-schema-unnesting.html
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from local_lakehouse.zero_etl.text import as_text

TOPLEVEL = "TOPLEVEL"
FULL = "FULL"
NOUNNEST = "NOUNNEST"


@dataclass(frozen=True)
class Column:
    """A column of the target table.

    Args:
        name: The column's name in the target, in lowercase.
        source: The path of the source attribute.
        values: One value per item.
    """

    name: str
    source: tuple[str, ...]
    values: pa.Array


@dataclass(frozen=True)
class Unnested:
    """The columns for a set of items.

    Args:
        columns: The columns, key attributes first.
        mixed: The target paths of values that become strings because their types differ.
    """

    columns: Sequence[Column]
    mixed: frozenset[str]


def unnest(
    items: pa.StructArray, keys: Mapping[str, str], mode: str, widened: frozenset[str] = frozenset()
) -> Unnested:
    """Convert typed items to columns.

    Args:
        items: The result of `typed`.
        keys: The table's key attributes and their types: ``S``, ``N`` or ``B``.
        mode: The unnest mode, which is ``TOPLEVEL``, ``FULL`` or ``NOUNNEST``.
        widened: The target paths whose values became strings because the values had different types.
    """
    work = _Unnesting(keys, mode, widened)
    columns = tuple(work.columns(items))
    return Unnested(columns, frozenset(work.mixed))


@dataclass
class _Unnesting:
    keys: Mapping[str, str]
    mode: str
    widened: frozenset[str]
    mixed: set[str] = field(default_factory=set)

    def columns(self, items: pa.StructArray) -> Iterator[Column]:
        children = dict(_children(items))
        for name, tag in self.keys.items():
            values = pc.struct_field(children[name], tag) if len(items) else pa.array([], pa.string())
            yield Column(name.lower(), (name,), _leaf(tag, values))
        others = {name: values for name, values in children.items() if name not in self.keys}
        if self.mode == NOUNNEST:
            values = _struct((name, self._tagged(tagged)) for name, tagged in others.items())
            if values is not None:
                yield Column("value", ("value",), values)
        else:
            for name, tagged in others.items():
                yield from self._expanded((name,), tagged) if self.mode == FULL else self._column((name,), tagged)

    def _column(self, path: tuple[str, ...], tagged: pa.StructArray) -> Iterator[Column]:
        name = ".".join(path).lower()
        values = self._plain(name, tagged)
        if values is not None:
            yield Column(name, path, values)

    def _expanded(self, path: tuple[str, ...], tagged: pa.StructArray) -> Iterator[Column]:
        """Create a column for each leaf of a map."""
        if any(child.name != "M" for child in tagged.type):
            yield from self._column(path, _without(tagged, "M"))
        for tag, maps in _children(tagged):
            if tag == "M":
                for name, child in _children(maps):
                    yield from self._expanded((*path, name), child)

    def _plain(self, path: str, tagged: pa.StructArray) -> pa.Array | None:
        """Remove the type tags, and convert the values at a path to strings if they have different types."""
        if path in self.widened:
            return _texts(tagged)
        converted = [self._convert(path, tag, values) for tag, values in _present(tagged)]
        # Maps without values are skipped, so that they do not make a column of another type count as mixed.
        arrays = [values for values in converted if values is not None]
        if len({str(values.type) for values in arrays}) > 1:
            self.mixed.add(path)
            return _texts(tagged)
        return functools.reduce(pc.coalesce, arrays) if arrays else None

    def _convert(self, path: str, tag: str, values: pa.Array) -> pa.Array | None:
        if tag == "M":
            return _struct((name, self._plain(f"{path}.{name}", child)) for name, child in _children(values))
        return _leaf(tag, values)

    def _tagged(self, tagged: pa.StructArray) -> pa.Array | None:
        """Keep the type tags for ``NOUNNEST``."""
        return _struct((tag, self._tagged_value(tag, values)) for tag, values in _present(tagged))

    def _tagged_value(self, tag: str, values: pa.Array) -> pa.Array | None:
        if tag == "M":
            return _struct((name, self._tagged(child)) for name, child in _children(values))
        return _leaf(tag, values)


def _children(values: pa.StructArray) -> Iterator[tuple[str, pa.Array]]:
    """Yield the fields of a struct array, with null where the struct is null."""
    for position, child in enumerate(values.type):
        yield child.name, pc.struct_field(values, [position])


def _present(tagged: pa.StructArray) -> Iterator[tuple[str, pa.Array]]:
    """Yield the tags that occur, except for DynamoDB's NULL, which does not produce a value."""
    for tag, values in _children(tagged):
        if tag != "NULL" and values.null_count < len(values):
            yield tag, values


def _without(tagged: pa.StructArray, unwanted: str) -> pa.StructArray:
    kept = [(tag, values) for tag, values in _children(tagged) if tag != unwanted]
    return pa.StructArray.from_arrays([values for _, values in kept], names=[tag for tag, _ in kept])


def _struct(members: Iterable[tuple[str, pa.Array | None]]) -> pa.StructArray | None:
    """Build a struct array that is null where all its members are null, or return None if there are no members.

    A map without values is null, even if the column has members from other items' maps, because a row must not depend
    on other rows. This rule is our choice.
    """
    kept = [(name, values) for name, values in members if values is not None]
    if not kept:
        return None
    absent = functools.reduce(pc.and_, (values.is_null() for _, values in kept))
    fields = [pa.field(name, values.type) for name, values in kept]
    return pa.StructArray.from_arrays([values for _, values in kept], fields=fields, mask=absent)


def _texts(tagged: pa.StructArray) -> pa.StringArray:
    """Format values of several types as strings. A map without values is null, as in a column of maps."""
    return pc.if_else(_has_value(tagged), as_text(tagged), pa.scalar(None, pa.string()))


def _has_value(tagged: pa.StructArray) -> pa.BooleanArray:
    """Return where a value is neither DynamoDB's NULL nor a map that contains only such values."""
    found = pa.array([False] * len(tagged))
    for tag, values in _children(tagged):
        if tag == "M":
            found = functools.reduce(pc.or_, (_has_value(child) for _, child in _children(values)), found)
        elif tag != "NULL":
            found = pc.or_(found, values.is_valid())
    return found


def _leaf(tag: str, values: pa.Array) -> pa.Array:
    match tag:
        case "N":
            return pc.cast(values, pa.float64())
        case "B":
            return _binary(values)
        case "NS":
            return _list(values, pc.cast(_elements(values), pa.float64()))
        case "BS":
            return _list(values, _binary(_elements(values)))
        case "L":
            return _list(values, as_text(_elements(values)))
        case _:
            return values


def _elements(lists: pa.ListArray) -> pa.Array:
    """Return the elements of all lists, excluding elements that do not belong to any list."""
    return lists.flatten()


def _list(lists: pa.ListArray, elements: pa.Array) -> pa.ListArray:
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
    return pa.ListArray.from_arrays(offsets, elements, mask=lists.is_null())


def _binary(values: pa.StringArray) -> pa.BinaryArray:
    decoded: list[Any] = [None if value is None else base64.b64decode(value) for value in values.to_pylist()]
    return pa.array(decoded, pa.binary())
