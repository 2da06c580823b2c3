"""Statement types, with their names in ``GetQueryExecution``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local_lakehouse.sql.failures import MalformedQuery, QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar.parser import parse_statement

_COMMENT = re.compile(r"\s+|--[^\n]*(\n|$)|/\*.*?\*/", re.DOTALL)
_DML = {
    nodes.Select: "SELECT",
    nodes.Explain: "EXPLAIN",
    nodes.Insert: "INSERT",
    nodes.Update: "UPDATE",
    nodes.Delete: "DELETE",
    nodes.Merge: "MERGE",
    nodes.Unload: "UNLOAD",
    nodes.Vacuum: "VACUUM_TABLE",
    nodes.Execute: "SELECT",
}
_DDL = {
    nodes.CreateTableAs: "CREATE_TABLE_AS_SELECT",
    nodes.Optimize: "CREATE_TABLE_AS_SELECT",
    nodes.CreateTable: "CREATE_TABLE",
    nodes.CreateDatabase: "CREATE_DATABASE",
    nodes.AlterDatabase: "ALTER_DATABASE",
    nodes.CreateView: "CREATE_VIEW",
    nodes.DropTable: "DROP_TABLE",
    nodes.DropDatabase: "DROP_DATABASE",
    nodes.DropView: "DROP_VIEW",
    nodes.RepairTable: "MSCK_REPAIR",
    nodes.Prepare: "PREPARE",
    nodes.Deallocate: "DEALLOCATE_PREPARE",
}


@dataclass(frozen=True)
class Kind:
    """The statement type in ``GetQueryExecution``."""

    statement_type: str
    substatement_type: str


def strip_statement(text: str) -> str:
    """Remove surrounding white space and the final semicolon from a statement."""
    stripped = text.strip()
    return stripped[:-1].rstrip() if stripped.endswith(";") else stripped


def first_word(text: str) -> str:
    """Return the first word of a statement in uppercase, without leading comments."""
    place = 0
    while match := _COMMENT.match(text, place):
        place = match.end()
    match = re.match(r"\w+", text[place:])
    return match.group().upper() if match else ""


def read_statement(text: str) -> tuple[nodes.Statement | None, Kind]:
    """Parse a statement as far as possible before it runs.

    Returns:
        The statement and its type. The statement is None if its syntax is valid but its execution will fail.

    Raises:
        MalformedQuery: The syntax is invalid.
    """
    try:
        statement = parse_statement(text)
    except (QueryFailure, RecursionError):
        return None, _kind_by_word(first_word(text))
    check_accepted(statement)
    return statement, kind_of(statement)


def check_accepted(statement: nodes.Statement) -> None:
    """Reject a statement that Athena would reject without running it.

    Raises:
        MalformedQuery: The statement is a ``CREATE TABLE`` without a location, or ``EXTERNAL`` does not match the table
            type.
    """
    if not isinstance(statement, nodes.CreateTable):
        return
    iceberg = dict(statement.properties).get("table_type", "").upper() == "ICEBERG"
    if iceberg and statement.external:
        raise MalformedQuery("External keyword not supported for table type ICEBERG")
    if statement.location is None:
        raise MalformedQuery("No location was specified for table. An S3 location must be specified")
    if not iceberg and not statement.external:
        raise MalformedQuery("External keyword required for table type HIVE")


def kind_of(statement: nodes.Statement) -> Kind:
    """Return the statement type for ``GetQueryExecution``."""
    if type(statement) in _DML:
        return Kind("DML", _DML[type(statement)])
    if isinstance(statement, nodes.AlterTable):
        return Kind("DDL", f"ALTER_TABLE_{statement.action}")
    if isinstance(statement, nodes.Show):
        return Kind("UTILITY", f"SHOW_{statement.what}")
    if isinstance(statement, nodes.Describe):
        return Kind("UTILITY", "DESCRIBE_TABLE")
    return Kind("DDL", _DDL[type(statement)])


def _kind_by_word(word: str) -> Kind:
    if word == "CREATE":
        return Kind("DDL", "CREATE_TABLE_AS_SELECT")
    return Kind("DML", {"INSERT": "INSERT", "UNLOAD": "UNLOAD", "EXPLAIN": "EXPLAIN"}.get(word, "SELECT"))
