"""The possible meanings of a question's words for the given tables."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from zetl_helpers.assistant import _lexicon
from zetl_helpers.assistant._lexicon import Word, singular
from zetl_helpers.assistant._model import Column, Table

MarkKind = Literal[
    "phrase", "value", "column", "entity", "aggregate", "superlative", "unit", "number", "dates", "moment", "quoted",
    "hint", "empty", "unknown",
]  # fmt: skip
_LONGEST = 5
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_TIME_VERB = re.compile(r"(ed|paid|made|sent|sold|bought)$")


@dataclass
class Mark:
    """A sequence of words with its meaning.

    Args:
        kind: The kind of meaning that the words have.
        text: The words.
        name: Depending on `kind`, the phrase's mark, the aggregate, the unit or the superlative's direction.
        columns: The columns that the words can name.
        values: The values that the words can name, each with its column.
        table: The table whose rows represent the entity, or None if only the entity's identifier is known.
        number: The number, if the words contain one.
        dates: The first and last day of a range.
        hints: The quantities that a superlative can refer to.
        exact: Whether the words match the whole name of a column.
    """

    kind: MarkKind
    text: str
    name: str = ""
    columns: tuple[Column, ...] = ()
    values: tuple[tuple[Column, str], ...] = ()
    table: Table | None = None
    number: float = 0
    dates: tuple[date, date] | None = None
    hints: tuple[str, ...] = ()
    exact: bool = True


class Marker:
    """A marker that assigns meanings to the words of a question about a set of tables.

    Args:
        scope: The tables, starting with the table whose rows are requested.
    """

    def __init__(self, scope: Sequence[Table]) -> None:
        self._scope = scope
        self._columns = [column for table in scope for column in table.columns]
        self._values: dict[str, list[tuple[Column, str]]] = {}
        self._shapes: list[tuple[re.Pattern[str], Column]] = []
        for column in self._columns:
            if column.kind != "text":
                continue
            for value in column.values:
                key = " ".join(word.lower for word in _lexicon.words(value))
                self._values.setdefault(key, []).append((column, value))
            if column.values and not column.complete:
                self._shapes.append((re.compile(_shape(column.values[0])), column))

    def marks(self, words: Sequence[Word]) -> list[Mark]:
        """Mark a question's words, preferring longer sequences of words."""
        found: list[Mark] = []
        position = 0
        while position < len(words):
            mark, length = self._at(words, position, found)
            found.append(mark)
            position += length
        return found

    def _at(self, words: Sequence[Word], position: int, before: Sequence[Mark]) -> tuple[Mark, int]:
        for length in range(min(_LONGEST, len(words) - position), 0, -1):
            run = words[position : position + length]
            text = " ".join(word.text for word in run)
            mark = self._run(run, text, before)
            if mark is not None:
                return mark, length
        return Mark("unknown", words[position].text), 1

    def _run(self, run: Sequence[Word], text: str, before: Sequence[Mark]) -> Mark | None:
        lower = text.lower()
        return (
            self._value(run, text)
            or _dates(run, before)
            or self._phrase(lower, text)
            or self._column(run, text)
            or (self._single(run[0], text, before) if len(run) == 1 else None)
        )

    def _phrase(self, lower: str, text: str) -> Mark | None:
        name = _lexicon.PHRASES.get(lower)
        return Mark("phrase", text, name) if name else None

    def _value(self, run: Sequence[Word], text: str) -> Mark | None:
        quoted = len(run) == 1 and text[0] in "\"'"
        bare = text.strip("\"'")
        key = " ".join(word.lower for word in _lexicon.words(bare))
        found = self._values.get(key, [])
        if not found:
            code = _lexicon.STATES.get(key.replace(" ", "_"))
            found = [pair for pair in self._values.get((code or "").lower(), []) if pair[1] == code]
        if not found and len(run) == 1:
            # A plural, such as “loans”, also matches a value in the singular.
            found = self._values.get(singular(key), [])
        if not found and len(run) == 1 and any(letter.isdigit() for letter in bare):
            found = [(column, bare) for shape, column in self._shapes if shape.fullmatch(bare)]
        if not found:
            return Mark("quoted", bare) if quoted else None
        common = key in _lexicon.EMPTY or key in _lexicon.PHRASES
        if not quoted and common and text != found[0][1]:
            return None
        if text.isdigit() and not quoted and len(text) < 4:
            return None
        return Mark("value", text, values=tuple(found))

    def _column(self, run: Sequence[Word], text: str) -> Mark | None:
        stems = [re.sub(r"[^a-z0-9.]", "", word.stem) for word in run]
        joined = {"".join(stems), "".join(re.sub(r"\W", "", word.lower) for word in run)}
        exact = [
            column
            for column in self._columns
            if column.words in {name.replace(".", "") for name in joined} or set(_parts(column)) == set(stems)
        ]
        if exact:
            return Mark("column", text, columns=tuple(exact))
        if len(run) == 1 and (run[0].lower in _lexicon.EMPTY or run[0].lower in _lexicon.AGGREGATES):
            return None
        if len(run) == 1 and (entity := self._entity(run[0], text)) is not None:
            return entity
        partial = [column for column in self._columns if any(_within(name, column) for name in joined)]
        if partial and len(run) == 1 and _TIME_VERB.search(run[0].lower):
            times = tuple(column for column in partial if column.kind == "time")
            return Mark("hint", text, columns=times) if times else None
        if partial:
            return Mark("column", text, columns=tuple(partial), exact=False)
        for other in _lexicon.SYNONYMS.get(" ".join(word.lower for word in run), ()):
            named = tuple(column for column in self._columns if column.words == other or _within(other, column))
            if named:
                return Mark("column", text, columns=named, exact=False)
        return None

    def _entity(self, word: Word, text: str) -> Mark | None:
        stem = word.stem
        if len(stem) < 3:
            return None
        heads = [table for table in self._scope if _is_head(stem, table)]
        identifiers = tuple(
            column
            for column in self._columns
            if column.kind == "text" and re.fullmatch(rf"{re.escape(stem)}(id|number|key|no)", column.words)
        )
        if heads:
            return Mark("entity", text, table=heads[0], columns=identifiers)
        if identifiers:
            return Mark("entity", text, columns=identifiers)
        named = [table for table in self._scope if table.name.startswith(stem)]
        return Mark("entity", text, table=named[0]) if named and len(stem) > 3 else None

    def _single(self, word: Word, text: str, before: Sequence[Mark]) -> Mark | None:
        lower = word.lower
        if lower in _lexicon.AGGREGATES:
            return Mark("aggregate", text, _lexicon.AGGREGATES[lower])
        if lower in _lexicon.SUPERLATIVES:
            direction, hints = _lexicon.SUPERLATIVES[lower]
            return Mark("superlative", text, direction, hints=hints)
        if word.stem in _lexicon.UNITS:
            return Mark("unit", text, _lexicon.UNITS[word.stem])
        number = text.replace(",", "")
        if re.fullmatch(r"\d+(\.\d+)?", number):
            return Mark("number", text, number=float(number))
        if lower in _lexicon.NUMBERS:
            return Mark("number", text, number=_lexicon.NUMBERS[lower])
        if re.fullmatch(r"\d{4}-\d\d-\d\d[T ].+", text):
            return Mark("moment", text)
        return Mark("empty", text) if lower in _lexicon.EMPTY else None


def _dates(run: Sequence[Word], before: Sequence[Mark]) -> Mark | None:
    texts = [word.lower for word in run]
    text = " ".join(word.text for word in run)
    if len(texts) == 1 and (found := _DATE.fullmatch(texts[0])):
        try:
            day = date(*map(int, found.groups()))
        except ValueError:
            return None
        return Mark("dates", text, dates=(day, day))
    if len(texts) == 2 and texts[0] in _lexicon.MONTHS and re.fullmatch(r"(19|20)\d\d", texts[1]):
        year, month = int(texts[1]), _lexicon.MONTHS[texts[0]]
        return Mark("dates", text, dates=(date(year, month, 1), date(year, month, monthrange(year, month)[1])))
    timely = ("IN", "AFTER", "SINCE", "BEFORE", "UNTIL", "FROM")
    last = before[-1] if before else None
    if len(texts) == 1 and re.fullmatch(r"(19|20)\d\d", texts[0]) and last is not None and last.name in timely:
        year = int(texts[0])
        return Mark("dates", text, dates=(date(year, 1, 1), date(year, 12, 31)))
    return None


def _parts(column: Column) -> list[str]:
    return [part for part in re.split(r"[^a-z0-9]+", column.name.lower()) if part]


def _within(name: str, column: Column) -> bool:
    if len(name) < 2:
        return False
    if name in _parts(column):
        return True
    whole = column.words
    return len(name) >= 4 and len(whole) - len(name) >= 2 and (whole.startswith(name) or whole.endswith(name))


def _is_head(stem: str, table: Table) -> bool:
    name = singular(re.sub(r"[^a-z0-9]", "", table.name.lower()))
    return len(stem) >= 4 and (name.endswith(stem) or (name.startswith(stem) and not any(
        column.words.startswith(stem) for column in table.columns
    )))  # fmt: skip


def _shape(value: str) -> str:
    """Return a regular expression for similar identifiers, such as ``CUST`` and four digits for ``CUST0001``."""
    return re.sub(r"\d+", lambda found: rf"\\d{{{len(found.group())}}}", re.escape(value))
