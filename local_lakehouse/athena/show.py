"""The output of ``SHOW`` statements.

https://docs.aws.amazon.com/athena/latest/ug/show-tables.html and related pages
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pyiceberg.transforms import BucketTransform, TruncateTransform

from local_lakehouse.athena.context import Context, Outcome, table_of
from local_lakehouse.athena.ddl import hive_failure, known_table
from local_lakehouse.athena.results import Text
from local_lakehouse.athena.tables.iceberg_types import athena_type
from local_lakehouse.athena.tables.information_schema import table_columns
from local_lakehouse.athena.tables.lake import is_iceberg, is_view
from local_lakehouse.athena.tables.partition_names import partition_name
from local_lakehouse.athena.tables.views import view_definition
from local_lakehouse.athena.writes.iceberg_properties import is_hidden
from local_lakehouse.sql import types
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.functions import registry
from local_lakehouse.sql.grammar import statement_tree as nodes
from local_lakehouse.sql.types import Type

_STRING = Type("string")
PADDING = 20
# Hive does not show this property if it has its default value.
_DEFAULT_SERDE_PROPERTY = ("serialization.format", "1")


def show(statement: nodes.Show, context: Context) -> Outcome:
    """Run a ``SHOW`` statement."""
    return _SHOWS[statement.what](statement, context)


def lines_of(names: tuple[str, ...], rows: Iterable[tuple[str, ...]], type_: Type = _STRING) -> Outcome:
    """Return lines of text as a statement's outcome."""
    return Outcome([(name, type_) for name in names], [list(row) for row in rows], 0)


def _database(statement: nodes.Show, context: Context) -> str:
    name = statement.database or context.database or "default"
    if context.lake.database(name) is None:
        raise hive_failure(f"FAILED: SemanticException [Error 10072]: Database does not exist: {name}")
    return name


def _wildcards(pattern: str | None) -> Callable[[str], bool]:
    """Return a function that matches names against a pattern with ``*`` and ``|``."""
    if pattern is None:
        return lambda _: True
    choices = [re.escape(entry).replace(r"\*", ".*") for entry in pattern.split("|")]
    compiled = re.compile("|".join(f"(?:{choice})" for choice in choices), re.IGNORECASE)
    return lambda name: compiled.fullmatch(name) is not None


def _show_databases(statement: nodes.Show, context: Context) -> Outcome:
    names = sorted(database["Name"] for database in context.lake.databases())
    if statement.pattern is not None:
        try:
            wanted = re.compile(statement.pattern)
        except re.error as error:
            raise QueryFailure("", f"{statement.pattern} is not a valid regular expression: {error}") from error
        names = [name for name in names if wanted.fullmatch(name)]
    return lines_of(("database_name",), [(name,) for name in names])


def _show_tables(statement: nodes.Show, context: Context) -> Outcome:
    matches = _wildcards(statement.pattern)
    names = sorted(table["Name"] for table in context.lake.tables(_database(statement, context)))
    return lines_of(("tab_name",), [(name,) for name in names if matches(name)])


def _show_views(statement: nodes.Show, context: Context) -> Outcome:
    matches = _wildcards(statement.pattern)
    entries = context.lake.tables(_database(statement, context))
    names = sorted(entry["Name"] for entry in entries if is_view(entry))
    return lines_of(("views",), [(name,) for name in names if matches(name)], types.VARCHAR)


def _like(pattern: str | None, escape: str | None) -> Callable[[str], bool]:
    """Return a function that matches names against a pattern with ``%`` and ``_``.

    Raises:
        QueryFailure: The pattern is invalid (``INVALID_FUNCTION_ARGUMENT``).
    """
    if pattern is None:
        return lambda _: True
    if escape is not None and len(escape) != 1:
        raise QueryFailure("INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character")
    expression, letters = "", iter(pattern)
    for letter in letters:
        if letter == escape:
            letter = next(letters, "")
            if letter not in ("%", "_", escape) or not letter:
                raise QueryFailure(
                    "INVALID_FUNCTION_ARGUMENT",
                    "Escape character must be followed by '%', '_' or the escape character itself",
                )
            expression += re.escape(letter)
        else:
            expression += {"%": ".*", "_": "."}.get(letter, re.escape(letter))
    compiled = re.compile(expression, re.DOTALL)
    return lambda name: compiled.fullmatch(name) is not None


def _show_functions(statement: nodes.Show, _: Context) -> Outcome:
    matches = _like(statement.pattern, statement.escape)
    rows: list[list[Text]] = []
    for name in filter(matches, registry.all_names()):
        for signature in registry.signatures(name):
            arguments = str(signature).removeprefix(f"{name}(").removesuffix(")")
            result = signature.result if isinstance(signature.result, str) else ""
            rows.append([name, result, arguments, signature.kind, "true", ""])
    names = ("Function", "Return Type", "Argument Types", "Function Type", "Deterministic", "Description")
    return Outcome([(name, types.VARCHAR) for name in names], rows, 0)


def _show_columns(statement: nodes.Show, context: Context) -> Outcome:
    entry = entity(statement.table, context)
    return lines_of(("field",), [(name.ljust(PADDING),) for name, _, _ in table_columns(context.lake, entry)])


def entity(names: nodes.TableName, context: Context) -> dict[str, Any]:
    """Return the catalog entry of a table or view.

    Raises:
        QueryFailure: The table or view does not exist.
    """
    database, name = table_of(context, names)
    entry = context.lake.table(database, name)
    if entry is None:
        raise hive_failure(f"FAILED: SemanticException [Error 10001]: Table not found {database}.{name}")
    return entry


def _show_partitions(statement: nodes.Show, context: Context) -> Outcome:
    entry = known_table(context, statement.table)
    if is_iceberg(entry):
        raise QueryFailure("", "Query type not supported by Athena Iceberg at this time", error_type=1200)
    keys = [item["Name"] for item in entry.get("PartitionKeys", ())]
    if not keys:
        raise hive_failure(f"FAILED: SemanticException [Error 10241]: Table {entry['Name']} is not a partitioned table")
    pages = context.lake.glue.get_paginator("get_partitions").paginate(
        DatabaseName=entry["DatabaseName"], TableName=entry["Name"]
    )
    rows = [(partition_name(keys, partition["Values"]),) for page in pages for partition in page["Partitions"]]
    return lines_of(("partition",), sorted(rows))


def _show_properties(statement: nodes.Show, context: Context) -> Outcome:
    entry = known_table(context, statement.table)
    properties = dict(entry.get("Parameters", {}))
    if statement.key is not None:
        value = properties.get(statement.key)
        text = (
            value
            if value is not None
            else f"Table {entry['DatabaseName']}.{entry['Name']} does not have property: {statement.key}"
        )
        return lines_of(("prpt_name", "prpt_value"), [(statement.key, text)])
    return lines_of(("prpt_name", "prpt_value"), sorted(properties.items()))


def _show_create_view(statement: nodes.Show, context: Context) -> Outcome:
    entry = known_table(context, statement.table)
    definition = view_definition(entry) if is_view(entry) else None
    if definition is None:
        raise QueryFailure("NOT_SUPPORTED", f"'{entry['DatabaseName']}.{entry['Name']}' is a table, not a view")
    text = f'CREATE VIEW "{entry["Name"]}" AS \n{definition["originalSql"]}'
    return lines_of(("create view",), [(line,) for line in text.splitlines()], types.VARCHAR)


def _show_create_table(statement: nodes.Show, context: Context) -> Outcome:
    entry = known_table(context, statement.table)
    if is_view(entry):
        raise hive_failure(f"FAILED: SemanticException: {entry['Name']} is a view; use SHOW CREATE VIEW")
    lines = _iceberg_ddl(entry, context) if is_iceberg(entry) else _hive_ddl(entry, statement.table)
    outcome = lines_of(("createtab_stmt",), [(line,) for line in lines])
    if not is_iceberg(entry):
        outcome.update_count = None
    return outcome


def iceberg_text(type_: Type) -> str:
    """Format a type as Athena shows it for an Iceberg table."""
    if type_.name == "array":
        return f"array<{iceberg_text(type_.element)}>"
    if type_.name == "map":
        return f"map<{iceberg_text(type_.key)}, {iceberg_text(type_.value)}>"
    if type_.name == "row":
        fields = ", ".join(
            f"{name}: {iceberg_text(child)}" for name, child in zip(type_.fields, type_.children, strict=False)
        )
        return f"struct<{fields}>"
    if type_.name == "decimal":
        return f"decimal({type_.precision}, {type_.scale})"
    simple = {"integer": "int", "varchar": "string", "real": "float", "varbinary": "binary"}
    return simple.get(type_.name, type_.name)


def transforms(entry: dict[str, Any], context: Context) -> list[tuple[str, str, str]]:
    """Return the name, transform and column of each partition field."""
    table = context.lake.iceberg(entry)
    schema = table.schema()
    found = []
    for field in table.spec().fields:
        transform = field.transform
        text = str(transform)
        if isinstance(transform, BucketTransform):
            text = f"bucket[{transform.num_buckets}]"
        elif isinstance(transform, TruncateTransform):
            text = f"truncate[{transform.width}]"
        found.append((field.name, text, schema.find_field(field.source_id).name))
    return found


def _iceberg_ddl(entry: dict[str, Any], context: Context) -> Iterator[str]:
    table = context.lake.iceberg(entry)
    yield f"CREATE TABLE {_name(entry['DatabaseName'])}.{_name(entry['Name'])} ("
    fields = table.schema().fields
    for place, field in enumerate(fields, 1):
        comment = f" COMMENT '{_escaped(field.doc)}'" if field.doc else ""
        end = "," if place < len(fields) else ")"
        yield f"  {_name(field.name)} {iceberg_text(athena_type(field.field_type))}{comment}{end}"
    described = table.properties.get("comment")
    if described:
        yield f"COMMENT '{_escaped(described)}'"
    spec = transforms(entry, context)
    if spec:
        yield f"PARTITIONED BY ({', '.join(_partition_text(text, column) for _, text, column in spec)})"
    yield f"LOCATION '{_escaped(table.metadata.location)}'"
    properties = {
        "table_type": "iceberg",
        **{key: value for key, value in table.properties.items() if not is_hidden(key)},
    }
    listed = list(properties.items())
    yield "TBLPROPERTIES ("
    for place, (key, value) in enumerate(listed, 1):
        yield f"  '{_escaped(key)}'='{_escaped(value)}'{',' if place < len(listed) else ''}"
    yield ")"


def _escaped(text: str) -> str:
    """Escape a string as Hive does, including control characters."""
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    return "".join(f"\\u{ord(letter):04X}" if ord(letter) < ord(" ") else letter for letter in plain)


def _backquoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _name(name: str) -> str:
    """Return a name for the DDL of an Iceberg table, in backticks only if necessary."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else _backquoted(name)


def _partition_text(transform: str, column: str) -> str:
    if transform == "identity":
        return _backquoted(column)
    name, _, argument = transform.rstrip("]").partition("[")
    return f"{name}({argument}, {_backquoted(column)})" if argument else f"{name}({_backquoted(column)})"


def _hive_ddl(entry: dict[str, Any], names: nodes.TableName) -> Iterator[str]:
    descriptor = entry["StorageDescriptor"]
    # The database is shown only if the statement names it.
    name = entry["Name"] if len(names) == 1 else f"{entry['DatabaseName']}.{entry['Name']}"
    yield f"CREATE EXTERNAL TABLE {_backquoted(name)}("
    columns = descriptor.get("Columns", [])
    for place, column in enumerate(columns, 1):
        comment = f" COMMENT '{_escaped(column['Comment'])}'" if column.get("Comment") else ""
        yield f"  {_backquoted(column['Name'])} {column['Type']}{comment}{', ' if place < len(columns) else ')'}"
    if entry.get("Description"):
        yield f"COMMENT '{_escaped(entry['Description'])}'"
    keys = entry.get("PartitionKeys", [])
    if keys:
        yield "PARTITIONED BY ( "
        for place, item in enumerate(keys, 1):
            comment = f" COMMENT '{_escaped(item['Comment'])}'" if item.get("Comment") else ""
            yield f"  {_backquoted(item['Name'])} {item['Type']}{comment}{', ' if place < len(keys) else ')'}"
    buckets = descriptor.get("BucketColumns", [])
    if buckets:
        yield "CLUSTERED BY ( "
        for place, column in enumerate(buckets, 1):
            yield f"  {_backquoted(column)}{', ' if place < len(buckets) else ') '}"
        yield f"INTO {descriptor['NumberOfBuckets']} BUCKETS"
    serde = descriptor.get("SerdeInfo", {})
    yield "ROW FORMAT SERDE "
    yield f"  '{serde.get('SerializationLibrary', '')}' "
    properties = sorted(item for item in serde.get("Parameters", {}).items() if item != _DEFAULT_SERDE_PROPERTY)
    if properties:
        yield "WITH SERDEPROPERTIES ( "
        for place, (key, value) in enumerate(properties, 1):
            yield f"  '{_escaped(key)}'='{_escaped(value)}'{', ' if place < len(properties) else ') '}"
    yield "STORED AS INPUTFORMAT "
    yield f"  '{descriptor.get('InputFormat', '')}' "
    yield "OUTPUTFORMAT "
    yield f"  '{descriptor.get('OutputFormat', '')}'"
    yield "LOCATION"
    yield f"  '{_escaped(descriptor.get('Location', ''))}'"
    listed = sorted((key, value) for key, value in entry.get("Parameters", {}).items() if key != "EXTERNAL")
    if not listed:
        return
    yield "TBLPROPERTIES ("
    for place, (key, value) in enumerate(listed, 1):
        yield f"  '{_escaped(key)}'='{_escaped(value)}'{', ' if place < len(listed) else ''}"
    yield ")"


_SHOWS: dict[str, Callable[[nodes.Show, Context], Outcome]] = {
    "DATABASES": _show_databases,
    "TABLES": _show_tables,
    "VIEWS": _show_views,
    "FUNCTIONS": _show_functions,
    "COLUMNS": _show_columns,
    "PARTITIONS": _show_partitions,
    "TABLE_PROPERTIES": _show_properties,
    "CREATE_TABLE": _show_create_table,
    "CREATE_VIEW": _show_create_view,
}
