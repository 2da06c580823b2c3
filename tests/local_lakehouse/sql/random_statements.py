"""A generator of random statements, and of random rows for the tables that they read."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st

COLUMNS = {"i": "integer", "j": "bigint", "s": "varchar", "f": "double", "d": "date"}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "i": st.none() | st.integers(-3, 3),
    "j": st.none() | st.integers(-3, 3) | st.sampled_from([2**40, -(2**40)]),
    "s": st.none() | st.sampled_from(["", "a", "b", "ab", "r1.c0", "é"]),
    "f": st.none() | st.sampled_from([0.0, -0.0, 1.5, -2.25, 3.0]),
    "d": st.none() | st.dates(date(2024, 1, 1), date(2024, 1, 4)),
}


def written(value: Any, type_: str) -> str:
    """Write a value as a literal of a type."""
    if value is None:
        return f"CAST(NULL AS {type_})"
    if isinstance(value, str):
        return f"CAST('{value}' AS varchar)"
    if isinstance(value, date):
        return f"DATE '{value}'"
    return f"CAST({value!r} AS {type_})" if not isinstance(value, float) else f"DOUBLE '{value!r}'"


ROWS = st.lists(st.tuples(*VALUES.values()), max_size=6)
_numbers = st.sampled_from(["i", "j", "i + 1", "j - i", "abs(i)", "coalesce(i, 0)", "length(s)", "nullif(i, 1)"])
_constants = {
    "i": st.integers(-3, 3).map(str),
    "j": st.integers(-3, 3).map(str),
    "s": st.sampled_from(["'a'", "'ab'", "'r1.c0'", "''"]),
    "f": st.sampled_from(["1.5", "0.0", "-2.25", "1"]),
    "d": st.sampled_from(["DATE '2024-01-02'", "DATE '2024-01-03'"]),
}


def _comparison(column: str, name: str = "") -> st.SearchStrategy[str]:
    constant, name = _constants[column], name or column
    operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM"])
    items = st.lists(constant | st.just("NULL"), min_size=1, max_size=3).map(", ".join)
    return st.one_of(
        st.builds("{} {} {}".format, st.just(name), operators, constant),
        st.builds("{} {} {}".format, constant, st.sampled_from(["=", "<", ">="]), st.just(name)),
        st.builds("{} BETWEEN {} AND {}".format, st.just(name), constant, constant),
        st.builds("{} IN ({})".format, st.just(name), items),
        st.sampled_from([f"{name} IS NULL", f"{name} IS NOT NULL"]),
    )


_simple = st.one_of(
    *map(_comparison, COLUMNS),
    st.builds("{} {} {}".format, _numbers, st.sampled_from(["=", "<", ">="]), _numbers),
    st.sampled_from(
        ["s LIKE 'a%'", "i IN (SELECT j FROM u)", "EXISTS (SELECT 1 FROM u WHERE u.i = t.i)", "true", "NULL"]
    ),
)
_conditions = st.recursive(
    _simple,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(lambda terms: "(" + " AND ".join(terms) + ")")
        | st.lists(inner, min_size=2, max_size=3).map(lambda terms: "(" + " OR ".join(terms) + ")")
        | inner.map(lambda term: f"(NOT {term})")
    ),
    max_leaves=5,
)
_aggregates = st.sampled_from(
    ["count(*)", "count(i)", "count(DISTINCT s)", "sum(i)", "min(s)", "max(d)", "min(f)", "sum(j) FILTER (WHERE i > 0)"]
)
_selects = st.one_of(
    st.just("SELECT i, j, s, f, d FROM t"),
    st.builds("SELECT DISTINCT {}, s FROM t".format, _numbers),
    st.builds("SELECT CASE WHEN {} THEN s ELSE 'no' END, {} FROM t".format, _simple, _simple),
    st.just("SELECT t.i, u.s FROM t JOIN u ON t.i = u.i"),
    st.just("SELECT t.i, u.s FROM t LEFT JOIN u ON t.s = u.s AND u.i > 0"),
    st.just("SELECT i, sum(j) OVER (PARTITION BY s) FROM t"),
    st.just("SELECT i, (SELECT max(u.j) FROM u WHERE u.s = t.s) FROM t"),
)


@st.composite
def statements(draw: st.DrawFn) -> str:
    """Draw a statement over the tables ``t`` and ``u``."""
    if draw(st.booleans()):
        group = draw(st.sampled_from(["s", "i", "d", "i, s"]))
        where = draw(_conditions)
        having = draw(st.sampled_from(["", " HAVING count(*) > 1", " HAVING min(i) IS NOT NULL"]))
        return f"SELECT {group}, {draw(_aggregates)} FROM t WHERE {where} GROUP BY {group}{having}"
    select = draw(_selects)
    if "JOIN" in select:
        return f"{select} WHERE {draw(_comparison('i', 't.i') | _comparison('s', 'u.s'))}"
    statement = f"{select} WHERE {draw(_conditions)}"
    if draw(st.booleans()) and select.startswith("SELECT i, j, s"):
        joined = draw(st.sampled_from(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL"]))
        statement += f" {joined} {select} WHERE {draw(_conditions)}"
    return statement
