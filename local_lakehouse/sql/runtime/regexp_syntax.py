"""Translation of Trino's regular expressions to the syntax of the `regex` library.

Trino uses the Joni library with Java syntax. Each token is translated or rejected, because the `regex` library has
additional syntax, such as fuzzy matching, set operations and recursion.
https://trino.io/docs/current/functions/regexp.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import regex

from local_lakehouse.sql.runtime.udf import AthenaError

# Version 1 supports nested sets, and flags that apply to the rest of a group. The flag -f disables full case folding,
# such as ß to ss, which Trino does not apply.
_VERSION = "(?V1)(?-f)"
_REPEAT = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_OPEN = re.compile(r"\(\?(?:<([A-Za-z][A-Za-z0-9]*)>|<[=!]|[=!:>]|([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)]))")
_DIGIT = re.compile("[0-9]")
_PROPERTY = re.compile(r"\{(\^?[A-Za-z0-9]+)\}|([A-Za-z])")
_NAME = re.compile(r"<([A-Za-z][A-Za-z0-9]*)>")
_HEX = re.compile(r"\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2})")
_POSIX = re.compile(r"\[:\^?[a-z]+:\]")
_ANCHORS = {"Z": r"(?=\n?\Z)", "z": r"\Z", "A": r"\A", "b": r"\b", "B": r"\B"}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b", "v": "\x0b"}
_FLAGS = frozenset("imsx")
_SET_SPECIAL = frozenset(r"[]\^-&|~")
# Joni rejects a larger number of repetitions.
_MOST_REPEATS = 100_000
# The library expands repeated elements, so a pattern with a longer expansion could exhaust memory.
_LONGEST_PATTERN = 100_000


class _Reader:
    """A translator for one pattern."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0
        self._groups = _count_groups(pattern)
        self._last_kind = ""

    def translated(self) -> str:
        """Return the complete pattern in the library's syntax."""
        parts = []
        while self._place < len(self._pattern):
            parts.append(self._token())
        if _written_out(parts) > _LONGEST_PATTERN:
            raise self._refused("repetition of long elements")
        return _VERSION + "".join(parts)

    def _take(self) -> str:
        letter = self._pattern[self._place : self._place + 1]
        self._place += 1
        return letter

    def _ahead(self, text: str) -> bool:
        return self._pattern.startswith(text, self._place)

    def _match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        match = expression.match(self._pattern, self._place)
        if match:
            self._place = match.end()
        return match

    def _refused(self, construct: str) -> AthenaError:
        return AthenaError(
            f"The local Athena does not support {construct} in the regular expression {self._pattern}", "NOT_SUPPORTED"
        )

    def _invalid(self, reason: str) -> AthenaError:
        return AthenaError(f"{reason}: {self._pattern}")

    def _token(self) -> str:
        if self._ahead("(?"):
            return self._opened()
        if self._ahead("{"):
            repeat = self._match(_REPEAT)
            if repeat and any(len(count) > 9 or int(count) > _MOST_REPEATS for count in repeat.groups() if count):
                raise self._invalid("too big number for repeat range")
            return repeat.group() if repeat else "\\" + self._take()
        letter = self._take()
        if letter == "\\":
            return self._escape()
        if letter == "[":
            return self._set()
        return "\\" + letter if letter in "]}" else letter

    def _opened(self) -> str:
        match = self._match(_OPEN)
        if match is None:
            raise self._refused(self._pattern[self._place : self._place + 3])
        if match.group(1):
            return f"(?P<{match.group(1)}>"
        if match.group(4) is None:
            return match.group()
        # Case-insensitive matching always applies to all scripts, as with the flag u in Java.
        on, off = match.group(2).replace("u", ""), (match.group(3) or "").replace("u", "")
        if set(on + off) - _FLAGS:
            raise self._refused(match.group())
        flags = on + (f"-{off}" if off else "")
        if not flags:
            return "(?:" if match.group(4) == ":" else ""
        return f"(?{flags}{match.group(4)}"

    def _escape(self) -> str:
        letter = self._take()
        if letter in _ANCHORS:
            return _ANCHORS[letter]
        if letter == "Q":
            quoted, found, _ = self._pattern[self._place :].partition(r"\E")
            self._place += len(quoted) + 2 * bool(found)
            return regex.escape(quoted, special_only=True)
        if letter == "k":
            name = self._match(_NAME)
            if name is None:
                raise self._invalid("invalid backref number/name")
            return f"(?P={name.group(1)})"
        if letter.isascii() and letter.isdigit() and letter != "0":
            return self._backreference(letter)
        kind = self._kind(letter)
        return kind if kind is not None else regex.escape(self._character(letter), special_only=True)

    def _backreference(self, digits: str) -> str:
        while (following := self._match(_DIGIT)) is not None:
            if int(digits + following.group()) > self._groups:
                self._place -= 1
                break
            digits += following.group()
        # The group prevents a following digit from becoming part of the reference.
        return rf"(?:\{digits})"

    def _kind(self, letter: str) -> str | None:
        """Return the character class that an escape represents, or None if the escape represents a single character."""
        if letter in "dDwWsS" and letter:
            return "\\" + letter
        if letter not in "pP" or not letter:
            return None
        name = self._match(_PROPERTY)
        if name is None:
            raise self._invalid("invalid character property name")
        written = name.group(1) or name.group(2)
        return rf"\{letter}{{{written}}}"

    def _character(self, letter: str) -> str:
        """Return the character that an escape represents."""
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter == "0":
            octal = self._match(re.compile("[0-3]?[0-7]{1,2}"))
            if octal is None:
                raise self._invalid("invalid octal escape")
            return chr(int(octal.group(), 8))
        if letter == "c" and self._place < len(self._pattern):
            return chr(ord(self._take()) & 0x1F)
        if letter in ("x", "u"):
            digits = self._match(_HEX if letter == "x" else re.compile("([0-9A-Fa-f]{4})"))
            code = int(next(filter(None, digits.groups())), 16) if digits else -1
            if not 0 <= code <= 0x10FFFF:
                raise self._invalid("invalid code point value")
            if 0xD800 <= code <= 0xDFFF:
                raise self._refused("surrogates")
            return chr(code)
        if not letter:
            raise self._invalid("end pattern at escape")
        if letter.isascii() and letter.isalpha():
            raise self._refused("\\" + letter)
        return letter

    def _set(self) -> str:
        """Translate a bracketed character set, starting after its opening bracket."""
        parts = ["[^" if self._ahead("^") else "["]
        self._place += self._ahead("^")
        first = True
        while first or not self._ahead("]"):
            if self._place >= len(self._pattern):
                raise self._invalid("premature end of char-class")
            parts.append(self._member())
            first = False
        self._place += 1
        return "".join(parts) + "]"

    def _member(self) -> str:
        if self._ahead("&&"):
            self._place += 2
            return "&&"
        posix = self._match(_POSIX)
        if posix:
            return posix.group()
        letter = self._take()
        if letter == "[":
            return self._set()
        start = self._set_character(letter)
        if start is None:
            return self._last_kind
        rest = self._pattern[self._place : self._place + 2]
        if not rest.startswith("-") or len(rest) < 2 or rest[1] in "][" or self._ahead("-&&"):
            return _escaped(start)
        self._place += 1
        end = self._set_character(self._take())
        if end is None:
            return _escaped(start) + r"\-" + self._last_kind
        return f"{_escaped(start)}-{_escaped(end)}"

    def _set_character(self, letter: str) -> str | None:
        """Read a character in a set and return it. For a character class, set `_last_kind` and return None."""
        if letter != "\\":
            return letter
        letter = self._take()
        kind = self._kind(letter)
        if kind is not None:
            self._last_kind = kind
            return None
        if letter == "b":
            return "\b"
        return letter if letter in ("Q", "E") else self._character(letter)


def _escaped(letter: str) -> str:
    return "\\" + letter if letter in _SET_SPECIAL else letter


def _written_out(tokens: Sequence[str]) -> int:
    """Count the tokens that result if each repeated token or group is expanded to its minimum number of repetitions."""
    groups, last = [0], 0
    for token in tokens:
        repeat = _REPEAT.fullmatch(token)
        if token.startswith("(") and not token.endswith(")"):
            groups.append(0)
            continue
        if repeat:
            added = last * (int(repeat.group(1)) - 1)
            last += added
        else:
            last = added = groups.pop() if token == ")" and len(groups) > 1 else 1
        groups[-1] += added
    return sum(groups)


def _count_groups(pattern: str) -> int:
    """Return the number of capturing groups, which determines how many digits belong to a backreference."""
    plain = re.sub(r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "", pattern, flags=re.DOTALL)
    return len(re.findall(r"\((?!\?)|\(\?<[A-Za-z]", plain))


def translate(pattern: str) -> str:
    """Return a pattern in the syntax of the `regex` library.

    Raises:
        AthenaError: The pattern is invalid or uses an unsupported construct.
    """
    return _Reader(pattern).translated()
