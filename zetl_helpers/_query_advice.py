"""Advice about common SQL errors, added to Athena error messages."""

from __future__ import annotations

import re
from collections.abc import Callable

from zetl_helpers._errors import as_sentence
from zetl_helpers.lab import Lab

_SQL_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_SQL_TEXT = re.compile(r"'(?:[^']|'')*'")
_MISSING_COLUMN = re.compile(r"COLUMN_NOT_FOUND.*?Column '([^']+)'", re.DOTALL)
_MISSING_TABLE = re.compile(r"TABLE_NOT_FOUND.*?Table '([^'$]+)", re.DOTALL)
_MISSING_FUNCTION = re.compile(r"Function '([^']+)' not registered")
_NUMBER = re.compile(r"\b(?:tinyint|smallint|integer|bigint|real|double|decimal)\b")


def add(lab: Lab, message: str, sql: str) -> str:
    """Add advice about common errors to an Athena error message, on a separate line.

    Args:
        lab: The lab whose table the statement queries.
        message: The error message from Athena.
        sql: The statement.

    Returns:
        The message, followed by advice if any applies.
    """
    advise = next((advise for code, advise in _ADVICE.items() if code in message), None)
    if advise is None:
        return message
    return f"{as_sentence(message)}\n{advise(lab, message, sql)}"


def without_comments(sql: str) -> str:
    """Return a statement without its comments."""
    return _SQL_COMMENT.sub("", sql)


def _about_column(lab: Lab, message: str, sql: str) -> str:
    missing = _MISSING_COLUMN.search(message)
    name = missing[1].rpartition(".")[2] if missing else ""
    given = rf'\bAS\s+"?{re.escape(name)}\b|\)\s+"?{re.escape(name)}"?\s*(?:,|\bFROM\b)'
    if name and re.search(given, without_comments(sql), re.IGNORECASE):
        return f"`{name}` is an alias from SELECT. WHERE and HAVING can't use it, so repeat the expression there."
    if name and (quoted := re.search(rf'"({re.escape(name)})"', sql, re.IGNORECASE)):
        return f"Use double quotes for names and single quotes for text: '{quoted[1]}'."
    return f"zetl.lakehouse.schema({_code(lab)}) lists the table's current columns. Write text in 'single' quotes."


def _about_table(lab: Lab, message: str, _: str) -> str:
    missing = _MISSING_TABLE.search(message)
    if missing and missing[1].rpartition(".")[2] == lab.target_table:
        return f"If the table is not loaded yet, zetl.integration.wait_until_loaded({_code(lab)}) waits for it."
    return f"The table is called {lab.target_table}."


def _about_function(_: Lab, message: str, __: str) -> str:
    if "Unexpected parameters" in message:
        return "The function exists, but not for these types. CAST(x AS double) converts text to a number."
    missing = _MISSING_FUNCTION.search(message)
    if missing and missing[1] in _FUNCTIONS:
        return f"In Athena, use {_FUNCTIONS[missing[1]]} instead."
    return "Athena supports Trino functions, whose names can differ from those in other databases."


def _about_types(_: Lab, message: str, __: str) -> str:
    if "boolean" in message:
        return "Compare a boolean with true or false, without quotes."
    if "varchar" in message and "timestamp" in message:
        return "Compare a time with a time, such as DATE '2026-10-01' or TIMESTAMP '2026-10-01 09:30:00 UTC'."
    if "varchar" in message and _NUMBER.search(message):
        return (
            "To compare the values as text, put the number in 'single' quotes. To compare them as numbers, convert the "
            "text with CAST(x AS double)."
        )
    if "varchar" in message and re.search(r"\bdate\b", message):
        return "CAST(x AS date) converts text such as 2026-10-21 to a date."
    return "Two values have different types. CAST(x AS …) converts one of them."


def _about_groups(_: Lab, __: str, ___: str) -> str:
    return "A column that is not in GROUP BY must be inside an aggregate such as SUM or MAX."


def _about_syntax(lab: Lab, message: str, sql: str) -> str:
    statement = _SQL_TEXT.sub("''", without_comments(sql))
    for pattern, advice in _DIALECTS.items():
        if re.search(pattern, statement, re.IGNORECASE):
            return advice
    if "mismatched input ':'" in message and (name := re.search(r"(?<![:\w]):([a-z_]\w*)", statement, re.IGNORECASE)):
        return f"Pass the value of :{name[1]} to zetl.query: zetl.query({_code(lab)}, sql, {name[1]}=…)."
    return "The statement is incomplete, or it has an extra word near that position."


def _code(lab: Lab) -> str:
    """Return the Python expression that a notebook uses for the lab."""
    return f'lab.with_table("{lab.further}")' if lab.further else "lab"


# The Trino equivalents of functions from other databases.
_FUNCTIONS = {
    "ifnull": "COALESCE(x, y)", "isnull": "COALESCE(x, y)", "nvl": "COALESCE(x, y)",
    "len": "LENGTH(x)", "charindex": "STRPOS(text, part)", "instr": "STRPOS(text, part)",
    "getdate": "current_timestamp", "sysdate": "current_timestamp",
}  # fmt: skip
# Patterns of syntax that other databases support but Athena does not.
_DIALECTS = {
    r"\{\w+\}": "The braces are part of the statement. Put an f before the quotes, so that Python inserts the value.",
    r"::": "Athena does not support `::`. Use CAST(x AS type).",
    r"\bis\s+(?:not\s+)?(?:true|false)\b": "Athena does not support IS TRUE or IS FALSE. Use x IS DISTINCT FROM "
    "true, or COALESCE(x, false).",
    r"\bselect\s+(?:distinct\s+)?top\b": "Athena does not support TOP. Put LIMIT at the end of the statement.",
    r"\bminus\b": "Athena does not support MINUS. Use EXCEPT.",
    # A subscript follows a name, a parenthesis or another subscript.
    r"(?<![\w\])\"])\[[a-z_]\w*\]": "Athena does not support names in brackets. Omit the brackets, or use double "
    "quotes.",
}
_ADVICE: dict[str, Callable[[Lab, str, str], str]] = {
    "COLUMN_NOT_FOUND": _about_column,
    "TABLE_NOT_FOUND": _about_table,
    "FUNCTION_NOT_FOUND": _about_function,
    "EXPRESSION_NOT_AGGREGATE": _about_groups,
    "TYPE_MISMATCH": _about_types,
    "mismatched input": _about_syntax,
}
