"""Expressions whose operands DuckDB binds only once, although macros and templates repeat them.

DuckDB replaces a macro call with the macro's body, and copies each argument to every place where the body uses it.
Without sharing, the size of nested calls grows exponentially: ten nested calls of a macro that uses its argument four
times contain the innermost argument a million times.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_lakehouse.sql.runtime.macros import macro_statements

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.typed import Typed

# DuckDB evaluates copies with at most this many tokens faster than a lambda.
_MOST_COPIED = 500

_TOKEN = re.compile(r"'(?:[^']|'')*'|\w+|:=|[^\s\w]")
_MACRO = re.compile(r"CREATE MACRO (\w+)\(([^)]*)\) AS (.*)", re.DOTALL)

# For each name, this counts the name's occurrences after all macros are expanded. The empty name counts other tokens.
_Size = Counter[str]


def share(sql: str, parts: Iterable[Typed]) -> str:
    """Return SQL that evaluates each part only once if its copies would be large.

    Args:
        sql: The DuckDB SQL of an expression.
        parts: The parts of the expression that are evaluated whenever the expression is.
    """
    # Some DuckDB functions require literals, and the bodies of lambdas read the lambdas' variables.
    calls = {part.sql: part for part in parts if part.literal is None and "(" in part.sql}
    if not calls or ("athena_" not in sql and all(sql.count(text) == 1 for text in calls)):
        return sql
    marks = {text: f"zh{number}" for number, text in enumerate(calls)}
    size = _size(_replaced(sql, marks), frozenset(marks.values()))
    large = {text for text, mark in marks.items() if (size[mark] - 1) * _size(text).total() > _MOST_COPIED}
    if not large:
        return sql
    # Small operands that depend on the row are also bound, because a DuckDB lambda cannot contain every expression.
    return _with_shared(sql, [text for text, part in calls.items() if text in large or not part.facts.constant])


def _with_shared(sql: str, texts: list[str]) -> str:
    # Equal expressions have equal SQL, and nested lambdas have different variables.
    variable = f"zh{zlib.crc32(sql.encode()):x}"
    reads = {text: f"{variable}[{number}]" for number, text in enumerate(texts, 1)}
    return f"list_transform([row({', '.join(texts)})], lambda {variable}: {_replaced(sql, reads)})[1]"


def _replaced(sql: str, replacements: Mapping[str, str]) -> str:
    """Replace all texts, the longest first, because a text can contain another."""
    for text in sorted(replacements, key=len, reverse=True):
        sql = sql.replace(text, replacements[text])
    return sql


@dataclass
class _Call:
    """A call whose arguments are being read.

    Args:
        name: The macro's name, or an empty string if this is not a call of a macro.
        arguments: The sizes of the complete arguments.
        current: The size of the argument that is being read.
    """

    name: str = ""
    arguments: list[_Size] = field(default_factory=list)
    current: _Size = field(default_factory=Counter)


@functools.lru_cache(maxsize=2048)
def _size(sql: str, names: frozenset[str] = frozenset()) -> _Size:
    """Return the expanded size of SQL. Callers must not modify it."""
    return _expanded(sql, names, _macros())


def _expanded(sql: str, names: frozenset[str], macros: Mapping[str, tuple[list[str], _Size]]) -> _Size:
    calls = [_Call()]
    for previous, token, following in _with_neighbors(_TOKEN.findall(sql)):
        if token in "([{":
            calls.append(_Call(previous if token == "(" and previous in macros else ""))
        elif token in ")]}":
            call = calls.pop()
            calls[-1].current += _call_size(call, macros)
        elif token == "," and calls[-1].name:
            calls[-1].arguments.append(calls[-1].current)
            calls[-1].current = Counter()
        else:
            is_name = token in names and previous != "." and following != ":="
            calls[-1].current[token if is_name else ""] += 1
    return calls[0].current


def _call_size(call: _Call, macros: Mapping[str, tuple[list[str], _Size]]) -> _Size:
    if not call.name:
        return call.current
    parameters, body = macros[call.name]
    size = Counter({"": body[""]})
    for parameter, argument in zip(parameters, [*call.arguments, call.current], strict=False):
        for name, count in argument.items():
            size[name] += body[parameter] * count
    return size


def _with_neighbors(tokens: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield each token with the tokens before and after it."""
    return zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False)


@functools.cache
def _macros() -> dict[str, tuple[list[str], _Size]]:
    """Return the parameters and the expanded body of each macro. A macro calls only macros that precede it."""
    known: dict[str, tuple[list[str], _Size]] = {}
    for statement in macro_statements():
        name, listed, body = _MACRO.fullmatch(statement).groups()  # type: ignore[union-attr]  # All of them match.
        parameters = [parameter.strip() for parameter in listed.split(",")]
        known[name] = (parameters, _expanded(body, frozenset(parameters), known))
    return known
