"""Conversion of a question's marks into a plan, clause by clause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from zetl_helpers.assistant._completion import ANY_TIME, Said, complete
from zetl_helpers.assistant._marks import Mark
from zetl_helpers.assistant._model import Column, Table
from zetl_helpers.assistant._plan import (
    Comparison,
    Days,
    Flag,
    Measure,
    Plan,
    Presence,
    Recent,
    TimeGroup,
    Values,
)

_COMPARE = {">", "<", ">=", "<=", "="}
_TIMELY = {"AFTER", "BEFORE", "SINCE", "UNTIL", "IN"}


class Reader:
    """A reader that converts the marks in a question about a set of tables to a plan.

    Args:
        scope: The tables, starting with the table whose rows are requested.
        marks: The question's words with their meanings.
    """

    def __init__(self, scope: Sequence[Table], marks: Sequence[Mark]) -> None:
        self.plan = Plan(tuple(scope))
        self._marks = [mark for mark in marks if mark.kind != "empty"]
        self._at = 0
        self._said = Said()

    def read(self) -> Plan:
        """Return the plan."""
        while self._at < len(self._marks):
            mark = self._marks[self._at]
            getattr(self, f"_on_{mark.kind}")(mark)
            self._at += 1
        complete(self.plan, self._said)
        return self.plan

    # Access to the marks and the plan

    def _next(self, offset: int = 1) -> Mark | None:
        place = self._at + offset
        return self._marks[place] if place < len(self._marks) else None

    def _doubt(self, text: str) -> None:
        if text not in self.plan.doubts:
            self.plan.doubts.append(text)

    def _unused(self, mark: Mark) -> None:
        self.plan.unused.append(mark.text)

    # A handler for each kind of mark

    def _on_unknown(self, mark: Mark) -> None:
        self._unused(mark)

    def _on_quoted(self, mark: Mark) -> None:
        if self._said.dimensions and self._said.clause != "group":
            column = self._said.dimensions.pop()
            self._add_value(column, mark.text)
            self._doubt(f"I cannot find the value {mark.text!r} in {column.name}.")
        else:
            self._unused(mark)

    def _on_hint(self, mark: Mark) -> None:
        self._said.time = mark.columns[0]

    def _on_moment(self, mark: Mark) -> None:
        if self._said.clause == "asof":
            self.plan.moment = mark.text.replace("T", " ").removesuffix("Z").removesuffix(" UTC")
            self._said.clause = "output"
        else:
            self._unused(mark)

    def _on_phrase(self, mark: Mark) -> None:
        name = mark.name
        if name == "BY":
            self._said.clause = "per" if mark.text.lower() == "per" else "group"
        elif name == "COUNT":
            self._said.count = True
        elif name == "SUM":
            self._said.aggregates.append("sum")
        elif name == "SHARE":
            self.plan.share = True
        elif name.startswith("RATIO") and name != "RATIO?":
            self._said.ratio = name
            if self.plan.measures and self.plan.measures[-1].column is not None:
                self._said.ratio_left = self.plan.measures[-1].column
            elif self._said.bare:
                self._said.ratio_left = self._said.bare.pop()
            else:
                self._unused(mark)
        elif name in _COMPARE:
            self._said.operator = name
        elif name.endswith("post"):
            self._unused(mark)
        elif name == "BETWEEN":
            self._said.between = True
        elif name in _TIMELY:
            self._said.timely = name
            self._said.place = ""
        elif name in ("FROM", "TO"):
            self._said.place = name
        elif name == "NOT":
            self._said.negated = True
        elif name == "NULL":
            self._said.absent = True
        elif name == "DISTINCT":
            self._said.distinct = True
        elif name in ("TOP", "BOTTOM", "FIRST"):
            self._said.top = True
            self.plan.direction = "ASC" if name == "BOTTOM" else "DESC"
            if name == "FIRST":
                self._doubt("It is unclear which order “first” refers to.")
        elif name == "ORDER":
            self._said.clause = "order"
        elif name in ("DESC", "ASC"):
            self.plan.direction = "DESC" if name == "DESC" else "ASC"
        elif name in ("COLUMNS", "ROWS"):
            self._turn(name)
        elif name in ("COLUMNS>", "ROWS>"):
            self._said.clause = "columns" if name == "COLUMNS>" else "rows"
            self._said.pivoting = True
        elif name == "PIVOT":
            self._said.pivoting = True
        elif name == "IS":
            self._said.copula = True
        elif name == "ASOF":
            self._said.clause = "asof"
        elif name == "SNAPSHOT":
            self._said.clause = "version"
        elif name == "SNAPSHOTS":
            self.plan.snapshots = True
        elif name == "LAST":
            self._on_last(mark)
        elif name in ("TODAY", "THIS", "YESTERDAY"):
            self._unused(mark)

    def _on_last(self, mark: Mark) -> None:
        following, unit = self._next(), self._next(2)
        if following is not None and following.kind == "unit":
            count, skip = 1, 1
            unit = following
            self._doubt(f"“{mark.text} {following.text}” is interpreted as the {unit.name} up to now.")
        elif following is not None and following.kind == "number" and unit is not None and unit.kind == "unit":
            count, skip = int(following.number), 2
        else:
            self._unused(mark)
            return
        column = self._time_column()
        if column is None:
            self._unused(mark)
        else:
            self.plan.filters.append(Recent(column, count, unit.name))
        self._at += skip

    def _turn(self, name: str) -> None:
        """Create a pivot. If the mark is ``COLUMNS``, the last dimension's values become the columns."""
        self._said.pivoting = True
        pool = self.plan.groups if self.plan.groups and not self._said.dimensions else self._said.dimensions
        if name == "COLUMNS" and pool and isinstance(pool[-1], Column):
            last = pool.pop()
            assert isinstance(last, Column)
            self.plan.pivot = last
            self.plan.groups = [group for group in self.plan.groups if group != last]
        self._said.clause = "output"

    def _on_aggregate(self, mark: Mark) -> None:
        if mark.name == "count":
            self._said.count = True
        elif mark.name == "sum" and self._said.count:
            return
        else:
            self._said.aggregates.append(mark.name)

    def _on_superlative(self, mark: Mark) -> None:
        following = self._next()
        if mark.text.lower() in ("most", "least") and following is not None and following.kind == "superlative":
            return
        self._said.superlative = mark
        self._said.superlatives.append(mark)
        self._said.superlative_on = ""

    def _on_unit(self, mark: Mark) -> None:
        if self._said.clause in ("group", "per") or mark.text.lower().endswith("ly"):
            self._said.unit = mark.name
            self._said.clause = "output" if mark.text.lower().endswith("ly") else "group"
            self._said.explicit_groups = True
            self.plan.groups.append(TimeGroup(mark.name, ANY_TIME))
        elif self._said.clause == "columns":
            self._unused(mark)
        else:
            self._unused(mark)

    def _on_number(self, mark: Mark) -> None:
        following = self._next()
        if self._said.clause == "version":
            self.plan.version = int(mark.text)  # mark.number is a double, which cannot represent every snapshot ID
            self._said.clause = "output"
        elif self._said.between:
            self._between_number(mark)
        elif self._said.operator:
            self._compare(mark)
        elif self._said.top and self.plan.limit is None:
            self.plan.limit = int(mark.number)
        elif (following is not None and following.kind in ("superlative", "entity", "column")) or (
            self._said.superlative is not None and self._said.number is None
        ):
            self._said.number = int(mark.number)
        else:
            self._unused(mark)

    def _between_number(self, mark: Mark) -> None:
        if self._said.low is None:
            self._said.low = mark.number
            return
        column = self._said.compared or self._default_measure()
        if column is None:
            self._unused(mark)
        else:
            self.plan.filters.append(Comparison(column, ">=", self._said.low))
            self.plan.filters.append(Comparison(column, "<=", mark.number))
        self._said.between, self._said.low, self._said.compared = False, None, None

    def _compare(self, mark: Mark) -> None:
        operator, self._said.operator = self._said.operator, ""
        following = self._next()
        post = following.name if following is not None and following.name.endswith("post") else ""
        if following is not None and following.kind == "entity":
            self.plan.having = (operator, mark.number)
            self._at += 1
            self._said.entities.append(following)
            return
        if self._said.compared is None and following is not None and following.kind == "column":
            measures = [column for column in following.columns if column.kind == "number"]
            if (measures and measures[0].words in _units_of(following)) or (measures and not self._said.bare):
                self._said.compared = measures[0]
                self._at += 1
        column = self._said.compared or self._default_measure()
        self._said.compared = None
        if column is None or post:
            self._unused(mark)
        else:
            self.plan.filters.append(Comparison(column, operator, mark.number))

    def _default_measure(self) -> Column | None:
        measures = self.plan.scope[0].measures
        if len(measures) == 1:
            return measures[0]
        return None

    def _on_dates(self, mark: Mark) -> None:
        assert mark.dates is not None
        column = self._time_column()
        first, last = mark.dates
        day = timedelta(days=1)
        if self._said.clause == "asof" or column is None:
            self._unused(mark)
        elif self._said.between and self._said.day_low is None:
            self._said.day_low = mark
        elif self._said.between and self._said.day_low is not None and self._said.day_low.dates is not None:
            self.plan.filters.append(Days(column, self._said.day_low.dates[0], last))
            self._said.between, self._said.day_low = False, None
        elif self._said.timely == "AFTER":
            self.plan.filters.append(Days(column, last + day, None))
        elif self._said.timely == "SINCE":
            self.plan.filters.append(Days(column, first, None))
        elif self._said.timely == "BEFORE":
            self.plan.filters.append(Days(column, None, first - day))
        elif self._said.timely == "UNTIL":
            self.plan.filters.append(Days(column, None, last))
        else:
            self.plan.filters.append(Days(column, first, last))
        self._said.timely = ""

    def _time_column(self) -> Column | None:
        if self._said.time is not None:
            self._said.time_shown = None
            return self._said.time
        times = [column for table in self.plan.scope for column in table.times]
        if len(times) > 1:
            self._doubt(f"The time may refer to {' or '.join(column.name for column in times)}.")
        return times[0] if times else None

    def _on_value(self, mark: Mark) -> None:
        column, value = self._which_value(mark)
        # In “status is Past Due”, the question names the column only to select the value.
        if self._said.dimensions and self._said.dimensions[-1] == column:
            self._said.dimensions.pop()
        elif self.plan.groups and self.plan.groups[-1] == column:
            self.plan.groups.pop()
        self._add_value(column, value)
        if self._said.clause in ("group", "per"):
            self._said.clause = "output"

    def _which_value(self, mark: Mark) -> tuple[Column, str]:
        found = list(mark.values)
        near = [pair for pair in found if self._said.dimensions and pair[0] == self._said.dimensions[-1]]
        if near:
            return near[0]
        words = {"FROM": ("origin", "from", "source"), "TO": ("dest", "to")}.get(self._said.place, ())
        placed = [pair for pair in found if pair[0].words.startswith(words)] if words else []
        chosen = (placed or found)[0]
        others = {pair[0].name for pair in (placed or found)} - {chosen[0].name}
        if others and len(self.plan.scope) == 1:
            self._doubt(f"{mark.text} may be a value of {chosen[0].name} or of {', '.join(sorted(others))}.")
        return chosen

    def _add_value(self, column: Column, value: str) -> None:
        target = self.plan.parts if self.plan.share and (self._said.copula or self._count_like()) else self.plan.filters
        for index, known in enumerate(target):
            if isinstance(known, Values) and known.column == column and known.negated == self._said.negated:
                target[index] = Values(column, (*known.values, value), known.negated)
                return
        target.append(Values(column, (value,), self._said.negated))
        self._said.negated = False

    def _count_like(self) -> bool:
        """Return whether the question asks for a share of rows.

        If it does, the values in the question select the rows whose share is computed.
        """
        return bool(self._said.entities) and not self.plan.measures

    def _on_entity(self, mark: Mark) -> None:
        self._said.entities.append(mark)
        if mark.table is not None:
            self.plan.heads += 1
        if self._said.clause in ("group", "per") and mark.columns:
            # “per customer” refers to the customer's identifier.
            self.plan.groups.append(mark.columns[0])
            self._said.explicit_groups = True
            return
        if self._said.count:
            own = mark.table is not None and not (self._said.distinct and mark.columns)
            self.plan.measures.append(
                Measure("count") if own else Measure("count", mark.columns[0] if mark.columns else None, True)
            )
            self._said.count = self._said.distinct = False
        elif self._said.superlative is not None and not self._said.superlative_on:
            self._said.superlative_on = "entity"

    def _on_column(self, mark: Mark) -> None:
        column = self._choose(mark)
        if self._said.absent:
            self.plan.filters.append(Presence(column, present=False))
            self._said.absent = False
        elif self._said.clause in ("rows", "columns"):
            self._pivot_part(column)
        elif column.kind == "boolean" and self._said.clause not in ("group", "per"):
            target = (
                self.plan.parts if self.plan.share and (self._said.copula or self._count_like()) else self.plan.filters
            )
            target.append(Flag(column, not self._said.negated))
            self._said.negated = False
        elif column.kind == "time":
            self._on_time(column)
        elif column.kind == "number":
            self._on_measure(column)
        else:
            self._on_dimension(column)

    def _choose(self, mark: Mark) -> Column:
        wanted = [column for column in mark.columns if column.kind == "number"] if self._wants_number() else []
        pool = wanted or list(mark.columns)
        if len({column.name for column in pool}) > 1:
            names = sorted({column.name for column in pool})
            self._doubt(f"“{mark.text}” may mean {' or '.join(names)}.")
        return pool[0]

    def _wants_number(self) -> bool:
        return bool(
            self._said.aggregates
            or self._said.ratio
            or (self._said.superlative is not None and not self._said.superlative_on)
        )

    def _pivot_part(self, column: Column) -> None:
        if self._said.clause == "columns":
            self.plan.pivot = column
        else:
            self.plan.groups.append(column)
        self._said.clause = "output" if self._said.clause == "columns" else "rows"

    def _on_time(self, column: Column) -> None:
        if self._said.unit is not None and self.plan.groups and isinstance(self.plan.groups[-1], TimeGroup):
            self.plan.groups[-1] = TimeGroup(self._said.unit, column)
            self._said.unit = None
            self._said.time = column
        elif self._said.clause in ("group", "per"):
            self.plan.groups.append(column)
            self._said.explicit_groups = True
        elif self._said.aggregates or (self._said.superlative is not None and not self._said.superlative_on):
            self._on_measure(column)
        elif self._said.clause == "order":
            self.plan.order = column
        else:
            self._said.time = self._said.time_shown = column

    def _on_measure(self, column: Column) -> None:
        following = self._next()
        compared = following is not None and (following.name in _COMPARE or following.name == "BETWEEN")
        past_is = following is not None and following.name == "IS"
        after = self._next(2)
        if compared or (past_is and after is not None and (after.name in _COMPARE or after.name == "BETWEEN")):
            self._said.compared = column
        elif self._said.ratio:
            if self._said.ratio_left is not None:
                self.plan.ratio = (self._said.ratio_left, column, self._said.ratio == "RATIO%")
                self._drop_measure(self._said.ratio_left)
            self._said.ratio = ""
            self._said.aggregates.clear()
        elif self._said.aggregates:
            self.plan.measures.extend(Measure(name, column) for name in self._said.aggregates)
            if self._said.clause == "order":
                self.plan.order = self.plan.measures[-1]
            self._said.aggregates.clear()
            if self._said.superlative is not None and not self._said.superlative_on:
                self._said.superlative_on = "measure"
                self.plan.order = self.plan.measures[-1]
        elif self._said.superlative is not None and not self._said.superlative_on:
            self._said.superlative_on = "column"
            self._said.bare.append(column)
        elif self._said.clause == "per" and (self.plan.measures or self._said.bare):
            left = self._said.bare.pop() if self._said.bare else self.plan.measures[-1].column
            if left is not None:
                self.plan.ratio = (left, column, False)
                self._drop_measure(left)
            self._said.clause = "output"
        elif self._said.clause == "order" or (self._said.clause in ("group", "per") and self._said.top):
            self.plan.order = column
        elif self._said.clause in ("group", "per"):
            self.plan.groups.append(column)
            self._said.explicit_groups = True
        else:
            self._said.bare.append(column)

    def _drop_measure(self, column: Column) -> None:
        self.plan.measures = [measure for measure in self.plan.measures if measure.column != column]

    def _on_dimension(self, column: Column) -> None:
        if self._said.clause in ("group", "per"):
            self.plan.groups.append(column)
            self._said.explicit_groups = True
        elif self._said.clause == "order":
            self.plan.order = column
        elif (
            self._said.count
            and (self._said.distinct or not self._said.entities)
            and not self._is_named_for_value(column)
        ):
            self.plan.measures.append(Measure("count", column, distinct=True))
            self._said.count = self._said.distinct = False
        else:
            self._said.dimensions.append(column)

    def _is_named_for_value(self, column: Column) -> bool:
        following = self._next()
        if following is not None and following.name in ("IS", "NOT"):
            following = self._next(2)
        return following is not None and any(pair[0] == column for pair in following.values)


def _units_of(mark: Mark) -> set[str]:
    return {column.words for column in mark.columns}
