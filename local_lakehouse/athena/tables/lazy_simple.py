r"""Rows of text files in Hive's LazySimpleSerDe format.

Each nesting level has its own separator. For example, ``\x02`` separates the elements of an array, and ``\x03``
separates the elements of a nested array, or a map's key from its value.

AWS: https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_lakehouse.athena.tables.text_values import written_text
from local_lakehouse.sql import types
from local_lakehouse.sql.types import Type

_DEFAULTS = tuple(map(chr, range(1, 9)))
_CODES = 128
_LINE_ENDS = {"n": "\n", "r": "\r"}


@dataclass(frozen=True)
class Layout:
    """The format of a table's rows.

    Args:
        separators: The separators for columns and for each nesting level, outermost first.
        null: The string for NULL.
        escape: The character that escapes a separator in a value, or None to disable escaping.
    """

    separators: tuple[str, ...] = _DEFAULTS
    null: str = r"\N"
    escape: str | None = None

    def cells(self, line: str) -> list[str]:
        """Split a line into its columns."""
        return self._split(line, self.separators[0])

    def read(self, text: str | None, type_: Type, scalar: Callable[[str, Type], Any], level: int = 1) -> Any:
        """Parse a string as a type, which can be an array, a map or a row.

        Args:
            text: The string, or None for NULL.
            type_: The type.
            scalar: A function that parses a string as a scalar type.
            level: The level of nesting, which determines the separator.
        """
        if text is None or text == self.null:
            return None
        if type_.name not in ("array", "map", "row"):
            return scalar(self._unescaped(text) if types.is_text(type_) else text, type_)
        parts = self._split(text, self.separators[level]) if text and level < len(self.separators) else []
        if type_.name == "array":
            return [self.read(part, type_.element, scalar, level + 1) for part in parts]
        if type_.name == "row":
            given: list[str | None] = [*parts, *[None] * len(type_.children)]
            return {
                f"f{index}": self.read(given[index], child, scalar, level + 1)
                for index, child in enumerate(type_.children)
            }
        entries: dict[Any, Any] = {}
        for part in parts:
            key, *rest = self._split(part, self.separators[level + 1])
            name = self.read(key, type_.key, scalar, level + 2)
            if name is not None:
                value = self.separators[level + 1].join(rest) if rest else None
                # As in Hive, the first of several entries with the same key is kept.
                entries.setdefault(name, self.read(value, type_.value, scalar, level + 2))
        return list(entries.items())

    def written(self, value: Any, type_: Type, level: int = 1) -> str:
        """Format a value in the layout that `read` parses.

        `read` does not restore an empty string that is the only value in an array or row.

        Args:
            value: The value, with row fields named ``f0``, ``f1`` and so on.
            type_: The value's type.
            level: The level of nesting, which determines the separator.
        """
        if value is None:
            return self.null
        if type_.name == "array":
            return self.separators[level].join(self.written(each, type_.element, level + 1) for each in value)
        if type_.name == "row":
            members = [value[f"f{index}"] for index in range(len(type_.children))]
            return self.separators[level].join(
                self.written(each, child, level + 1) for each, child in zip(members, type_.children, strict=True)
            )
        if type_.name == "map":
            entries = value.items() if isinstance(value, dict) else value
            return self.separators[level].join(
                self.written(key, type_.key, level + 2)
                + self.separators[level + 1]
                + self.written(each, type_.value, level + 2)
                for key, each in entries
            )
        return self.escaped(value) if isinstance(value, str) else written_text(value, type_)

    def escaped(self, text: str) -> str:
        """Escape the separators, line ends and escape characters in a string."""
        if self.escape is None:
            return text
        special = {*self.separators, self.escape}
        ends = {end: name for name, end in _LINE_ENDS.items()}
        return "".join(self.escape + ends.get(each, each) if each in special or each in ends else each for each in text)

    def _unescaped(self, text: str) -> str:
        if self.escape is None or self.escape not in text:
            return text
        found, characters = [], iter(text)
        for each in characters:
            following = next(characters, each) if each == self.escape else each
            found.append(_LINE_ENDS.get(following, following) if each == self.escape else each)
        return "".join(found)

    def _split(self, text: str, separator: str) -> list[str]:
        if self.escape is None or self.escape not in text:
            return text.split(separator)
        parts, start, index = [], 0, 0
        while index < len(text):
            if text[index] == self.escape:
                index += 1
            elif text[index] == separator:
                parts.append(text[start:index])
                start = index + 1
            index += 1
        return [*parts, text[start:]]


def layout_of(parameters: Mapping[str, str]) -> Layout:
    """Return the layout that a table's properties describe."""
    names = (
        ("field.delim", "serialization.format"),
        # Older tables still have Hive's original name for this property, which contains a typo.
        ("collection.delim", "colelction.delim"),
        ("mapkey.delim",),
    )
    chosen = [next(filter(None, map(parameters.get, alternatives)), None) for alternatives in names]
    separators = [_character(written) or default for written, default in zip(chosen, _DEFAULTS, strict=False)]
    return Layout(
        (*separators, *_DEFAULTS[len(separators) :]),
        parameters.get("serialization.null.format", r"\N"),
        _character(parameters.get("escape.delim")) or None,
    )


def _character(written: str | None) -> str:
    """Return the character that a property specifies.

    As in Hive, a number is a character code, and only the first of several characters is used.
    """
    if written is None:
        return ""
    is_code = written.isascii() and written.isdecimal() and int(written) < _CODES
    return chr(int(written)) if is_code else written[:1]
