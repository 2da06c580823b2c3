"""The tokens of PartiQL statements, and the keywords that must be quoted when they are used as names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from local_lakehouse.protocol.faults import Fault

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<comment>--|/\*)|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")
    |(?P<word>[A-Za-z_$][A-Za-z0-9_$]*)|(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<symbol><<|>>|<>|!=|<=|>=|[-+=<>(),.\[\]{}:*?])""",
    re.VERBOSE,
)

# The keywords of PartiQL, which include those of SQL-92.
RESERVED = frozenset(
    # The keywords are split from a string, because a list literal would need 200 lines.
    """
    absolute action add all allocate alter and any are as asc assertion at authorization avg bag begin between
    bit bit_length blob bool boolean both by cascade cascaded case cast catalog char char_length character
    character_length check clob close coalesce collate collation column commit connect connection constraint
    constraints continue convert corresponding count create cross current current_date current_time
    current_timestamp current_user cursor date date_add date_diff deallocate dec decimal declare default
    deferrable deferred delete desc describe descriptor diagnostics disconnect distinct domain double drop else
    end escape except exception exec execute exists external extract false fetch first float for foreign found
    from full get global go goto grant group having identity immediate in index indicator initially inner input
    insensitive insert int integer intersect interval into is isolation join key language last leading left
    level like limit list local lower match max min missing module names national natural nchar next no not null
    nullif numeric octet_length of on only open option or order outer output overlaps pad partial pivot position
    precision prepare preserve primary prior privileges procedure public read real references relative remove
    restrict revoke right rollback rows schema scroll section select session session_user set sexp size smallint
    some space sql sqlcode sqlerror sqlstate string struct substring sum symbol system_user table temporary then
    time timestamp timezone_hour timezone_minute to trailing transaction translate translation trim true tuple
    undrop union unique unknown unpivot update upper usage user using utcnow value values varchar varying view
    when whenever where with work write zone
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Token:
    """A token, with its kind, its value and its text in the statement."""

    kind: str
    value: str
    text: str


END = Token("end", "", "the end")


def malformed(why: str) -> Fault:
    """Return the error for a statement with a syntax error."""
    return Fault("ValidationException", f"Statement wasn't well formed, can't be processed: {why}")


def tokens(statement: str) -> Iterator[Token]:
    """Yield the tokens of a statement.

    Raises:
        Fault: A quote is not closed, or a character is invalid (``ValidationException``).
    """
    at = 0
    while at < len(statement):
        matched = _TOKEN.match(statement, at)
        if matched is None:
            raise malformed(f"Unexpected character {statement[at]!r}")
        kind, text = str(matched.lastgroup), matched[0]
        if kind == "comment":
            raise malformed("Unexpected comment")
        if kind in ("text", "quoted"):
            quote = text[0]
            yield Token(kind, text[1:-1].replace(quote * 2, quote), text)
        elif kind != "space":
            yield Token(kind, text.upper() if kind == "word" else text, text)
        at = matched.end()
