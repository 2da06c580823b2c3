"""Correlated queries that Trino cannot plan: they are refused, although DuckDB could run them.

Trino turns a correlated query into a join. It cannot when a limit stands above a condition other than an equality with
the outer query, when the order of a limit depends on the outer query, when a single row is wanted of several that
differ, or when the outer query is read below a set operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local_lakehouse.sql.analysis.scope import Scope
from local_lakehouse.sql.analysis.typed import Facts, Fragment, Typed
from local_lakehouse.sql.failures import Position, QueryFailure
from local_lakehouse.sql.grammar import tree


@dataclass(frozen=True)
class Limited:
    """A ``SELECT`` with a limit, taken apart.

    Args:
        query: The query with its ``ORDER BY`` and ``LIMIT``.
        scope: The names that it sees.
        terms: The terms of its ``WHERE``, each with the two sides of an equality if it is one.
        outputs: The columns of its result.
        keys: The keys of its ``ORDER BY``.
        single: Whether it is one row anyway: an aggregation without groups.
    """

    query: tree.Query
    scope: Scope
    terms: Sequence[tuple[Typed, tuple[Typed, Typed] | None]]
    outputs: Sequence[Typed]
    keys: Sequence[Fragment]
    single: bool


def outer_reads(scope: Scope | None) -> frozenset[str]:
    """Return the columns of all queries around a place."""
    reads: frozenset[str] = frozenset()
    while scope is not None:
        reads = reads.union(*(field.facts.reads for field in scope.fields))
        scope = scope.parent
    return reads


def conjuncts(where: tree.Expression | None) -> Iterator[tree.Expression]:
    """Walk over the terms that ``AND`` joins."""
    if isinstance(where, tree.Logical) and where.operator == "AND":
        for term in where.terms:
            yield from conjuncts(term)
    elif where is not None:
        yield where


def check_set_operation(facts: Facts, outer: Scope | None, position: Position) -> None:
    """Refuse a set operation that reads an outer query.

    Raises:
        QueryFailure: ``NOT_SUPPORTED``, in Trino's words.
    """
    if facts.reads & outer_reads(outer):
        raise _refused(position)


def check_limited(select: Limited) -> None:
    """Refuse a limit over a correlated query that Trino cannot turn into a join.

    Raises:
        QueryFailure: ``NOT_SUPPORTED``, in Trino's words.
    """
    outer = outer_reads(select.scope.parent)
    position = select.query.position
    correlated = [(term, sides) for term, sides in select.terms if term.facts.reads & outer]
    if any(key.facts.reads & outer for key in select.keys):
        raise _refused(position)
    if not correlated or select.single:
        return
    if select.query.with_ties:
        raise _refused(position)
    inner = frozenset[str]().union(*(field.facts.reads for field in select.scope.fields))
    constant: set[str] = set()
    for term, sides in correlated:
        if not term.facts.reads & inner:
            continue
        equated = None if sides is None else _equated(sides, outer)
        if equated is None:
            raise _refused(position)
        constant.add(equated)
    limit = select.query.limit
    one = isinstance(limit, tree.Literal) and limit.value == "1"
    varying = [
        value
        for value in select.outputs
        if (value.facts.reads & inner or value.facts.rows) and value.sql not in constant
    ]
    if one and varying and not select.keys:
        raise _refused(position)


def _equated(sides: tuple[Typed, Typed], outer: frozenset[str]) -> str | None:
    """Return the side of an equality that reads no outer query, if the other reads nothing else."""
    for mine, its in (sides, sides[::-1]):
        if not mine.facts.reads & outer and its.facts.reads <= outer:
            return mine.sql
    return None


def _refused(position: Position) -> QueryFailure:
    return QueryFailure("NOT_SUPPORTED", "Given correlated subquery is not supported", position)
