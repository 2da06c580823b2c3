"""The columns that zero-ETL creates from items, in each unnest mode.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-ddb-schema-unnesting.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from zetl_helpers.preflight._shapes import Path, Shape, Survey

FULL, TOPLEVEL, NOUNNEST = "FULL", "TOPLEVEL", "NOUNNEST"
MODES = (FULL, TOPLEVEL, NOUNNEST)
MOST_COLUMNS = 1000
LARGEST_SCHEMA = 10 * 2**20

_LEAVES = {
    "S": "string", "N": "double", "B": "binary", "BOOL": "boolean",
    "SS": "array<string>", "NS": "array<double>", "BS": "array<binary>", "L": "array<string>",
}  # fmt: skip


@dataclass(frozen=True)
class Struct:
    """A struct type.

    Args:
        fields: The fields' names and types.
    """

    fields: tuple[tuple[str, Type], ...]

    def __str__(self) -> str:
        return f"struct<{','.join(f'{name}:{kind}' for name, kind in self.fields)}>"


Type = str | Struct


@dataclass(frozen=True)
class Column:
    """A column of the target table.

    Args:
        name: The column's name, in lowercase.
        type: The column's type in the Data Catalog.
        path: The path of the attribute or of the map entry that supplies the column's values. Empty for the column that
            contains all other attributes.
        kind: The column's type, as a name or a `Struct`.
    """

    name: str
    type: str
    path: Path
    kind: Type = field(repr=False, compare=False)

    @property
    def source(self) -> str:
        """The source of the column, for display."""
        return shown(self.path)


@dataclass(frozen=True)
class Layout:
    """The predicted target table for a set of items in one unnest mode.

    Args:
        mode: The unnest mode.
        columns: The target's columns, starting with the keys.
        mixed: The paths whose values have several types and therefore become strings.
        clashes: The pairs of attributes that would have the same name in the target, keyed by that name.
        colons: The paths that contain a name with a colon.
        schema_bytes: The approximate size of the table's schema in bytes.
    """

    mode: str
    columns: tuple[Column, ...]
    mixed: tuple[Path, ...]
    clashes: dict[str, tuple[str, str]]
    colons: tuple[str, ...]
    schema_bytes: int


def layout(found: Survey, mode: str) -> Layout:
    """Predict the target table.

    Args:
        found: The summary of the items.
        mode: ``FULL``, ``TOPLEVEL`` or ``NOUNNEST``.
    """
    unnesting = _Unnesting(found)
    columns = tuple(unnesting.columns(mode))
    clashes: dict[str, tuple[str, str]] = {}
    seen: dict[str, str] = {}
    colons: list[str] = []
    for each in _names(columns, tagged=mode == NOUNNEST):
        folded = each.name.lower()
        if ":" in each.part:
            colons.append(shown(each.path))
        # If two structs have the same name, their fields can also clash, but these clashes are not reported separately.
        if folded in seen and each.parent.lower() not in clashes:
            clashes[folded] = (seen[folded], shown(each.path))
        seen.setdefault(folded, shown(each.path))
    schema = json.dumps([_iceberg(column.name, column.kind) for column in columns])
    return Layout(
        mode, columns, tuple(dict.fromkeys(unnesting.mixed)), clashes, tuple(dict.fromkeys(colons)), len(schema)
    )


@dataclass(frozen=True)
class _Name:
    """A name in the schema, with the struct that contains it and its source attribute."""

    parent: str
    part: str
    path: Path

    @property
    def name(self) -> str:
        return f"{self.parent}.{self.part}" if self.parent else self.part


def _names(columns: Iterable[Column], *, tagged: bool) -> Iterator[_Name]:
    for column in columns:
        yield _Name("", column.name, column.path)
        yield from _inner_names(column.name, column.path, column.kind, tagged and not column.path, tags=False)


def _inner_names(parent: str, path: Path, kind: Type, tagged: bool, *, tags: bool) -> Iterator[_Name]:
    """Yield the names in a struct. In a tagged struct, levels alternate between attributes and type tags."""
    if isinstance(kind, Struct):
        for part, inner in kind.fields:
            inner_path = path if tags else (*path, part)
            yield _Name(parent, part, inner_path)
            yield from _inner_names(f"{parent}.{part}", inner_path, inner, tagged, tags=tagged and not tags)
    elif kind.startswith("array"):
        yield _Name(parent, "element", (*path, "element"))


def _iceberg(name: str, kind: Type) -> dict[str, object]:
    """Format a field roughly the way an Iceberg schema does."""
    inner: object = kind
    if isinstance(kind, Struct):
        inner = {"type": "struct", "fields": [_iceberg(child, each) for child, each in kind.fields]}
    return {"id": 1000, "name": name, "type": inner, "required": False}


def shown(path: Path) -> str:
    """Return a path for display, such as ``address{city}``."""
    if not path:
        return "all other attributes"
    return path[0] + "".join(f"{{{name}}}" for name in path[1:])


@dataclass
class _Unnesting:
    found: Survey
    mixed: list[Path] = field(default_factory=list)

    def columns(self, mode: str) -> Iterator[Column]:
        for name, tag in self.found.keys.items():
            yield _column((name,), _LEAVES[tag])
        others = {name: shape for name, shape in self.found.attributes.items() if name not in self.found.keys}
        if mode == NOUNNEST:
            whole = _struct((name, _tagged(shape)) for name, shape in others.items())
            if whole is not None:
                yield Column("value", str(whole), (), whole)
            return
        for name, shape in others.items():
            yield from self._expanded((name,), shape) if mode == FULL else self._whole((name,), shape, shape.present)

    def _whole(self, path: Path, shape: Shape, tags: Iterable[str]) -> Iterator[Column]:
        kind = self._plain(path, shape, tags)
        if kind is not None:
            yield _column(path, kind)

    def _expanded(self, path: Path, shape: Shape) -> Iterator[Column]:
        """Create a column for each leaf of a map, and another for any values at the map's path that are not maps."""
        yield from self._whole(path, shape, [tag for tag in shape.present if tag != "M"])
        for name, child in shape.children.items():
            yield from self._expanded((*path, name), child)

    def _plain(self, path: Path, shape: Shape, tags: Iterable[str]) -> Type | None:
        """Return the type without DynamoDB type tags, or string if a path has several types."""
        kinds = [self._kind(path, shape, tag) for tag in tags]
        different = list(dict.fromkeys(kind for kind in kinds if kind is not None))
        if len(different) > 1:
            self.mixed.append(path)
            return "string"
        return different[0] if different else None

    def _kind(self, path: Path, shape: Shape, tag: str) -> Type | None:
        if tag != "M":
            return _LEAVES[tag]
        return _struct(
            (name, self._plain((*path, name), child, child.present)) for name, child in shape.children.items()
        )


def _tagged(shape: Shape) -> Struct | None:
    """Return the type with DynamoDB type tags."""
    return _struct(
        (tag, _struct((name, _tagged(child)) for name, child in shape.children.items()) if tag == "M" else _LEAVES[tag])
        for tag in shape.present
    )


def _struct(fields: Iterable[tuple[str, Type | None]]) -> Struct | None:
    kept = tuple((name, kind) for name, kind in fields if kind is not None)
    return Struct(kept) if kept else None


def _column(path: Path, kind: Type) -> Column:
    return Column(".".join(path).lower(), str(kind), path, kind)
