"""Syntax tree nodes for statements other than queries."""

from __future__ import annotations

from dataclasses import dataclass

from local_lakehouse.sql.failures import Position
from local_lakehouse.sql.grammar.tree import Expression, Name, Node, Query, Relation
from local_lakehouse.sql.types import Type

TableName = tuple[Name, ...]
PartitionSpec = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Statement(Node):
    """A statement."""


@dataclass(frozen=True)
class Select(Statement):
    """A statement that consists of a query."""

    query: Query


@dataclass(frozen=True)
class Explain(Statement):
    """An ``EXPLAIN`` or ``EXPLAIN ANALYZE`` statement."""

    statement: Statement
    analyze: bool
    format: str
    kind: str


@dataclass(frozen=True)
class Insert(Statement):
    """A statement such as ``INSERT INTO t (a, b) SELECT …``."""

    table: TableName
    table_position: Position
    columns: tuple[Name, ...]
    query: Query


@dataclass(frozen=True)
class Assignment(Node):
    """An assignment such as ``a = expression``."""

    column: Name
    value: Expression


@dataclass(frozen=True)
class Update(Statement):
    """A statement such as ``UPDATE t SET a = 1 WHERE …``."""

    table: TableName
    table_position: Position
    assignments: tuple[Assignment, ...]
    where: Expression | None


@dataclass(frozen=True)
class Delete(Statement):
    """A statement such as ``DELETE FROM t WHERE …``."""

    table: TableName
    table_position: Position
    where: Expression | None


@dataclass(frozen=True)
class MergeCase(Node):
    """One ``WHEN`` clause of a ``MERGE`` statement, where `action` is UPDATE, DELETE or INSERT."""

    matched: bool
    condition: Expression | None
    action: str
    assignments: tuple[Assignment, ...] = ()
    columns: tuple[Name, ...] = ()
    values: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Merge(Statement):
    """A statement such as ``MERGE INTO t USING s ON … WHEN …``."""

    table: TableName
    table_position: Position
    alias: Name | None
    source: Relation
    condition: Expression
    cases: tuple[MergeCase, ...]


@dataclass(frozen=True)
class Property(Node):
    """A property such as ``name = value`` in ``WITH (…)``."""

    name: str
    value: Expression


@dataclass(frozen=True)
class CreateTableAs(Statement):
    """A statement such as ``CREATE TABLE t WITH (…) AS SELECT …``."""

    table: TableName
    if_not_exists: bool
    properties: tuple[Property, ...]
    query: Query
    with_data: bool
    columns: tuple[Name, ...] = ()
    comment: str | None = None


@dataclass(frozen=True)
class CreateView(Statement):
    """A statement such as ``CREATE OR REPLACE VIEW v AS SELECT …``."""

    view: TableName
    replace: bool
    query: Query


@dataclass(frozen=True)
class DropView(Statement):
    """A statement such as ``DROP VIEW IF EXISTS v``."""

    view: TableName
    if_exists: bool


@dataclass(frozen=True)
class Unload(Statement):
    """An ``UNLOAD (SELECT …) TO 's3://…' WITH (…)`` statement."""

    query: Query
    location: str
    properties: tuple[Property, ...]


@dataclass(frozen=True)
class Prepare(Statement):
    """A statement such as ``PREPARE name FROM …``."""

    name: str
    sql: str


@dataclass(frozen=True)
class Execute(Statement):
    """A statement such as ``EXECUTE name USING …``."""

    name: str
    parameters: tuple[Expression, ...]


@dataclass(frozen=True)
class Deallocate(Statement):
    """A statement such as ``DEALLOCATE PREPARE name``."""

    name: str


@dataclass(frozen=True)
class Optimize(Statement):
    """A statement such as ``OPTIMIZE t REWRITE DATA USING BIN_PACK WHERE …``."""

    table: TableName
    table_position: Position
    where: Expression | None


@dataclass(frozen=True)
class Vacuum(Statement):
    """A statement such as ``VACUUM t``."""

    table: TableName


@dataclass(frozen=True)
class ColumnDefinition(Node):
    """A column definition in ``CREATE TABLE``."""

    name: str
    type: Type
    comment: str | None = None


@dataclass(frozen=True)
class PartitionField(Node):
    """One element of ``PARTITIONED BY``, which is a column, a transform or, in Hive, a column with a type."""

    column: str
    transform: str = "identity"
    argument: int | None = None
    type: Type | None = None
    comment: str | None = None


@dataclass(frozen=True)
class CreateTable(Statement):
    """A statement such as ``CREATE TABLE t (…) LOCATION '…' TBLPROPERTIES (…)``."""

    table: TableName
    external: bool
    if_not_exists: bool
    columns: tuple[ColumnDefinition, ...]
    partitions: tuple[PartitionField, ...]
    comment: str | None
    location: str | None
    properties: tuple[tuple[str, str], ...]
    row_format: tuple[tuple[str, str], ...] = ()
    serde: str | None = None
    stored_as: str | None = None
    output_format: str | None = None
    bucketed_by: tuple[str, ...] = ()
    bucket_count: int = 0


@dataclass(frozen=True)
class CreateDatabase(Statement):
    """A statement such as ``CREATE DATABASE d``."""

    name: str
    if_not_exists: bool
    comment: str | None
    location: str | None
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class AlterDatabase(Statement):
    """A statement such as ``ALTER DATABASE d SET DBPROPERTIES ('a'='b')``."""

    name: str
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DropDatabase(Statement):
    """A statement such as ``DROP DATABASE d CASCADE``."""

    name: str
    if_exists: bool
    cascade: bool


@dataclass(frozen=True)
class DropTable(Statement):
    """A statement such as ``DROP TABLE t``."""

    table: TableName
    if_exists: bool


@dataclass(frozen=True)
class AlterTable(Statement):
    """An ``ALTER TABLE`` statement, where `action` is the suffix of Athena's substatement type."""

    table: TableName
    action: str
    columns: tuple[ColumnDefinition, ...] = ()
    old_name: str = ""
    place: str | None = None
    new_table: TableName = ()
    properties: tuple[tuple[str, str], ...] = ()
    unset: tuple[str, ...] = ()
    partitions: tuple[tuple[PartitionSpec, str | None], ...] = ()
    quiet: bool = False


@dataclass(frozen=True)
class RepairTable(Statement):
    """A statement such as ``MSCK REPAIR TABLE t``."""

    table: TableName


@dataclass(frozen=True)
class Show(Statement):
    """A ``SHOW`` statement, where `what` is the suffix of Athena's substatement type."""

    what: str
    table: TableName = ()
    database: str | None = None
    pattern: str | None = None
    key: str | None = None
    escape: str | None = None


@dataclass(frozen=True)
class Describe(Statement):
    """A ``DESCRIBE`` statement, where `form` is ``FORMATTED``, ``EXTENDED`` or empty."""

    table: TableName
    form: str = ""
