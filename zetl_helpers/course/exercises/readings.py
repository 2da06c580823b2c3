"""Readings, which extract the value from an answer in any form that a learner may use.

Every exercise reads answers through this module. A reading either returns the value or raises `UnreadableError`, whose
message names the expected form.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from zetl_helpers.course.exercises.descriptions import entries, kind_of, quoted
from zetl_helpers.course.exercises.engine import UnreadableError

__all__ = [
    "COUNTED", "Action", "Entries", "Flag", "Items", "Name", "Number", "Principal", "Reading", "SqlType", "Word",
    "entry", "unwrap",
]  # fmt: skip

Reading = Callable[[Any], Any]

COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
)
"""The numbers from 0 to 12 in words."""
_NUMBER = re.compile(r"(?:about |approximately |~|=)?\s*\$?\s*(-?\d[\d,_]*(?:\.\d+)?(?:e[+-]?\d+)?)\s*\$?\s*([a-z ]*)")
_LARGEST = 1e15
_YES = ("true", "yes", "y", "allowed", "allow", "1")
_NO = ("false", "no", "n", "denied", "deny", "not allowed", "0")
# Type names in Trino, Hive and pandas, mapped to the Data Catalog's type names.
_TYPES = {
    "varchar": "string", "char": "string", "text": "string", "str": "string", "object": "string", "bool": "boolean",
    "integer": "int", "int32": "int", "long": "bigint", "int64": "bigint", "real": "float", "float32": "float",
    "doubleprecision": "double", "float64": "double", "numeric": "decimal", "list": "array",
    "row": "struct", "varbinary": "binary",
}  # fmt: skip
_KNOWN_TYPES = {
    *_TYPES.values(), "tinyint", "smallint", "date", "timestamp", "timestamptz", "time", "map", "json",
}  # fmt: skip
_DYNAMODB_TYPES = {"S", "N", "B", "NULL", "M", "L", "SS", "NS", "BS"}


def unwrap(answer: Any) -> Any:
    """Return the only value in a frame, series, array or list, or else the answer itself."""
    answer = getattr(answer, "data", answer) if type(answer).__name__ == "Styler" else answer
    if isinstance(answer, pd.DataFrame):
        return unwrap(answer.iat[0, 0]) if answer.shape == (1, 1) else answer
    if isinstance(answer, pd.Series | pd.Index):
        return unwrap(answer.tolist()[0]) if len(answer) == 1 else answer
    if isinstance(answer, list | tuple | set | frozenset) and len(answer) == 1:
        return unwrap(next(iter(answer)))
    if not isinstance(answer, str | bytes) and getattr(answer, "size", 0) == 1 and hasattr(answer, "item"):
        # numpy converts a duration to a number of nanoseconds, which loses its unit.
        durations = getattr(answer, "dtype", None) is not None and answer.dtype.kind == "m"
        return pd.Timedelta(answer.astype("timedelta64[ns]").item(), "ns") if durations else answer.item()
    if isinstance(answer, Decimal):
        return float(answer)
    return _bare(answer) if isinstance(answer, str) else answer


def entry(answer: Any, name: str) -> Any:
    """Return the named entry of a dictionary. If there is none, return the answer itself.

    Args:
        answer: The answer.
        name: The entry's name in an API request or response, such as ``Action``.
    """
    parsed = _parsed(answer)
    if isinstance(parsed, Mapping):
        found = {_letters(key): value for key, value in parsed.items()}
        return found.get(_letters(name), answer)
    return answer


def _unreadable(wanted: str, answer: Any) -> UnreadableError:
    plain = answer.item() if isinstance(answer, np.generic) else answer
    shown = f"{plain!r:.80}" if isinstance(plain, str | int | float) else kind_of(answer)
    return UnreadableError(f"The answer should be {wanted}. Yours is {shown}.")


@dataclass(frozen=True)
class Number:
    """A number, or a string that contains a number in words, with thousands separators or with a unit.

    Args:
        example: An example of an answer, for the message that names the expected form.
        units: The factor for each unit. A number without a unit has a factor of 1.
        of_time: The length of the answer's unit in seconds, if durations are also accepted. Otherwise, 0.
    """

    example: str = "3"
    units: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    of_time: float = 0.0

    def __call__(self, answer: Any) -> float:
        """Return the number.

        Raises:
            UnreadableError: The answer contains no number.
        """
        value = unwrap(answer)
        if self.of_time and (seconds := _seconds(value)) is not None:
            return seconds / self.of_time
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST:
            return float(value)
        if isinstance(value, str):
            found = _NUMBER.fullmatch(value.casefold().strip())
            unit = found[2].strip() if found else ""
            if found and (not unit or unit in self.units):
                return float(found[1].replace(",", "").replace("_", "")) * self.units.get(unit, 1)
            word = value.casefold().split(" ")[0]
            if word in COUNTED and value.casefold()[len(word) :].strip() in ("", *self.units):
                return float(COUNTED.index(word))
        raise _unreadable(f"a number, such as {self.example}", answer)


@dataclass(frozen=True)
class Flag:
    """True or False, as a value or as text."""

    def __call__(self, answer: Any) -> bool:
        """Return the value.

        Raises:
            UnreadableError: The answer is neither True nor False.
        """
        value = unwrap(answer)
        text = str(int(value) if isinstance(value, bool | float) and value in (0, 1) else value).casefold()
        if text in _YES or text in _NO:
            return text in _YES
        raise _unreadable("True or False", answer)


@dataclass(frozen=True)
class Name:
    """A name or another string.

    Args:
        wanted: A description of the expected answer, for learners whose answer is not a string.
        case: Whether the answer is case-sensitive.
        keys: Names that are also accepted as the only key of a dictionary, such as ``S`` in ``{"S": "a"}``.
        strip: Patterns of text that may surround the name.
    """

    wanted: str
    case: bool = False
    keys: Sequence[str] = ()
    strip: Sequence[str] = ()

    def __call__(self, answer: Any) -> str:
        """Return the name, in lowercase unless it is case-sensitive.

        Raises:
            UnreadableError: The answer is not a string.
        """
        value = unwrap(answer)
        if self.keys and isinstance(parsed := _parsed(value), Mapping) and len(parsed) == 1:
            value = next((key for key in parsed if key in self.keys), value)
        if not isinstance(value, str) or not value:
            raise _unreadable(f"{self.wanted}, as a string", answer)
        for pattern in self.strip:
            value = re.sub(pattern, "", value, flags=re.IGNORECASE)
        return value if self.case else value.casefold()


@dataclass(frozen=True)
class Word:
    """One word from a short list.

    Args:
        words: The words, with alternative spellings. Case, spaces, hyphens and underscores are ignored.
        known: Additional words that are recognized but are not the answer.
    """

    words: Mapping[str, Sequence[str]]
    known: Sequence[str] = ()

    def __call__(self, answer: Any) -> str:
        """Return the word.

        Raises:
            UnreadableError: The answer is not one of the words.
        """
        value = unwrap(answer)
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and abs(value) < _LARGEST
            and int(value) == value
        ):
            value = str(int(value))
        if isinstance(value, str):
            given = _letters(value)
            for word, others in {**self.words, **dict.fromkeys(self.known, ())}.items():
                if given in {_letters(word), *map(_letters, others)}:
                    return word
        raise _unreadable(f"one of {quoted(self.words)}", answer)


@dataclass(frozen=True)
class SqlType:
    """The type of a column, given as the type's name in Athena, Trino, Hive, Iceberg or pandas."""

    def __call__(self, answer: Any) -> str:
        """Return the type as the Data Catalog writes it, without precision or length.

        Raises:
            UnreadableError: The answer is not a type.
        """
        value = unwrap(answer)
        if isinstance(value, type):
            value = value.__name__
        if isinstance(value, str):
            text = re.sub(r"\s", "", value.casefold()).replace("(", "<").replace(")", ">")
            text = re.sub(r"<\d+(,\d+)?>", "", text)
            words = re.findall(r"[a-z]\w*", text)
            found = [_TYPES.get(word, word) for word in words]
            if words and set(found) <= _KNOWN_TYPES and re.fullmatch(r"[a-z0-9<>,:]+", text):
                for word, name in zip(words, found, strict=True):
                    text = re.sub(rf"\b{word}\b", name, text)
                return text
        wanted = "a type as the schema writes it, such as string or array<string>"
        if isinstance(value, str) and value in _DYNAMODB_TYPES:
            raise UnreadableError(f"{value} is a type in DynamoDB. The answer should be {wanted}.")
        raise _unreadable(wanted, answer)


@dataclass(frozen=True)
class Action:
    """An IAM action, with or without its service, or the name of its boto3 method. Case is ignored.

    Args:
        service: The service to assume if an action has no service prefix.
    """

    service: str

    def __call__(self, answer: Any) -> str:
        """Return the action with its service prefix, in lowercase.

        Raises:
            UnreadableError: The answer is not an action.
        """
        value = unwrap(answer)
        if isinstance(value, str) and re.fullmatch(r"(?:[\w-]+[:.])?[A-Za-z_*?-]+", value):
            service, _, name = value.replace(".", ":").rpartition(":")
            return f"{service or self.service}:{re.sub(r'[_-]', '', name)}".casefold()
        raise _unreadable(f"an action, as a string such as '{self.service}:…'", answer)


@dataclass(frozen=True)
class Principal:
    """A principal, given as a case-sensitive ARN or as a dictionary that contains it, as in Lake Formation and IAM."""

    def __call__(self, answer: Any) -> str:
        """Return the ARN.

        Raises:
            UnreadableError: The answer is not a principal.
        """
        value = unwrap(answer)
        for _ in range(3):
            parsed = _parsed(value)
            if isinstance(parsed, Mapping) and len(parsed) == 1:
                value = unwrap(next(iter(parsed.values())))
        if isinstance(value, str) and value:
            return value
        raise _unreadable("a principal's ARN, as a string that begins with arn:", answer)


@dataclass(frozen=True)
class Items:
    """Several values, in any collection or in a comma-separated string.

    Args:
        reading: The reading for each value.
        wanted: A description of the expected values.
        inside: Entries of a dictionary that may contain the list, such as a statement's ``Action``.
    """

    reading: Reading
    wanted: str
    inside: Sequence[str] = ()

    def __call__(self, answer: Any) -> list[Any]:
        """Return the values in order.

        Raises:
            UnreadableError: There are no values, or one of them cannot be read.
        """
        value = answer
        for name in self.inside:
            value = unwrap(value) if isinstance(value, list) and len(value) == 1 else value
            value = entry(value, name)
        value = _parsed(value)
        if isinstance(value, pd.DataFrame) and value.shape[1] == 1:
            value = value.iloc[:, 0]
        if isinstance(value, str):
            value = [part for part in re.split(r"[,;\n]|\band\b|\s(?=\w+:)", value) if part.strip()]
        if isinstance(value, Mapping):
            value = [value]
        try:
            return [self.reading(item) for item in value]
        except TypeError:
            raise _unreadable(self.wanted, answer) from None


@dataclass(frozen=True)
class Entries:
    """A value for each of several names, in a dictionary, JSON, pairs, a series, a two-column frame or a sequence.

    Args:
        readings: The reading for each name.
        inside: Entries of a dictionary that may contain the answer.
        optional: Names that may be missing.
    """

    readings: Mapping[str, Reading]
    inside: Sequence[str] = ()
    optional: Sequence[str] = ()

    def __call__(self, answer: Any) -> dict[str, Any]:
        """Return the value of each name, or None for a missing optional name.

        Raises:
            UnreadableError: A name is missing or unknown, or a value cannot be read.
        """
        found = self._raw(answer)
        missing = [name for name in self.readings if name not in found and name not in self.optional]
        if missing:
            wanted = f"a dictionary with {entries(self.readings)}. The entry {missing[0]!r} is missing"
            raise _unreadable(wanted, answer)
        read: dict[str, Any] = {}
        for name, reading in self.readings.items():
            if name not in found:
                read[name] = None
                continue
            try:
                read[name] = reading(found[name])
            except UnreadableError as error:
                raise UnreadableError(f"Entry {name}: {error}") from None
        return read

    def typed(self, answer: Any) -> dict[str, Any]:
        """Return the value of each name as the learner typed it.

        Raises:
            UnreadableError: The answer cannot be read as a dictionary with these names.
        """
        return {name: unwrap(value) for name, value in self._raw(answer).items()}

    def _raw(self, answer: Any) -> dict[str, Any]:
        value = answer
        for name in self.inside:
            value = entry(unwrap(value) if isinstance(value, list) and len(value) == 1 else value, name)
        value = _parsed(value)
        if isinstance(value, pd.DataFrame) and value.shape[1] == 2:
            value = dict(value.itertuples(index=False, name=None))
        elif isinstance(value, pd.Series):
            value = value.to_dict()
        if isinstance(value, list | tuple) and len(value) == 1 and isinstance(value[0], Mapping):
            value = value[0]
        if isinstance(value, list | tuple) and all(isinstance(each, list | tuple) and len(each) == 2 for each in value):
            value = dict(value)
        if isinstance(value, list | tuple) and len(value) == len(self.readings):
            return dict(zip(self.readings, value, strict=True))
        if not isinstance(value, Mapping):
            raise _unreadable(f"a dictionary with {entries(self.readings)}", answer)
        names = {_letters(name): name for name in self.readings}
        unknown = [str(key) for key in value if _letters(key) not in names]
        if unknown:
            wanted = f"a dictionary with {entries(self.readings)}, without the entry {unknown[0]!r}"
            raise _unreadable(wanted, answer)
        return {names[_letters(key)]: item for key, item in value.items()}


def _bare(text: str) -> str:
    """Return a string without a final period and without surrounding quotes, backticks and spaces."""
    text = text.strip().rstrip(".").strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
        text = text[1:-1].strip()
    return text


def _letters(text: object) -> str:
    return re.sub(r"[^a-z0-9:]", "", str(text).casefold())


def _parsed(answer: Any) -> Any:
    """Parse a string that contains a dictionary or list in JSON or Python. Return any other answer unchanged."""
    if not isinstance(answer, str) or not answer.strip().startswith(("{", "[", "(")):
        return answer
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(answer.strip())
        except (ValueError, SyntaxError):
            continue
    return answer


def _seconds(value: Any) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str) and re.search(r"\d:\d\d:\d|\bday", value):
        try:
            return float(pd.Timedelta(value).total_seconds())
        except ValueError:
            return None
    return None
