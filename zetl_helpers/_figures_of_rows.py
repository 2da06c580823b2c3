"""Pictures of what queries return: shares, counts, states."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from zetl_helpers import _palette
from zetl_helpers._figure import Chart
from zetl_helpers._tables import TOTAL, floats, labels


def pie(df: pd.DataFrame, names: str, values: str, title: str) -> Chart:
    """Draw the share of each name in the sum of the values, largest first; a name that occurs twice is added up.

    Args:
        df: One row or more for each name.
        names: Column with the labels.
        values: Column with numbers, none below zero.
        title: What the picture shows; `most` can word it.

    Raises:
        ValueError: A value is negative: a slice cannot be.

    Unified Studio's chart view draws a pie in the same way:
    https://docs.aws.amazon.com/sagemaker-unified-studio/latest/userguide/sql-query-write-run.html
    """
    numbers = pd.Series(floats(df[values]), index=labels(df[names]))
    if (numbers < 0).any():
        raise ValueError(f"Column {values} holds a negative value, which no slice can show. Leave it out or use a bar.")
    slices = numbers.groupby(level=0, sort=False).sum().sort_values(ascending=False, kind="stable")
    trace = go.Pie(
        labels=slices.index.tolist(),
        values=[round(value, 6) for value in slices],
        sort=False,
        direction="clockwise",
        texttemplate="%{label}<br>%{percent:.0%}",
        hovertemplate=f"{names} %{{label}}<br>{values} %{{value:,.2f}}<br>%{{percent}} of the sum<extra></extra>",
        marker={
            "colors": _palette.colours(len(slices)),
            "pattern": _palette.pattern(_palette.patterns(len(slices))),
            "line": {"color": _palette.CARD, "width": 2},
        },
    )
    return Chart(
        data=[trace], layout=_palette.layout(title, showlegend=False, margin={"l": 40, "r": 40, "t": 110, "b": 40})
    )


def heatmap(pivot: pd.DataFrame, title: str) -> Chart:
    """Draw a pivot table as coloured cells with their numbers; the sums are left out.

    Args:
        pivot: A table of numbers, such as `pivot_table` makes.
        title: What the picture shows; `most` can word it.
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


def _whole(value: float) -> float | int:
    return int(value) if float(value).is_integer() else float(value)
