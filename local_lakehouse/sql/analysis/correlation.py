"""Checks that reject correlated queries that DuckDB can run but Trino cannot plan.

Trino turns a correlated query into a join. It moves the ``WHERE`` conditions that refer to the outer query into the
join, and does not change the other clauses. Therefore, only these conditions, and expressions that are evaluated after
an aggregation, can refer to the outer query. If the correlated query has a limit, or a ``GROUP BY`` inside ``EXISTS``,
each of its own columns in these conditions must be a grouping key or equal a value of the outer query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from local_lakehouse.sql.analysis.calls_in import aggregates_in
from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import Facts, Fragment, Typed
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.types import Type, common_type


@dataclass(frozen=True)
class Inner:
    """A ``SELECT`` inside another query, with the facts that the checks need.

    Args:
        node: The ``SELECT``.
        query: The query, including any ``ORDER BY`` and ``LIMIT``.
        scope: The names that are visible in the subquery.
        source: The facts about the subquery's relations, excluding their columns.
        terms: The conditions joined by ``AND`` in the subquery's ``WHERE``, with both sides of each equality.
        outputs: The columns of the subquery's result.
        keys: The keys of the subquery's ``ORDER BY``.
        aggregated: The columns in the subquery's grouping keys and aggregate arguments.
        windows: Whether the subquery has window functions.
        use: ``EXISTS`` or ``IN`` if the subquery is an operand of that operator, or else an empty string.
    """

    node: tree.Select
    query: tree.Query | None
    scope: Scope
    source: Facts
    terms: Sequence[tuple[Typed, tuple[Typed, Typed] | None]]
    outputs: Sequence[Typed]
    keys: Sequence[Fragment]
    aggregated: Facts
    windows: bool
    use: str

    @property
    def position(self) -> Position:
        """The subquery's position in the statement."""
        return self.node.position if self.query is None else self.query.position


def outer_reads(scope: Scope | None) -> frozenset[str]:
    """Return the columns of all enclosing queries."""
    reads: frozenset[str] = frozenset()
    while scope is not None:
        reads = reads.union(*(field.facts.reads for field in scope.fields))
        scope = scope.parent
    return reads


def conjuncts(where: tree.Expression | None) -> Iterator[tree.Expression]:
    """Split a condition at each ``AND``, and yield the parts."""
    if isinstance(where, tree.Logical) and where.operator == "AND":
        for term in where.terms:
            yield from conjuncts(term)
    elif where is not None:
        yield where


def check_uncorrelated(facts: Facts, outer: Scope | None, position: Position) -> None:
    """Reject a set operation or ``VALUES`` that refers to an outer query.

    Raises:
        QueryFailure: Trino does not support the query (``NOT_SUPPORTED``).
    """
    if facts.reads & outer_reads(outer):
        raise _refused(position)


def check_correlated(select: Inner) -> None:
    """Reject a correlated query that Trino cannot turn into a join.

    Raises:
        QueryFailure: Trino does not support the query (``NOT_SUPPORTED``).
    """
    outer = outer_reads(select.scope.parent)
    if not outer or select.node.source is None:
        return
    grouped = select.scope.grouping is not None
    unnested = _is_unnest(select.node.source)
    _check_lists(select, outer, grouped=grouped, unnested=unnested)
    correlated = [(term, sides) for term, sides in select.terms if term.facts.reads & outer]
    if not unnested and isinstance(_plain(select.node.source), tree.Join) and select.source.reads & outer:
        raise _refused(select.position)
    if select.windows and (correlated or select.source.reads & outer):
        raise _refused(select.position)
    if not correlated:
        return
    inner = frozenset[str]().union(*(field.facts.reads for field in select.scope.fields))
    constant = {side for _, sides in correlated if sides and (side := _equated(sides, inner, outer))}
    free = {name for term, _ in correlated for name in term.facts.reads & inner} - constant
    limited = select.query is not None and select.query.limit is not None
    if select.use == "IN" and (grouped or limited or select.node.distinct):
        raise _refused(select.position)
    if select.node.group is not None:
        _check_groups(select, constant, free, limited=limited)
    elif limited and not grouped:
        _check_limit(select, inner, constant, free)


def _check_lists(select: Inner, outer: frozenset[str], *, grouped: bool, unnested: bool) -> None:
    """Check the clauses other than ``WHERE`` for references to the outer query."""
    if any(key.facts.reads & outer for key in select.keys) and select.query is not None and select.query.limit:
        raise _refused(select.position)
    if select.aggregated.reads & outer:
        raise _refused(select.position)
    inner = frozenset[str]().union(*(field.facts.reads for field in select.scope.fields))
    alone = _is_single_row(select.node.source) and not any(value.facts.reads & inner for value in select.outputs)
    written = grouped or unnested or alone or select.use == "EXISTS"
    if not written and any(value.facts.reads & outer for value in select.outputs):
        raise _refused(select.position)
    if unnested and grouped and all(call.filter for call in _aggregates(select.node)) and _aggregates(select.node):
        raise _refused(select.position)


def _check_groups(select: Inner, constant: set[str], free: set[str], *, limited: bool) -> None:
    """Check the ``GROUP BY`` of a query with correlated conditions.

    If the query has a limit or is used with ``EXISTS`` or ``IN``, each of its columns in the conditions must be a
    grouping key or equal a value of the outer query.
    """
    keys = set(select.scope.grouping.keys) if select.scope.grouping else set()
    elements = select.node.group.elements if select.node.group else ()
    if any(element.kind in ("ROLLUP", "CUBE") or len(element.sets) > 1 for element in elements):
        raise _refused(select.position)
    if (select.use or limited) and free - keys:
        raise _refused(select.position)
    if limited and keys - constant:
        _check_limit(select, keys, constant, set())


def _check_limit(select: Inner, inner: AbstractSet[str], constant: set[str], free: set[str]) -> None:
    query = select.query
    if query is None or query.with_ties or free:
        raise _refused(select.position)
    single = isinstance(query.limit, tree.Literal) and query.limit.value == "1"
    varying = [
        value
        for value in select.outputs
        if (value.facts.reads & inner or value.facts.rows) and value.sql not in constant
    ]
    if single and varying and not select.keys:
        raise _refused(select.position)


def _equated(sides: tuple[Typed, Typed], inner: frozenset[str], outer: frozenset[str]) -> str | None:
    """Return the column that an equality makes constant for each outer row, or None if there is no such column."""
    for mine, its in (sides, sides[::-1]):
        if mine.sql in inner and its.facts.reads <= outer and _is_injective(mine.type, its.type):
            return mine.sql
    return None


def _is_injective(source: Type, other: Type) -> bool:
    """Return whether distinct values remain distinct when they are converted to another type for a comparison."""
    common = common_type(source, other)
    if common is None or common == source:
        return common is not None
    if common.name == "double":
        return source.name != "bigint" and not (source.name == "decimal" and source.precision > 15)
    if common.name == "real":
        return source.name not in ("bigint", "integer") and not (source.name == "decimal" and source.precision > 7)
    return not (common.name.startswith("time") and common.name.endswith("with time zone"))


def _plain(node: tree.Relation) -> tree.Relation:
    return node.relation if isinstance(node, tree.Aliased) else node


def _is_unnest(node: tree.Relation) -> bool:
    """Return whether a relation consists of ``UNNEST``, optionally joined with a single row of constants."""
    node = _plain(node)
    if isinstance(node, tree.Join):
        return _is_single_row(node.left) and isinstance(_plain(node.right), tree.Unnest)
    if isinstance(node, tree.SubqueryRelation) and isinstance(node.query.body, tree.Select):
        source = node.query.body.source
        return source is not None and _is_unnest(source)
    return isinstance(node, tree.Unnest)


def _is_single_row(relation: tree.Relation | None) -> bool:
    node = None if relation is None else _plain(relation)
    body = node.query.body if isinstance(node, tree.SubqueryRelation) else None
    return isinstance(body, tree.Values) and len(body.rows) == 1


def _aggregates(node: tree.Select) -> list[tree.Call]:
    return aggregates_in(tuple(item.expression for item in node.items if isinstance(item, tree.SelectItem)))


def _refused(position: Position) -> QueryFailure:
    return QueryFailure("NOT_SUPPORTED", "Given correlated subquery is not supported", position)
