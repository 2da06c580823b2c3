"""Functions for regular expressions.

The `regex` library can abort a match that takes too long, and releases Python's global interpreter lock. Python's `re`
would block all threads of the process.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

import regex

from local_lakehouse.sql.runtime.regexp_syntax import translate
from local_lakehouse.sql.runtime.udf import AthenaError, udf

_PATIENCE_SECONDS = 2.0
_REPLACEMENT = re.compile(r"\\(.?)|\$(?:\{([A-Za-z]\w*)\}|(\d+))?", re.DOTALL | re.ASCII)


class Pattern:
    """A compiled pattern with a time limit for each match."""

    def __init__(self, compiled: regex.Pattern[str], written: str) -> None:
        self._compiled = compiled
        self._written = written
        self.groups: int = compiled.groups
        self.names = frozenset(compiled.groupindex)

    def _late(self) -> AthenaError:
        return AthenaError(
            f"The regular expression took more than {_PATIENCE_SECONDS:g} seconds to match a string: {self._written}",
            "EXCEEDED_TIME_LIMIT",
        )

    def fullmatch(self, text: str) -> regex.Match[str] | None:
        """Match an entire string, or return None if it does not match."""
        try:
            return self._compiled.fullmatch(text, timeout=_PATIENCE_SECONDS, concurrent=True)
        except TimeoutError as error:
            raise self._late() from error

    def search(self, text: str) -> regex.Match[str] | None:
        """Return the first match, or None if there is no match."""
        try:
            return self._compiled.search(text, timeout=_PATIENCE_SECONDS, concurrent=True)
        except TimeoutError as error:
            raise self._late() from error

    def finditer(self, text: str, start: int = 0) -> Iterator[regex.Match[str]]:
        """Iterate over all matches."""
        try:
            yield from self._compiled.finditer(text, start, timeout=_PATIENCE_SECONDS, concurrent=True)
        except TimeoutError as error:
            raise self._late() from error

    def sub(self, fill: Callable[[regex.Match[str]], str], text: str) -> str:
        """Replace all matches."""
        try:
            return self._compiled.sub(fill, text, timeout=_PATIENCE_SECONDS, concurrent=True)
        except TimeoutError as error:
            raise self._late() from error


@functools.lru_cache(maxsize=512)
def java_pattern(pattern: str) -> Pattern:
    """Compile a pattern in Java syntax.

    Raises:
        AthenaError: The pattern is invalid or uses an unsupported construct.
    """
    try:
        return Pattern(regex.compile(translate(pattern)), pattern)
    except regex.error as error:
        reason = str(error).partition(" at position ")[0]
        raise AthenaError(f"{reason}: {pattern}") from error


def _check_group(pattern: Pattern, group: int) -> None:
    if group < 0:
        raise AthenaError("Group cannot be negative")
    if group > pattern.groups:
        raise AthenaError(f"Pattern has {pattern.groups} groups. Cannot access group {group}")


@udf("ss:b")
def regexp_like(text: str, pattern: str) -> bool:
    """Return whether a pattern occurs in a string."""
    return java_pattern(pattern).search(text) is not None


@udf("ssn:s")
def regexp_extract(text: str, pattern: str, group: int) -> str | None:
    """Return a given group of the first match, or NULL if there is no match."""
    compiled = java_pattern(pattern)
    _check_group(compiled, group)
    match = compiled.search(text)
    return match.group(group) if match else None


@udf("ssn:S")
def regexp_extract_all(text: str, pattern: str, group: int) -> list[str | None]:
    """Return a given group of every match."""
    compiled = java_pattern(pattern)
    _check_group(compiled, group)
    return [match.group(group) for match in compiled.finditer(text)]


@udf("ss:G")
def regexp_groups(text: str, pattern: str) -> list[list[str | None]]:
    """Return the groups of every match."""
    return [list(match.groups()) for match in java_pattern(pattern).finditer(text)]


@udf("ssS:s")
def regexp_weave(text: str, pattern: str, parts: list[str | None]) -> str | None:
    """Replace each match with the string at the same position in a list."""
    replacements = iter(parts)
    # If any replacement is NULL, the result is NULL.
    if None in parts:
        return None
    return java_pattern(pattern).sub(lambda _: next(replacements) or "", text)


@udf("sss:s")
def regexp_replace(text: str, pattern: str, replacement: str) -> str:
    """Replace every match. In the replacement, ``$1`` and ``${name}`` refer to groups."""
    compiled = java_pattern(pattern)

    def fill(match: regex.Match[str]) -> str:
        return _REPLACEMENT.sub(lambda part: _reference(part, match, compiled), replacement)

    return compiled.sub(fill, text)


def _reference(part: re.Match[str], match: regex.Match[str], compiled: Pattern) -> str:
    if part.group(1):
        return part.group(1)
    if part.group(2) is None and part.group(3) is None:
        raise AthenaError(f"Illegal replacement sequence: {part.string}")
    if part.group(2) is not None:
        if part.group(2) not in compiled.names:
            raise AthenaError(f"Illegal replacement sequence: unknown group {{ {part.group(2)} }}")
        return match.group(part.group(2)) or ""
    # Use the longest sequence of digits that is the number of an existing group. For example, if there is no group 10,
    # $10 is group 1 followed by a zero.
    digits = part.group(3)
    length = next((size for size in range(len(digits), 0, -1) if int(digits[:size]) <= compiled.groups), 0)
    if not length:
        raise AthenaError(f"Illegal replacement sequence: unknown group {{ {digits} }}")
    return (match.group(int(digits[:length])) or "") + digits[length:]


@udf("ss:S")
def regexp_split(text: str, pattern: str) -> list[str]:
    """Split a string at every match."""
    parts, start = [], 0
    for match in java_pattern(pattern).finditer(text):
        parts.append(text[start : match.start()])
        start = match.end()
    return [*parts, text[start:]]


@udf("ss:n")
def regexp_count(text: str, pattern: str) -> int:
    """Count the matches."""
    return sum(1 for _ in java_pattern(pattern).finditer(text))


@udf("ssnn:i")
def regexp_position(text: str, pattern: str, start: int, occurrence: int) -> int:
    """Return the position of the match with the given number, or -1 if there is no such match."""
    if start < 1:
        raise AthenaError("start position cannot be smaller than 1")
    if occurrence < 1:
        raise AthenaError("occurrence cannot be smaller than 1")
    if start > len(text):
        return -1
    matches = java_pattern(pattern).finditer(text, start - 1)
    for number, match in enumerate(matches, 1):
        if number == occurrence:
            return match.start() + 1
    return -1
