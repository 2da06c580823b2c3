"""The analyzers for a statement's parts, and their shared state."""

from __future__ import annotations

import itertools
from dataclasses import replace

from local_lakehouse.sql.analysis.aggregation import Aggregates
from local_lakehouse.sql.analysis.calls import Calls
from local_lakehouse.sql.analysis.common_tables import CommonTables
from local_lakehouse.sql.analysis.compiled import Compiled
from local_lakehouse.sql.analysis.expressions import Expressions
from local_lakehouse.sql.analysis.groups import Groups
from local_lakehouse.sql.analysis.json_calls import JsonCalls
from local_lakehouse.sql.analysis.names import Names
from local_lakehouse.sql.analysis.ordering import Ordering
from local_lakehouse.sql.analysis.queries import Queries
from local_lakehouse.sql.analysis.relations import From, Relations
from local_lakehouse.sql.analysis.scope import Field, Scope
from local_lakehouse.sql.analysis.selects import Selects
from local_lakehouse.sql.analysis.session import Session, Source
from local_lakehouse.sql.analysis.sets import Sets
from local_lakehouse.sql.analysis.special_forms import SpecialForms
from local_lakehouse.sql.analysis.subqueries import Subqueries
from local_lakehouse.sql.analysis.typed import Facts, Typed
from local_lakehouse.sql.analysis.windows import Windows
from local_lakehouse.sql.grammar import tree


class Analysis:
    """The analysis of one statement.

    Args:
        session: The environment of the statement.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.common: list[dict[str, Compiled]] = []
        self.sources: dict[str, Source] = {}
        self._numbers = itertools.count(1)
        self.names = Names(self)
        self.subqueries = Subqueries(self)
        self.json = JsonCalls(self)
        self.calls = Calls(self)
        self.forms = SpecialForms(self)
        self.aggregates = Aggregates(self)
        self.windows = Windows(self)
        self.ordering = Ordering(self)
        self.expressions = Expressions(self)
        self.relations = Relations(self)
        self.selects = Selects(self)
        self.groups = Groups(self)
        self.common_tables = CommonTables(self)
        self.sets = Sets(self)
        self.queries = Queries(self)

    def fresh(self, prefix: str) -> str:
        """Return a name that is unique in the statement."""
        return f"{prefix}{next(self._numbers)}"

    def scans(self, facts: Facts) -> dict[str, frozenset[str]]:
        """Return the columns to read from each table. All names are DuckDB names."""
        read: dict[str, set[str]] = {}
        for name in facts.reads:
            relation, _, column = name.partition(".")
            if relation in self.sources:
                read.setdefault(self.sources[relation].relation, set()).add(column)
        return {relation: frozenset(columns) for relation, columns in read.items()}

    def expression(self, node: tree.Expression, scope: Scope) -> Typed:
        """Analyze an expression."""
        return self.expressions.expression(node, scope)

    def boolean(self, node: tree.Expression, scope: Scope, subject: str) -> Typed:
        """Analyze a condition. `subject` names the condition in error messages."""
        return self.expressions.boolean(node, scope, subject)

    def query(self, query: tree.Query, scope: Scope | None) -> Compiled:
        """Analyze a query. `scope` is the enclosing query's scope, or None for the outermost query."""
        return self.queries.query(query, scope)

    def relation(self, node: tree.Relation, scope: Scope | None, left: list[Field]) -> From:
        """Analyze a relation. `left` contains the columns that ``LATERAL`` and ``UNNEST`` can read."""
        return self.relations.relation(node, scope, left)


def compile_query(query: tree.Query, session: Session) -> Compiled:
    """Analyze a query.

    Args:
        query: The query.
        session: The environment of the analysis.

    Returns:
        The query in DuckDB SQL, and the columns of the result.

    Raises:
        QueryFailure: The query is invalid or not supported.
    """
    analysis = Analysis(session)
    compiled = analysis.query(query, None)
    return replace(compiled, scans=analysis.scans(compiled.facts))
