"""The lines that a text table skips at the start and at the end of each file."""

from __future__ import annotations

from collections.abc import Mapping

from local_lakehouse.sql.failures import QueryFailure

HEADER = "skip.header.line.count"
FOOTER = "skip.footer.line.count"


def skipped_lines(parameters: Mapping[str, str], name: str) -> int:
    """Return the number of lines to skip.

    Args:
        parameters: The table's properties.
        name: The name of the property, which is `HEADER` or `FOOTER`.

    Raises:
        QueryFailure: The value is not a number (``HIVE_INVALID_METADATA``).
    """
    value = parameters.get(name, "0")
    if not value.isdecimal():
        raise QueryFailure("HIVE_INVALID_METADATA", f"Invalid value for {name} property: {value}")
    return int(value)


def writes_header(parameters: Mapping[str, str], file_format: str) -> bool:
    """Return whether files that are inserted into a table start with a line of column names, as in Trino.

    Raises:
        QueryFailure: Inserted rows would be skipped (``NOT_SUPPORTED``).
    """
    if file_format not in ("TEXTFILE", "JSON"):
        return False
    if skipped_lines(parameters, FOOTER):
        raise QueryFailure("NOT_SUPPORTED", f"Inserting into Hive table with {FOOTER} property not supported")
    count = skipped_lines(parameters, HEADER)
    if count > 1 or (count and file_format == "JSON"):
        kind = f"value of {HEADER} property greater than 1" if count > 1 else f"{HEADER} property and JSON files"
        raise QueryFailure("NOT_SUPPORTED", f"Inserting into Hive table with {kind} is not supported")
    return count == 1
