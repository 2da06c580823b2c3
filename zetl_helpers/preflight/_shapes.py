"""The attributes, types and frequencies in a set of items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from zetl_helpers.preflight._items import Item, size_of

Path = tuple[str, ...]

_MOST_DIGITS = 38
_LIMIT = Decimal("1e126")


@dataclass
class Shape:
    """The values at one path of the items.

    Args:
        tags: The number of values of each type, keyed by DynamoDB type tag, in order of first occurrence.
        children: The contents of maps at this path.
        example: The key of the first item with each type.
    """

    tags: dict[str, int] = field(default_factory=dict)
    children: dict[str, Shape] = field(default_factory=dict)
    example: dict[str, str] = field(default_factory=dict)

    def add(self, value: Mapping[str, Any], key: str) -> None:
        """Record one value."""
        ((tag, content),) = value.items()
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.example.setdefault(tag, key)
        if tag == "M":
            for name, child in content.items():
                self.children.setdefault(name, Shape()).add(child, key)

    @property
    def present(self) -> tuple[str, ...]:
        """The types except NULL, which does not produce a column."""
        return tuple(tag for tag in self.tags if tag != "NULL")


@dataclass
class Survey:
    """A summary of items, collected in one pass.

    Args:
        keys: The key attributes and their types.
        items: The number of items.
        size: The total size of the items in bytes, as DynamoDB measures it.
        largest: The size and the key of the largest item.
        attributes: The top-level attributes, including the keys.
        lossy: For each path with numbers that a double cannot represent exactly, the first such number and its item's
            key.
        beyond: For each path with numbers that DynamoDB does not allow, the first such number and its item's key.
        listed: The paths of lists with elements that are not strings.
    """

    keys: Mapping[str, str]
    items: int = 0
    size: int = 0
    largest: tuple[int, str] = (0, "")
    attributes: dict[str, Shape] = field(default_factory=dict)
    lossy: dict[Path, tuple[str, str]] = field(default_factory=dict)
    beyond: dict[Path, tuple[str, str]] = field(default_factory=dict)
    listed: set[Path] = field(default_factory=set)


def survey(items: Iterable[Item], keys: Mapping[str, str]) -> Survey:
    """Summarize items in one pass.

    Args:
        items: The items in DynamoDB JSON.
        keys: The key attributes and their types, starting with the partition key.
    """
    found = Survey(keys)
    for item in items:
        key = shown_key(item, keys)
        size = size_of(item)
        found.items += 1
        found.size += size
        found.largest = max(found.largest, (size, key))
        for name, value in item.items():
            found.attributes.setdefault(name, Shape()).add(value, key)
            _look_into(found, (name,), value, key)
    return found


def shown_key(item: Item, keys: Mapping[str, str]) -> str:
    """Return an item's key for display, such as ``CustomerID=CUST0001``."""
    return ", ".join(f"{name}={next(iter(item.get(name, {'S': '?'}).values()))}" for name in keys)


def _look_into(found: Survey, path: Path, value: Mapping[str, Any], key: str) -> None:
    ((tag, content),) = value.items()
    if tag == "N":
        _look_at_number(found, path, content, key)
    elif tag == "NS":
        for each in content:
            _look_at_number(found, path, each, key)
    elif tag == "M":
        for name, child in content.items():
            _look_into(found, (*path, name), child, key)
    elif tag == "L" and any("S" not in each for each in content):
        found.listed.add(path)


def _look_at_number(found: Survey, path: Path, text: str, key: str) -> None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        found.beyond.setdefault(path, (text, key))
        return
    if not number.is_finite() or _digits(number) > _MOST_DIGITS or abs(number) >= _LIMIT:
        found.beyond.setdefault(path, (text, key))
    elif Decimal(repr(float(number))) != number:
        found.lossy.setdefault(path, (text, key))


def _digits(number: Decimal) -> int:
    """Count the significant digits without `Decimal.normalize`, which would first round to the context's precision."""
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def guess_keys(items: Iterable[Item]) -> dict[str, str]:
    """Guess the key attributes.

    Every item must contain the key attributes with the same types, and each key must be unique.

    Returns:
        The partition key and any sort key, with their types, or an empty dictionary if no attribute qualifies.
    """
    held = list(items)
    candidates: dict[str, str] = {}
    for name, value in (held[0] if held else {}).items():
        tag = next(iter(value))
        if tag in ("S", "N", "B") and all(tag in item.get(name, {}) for item in held):
            candidates[name] = tag
    by_name = sorted(candidates, key=_likeliness)
    for name in by_name:
        if len({next(iter(item[name].values())) for item in held}) == len(held):
            sort = next((other for other in by_name if _is_sort_name(name, other)), None)
            return {each: candidates[each] for each in (name, sort) if each}
    for name in by_name:
        for other in by_name:
            if other != name:
                pairs = {(str(item[name]), str(item[other])) for item in held}
                if len(pairs) == len(held):
                    return {name: candidates[name], other: candidates[other]}
    return {}


def _likeliness(name: str) -> int:
    lowered = name.lower()
    if lowered in ("pk", "partitionkey", "hashkey"):
        return 0
    return 1 if lowered in ("id", "key") or lowered.endswith("id") else 2


def _is_sort_name(partition: str, other: str) -> bool:
    return partition.lower() in ("pk", "partitionkey", "hashkey") and other.lower() in ("sk", "sortkey", "rangekey")
