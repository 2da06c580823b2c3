"""The table that a PartiQL statement is about, which the right it needs depends on.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from local_lakehouse.protocol.faults import Fault

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<comment>--|/\*)|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")+")
    |(?P<word>[A-Za-z_][\w-]*)|(?P<number>\d[\w.]*)|(?P<other>[^'"])""",
    re.VERBOSE | re.DOTALL,
)
# A statement is about one table: it has no joins and no statements in it, but for EXISTS around it.
_ONCE = ("SELECT", "INSERT", "UPDATE", "DELETE", "FROM", "INTO")
_AFTER_TABLE = ("WHERE", "ORDER", ")")


@dataclass(frozen=True)
class Statement:
    """What a statement does, and to which table.

    Args:
        verb: ``Select``, ``Insert``, ``Update`` or ``Delete``.
        table: The table's name.
        index: The index that is read; None for the table itself.
        exists: Whether it only asks whether there is such an item.
    """

    verb: str
    table: str
    index: str | None
    exists: bool


def read(statement: str) -> Statement:
    """Tell what a statement does.

    Raises:
        Fault: ``ValidationException``: it is not about exactly one table, or holds a comment.
    """
    tokens = list(_tokens(statement))
    exists = [token.upper() for _, token in tokens[:2]] == ["EXISTS", "("]
    position = 2 if exists else 0
    verb = _word(tokens, position).capitalize()
    if verb not in ("Select", "Insert", "Update", "Delete"):
        raise _malformed("it begins with none of SELECT, INSERT, UPDATE and DELETE")
    words = [token.upper() for kind, token in tokens if kind == "word"]
    expected = {"Select": {"SELECT": 1, "FROM": 1}, "Insert": {"INSERT": 1, "INTO": 1}, "Update": {"UPDATE": 1},
                "Delete": {"DELETE": 1, "FROM": 1}}[verb]  # fmt: skip
    for word in _ONCE:
        if words.count(word) != expected.get(word, 0):
            raise _malformed(f"it has {word} {words.count(word)} times outside of quotes")
    before = {"Select": "FROM", "Insert": "INTO", "Update": "UPDATE", "Delete": "FROM"}[verb]
    at = next(place for place, (kind, token) in enumerate(tokens) if kind == "word" and token.upper() == before) + 1
    table, index = _name(tokens, at), None
    at += 1
    if _symbol(tokens, at) == ".":
        index = _name(tokens, at + 1)
        at += 2
    if verb == "Select" and at < len(tokens) and tokens[at][1].upper() not in _AFTER_TABLE:
        raise _malformed(f"{tokens[at][1]!r} follows the table")
    return Statement(verb, table, index, exists)


def _tokens(statement: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(statement):
        matched = _TOKEN.match(statement, at)
        if matched is None:
            raise _malformed("a quote is not closed")
        kind = str(matched.lastgroup)
        if kind == "comment":
            raise _malformed("it holds a comment")
        if kind != "space":
            yield kind, matched[0]
        at = matched.end()


def _word(tokens: list[tuple[str, str]], at: int) -> str:
    return tokens[at][1].upper() if at < len(tokens) and tokens[at][0] == "word" else ""


def _symbol(tokens: list[tuple[str, str]], at: int) -> str:
    return tokens[at][1] if at < len(tokens) and tokens[at][0] == "other" else ""


def _name(tokens: list[tuple[str, str]], at: int) -> str:
    kind, token = tokens[at] if at < len(tokens) else ("", "")
    if kind == "quoted":
        return token[1:-1].replace('""', '"')
    if kind == "word":
        return token
    raise _malformed("it names no table")


def _malformed(why: str) -> Fault:
    return Fault("ValidationException", f"Statement wasn't well formed, can't be processed: {why}")
