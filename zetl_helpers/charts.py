"""Pictures of the lakehouse: each is a plotly figure whose title states what it shows.

A figure that ends a notebook's cell appears interactive where plotly can run, with PNG download in its tool bar, and as
the text of `summary` where it cannot. `static_image` draws it for pages without JavaScript.
"""

import json
from typing import Any

import pandas as pd
import plotly
import plotly.graph_objects as go
import plotly.io as pio

from zetl_helpers import _palette
from zetl_helpers._figure_text import summary
from zetl_helpers._snapshots import moment, snapshots
from zetl_helpers._static_image import static_image, static_image_obstacle, without_kaleidos_warning
from zetl_helpers._tables import TOTAL, floats, labels, most, pivot_table, schema_change

__all__ = [
    "TOTAL",
    "Chart",
    "cost_by_interval",
    "freshness",
    "heatmap",
    "most",
    "pie",
    "pivot_table",
    "schema_change",
    "snapshot_timeline",
    "static_image",
    "static_image_obstacle",
    "summary",
]

_SYMBOLS = {"append": "circle", "overwrite": "diamond", "delete": "x", "replace": "square"}


class Chart(go.Figure):  # type: ignore[misc]  # plotly publishes no types
    """A plotly figure that a notebook stores as data and text instead of as a page of JavaScript.

    JupyterLab and VS Code draw the data; anything else shows the text, which does not change from run to run, so that
    stored outputs can be compared. Where nothing draws the data, a page is added as plotly would; set `PLOTLY_RENDERER`
    to `plotly_mimetype` to go without.
    """

    # plotly's own two would write a page with a random name into the notebook.
    _ipython_display_ = None
    _repr_html_ = None

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, Any]:
        bundle = {
            "application/vnd.plotly.v1+json": json.loads(self.to_json()) | {"config": _palette.CONFIG},
            "text/plain": summary(self, clock=False),
        }
        if _page_is_needed():
            bundle["text/html"] = self.to_html(full_html=False, include_plotlyjs=True, config=_palette.CONFIG)
        return bundle


def _page_is_needed() -> bool:
    """Whether the notebook's front end does not draw a figure's data, as far as plotly can tell."""
    blind = {"colab", "kaggle", "databricks", "azure"}
    # JupyterLab draws the data since plotly 6.1 brings the extension for it; Unified Studio has 6.0.
    if tuple(int(part) for part in plotly.__version__.split(".")[:2]) < (6, 1):
        blind.add("notebook")
    with without_kaleidos_warning():
        renderers = pio.renderers
    return not blind.isdisjoint((renderers.default or "").split("+"))


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


def snapshot_timeline(table: pd.DataFrame) -> Chart:
    """Draw the rows that the table held after each Iceberg snapshot.

    Args:
        table: The rows of `"table$snapshots"`: `committed_at`, `snapshot_id`, `operation` and `summary`.

    Raises:
        ValueError: A snapshot's summary does not say how many records the table has.

    https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-data.html
    """
    points = snapshots(table)
    line = go.Scatter(
        x=[point.at for point in points],
        y=[point.total for point in points],
        mode="lines",
        line={"color": _palette.FAINT, "width": 1.5, "shape": "hv"},
        hoverinfo="skip",
        showlegend=False,
    )
    operations = list(dict.fromkeys(point.operation for point in points))
    marks = []
    for operation, colour in zip(operations, _palette.colours(len(operations)), strict=True):
        chosen = [point for point in points if point.operation == operation]
        marks.append(
            go.Scatter(
                x=[point.at for point in chosen],
                y=[point.total for point in chosen],
                customdata=[point.id for point in chosen],
                text=[f"{point.added:,} records added, {point.deleted:,} deleted" for point in chosen],
                mode="markers",
                name=operation,
                marker={"size": 13, "color": colour, "symbol": _SYMBOLS.get(operation, "star")},
                hovertemplate="snapshot %{customdata}<br>%{x|%Y-%m-%d %H:%M:%S.%L} UTC<br>%{text}<br>"
                "%{y:,} rows after it<extra>%{fullData.name}</extra>",
            )
        )
    layout = _palette.layout(
        _timeline_title([point.total for point in points]),
        meta={"clock": "Rows in the table after each snapshot"},
        xaxis={"title": {"text": "committed at (UTC)"}, "type": "date"},
        yaxis={"title": {"text": "rows in the table"}, "rangemode": "tozero"},
        legend={"title": {"text": "operation"}},
    )
    return Chart(data=[line, *marks], layout=layout)


def freshness(ingestions: pd.DataFrame, expected_seconds: float | None = None) -> Chart:
    """Draw how far the target was behind the source each time an ingestion completed.

    Args:
        ingestions: One row for each completed ingestion: `completed_at`, and `last_synced_at`, the time up to which the
            target then held the source's changes.
        expected_seconds: What the refresh interval promises, drawn as a line.

    https://docs.aws.amazon.com/glue/latest/dg/zero-etl-monitoring.html
    """
    completed = pd.to_datetime(ingestions["completed_at"], utc=True)
    lag = (completed - pd.to_datetime(ingestions["last_synced_at"], utc=True)).dt.total_seconds()
    order = completed.argsort(kind="stable")
    completed, lag = completed.iloc[order], lag.iloc[order]
    largest = max([*lag, expected_seconds or 0])
    unit, seconds = ("seconds", 1) if largest < 120 else ("minutes", 60)
    trace = go.Scatter(
        x=[moment(time) for time in completed],
        y=[round(value / seconds, 3) for value in lag],
        mode="lines+markers",
        name="behind the source",
        line={"color": _palette.OKABE_ITO[0]},
        marker={"size": 9},
        hovertemplate=f"%{{x|%Y-%m-%d %H:%M:%S}} UTC<br>%{{y:,.1f}} {unit} behind the source<extra></extra>",
    )
    title = f"The lakehouse was at most {lag.max() / seconds:.1f} {unit} behind" if len(lag) else "Nothing ingested yet"
    layout = _palette.layout(
        title,
        meta={"clock": "How far the lakehouse was behind the source"},
        showlegend=False,
        xaxis={"title": {"text": "ingestion completed at (UTC)"}, "type": "date"},
        yaxis={"title": {"text": f"{unit} behind the source"}, "rangemode": "tozero"},
    )
    chart = Chart(data=[trace], layout=layout)
    if expected_seconds is not None:
        chart.add_hline(
            y=expected_seconds / seconds,
            line={"color": _palette.OKABE_ITO[3], "dash": "dash"},
            annotation={"text": "expected", "font": {"color": _palette.INK}},
        )
    return chart


def cost_by_interval(costs: pd.DataFrame, period: str = "a month") -> Chart:
    """Draw what a table costs at each refresh interval, item by item.

    Args:
        costs: One row for each interval and cost item: `refresh_minutes`, `item`, `usd`, as `cost.by_interval` makes.
        period: The time that the amounts are for, as it reads in the title.
    """
    table = costs.pivot_table(index="refresh_minutes", columns="item", values="usd", aggfunc="sum", sort=False)
    table = table.sort_index().fillna(0.0)
    table = table.loc[:, table.max() >= 0.005]  # less than half a cent is no bar
    intervals = [_interval(int(minutes)) for minutes in table.index]
    colours, shapes = _palette.colours(table.shape[1]), _palette.patterns(table.shape[1])
    bars = [
        go.Bar(
            x=intervals,
            y=[round(float(value), 4) for value in table[item]],
            name=str(item),
            marker={"color": colour, "pattern": _palette.pattern(shape)},
            hovertemplate=f"{item}<br>every %{{x}}<br>$%{{y:,.2f}} {period}<extra></extra>",
        )
        for item, colour, shape in zip(table.columns, colours, shapes, strict=True)
    ]
    totals = table.sum(axis=1)
    title = f"Cost {period} by refresh interval"
    if len(totals) > 1:
        saved = totals.iloc[0] - totals.iloc[-1]
        longest, shortest = (intervals[at].removeprefix("1 ") for at in (-1, 0))
        title = f"Refreshing every {longest} instead of every {shortest} saves ${saved:,.2f} {period}"
    layout = _palette.layout(
        title,
        barmode="stack",
        xaxis={"title": {"text": "refresh interval"}, "type": "category", "showgrid": False},
        yaxis={"title": {"text": f"US dollars {period}"}, "tickprefix": "$", "rangemode": "tozero"},
    )
    return Chart(data=bars, layout=layout)


def _whole(value: float) -> float | int:
    return int(value) if float(value).is_integer() else float(value)


def _timeline_title(totals: list[int]) -> str:
    if not totals:
        return "The table has no snapshot yet"
    if len(totals) == 1:
        return f"One snapshot: the table holds {totals[0]:,} rows"
    if totals[0] == totals[-1]:
        return f"{len(totals)} snapshots: {totals[-1]:,} rows, as many as after the first"
    return f"{len(totals)} snapshots took the table from {totals[0]:,} to {totals[-1]:,} rows"


def _interval(minutes: int) -> str:
    for size, unit in ((1440, "day"), (60, "hour")):
        if minutes % size == 0:
            count = minutes // size
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{minutes} minutes"
