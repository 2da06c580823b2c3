"""Analysis of relations in ``FROM``."""

# ruff: noqa: S608 - This module builds SQL from analyzed parts, never from a caller's text.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.calls_in import parts_in
from local_lakehouse.sql.analysis.comparisons import compare
from local_lakehouse.sql.analysis.compiled import Compiled, OutputColumn
from local_lakehouse.sql.analysis.correlation import conjuncts
from local_lakehouse.sql.analysis.derived import Derived, Elements
from local_lakehouse.sql.analysis.scope import Field, Scope
from local_lakehouse.sql.analysis.session import Source, View
from local_lakehouse.sql.analysis.typed import NOTHING, Facts, coerce, coerce_sql, union
from local_lakehouse.sql.analysis.versions import version_of
from local_lakehouse.sql.analysis.views import of_view, staleness
from local_lakehouse.sql.failures import QueryFailure, not_offered
from local_lakehouse.sql.grammar import tree
from local_lakehouse.sql.types import Type

if TYPE_CHECKING:
    from local_lakehouse.sql.analysis.analysis import Analysis


@dataclass(frozen=True)
class From:
    """An analyzed relation.

    Args:
        source: The relation as DuckDB SQL or as a subquery.
        fields: The relation's columns.
        facts: The facts about the relation, excluding its columns.
        alias: The relation's alias in DuckDB, or None for a join, whose columns belong to several relations.
    """

    source: str | Derived
    fields: list[Field]
    facts: Facts
    alias: str | None = None

    @property
    def sql(self) -> str:
        """The relation's SQL for a DuckDB ``FROM`` clause."""
        return self.source if isinstance(self.source, str) else self.source.sql


class Relations:
    """The relation analyzer.

    Args:
        analysis: The analysis of the statement.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._views: list[tuple[str, ...]] = []
        self._handlers: dict[type, Callable[[Any, Scope | None, list[Field]], From]] = {
            tree.Table: self._table,
            tree.SubqueryRelation: self._subquery_relation,
            tree.Lateral: self._lateral,
            tree.Unnest: self._unnest,
            tree.Sampled: self._sampled,
            tree.Aliased: self._aliased,
            tree.Join: self._join,
        }

    def relation(self, node: tree.Relation, scope: Scope | None, left: list[Field]) -> From:
        """Analyze a relation.

        Args:
            node: The relation.
            scope: The enclosing scope.
            left: The columns of the relations to the left, which ``UNNEST`` and ``LATERAL`` can read.
        """
        return self._handlers[type(node)](node, scope, left)

    def _table(self, node: tree.Table, _scope: Scope | None, _left: list[Field]) -> From:
        names = tuple(name.key for name in node.name)
        if len(names) == 1 and node.version_kind is None:
            for level in reversed(self._analysis.common):
                if names[0] in level:
                    return self._from_compiled(level[names[0]], names)
        version = version_of(self._analysis, node)
        found = self._analysis.session.catalog.resolve(names, self._analysis.session.database, version, node.position)
        if isinstance(found, View):
            return self._view(found, node)
        return self._from_source(found)

    def _from_source(self, source: Source) -> From:
        name = self._analysis.fresh("r")
        self._analysis.sources[name] = source
        columns = [
            _field(source.names, column.name, column.type, f"{name}.{column.sql}", hidden=column.hidden)
            for column in source.columns
        ]
        return From(f"{source.relation} AS {name}", columns, NOTHING, name)

    def _view(self, view: View, node: tree.Table) -> From:
        if view.names == self._analysis.session.replaced:
            raise QueryFailure("VIEW_IS_RECURSIVE", "Statement would create a recursive view", node.position)
        if view.names in self._views:
            raise QueryFailure("VIEW_IS_RECURSIVE", "View is recursive", node.position)
        outer, self._analysis.common = self._analysis.common, []
        database, self._analysis.session.database = self._analysis.session.database, view.database
        self._views.append(view.names)
        try:
            compiled = self._analysis.query(view.query, None)
        except QueryFailure as failure:
            raise of_view(failure, view, node.position) from failure
        finally:
            self._analysis.common, self._analysis.session.database = outer, database
            self._views.pop()
        problem = staleness(compiled.columns, view)
        if problem is not None:
            raise QueryFailure(
                "VIEW_IS_STALE",
                f"View '{'.'.join(view.names)}' is stale or in invalid state: {problem}",
                node.position,
            )
        columns = tuple(OutputColumn(name, type_) for name, type_ in view.columns)
        casts = ", ".join(
            f"{coerce_sql(f'w.c{index}', mine.type, its.type)} AS c{index}"
            for index, (mine, its) in enumerate(zip(compiled.columns, columns, strict=False))
        )
        return self._from_compiled(
            compiled.rewritten(f"SELECT {casts} FROM ({compiled.sql}) AS w", columns), view.names
        )

    def _from_compiled(
        self,
        compiled: Compiled,
        qualifier: tuple[str, ...],
        *,
        lateral: bool = False,
        elements: Elements | None = None,
    ) -> From:
        name = self._analysis.fresh("r")
        fields = [
            replace(_field(qualifier, column.name, column.type, f"{name}.c{index}"), limit=column.limit)
            for index, column in enumerate(compiled.columns)
        ]
        source = Derived(compiled.sql, name, len(compiled.columns), lateral, elements)
        return From(source, fields, compiled.facts, name)

    def _subquery_relation(self, node: tree.SubqueryRelation, scope: Scope | None, _: list[Field]) -> From:
        around = scope.used_as("") if scope is not None else None
        return self._from_compiled(self._analysis.query(node.query, around), ())

    def _lateral(self, node: tree.Lateral, scope: Scope | None, left: list[Field]) -> From:
        return self._from_compiled(self._analysis.query(node.query, Scope(left, scope)), (), lateral=True)

    def _unnest(self, node: tree.Unnest, scope: Scope | None, left: list[Field], *, rows: bool = False) -> From:
        visible = Scope(left, scope, clause="UNNEST")
        inner, facts = self._analysis.fresh("u"), NOTHING
        outer: list[tuple[str, Type, str | None]] = []
        lists: list[str] = []
        lengths: list[str] = []
        for item in node.items:
            value = self._analysis.expression(item, visible)
            facts |= value.facts
            column = f"{inner}e{len(lists)}"
            if value.type.name == "map":
                lists += [f"map_keys({value.sql})", f"map_values({value.sql})"]
                outer += [(column, value.type.key, None), (f"{inner}e{len(lists) - 1}", value.type.value, None)]
            elif value.type.name == "array":
                lists.append(value.sql)
                outer += [(column, value.type.element, None)] if rows else _unnested(column, value.type.element)
            else:
                raise QueryFailure("INVALID_FUNCTION_ARGUMENT", f"Cannot unnest type: {value.type}", item.position)
            lengths.append(f"coalesce(len({lists[-1]}), 0)")
        longest = f"greatest({', '.join(lengths)})" if len(lengths) > 1 else lengths[0]
        if node.ordinality:
            outer.append((f"{inner}e{len(lists)}", types.BIGINT, None))
            lists.append(f"range(1, {longest} + 1)")
        columns = tuple(OutputColumn(name, type_) for _, type_, name in outer)
        elements = Elements(inner, tuple(lists), tuple(sql for sql, _, _ in outer), longest)
        return self._from_compiled(Compiled(elements.body, columns, facts), (), lateral=True, elements=elements)

    def _sampled(self, node: tree.Sampled, scope: Scope | None, left: list[Field]) -> From:
        relation = self.relation(node.relation, scope, left)
        percentage = self._analysis.expression(node.percentage, Scope(clause="TABLESAMPLE"))
        if percentage.literal is None or not types.is_numeric(percentage.type):
            raise QueryFailure("NOT_SUPPORTED", "The TABLESAMPLE percentage must be a number", node.position)
        if not 0 <= float(percentage.literal) <= 100:
            raise QueryFailure(
                "NUMERIC_VALUE_OUT_OF_RANGE", "Sample percentage must be between 0 and 100", node.position
            )
        source = relation.source
        if isinstance(source, Derived) and source.lateral:
            if any(field.facts.reads & relation.facts.reads for field in left):
                raise not_offered("TABLESAMPLE for a relation that refers to the left side of its join", node.position)
            relation = replace(relation, source=source.independent())
        sampled = f"{relation.sql} TABLESAMPLE bernoulli({float(percentage.literal)}%)"
        return replace(relation, source=sampled, facts=replace(relation.facts, volatile=True))

    def _named(self, node: tree.Aliased, scope: Scope | None, left: list[Field]) -> From:
        """Analyze the relation that an alias renames.

        For an array of rows, Trino's ``UNNEST`` creates one column per field. The AWS documentation also shows one name
        for the whole row: https://docs.aws.amazon.com/athena/latest/ug/filtering-with-dot.html
        """
        unnest = node.relation
        if isinstance(unnest, tree.Unnest) and node.columns:
            whole = self._unnest(unnest, scope, left, rows=True)
            if len(whole.fields) == len(node.columns):
                expanded = self._unnest(unnest, scope, left)
                return expanded if len(expanded.fields) == len(node.columns) else whole
        return self.relation(node.relation, scope, left)

    def _aliased(self, node: tree.Aliased, scope: Scope | None, left: list[Field]) -> From:
        relation = self._named(node, scope, left)
        visible = [field for field in relation.fields if not field.hidden]
        if node.columns and len(node.columns) != len(visible):
            raise QueryFailure(
                "MISMATCHED_COLUMN_ALIASES",
                f"Column alias list has {len(node.columns)} entries but '{node.alias.value}' has "
                f"{len(visible)} columns "
                "available",
                node.position,
            )
        names: list[str | None] = [name.value for name in node.columns] or [field.name for field in visible]
        qualifier = (node.alias.key,)
        fields = [replace(field, qualifier=qualifier, name=name) for name, field in zip(names, visible, strict=False)]
        hidden = [] if node.columns else [field for field in relation.fields if field.hidden]
        fields += [replace(field, qualifier=qualifier) for field in hidden]
        return replace(relation, fields=fields)

    def _join(self, node: tree.Join, scope: Scope | None, left: list[Field]) -> From:
        first = self.relation(node.left, scope, left)
        second = self.relation(node.right, scope, [*left, *first.fields])
        if node.kind == "CROSS":
            sql = f"{first.sql} CROSS JOIN {nested(node.right, second)}"
            joined = From(sql, [*first.fields, *second.fields], first.facts | second.facts)
            return self._with_elements(first, second) or joined
        if node.using:
            return self._using(node, first, second)
        second = self._lateral_side(node, first, second)
        outer_join = node.kind != "INNER"
        visible = Scope([*first.fields, *second.fields], scope, clause="JOIN clause", closed=outer_join)
        if outer_join:
            self._check_outer_condition(node, first, visible)
        condition = (
            self._analysis.expressions.filter(node.condition, visible, "JOIN ON clause") if node.condition else None
        )
        facts = union(first.facts, second.facts, condition.facts if condition else NOTHING)
        if isinstance(second.source, Derived) and second.source.elements is not None:
            # UNNEST is joined only ON TRUE, so a cross join with padding is equivalent. DuckDB's outer join would
            # reverse the rows.
            side = second.source.with_padding() if node.kind == "LEFT" else second.source
            second = replace(second, source=side or second.source)
            if node.kind in ("INNER", "LEFT"):
                joined = From(f"{first.sql} CROSS JOIN {second.sql}", [*first.fields, *second.fields], facts)
                return self._with_elements(first, second) or joined
        sql = self._joined(node, first, second, condition.sql if condition else "TRUE")
        return From(sql, [*first.fields, *second.fields], facts)

    def _with_elements(self, first: From, second: From) -> From | None:
        """Return a relation joined with the elements of its lists, or None if the right side reads anything else.

        This avoids a lateral join, because DuckDB pushes a filter on a column of a lateral subquery into that subquery.
        The join would then hash all rows of the left side, and return the elements of each list in reverse order.
        """
        side = second.source
        if not isinstance(side, Derived) or side.elements is None:
            return None
        mine = frozenset[str]().union(*(field.facts.tables for field in first.fields))
        # Each relation of a join becomes a single column. DuckDB computes the whole column even if some parts of it are
        # not read.
        reads, volatile = second.facts.tables, second.facts.volatile
        if not (reads or volatile) or not reads <= mine or (first.alias is None and first.facts.fails):
            return None
        alias = first.alias or self._analysis.fresh("r")
        kept = [f"{first.alias}.*"] if first.alias else sorted(mine)
        sql = side.elements.beside(first.sql, kept, alias, side.name)
        return From(sql, [*first.fields, *second.fields], first.facts | second.facts, alias)

    def _joined(self, node: tree.Join, first: From, second: From, on: str) -> str:
        side = second.source
        if isinstance(side, Derived) and node.kind == "LEFT" and side.lateral and on != "TRUE":
            # In the condition of a lateral join, DuckDB 1.5.1 supports only comparisons between the two sides.
            return f"{first.sql} LEFT JOIN {side.filtered(on).sql} ON TRUE"
        return f"{first.sql} {node.kind} JOIN {nested(node.right, second)} ON {on}"

    def _check_outer_condition(self, node: tree.Join, first: From, visible: Scope) -> None:
        """Reject a comparison of a subquery with an operand that reads both sides of an outer join.

        Trino cannot plan such a comparison with ``IN``, ``ALL`` or ``ANY`` in the join condition.
        """
        left = frozenset[str]().union(*(field.facts.reads for field in first.fields))
        for term in conjuncts(node.condition):
            for part in parts_in(term):
                if not isinstance(part, tree.InQuery | tree.Quantified):
                    continue
                reads = self._analysis.expression(part.operand, visible).facts.reads
                if reads & left and reads - left:
                    raise QueryFailure(
                        "NOT_SUPPORTED",
                        f"Comparing columns from both sides with a subquery is not supported in the condition of a "
                        f"{node.kind} JOIN: {part.text}",
                        part.position,
                    )

    def _lateral_side(self, node: tree.Join, first: From, second: From) -> From:
        """Apply Trino's checks to ``UNNEST`` or ``LATERAL``.

        ``LATERAL`` is removed from a relation that does not refer to the left side.
        """
        side = node.right.relation if isinstance(node.right, tree.Aliased) else node.right
        if not isinstance(side, tree.Unnest | tree.Lateral):
            return second
        reads_left = any(field.facts.reads & second.facts.reads for field in first.fields)
        if reads_left and node.kind in ("RIGHT", "FULL"):
            raise QueryFailure(
                "INVALID_COLUMN_REFERENCE", f"LATERAL reference not allowed in {node.kind} JOIN", side.position
            )
        always = isinstance(node.condition, tree.Literal) and node.condition.value.lower() == "true"
        # Trino pads every row of the left side separately, so its RIGHT JOIN has a different result from an ordinary
        # join.
        if not always and (isinstance(side, tree.Unnest) or node.kind in ("RIGHT", "FULL")):
            kind = "UNNEST" if isinstance(side, tree.Unnest) else "LATERAL relation"
            raise QueryFailure(
                "NOT_SUPPORTED",
                f"{node.kind} JOIN involving {kind} is only supported with condition ON TRUE",
                node.condition.position if node.condition else node.position,
            )
        if reads_left or not isinstance(second.source, Derived):
            return second
        return replace(second, source=second.source.independent())

    def _using(self, node: tree.Join, first: From, second: From) -> From:
        conditions, merged, used, facts = [], [], [], first.facts | second.facts
        named: set[str] = set()
        for column in node.using:
            if column.name.key in named:
                raise QueryFailure(
                    "DUPLICATE_COLUMN_NAME",
                    f"Column '{column.name.value}' appears multiple times in USING clause",
                    column.position,
                )
            named.add(column.name.key)
            mine, its = (self._using_column(column, side) for side in (first, second))
            used += [mine, its]
            equal = compare("=", mine.value, its.value, column.position)
            facts |= equal.facts
            conditions.append(equal.sql)
            common = types.common_type(mine.type, its.type) or mine.type
            sides = [coerce(side.value, common).sql for side in (mine, its)]
            value = {"RIGHT": sides[1], "FULL": f"coalesce({sides[0]}, {sides[1]})"}.get(node.kind, sides[0])
            merged.append(Field((), column.name.value, common, value, mine.facts | its.facts))
        rest = [field for field in (*first.fields, *second.fields) if field not in used]
        sql = f"{first.sql} {node.kind} JOIN {nested(node.right, second)} ON {' AND '.join(conditions)}"
        return From(sql, [*merged, *rest], facts)

    def _using_column(self, column: tree.Column, side: From) -> Field:
        found = Scope(side.fields).resolve((column.name.key,), column.position)
        if found is None:
            raise QueryFailure(
                "COLUMN_NOT_FOUND",
                f"Column '{column.name.value}' is missing from one side of the join",
                column.position,
            )
        return found[0]


def _field(qualifier: tuple[str, ...], name: str | None, type_: Type, sql: str, *, hidden: bool = False) -> Field:
    return Field(qualifier, name, type_, sql, Facts(frozenset([sql])), hidden)


def nested(node: tree.Relation, relation: From) -> str:
    """Return the SQL for a relation as the right side of a join."""
    while isinstance(node, tree.Aliased):
        node = node.relation
    # DuckDB 1.5.1 does not accept a subquery in additional parentheses.
    return f"({relation.sql})" if isinstance(node, tree.Join) and relation.alias is None else relation.sql


def _unnested(column: str, element: Type) -> list[tuple[str, Type, str | None]]:
    if element.name != "row":
        return [(column, element, None)]
    named = zip(element.children, element.fields, strict=True)
    return [(f"({column}).f{index}", child, name) for index, (child, name) in enumerate(named)]
