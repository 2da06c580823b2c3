"""The nodes of statements, except queries."""

from __future__ import annotations

from dataclasses import dataclass

from local_lakehouse.sql.failures import Position
from local_lakehouse.sql.grammar.tree import Expression, Name, Node, Query, Relation
from local_lakehouse.sql.types import Type

TableName = tuple[Name, ...]


@dataclass(frozen=True)
class Statement(Node):
    """A statement."""


@dataclass(frozen=True)
class Select(Statement):
    """A query by itself."""

    query: Query


@dataclass(frozen=True)
class Explain(Statement):
    """``EXPLAIN`` or ``EXPLAIN ANALYZE``."""

    statement: Statement
    analyze: bool
    format: str
    kind: str


@dataclass(frozen=True)
class Insert(Statement):
    """``INSERT INTO t (a, b) SELECT …``."""

    table: TableName
    table_position: Position
    columns: tuple[Name, ...]
    query: Query


@dataclass(frozen=True)
class Assignment(Node):
    """``a = expression``."""

    column: Name
    value: Expression


@dataclass(frozen=True)
class Update(Statement):
    """``UPDATE t SET a = 1 WHERE …``."""

    table: TableName
    table_position: Position
    assignments: tuple[Assignment, ...]
    where: Expression | None


@dataclass(frozen=True)
class Delete(Statement):
    """``DELETE FROM t WHERE …``."""

    table: TableName
    table_position: Position
    where: Expression | None


@dataclass(frozen=True)
class MergeCase(Node):
    """One ``WHEN`` of a ``MERGE``; `action` is UPDATE, DELETE or INSERT."""

    matched: bool
    condition: Expression | None
    action: str
    assignments: tuple[Assignment, ...] = ()
    columns: tuple[Name, ...] = ()
    values: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Merge(Statement):
    """``MERGE INTO t USING s ON … WHEN …``."""

    table: TableName
    table_position: Position
    alias: Name | None
    source: Relation
    condition: Expression
    cases: tuple[MergeCase, ...]


@dataclass(frozen=True)
class Property(Node):
    """``name = value`` in ``WITH (…)``."""

    name: str
    value: Expression


@dataclass(frozen=True)
class CreateTableAs(Statement):
    """``CREATE TABLE t WITH (…) AS SELECT …``."""

    table: TableName
    if_not_exists: bool
    properties: tuple[Property, ...]
    query: Query
    with_data: bool
    columns: tuple[Name, ...] = ()
    comment: str | None = None


@dataclass(frozen=True)
class CreateView(Statement):
    """``CREATE OR REPLACE VIEW v AS SELECT …``."""

    view: TableName
    replace: bool
    query: Query


@dataclass(frozen=True)
class DropView(Statement):
    """``DROP VIEW IF EXISTS v``."""

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
    """``PREPARE name FROM …``."""

    name: str
    sql: str


@dataclass(frozen=True)
class Execute(Statement):
    """``EXECUTE name USING …``."""

    name: str
    parameters: tuple[Expression, ...]


@dataclass(frozen=True)
class Deallocate(Statement):
    """``DEALLOCATE PREPARE name``."""

    name: str


@dataclass(frozen=True)
class Optimize(Statement):
    """``OPTIMIZE t REWRITE DATA USING BIN_PACK WHERE …``."""

    table: TableName
    table_position: Position
    where: Expression | None


@dataclass(frozen=True)
class Vacuum(Statement):
    """``VACUUM t``."""

    table: TableName


@dataclass(frozen=True)
class ColumnDefinition(Node):
    """A column of ``CREATE TABLE``."""

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
    """``CREATE TABLE t (…) LOCATION '…' TBLPROPERTIES (…)``."""

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


@dataclass(frozen=True)
class CreateDatabase(Statement):
    """``CREATE DATABASE d``."""

    name: str
    if_not_exists: bool
    comment: str | None
    location: str | None
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DropDatabase(Statement):
    """``DROP DATABASE d CASCADE``."""

    name: str
    if_exists: bool
    cascade: bool


@dataclass(frozen=True)
class DropTable(Statement):
    """``DROP TABLE t``."""

    table: TableName
    if_exists: bool


@dataclass(frozen=True)
class AlterTable(Statement):
    """``ALTER TABLE t`` with its action; `action` is the suffix of Athena's sub-statement type."""

    table: TableName
    action: str
    columns: tuple[ColumnDefinition, ...] = ()
    old_name: str = ""
    place: str | None = None
    new_table: TableName = ()
    properties: tuple[tuple[str, str], ...] = ()
    unset: tuple[str, ...] = ()
    partitions: tuple[tuple[tuple[tuple[str, str], ...], str | None], ...] = ()
    quiet: bool = False


@dataclass(frozen=True)
class RepairTable(Statement):
    """``MSCK REPAIR TABLE t``."""

    table: TableName


@dataclass(frozen=True)
class Show(Statement):
    """``SHOW …``; `what` is the suffix of Athena's sub-statement type."""

    what: str
    table: TableName = ()
    database: str | None = None
    pattern: str | None = None
    key: str | None = None
    escape: str | None = None


@dataclass(frozen=True)
class Describe(Statement):
    """``DESCRIBE t``, or with `form` ``DESCRIBE FORMATTED t`` or ``DESCRIBE EXTENDED t``."""

    table: TableName
    form: str = ""
