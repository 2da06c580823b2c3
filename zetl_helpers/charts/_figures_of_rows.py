"""Pie charts, heat maps, maps of states and pictures of schema changes."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from zetl_helpers._counts import counted
from zetl_helpers.charts import _palette
from zetl_helpers.charts._figure import Chart
from zetl_helpers.charts._states import COLUMNS, ROWS, TILES
from zetl_helpers.charts._tables import TOTAL, floats, labels


def pie(df: pd.DataFrame, names: str, values: str, title: str) -> Chart:
    """Draw each name's share of the total as a slice, largest first. The values of repeated names are added up.

    Args:
        df: One or more rows for each name.
        names: The column with the labels.
        values: The column with the numbers, which must not be negative.
        title: The title, which states the finding. `most` can generate it.

    Raises:
        ValueError: A value is negative, so it cannot be drawn as a slice.

    The chart view in Unified Studio draws a pie chart in the same way:
    https://docs.aws.amazon.com/sagemaker-unified-studio/latest/userguide/sql-query-write-run.html
    """
    numbers = pd.Series(floats(df[values]), index=labels(df[names]))
    if (numbers < 0).any():
        raise ValueError(
            f"Column {values} contains a negative value, which a pie chart cannot show. Omit the row, or use a bar "
            "chart."
        )
    slices = numbers.groupby(level=0, sort=False).sum().sort_values(ascending=False, kind="stable")
    trace = go.Pie(
        labels=slices.index.tolist(),
        values=[round(value, 6) for value in slices],
        sort=False,
        direction="clockwise",
        texttemplate="%{label}<br>%{percent:.0%}",
        hovertemplate=f"{names} %{{label}}<br>{values} %{{value:,.2f}}<br>%{{percent}} of the sum<extra></extra>",
        marker={
            "colors": _palette.colors(len(slices)),
            "pattern": _palette.pattern(_palette.patterns(len(slices))),
            "line": {"color": _palette.CARD, "width": 2},
        },
    )
    return Chart(
        data=[trace], layout=_palette.layout(title, showlegend=False, margin={"l": 40, "r": 40, "t": 110, "b": 40})
    )


def heatmap(pivot: pd.DataFrame, title: str) -> Chart:
    """Draw a pivot table without its totals as colored cells that show the numbers.

    Args:
        pivot: A table of numbers, such as the result of `pivot_table`.
        title: The title, which states the finding. `most` can generate it.
    """
    cells = pivot.drop(index=TOTAL, columns=TOTAL, errors="ignore")
    rows, across = str(cells.index.name or "row"), str(cells.columns.name or "column")
    numbers = [[_whole(value) for value in row] for row in cells.to_numpy().tolist()]
    trace = go.Heatmap(
        x=labels(cells.columns.to_series()),
        y=labels(cells.index.to_series()),
        z=numbers,
        texttemplate="%{z}",
        hovertemplate=f"{rows} %{{y}}<br>{across} %{{x}}<br>%{{z}}<extra></extra>",
        colorscale=[list(stop) for stop in _palette.SEQUENTIAL],
        zmin=0,
        xgap=3,
        ygap=3,
        showscale=False,
    )
    layout = _palette.layout(
        title,
        height=max(300, 130 + 32 * len(cells)),
        xaxis={"title": {"text": across}, "type": "category", "showgrid": False},
        yaxis={"title": {"text": rows}, "type": "category", "autorange": "reversed", "showgrid": False},
    )
    return Chart(data=[trace], layout=layout)


def state_map(df: pd.DataFrame, states: str, values: str, title: str) -> Chart:
    """Draw a tile map of the states. A darker tile has a larger value, and a state without a value is gray.

    A tile map needs no map data from a server, and all states are the same size.

    Args:
        df: One row for each state.
        states: The column with the states' two-letter codes.
        values: The column with the numbers, which must not be negative.
        title: The title, which states the finding. `most` can generate it.

    Raises:
        ValueError: A state is unknown, occurs twice, or has a negative value.
    """
    numbers = dict(zip(labels(df[states]), floats(df[values]), strict=True))
    unknown = sorted(set(numbers) - set(TILES))
    if unknown:
        raise ValueError(
            f"Column {states} contains {unknown[0]!r}, which is not a state's two-letter code. Remove the row first."
        )
    if len(numbers) < len(df):
        raise ValueError(
            f"A state occurs more than once in column {states}. Aggregate first, so that each state has one row."
        )
    if any(value < 0 for value in numbers.values()):
        raise ValueError(f"Column {values} contains a negative value, which a tile map cannot show.")
    grid: list[list[float | None]] = [[None] * COLUMNS for _ in range(ROWS)]
    empty: list[list[int | None]] = [[None] * COLUMNS for _ in range(ROWS)]
    names, words = ([[""] * COLUMNS for _ in range(ROWS)] for _ in range(2))
    for state, (row, column) in TILES.items():
        if state in numbers:
            grid[row][column] = numbers[state]
            words[row][column] = f"<b>{state}</b><br>{_short(numbers[state])}"
        else:
            empty[row][column] = 0
            names[row][column] = state
    shared = {"texttemplate": "%{text}", "xgap": 3, "ygap": 3, "showscale": False, "hoverongaps": False}
    # A missing value is not zero, so a state without a value is gray instead of pale blue.
    without = go.Heatmap(
        z=empty, text=names, colorscale=[[0, _palette.GRID], [1, _palette.GRID]], hoverinfo="skip", **shared
    )
    with_value = go.Heatmap(
        z=grid,
        zmin=0,
        text=words,
        colorscale=[list(stop) for stop in _palette.SEQUENTIAL],
        hovertemplate=f"%{{text}} {values}<extra></extra>",
        meta={"words": [f"{state}: {_short(number)}" for state, number in sorted(numbers.items())]},
        **shared,
    )
    bare = {"visible": False, "showgrid": False}
    layout = _palette.layout(
        title,
        height=460,
        xaxis=bare,
        yaxis={**bare, "autorange": "reversed"},
        margin={"l": 20, "r": 20, "t": 70, "b": 20},
    )
    return Chart(data=[without, with_value], layout=layout)


def schema_picture(change: pd.DataFrame) -> Chart:
    """Draw the columns of a table, and mark those that were added, removed or changed in type.

    Args:
        change: The result of `schema_change`.
    """
    marks = {"": "", "added": "+ ", "removed": "− ", "type changed": "→ "}
    kinds = list(marks)
    colors = [_palette.GRID, "#9fdcc8", "#f6c3a8", "#fbe2ac"]
    columns = labels(change["column"])
    rows = [
        [str(before), f"{marks[kind]}{after or before}"]
        for before, after, kind in zip(change["before"], change["after"], change["change"], strict=True)
    ]
    codes = [
        [0 if before else None, kinds.index(kind)] for (before, _), kind in zip(rows, change["change"], strict=True)
    ]
    steps = [[edge / 4, color] for place, color in enumerate(colors) for edge in (place, place + 1)]
    trace = go.Heatmap(
        x=["before", "after"],
        y=columns,
        z=codes,
        zmin=-0.5,
        zmax=3.5,
        text=rows,
        texttemplate="%{text}",
        textfont={"color": _palette.INK},
        hovertemplate="%{y}<br>%{x}: %{text}<extra></extra>",
        hoverongaps=False,
        colorscale=steps,
        showscale=False,
        xgap=3,
        ygap=3,
        meta={
            "words": [
                f"{column}: {kind or 'unchanged'}, {' → '.join(dict.fromkeys(filter(None, (before, after))))}"
                for column, before, after, kind in zip(
                    columns, change["before"], change["after"], change["change"], strict=True
                )
            ]
        },
    )
    counts = {kind: int((change["change"] == kind).sum()) for kind in kinds}
    parts = [f"{counted(counts['added'], 'column')} added"] if counts["added"] else []
    parts += [f"{counts['removed']} removed"] if counts["removed"] else []
    parts += [f"{counts['type changed']} changed type"] if counts["type changed"] else []
    title = f"{', '.join(parts)}, {counts['']} unchanged" if parts else "The columns have not changed"
    layout = _palette.layout(
        title,
        height=max(240, 110 + 26 * len(columns)),
        margin={"l": 150, "r": 30, "t": 90, "b": 20},
        xaxis={"side": "top", "type": "category", "showgrid": False},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
    )
    return Chart(data=[trace], layout=layout)


def _short(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _whole(value: float) -> float | int:
    return int(value) if float(value).is_integer() else float(value)
