"""Conversion of a plan to Athena SQL."""

from __future__ import annotations

import re

from zetl_helpers.assistant._model import Column
from zetl_helpers.assistant._plan import (
    Comparison,
    Days,
    Filter,
    Flag,
    Group,
    Measure,
    Plan,
    Presence,
    Recent,
    TimeGroup,
    Values,
)


class UnsupportedError(Exception):
    """A plan cannot be written as one statement. The message says why."""


def render(plan: Plan, database: str) -> str:
    """Write a plan as one SELECT.

    Args:
        plan: The plan.
        database: The lab's database.

    Raises:
        UnsupportedError: The tables have no common key, a join reads an older version, or the sort column is not in the
            result.
    """
    return _Writer(plan, database).write()


class _Writer:
    def __init__(self, plan: Plan, database: str) -> None:
        self._plan = plan
        self._database = database
        self._names: set[str] = set()

    def write(self) -> str:
        plan = self._plan
        if plan.snapshots:
            table = f'"awsdatacatalog"."{self._database}"."{plan.scope[0].name}$snapshots"'
            return f"SELECT committed_at, snapshot_id, operation\nFROM {table}\nORDER BY committed_at"
        groups = [(self._group(group), self._alias(self._group_name(group))) for group in plan.groups]
        measures = self._measures()
        if groups or measures:
            items = [*(f"{text} AS {_quoted(name)}" if text != name else text for text, name in groups),
                     *(f"{text} AS {_quoted(name)}" for text, name in measures)]  # fmt: skip
        else:
            items = [self._column(column) for column in plan.outputs] or ["*"]
        lines = [f"SELECT {'DISTINCT ' if plan.distinct else ''}" + ",\n       ".join(items), f"FROM {self._from()}"]
        where = self._conditions(plan.filters)
        if where:
            lines.append("WHERE " + "\n  AND ".join(where))
        if groups and (measures or plan.having):
            lines.append("GROUP BY " + ", ".join(text for text, _ in groups))
        if plan.having:
            lines.append(f"HAVING COUNT(*) {plan.having[0]} {_number(plan.having[1])}")
        order = self._order(groups, measures)
        if order:
            lines.append("ORDER BY " + ", ".join(order))
        if plan.limit is not None:
            lines.append(f"LIMIT {plan.limit}")
        return "\n".join(lines)

    def _measures(self) -> list[tuple[str, str]]:
        plan = self._plan
        if plan.pivot is not None:
            return self._pivoted(plan.pivot)
        if plan.ratio is not None:
            return self._ratio(*plan.ratio)
        if plan.share and plan.parts:
            part = " AND ".join(self._conditions(plan.parts))
            return [
                (f"COUNT_IF({part})", self._alias(self._part_name())),
                ("COUNT(*)", self._alias("total")),
                (f"ROUND(COUNT_IF({part}) * 100.0 / COUNT(*), 2)", self._alias("percentage")),
            ]
        measures = [(self._measure(measure), self._alias(self._measure_name(measure))) for measure in plan.measures]
        if plan.share and measures:
            text = measures[0][0]
            measures.append((f"ROUND({text} * 100.0 / NULLIF(SUM({text}) OVER (), 0), 2)", self._alias("percentage")))
        return measures

    def _ratio(self, above: Column, below: Column, percent: bool) -> list[tuple[str, str]]:
        over = f"NULLIF(SUM({self._column(below)}), 0)"
        factor = " * 100.0" if percent else ""
        name = f"{_last_word(above.name)}_percentage" if percent else f"{_safe(above.name)}_per_{_safe(below.name)}"
        return [
            (f"SUM({self._column(above)})", self._alias(f"total_{_safe(above.name)}")),
            (f"SUM({self._column(below)})", self._alias(f"total_{_safe(below.name)}")),
            (f"ROUND(SUM({self._column(above)}){factor} / {over}, 2)", self._alias(name)),
        ]

    def _pivoted(self, pivot: Column) -> list[tuple[str, str]]:
        measure = self._plan.measures[0]
        name = self._column(pivot)
        columns = []
        for value in sorted(pivot.values):
            test = f"{name} = {_text(value)}"
            if measure.column is None:
                text = f"COUNT_IF({test})"
            else:
                text = f"{measure.function.upper()}(CASE WHEN {test} THEN {self._column(measure.column)} END)"
            columns.append((text, self._alias(_safe(value))))
        return [*columns, (self._measure(measure), self._alias("total"))]

    def _measure(self, measure: Measure) -> str:
        if measure.column is None:
            return "COUNT(*)"
        name = self._column(measure.column)
        if measure.function == "median":
            return f"APPROX_PERCENTILE({name}, 0.5)"
        return f"{measure.function.upper()}({'DISTINCT ' if measure.distinct else ''}{name})"

    def _measure_name(self, measure: Measure) -> str:
        words = {"sum": "total", "avg": "average", "max": "highest", "min": "lowest", "median": "median"}
        if measure.column is not None:
            return f"{words.get(measure.function, 'distinct')}_{_safe(measure.column.name)}"
        return f"{self._part_name(self._plan.filters)}_count".removeprefix("part_")

    def _part_name(self, filters: list[Filter] | None = None) -> str:
        used = self._plan.parts if filters is None else filters
        named = [_safe(each.values[0]) for each in used if isinstance(each, Values) and not each.negated
                 and len(each.values) == 1 and each.column.complete and len(each.values[0]) > 2]  # fmt: skip
        return named[0] if len(named) == 1 else "part" if filters is None else "row"

    def _group(self, group: Group) -> str:
        if isinstance(group, TimeGroup):
            return f"DATE_TRUNC('{group.unit}', {self._day(group.column)})"
        return self._column(group)

    def _group_name(self, group: Group) -> str:
        return group.unit if isinstance(group, TimeGroup) else group.name

    def _order(self, groups: list[tuple[str, str]], measures: list[tuple[str, str]]) -> list[str]:
        plan = self._plan
        names = [_quoted(name) for _, name in groups]
        if not groups and not measures:
            if plan.order is None:
                return []
            assert isinstance(plan.order, Column)
            return [f"{self._column(plan.order)} {plan.direction}"]
        if not groups:
            return []
        by_time = [_quoted(name) for (_, name), group in zip(groups, plan.groups, strict=True)
                   if isinstance(group, TimeGroup)]  # fmt: skip
        if isinstance(plan.order, Measure):
            place = plan.measures.index(plan.order)
            return [f"{_quoted(measures[place][1])} {plan.direction}", *names]
        if plan.order is not None:
            found = [name for (_, name), group in zip(groups, plan.groups, strict=True) if group == plan.order]
            found += [
                name
                for (_, name), measure in zip(measures, plan.measures, strict=False)
                if measure.column == plan.order
            ]
            if not found:
                raise UnsupportedError("The sort order refers to a column that the result does not contain.")
            return [f"{_quoted(found[0])} {plan.direction}", *names]
        if by_time or plan.pivot is not None or not measures:
            return [*by_time, *(name for name in names if name not in by_time)]
        place = -1 if plan.ratio is not None or plan.share else 0
        return [f"{_quoted(measures[place][1])} DESC", *names]

    def _conditions(self, filters: list[Filter]) -> list[str]:
        return [self._condition(each) for each in filters]

    def _condition(self, condition: Filter) -> str:
        name = self._column(condition.column)
        match condition:
            case Values(values=(value,)):
                return f"{name} {'<>' if condition.negated else '='} {_text(value)}"
            case Values():
                listed = ", ".join(map(_text, condition.values))
                return f"{name} {'NOT ' if condition.negated else ''}IN ({listed})"
            case Comparison():
                return f"{name} {condition.operator} {_number(condition.number)}"
            case Presence():
                return f"{name} IS {'NOT ' if condition.present else ''}NULL"
            case Flag():
                return name if condition.true else f"NOT {name}"
            case Recent():
                span = f"INTERVAL '{condition.count}' {condition.unit.upper()}"
                return f"{self._day(condition.column)} >= CURRENT_DATE - {span}"
        return self._days(condition)

    def _days(self, days: Days) -> str:
        name = self._day(days.column)
        if days.first is not None and days.last is not None:
            if days.first == days.last:
                return f"{name} = DATE '{days.first}'"
            return f"{name} BETWEEN DATE '{days.first}' AND DATE '{days.last}'"
        return f"{name} >= DATE '{days.first}'" if days.first is not None else f"{name} <= DATE '{days.last}'"

    def _day(self, column: Column) -> str:
        name = self._column(column)
        if column.type == "date":
            return name
        if column.type.startswith("timestamp"):
            return f"CAST({name} AS date)"
        return f"TRY_CAST(SUBSTR({name}, 1, 10) AS date)"

    def _column(self, column: Column) -> str:
        name = _quoted(column.name)
        if len(self._plan.scope) == 1:
            return name
        return f"{'ab'[[table.name for table in self._plan.scope].index(column.table)]}.{name}"

    def _from(self) -> str:
        plan = self._plan
        past = ""
        if plan.version is not None:
            past = f" FOR VERSION AS OF {plan.version}"
        elif plan.moment is not None:
            past = f" FOR TIMESTAMP AS OF TIMESTAMP '{plan.moment} UTC'"
        first = f'"awsdatacatalog"."{self._database}"."{plan.scope[0].name}"{past}'
        if len(plan.scope) == 1:
            return first
        key = common_key(plan)
        if past:
            raise UnsupportedError("A query that joins tables cannot read an older version.")
        if key is None:
            raise UnsupportedError("The tables have no common column to join on.")
        second = f'"awsdatacatalog"."{self._database}"."{plan.scope[1].name}"'
        return f"{first} AS a\nJOIN {second} AS b ON a.{_quoted(key)} = b.{_quoted(key)}"

    def _alias(self, name: str) -> str:
        chosen, number = name, 2
        while chosen in self._names:
            chosen, number = f"{name}_{number}", number + 1
        self._names.add(chosen)
        return chosen


def common_key(plan: Plan) -> str | None:
    """Return the identifier that both of a plan's tables contain, or None if they have no common identifier."""
    first, second = plan.scope
    names = {column.name for column in second.identifiers}
    return next((column.name for column in first.identifiers if column.name in names), None)


def _quoted(name: str) -> str:
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in ("order", "group", "table", "values", "user", "date"):
        return name
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _safe(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "value"
    return f"value_{words}" if words[0].isdigit() else words


def _last_word(name: str) -> str:
    found = re.search(r"(balance|amount|cost|limit|points|price|value|weight)\w*$", name.lower())
    return _safe(found.group() if found else name)
