"""Syntax tree nodes for queries and expressions, with the names from Trino's grammar.

Nodes are compared by content, not position, so that ``GROUP BY a + b`` matches ``a + b`` elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from local_lakehouse.sql.failures import Position
from local_lakehouse.sql.types import Type

_START = Position(1, 1)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A part of a statement, with its position and original text."""

    position: Position = field(default=_START, compare=False)
    text: str = field(default="", compare=False)


@dataclass(frozen=True)
class Name:
    """An identifier. Athena's names are case-insensitive."""

    value: str
    quoted: bool = field(default=False, compare=False)

    @property
    def key(self) -> str:
        """The normalized name for comparison and storage."""
        return self.value.lower()


@dataclass(frozen=True)
class Expression(Node):
    """An expression."""


@dataclass(frozen=True)
class Literal(Expression):
    """A constant, with its type name and its text, such as ``integer`` and ``7``. NULL has the type ``null``."""

    kind: str
    value: str


@dataclass(frozen=True)
class TypedLiteral(Expression):
    """A typed constant such as ``DATE '2024-12-17'``."""

    type_name: str
    value: str


@dataclass(frozen=True)
class IntervalLiteral(Expression):
    """An expression such as ``INTERVAL -'1-6' YEAR TO MONTH``."""

    value: str
    negative: bool
    start: str
    end: str | None


@dataclass(frozen=True)
class Parameter(Expression):
    """A ``?`` placeholder."""

    index: int


@dataclass(frozen=True)
class Column(Expression):
    """A name that is used as a value, such as the name of a column or a lambda parameter."""

    name: Name


@dataclass(frozen=True)
class Dereference(Expression):
    """An expression such as ``base.field``, which is a table's column or a row's field."""

    base: Expression
    name: Name


@dataclass(frozen=True)
class Subscript(Expression):
    """An expression such as ``base[index]``."""

    base: Expression
    index: Expression


@dataclass(frozen=True)
class Unary(Expression):
    """An expression such as ``-x`` or ``+x``."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Expression):
    """An arithmetic operation, or a concatenation with ``||``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Comparison(Expression):
    """A comparison with ``=``, ``<>``, ``<``, ``IS DISTINCT FROM`` or a similar operator."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Logical(Expression):
    """Conditions joined by ``AND`` or by ``OR``."""

    operator: str
    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Not(Expression):
    """An expression such as ``NOT x``."""

    operand: Expression


@dataclass(frozen=True)
class IsNull(Expression):
    """An expression such as ``x IS NULL``."""

    operand: Expression


@dataclass(frozen=True)
class Between(Expression):
    """An expression such as ``x BETWEEN low AND high``."""

    operand: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True)
class InList(Expression):
    """An expression such as ``x IN (a, b)``."""

    operand: Expression
    items: tuple[Expression, ...]


@dataclass(frozen=True)
class InQuery(Expression):
    """An expression such as ``x IN (SELECT …)``."""

    operand: Expression
    query: Query


@dataclass(frozen=True)
class Quantified(Expression):
    """An expression such as ``x > ALL (SELECT …)``."""

    operator: str
    quantifier: str
    operand: Expression
    query: Query


@dataclass(frozen=True)
class Like(Expression):
    """An expression such as ``x LIKE pattern ESCAPE c``."""

    operand: Expression
    pattern: Expression
    escape: Expression | None


@dataclass(frozen=True)
class Exists(Expression):
    """An expression such as ``EXISTS (SELECT …)``."""

    query: Query


@dataclass(frozen=True)
class ScalarQuery(Expression):
    """A scalar subquery."""

    query: Query


@dataclass(frozen=True)
class Cast(Expression):
    """A conversion such as ``CAST(x AS type)`` or ``TRY_CAST(x AS type)``."""

    operand: Expression
    target: Type
    safe: bool


@dataclass(frozen=True)
class Extract(Expression):
    """An expression such as ``EXTRACT(field FROM x)``."""

    unit: str
    operand: Expression


@dataclass(frozen=True)
class AtTimeZone(Expression):
    """An expression such as ``x AT TIME ZONE zone``."""

    operand: Expression
    zone: Expression


@dataclass(frozen=True)
class Case(Expression):
    """A ``CASE`` expression with or without an operand."""

    operand: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    default: Expression | None


@dataclass(frozen=True)
class Array(Expression):
    """An expression such as ``ARRAY[a, b]``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Row(Expression):
    """An expression such as ``ROW(a, b)`` or ``(a, b)``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Lambda(Expression):
    """An expression such as ``(x, y) -> x + y``."""

    parameters: tuple[Name, ...]
    body: Expression


@dataclass(frozen=True)
class SortItem(Node):
    """One key of an ``ORDER BY``."""

    key: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class FrameBound(Node):
    """One end of a window's frame, such as ``UNBOUNDED PRECEDING`` or ``2 FOLLOWING``."""

    kind: str
    value: Expression | None


@dataclass(frozen=True)
class Frame(Node):
    """A window frame such as ``ROWS BETWEEN start AND end``."""

    unit: str
    start: FrameBound
    end: FrameBound | None


@dataclass(frozen=True)
class Window(Node):
    """The window after ``OVER``, where `is_reference` distinguishes ``OVER w`` from ``OVER (w)``."""

    base: Name | None
    partition: tuple[Expression, ...]
    order: tuple[SortItem, ...]
    frame: Frame | None
    is_reference: bool = False


@dataclass(frozen=True)
class Call(Expression):
    """A function call."""

    name: str
    arguments: tuple[Expression, ...]
    distinct: bool = False
    order: tuple[SortItem, ...] = ()
    filter: Expression | None = None
    window: Window | None = None
    nulls: str | None = None
    star: bool = False


@dataclass(frozen=True)
class Relation(Node):
    """A relation in ``FROM``."""


@dataclass(frozen=True)
class Table(Relation):
    """A table's name, with the version to read if the query specifies one."""

    name: tuple[Name, ...]
    version_kind: str | None = None
    version: Expression | None = None


@dataclass(frozen=True)
class SubqueryRelation(Relation):
    """A query in parentheses in ``FROM``."""

    query: Query


@dataclass(frozen=True)
class Lateral(Relation):
    """A relation such as ``LATERAL (SELECT …)``."""

    query: Query


@dataclass(frozen=True)
class Unnest(Relation):
    """A relation such as ``UNNEST(a, b) WITH ORDINALITY``."""

    items: tuple[Expression, ...]
    ordinality: bool


@dataclass(frozen=True)
class Sampled(Relation):
    """A sampled relation."""

    relation: Relation
    method: str
    percentage: Expression


@dataclass(frozen=True)
class Aliased(Relation):
    """A relation with an alias."""

    relation: Relation
    alias: Name
    columns: tuple[Name, ...]


@dataclass(frozen=True)
class Join(Relation):
    """A join of two relations, where `kind` is CROSS, INNER, LEFT, RIGHT or FULL."""

    kind: str
    left: Relation
    right: Relation
    condition: Expression | None = None
    using: tuple[Column, ...] = ()


@dataclass(frozen=True)
class SelectItem(Node):
    """One column of a ``SELECT``."""

    expression: Expression
    alias: Name | None


@dataclass(frozen=True)
class AllColumns(Node):
    """All columns, as in ``*``, ``t.*`` or ``(row).* AS (a, b)``."""

    base: Expression | None
    aliases: tuple[Name, ...] = ()


@dataclass(frozen=True)
class GroupingElement(Node):
    """One element of ``GROUP BY``, where `kind` is SIMPLE, ROLLUP, CUBE or SETS."""

    kind: str
    sets: tuple[tuple[Expression, ...], ...]


@dataclass(frozen=True)
class GroupBy(Node):
    """A ``GROUP BY`` clause."""

    elements: tuple[GroupingElement, ...]
    distinct: bool


@dataclass(frozen=True)
class Body(Node):
    """The body of a query."""


@dataclass(frozen=True)
class Select(Body):
    """A query body such as ``SELECT … FROM … WHERE … GROUP BY … HAVING …``."""

    items: tuple[SelectItem | AllColumns, ...]
    distinct: bool
    source: Relation | None
    where: Expression | None
    group: GroupBy | None
    having: Expression | None
    windows: tuple[tuple[Name, Window], ...]


@dataclass(frozen=True)
class SetOperation(Body):
    """A ``UNION``, ``INTERSECT`` or ``EXCEPT`` of two query bodies."""

    operator: str
    distinct: bool
    left: Body
    right: Body


@dataclass(frozen=True)
class Values(Body):
    """A query body such as ``VALUES (1, 2), (3, 4)``."""

    rows: tuple[Expression, ...]


@dataclass(frozen=True)
class TableBody(Body):
    """A query body such as ``TABLE t``."""

    table: Table


@dataclass(frozen=True)
class NestedQuery(Body):
    """A query in parentheses inside another query."""

    query: Query


@dataclass(frozen=True)
class CommonTable(Node):
    """One common table expression of a ``WITH`` clause."""

    name: Name
    columns: tuple[Name, ...]
    query: Query


@dataclass(frozen=True)
class Query(Node):
    """A complete query."""

    body: Body
    recursive: bool = False
    common: tuple[CommonTable, ...] = ()
    order: tuple[SortItem, ...] = ()
    offset: Expression | None = None
    limit: Expression | None = None
    with_ties: bool = False
