"""The properties of ``CREATE TABLE … AS`` and ``UNLOAD``.

https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html#ctas-table-properties
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local_lakehouse.sql.analysis.session import CATALOG
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.types import Type

Known = Mapping[str, str]

HIVE_PROPERTIES: Known = {
    "table_type": "varchar",
    "format": "varchar",
    "external_location": "varchar",
    "write_compression": "varchar",
    "parquet_compression": "varchar",
    "orc_compression": "varchar",
    "compression_level": "number",
    "partitioned_by": "array(varchar)",
    "bucketed_by": "array(varchar)",
    "bucket_count": "integer",
    "field_delimiter": "varchar",
    "is_external": "boolean",
}
ICEBERG_PROPERTIES: Known = {
    "table_type": "varchar",
    "location": "varchar",
    "is_external": "boolean",
    "format": "varchar",
    "partitioning": "array(varchar)",
    "write_compression": "varchar",
    "compression_level": "number",
    "optimize_rewrite_min_data_file_size_bytes": "number",
    "optimize_rewrite_max_data_file_size_bytes": "number",
    "optimize_rewrite_data_file_threshold": "number",
    "optimize_rewrite_delete_file_threshold": "number",
    "vacuum_min_snapshots_to_keep": "number",
    "vacuum_max_snapshot_age_seconds": "number",
    "vacuum_max_metadata_files_to_keep": "number",
    "write_target_data_file_size_bytes": "number",
}
UNLOAD_PROPERTIES: Known = {
    "format": "varchar",
    "compression": "varchar",
    "compression_level": "number",
    "partitioned_by": "array(varchar)",
    "field_delimiter": "varchar",
}
LOCATION_IS_ENFORCED = (
    "The Create Table As Select query failed because it was submitted with an 'external_location' property to an "
    "Athena Workgroup that enforces a centralized output location for all queries. Please remove the "
    "'external_location' property and resubmit the query."
)
_COMPRESSIONS = {"write_compression": "", "parquet_compression": "PARQUET", "orc_compression": "ORC"}


def _is_number(value: object) -> bool:
    # Athena's examples write numbers both with and without quotation marks.
    return type(value) is int or (isinstance(value, str) and value.isdecimal())


_CHECKS: dict[str, Callable[[object], bool]] = {
    "varchar": lambda value: isinstance(value, str),
    "array(varchar)": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
    "integer": lambda value: type(value) is int,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
}


def property_values(properties: Sequence[nodes.Property], known: Known) -> dict[str, Any]:
    """Return the properties as Python values.

    Args:
        properties: The properties.
        known: The names and types of the properties that the statement supports.

    Raises:
        QueryFailure: A property is unknown, repeated, not a constant or of the wrong type.
    """
    found: dict[str, Any] = {}
    for entry in properties:
        if entry.name in found:
            raise QueryFailure("DUPLICATE_PROPERTY", f"Duplicate property: {entry.name}", entry.position)
        if entry.name not in known:
            raise _invalid(f"Catalog '{CATALOG}' table property '{entry.name}' does not exist")
        value = found[entry.name] = _constant(entry.value)
        if not _CHECKS[known[entry.name]](value):
            raise _invalid(
                f"Invalid value for catalog '{CATALOG}' table property '{entry.name}': Cannot convert "
                f"[{entry.value.text}] to {known[entry.name]}"
            )
    return found


def _constant(node: tree.Expression) -> Any:
    if isinstance(node, tree.Literal):
        if node.kind == "integer":
            return int(node.value)
        return node.value == "true" if node.kind == "boolean" else node.value
    if isinstance(node, tree.Array):
        return [_constant(item) for item in node.items]
    raise QueryFailure("INVALID_TABLE_PROPERTY", f"A property's value must be a constant: {node.text}", node.position)


def is_iceberg_ctas(properties: Sequence[nodes.Property]) -> bool:
    """Return whether a CTAS statement creates an Iceberg table.

    Raises:
        QueryFailure: The table type is neither ``HIVE`` nor ``ICEBERG``.
    """
    found = [_constant(entry.value) for entry in properties if entry.name == "table_type"]
    written = str(found[0] if found else "HIVE")
    if written.upper() not in ("HIVE", "ICEBERG"):
        raise _invalid(f"table_type must be HIVE or ICEBERG: {written}")
    return written.upper() == "ICEBERG"


def check_external(settings: Mapping[str, Any], *, iceberg: bool) -> None:
    """Check that a Hive table is external, which is the default, and that an Iceberg table is not.

    Raises:
        QueryFailure: The property ``is_external`` does not match the table type.
    """
    if settings.get("is_external", True) is iceberg:
        kind, value = ("an Iceberg", "false") if iceberg else ("a Hive", "true")
        raise _invalid(f"The property is_external must be {value} for {kind} table")


def ctas_compression(settings: Mapping[str, Any], file_format: str) -> str | None:
    """Return the name of the compression that a CTAS statement specifies, or None.

    Raises:
        QueryFailure: Several properties specify the compression, or the property is for another format.
    """
    given = [name for name in _COMPRESSIONS if name in settings]
    if len(given) > 1:
        raise _invalid(f"Only one compression property can be specified: {', '.join(given)}")
    for name in given:
        if _COMPRESSIONS[name] not in ("", file_format):
            raise _wrong_format(name, file_format)
        return str(settings[name])
    return None


def field_delimiter(settings: Mapping[str, Any], file_format: str) -> str:
    r"""Return the field delimiter of a text file, which is ``\x01`` by default.

    Raises:
        QueryFailure: The delimiter is not a single character, or the files are not text files.
    """
    delimiter = settings.get("field_delimiter")
    if delimiter is None:
        return "\x01"
    if file_format != "TEXTFILE":
        raise _wrong_format("field_delimiter", file_format)
    if len(delimiter) != 1:
        raise _invalid(f"field_delimiter must be a single character: {delimiter}")
    return str(delimiter)


def partition_columns(settings: Mapping[str, Any], columns: Sequence[tuple[str, Type]]) -> list[str]:
    """Return the names of the columns in the property ``partitioned_by``.

    Raises:
        QueryFailure: The columns are not the last columns, or there are no other columns.
    """
    names = [item.lower() for item in settings.get("partitioned_by", ())]
    if names != [column for column, _ in columns[len(columns) - len(names) :]]:
        raise _invalid(
            "Partition keys must be the last columns in the table and in the same order as the table properties: "
            f"{names}"
        )
    if len(names) == len(columns):
        raise _invalid("Table contains only partition columns")
    return names


def _wrong_format(name: str, file_format: str) -> QueryFailure:
    return _invalid(f"Cannot specify {name} table property for storage format: {file_format}")


def _invalid(message: str) -> QueryFailure:
    return QueryFailure("INVALID_TABLE_PROPERTY", message)
