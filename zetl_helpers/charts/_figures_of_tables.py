"""Charts of the lakehouse's snapshots, freshness, bytes scanned and cost."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from zetl_helpers._counts import counted
from zetl_helpers.charts import _palette
from zetl_helpers.charts._figure import Chart
from zetl_helpers.charts._snapshots import moment, snapshots
from zetl_helpers.charts._tables import labels
from zetl_helpers.maintenance import FileCounts

_SYMBOLS = {"append": "circle", "overwrite": "diamond", "delete": "x", "replace": "square"}


def snapshot_timeline(table: pd.DataFrame) -> Chart:
    """Draw the number of rows in the table after each Iceberg snapshot.

    Args:
        table: The rows of `"table$snapshots"`, with the columns `committed_at`, `snapshot_id`, `operation` and
            `summary`.

    Raises:
        ValueError: A snapshot's summary does not contain the number of records.

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
    for operation, color in zip(operations, _palette.colors(len(operations)), strict=True):
        chosen = [point for point in points if point.operation == operation]
        marks.append(
            go.Scatter(
                x=[point.at for point in chosen],
                y=[point.total for point in chosen],
                customdata=[point.id for point in chosen],
                text=[f"{point.added:,} records added, {point.deleted:,} deleted" for point in chosen],
                mode="markers",
                name=operation,
                marker={"size": 13, "color": color, "symbol": _SYMBOLS.get(operation, "star")},
                hovertemplate="snapshot %{customdata}<br>%{x|%Y-%m-%d %H:%M:%S.%L} UTC<br>%{text}<br>"
                "%{y:,} rows<extra>%{fullData.name}</extra>",
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
    """Draw the delay between source and target at the end of each ingestion.

    Args:
        ingestions: One row for each completed ingestion, with the columns `completed_at` and `last_synced_at` (the time
            up to which the target then reflected the source).
        expected_seconds: The expected delay in seconds for the refresh interval, drawn as a dashed line. By default,
            no line is drawn.

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
    title = f"The lakehouse was {_at_most(lag.max() / seconds)} {unit} behind" if len(lag) else "Nothing ingested yet"
    layout = _palette.layout(
        title,
        meta={"clock": "How far the lakehouse lagged behind the source"},
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
    """Draw a table's cost for each refresh interval, by cost item.

    Args:
        costs: The result of `cost.by_interval`. It has one row for each interval and cost item, with the columns
            `refresh_minutes`, `item` and `usd`.
        period: The period that the amounts cover, as it appears in the title.
    """
    table = costs.pivot_table(index="refresh_minutes", columns="item", values="usd", aggfunc="sum", sort=False)
    table = table.sort_index().fillna(0.0)
    table = table.loc[:, table.max() >= 0.005]  # no bar for less than half a cent
    intervals = [_interval(int(minutes)) for minutes in table.index]
    colors, shapes = _palette.colors(table.shape[1]), _palette.patterns(table.shape[1])
    bars = [
        go.Bar(
            x=intervals,
            y=[round(float(value), 4) for value in table[item]],
            name=str(item),
            marker={"color": color, "pattern": _palette.pattern(shape)},
            hovertemplate=f"{item}<br>every %{{x}}<br>$%{{y:,.2f}} {period}<extra></extra>",
        )
        for item, color, shape in zip(table.columns, colors, shapes, strict=True)
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


def scanned(queries: pd.DataFrame) -> Chart:
    """Draw the bytes that Athena scanned for the same queries on tables with different layouts.

    Args:
        queries: One row for each query, with the columns `question`, `layout` (the table's partitioning in words) and
            `bytes` (the query's `DataScannedInBytes`).

    https://docs.aws.amazon.com/athena/latest/ug/ctas-partitioning-and-bucketing.html
    """
    table = queries.pivot_table(index="question", columns="layout", values="bytes", aggfunc="sum", sort=False)
    bars = [
        go.Bar(
            x=labels(table.index.to_series()),
            y=[round(float(value) / 1024, 2) for value in table[layout]],
            name=str(layout),
            text=[f"{value / 1024:,.1f}" for value in table[layout]],
            textposition="outside",
            marker={"color": color, "pattern": _palette.pattern(shape)},
            hovertemplate=f"{layout}<br>%{{x}}<br>%{{y:,.1f}} KB scanned<extra></extra>",
        )
        for layout, color, shape in zip(
            table.columns, _palette.colors(table.shape[1]), _palette.patterns(table.shape[1]), strict=True
        )
    ]
    title = "Every query scans the same number of bytes in each layout"
    # A question that scans nothing in any layout has no share.
    shares = [(row.min() / row.max(), question, row.idxmin()) for question, row in table.iterrows() if row.max() > 0]
    least, best, layout_of_it = min(shares, key=lambda share: share[0], default=(1, "", ""))
    if least < 1:
        title = f'Partitioned by {layout_of_it}, "{best}" scans up to {100 * (1 - least):.0f}% fewer bytes'
    layout = _palette.layout(
        title,
        meta={"clock": "Kilobytes that Athena scanned for each question in each layout"},
        barmode="group",
        xaxis={"title": {"text": "question"}, "type": "category", "showgrid": False},
        yaxis={"title": {"text": "KB scanned"}, "rangemode": "tozero"},
        legend={"title": {"text": "partitioned by"}},
    )
    return Chart(data=bars, layout=layout)


def files(counts: Mapping[str, FileCounts]) -> Chart:
    """Draw the number of data files in a table's latest snapshot and in S3 after each step.

    Args:
        counts: The results of `maintenance.files`, keyed by step name, in order.

    https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-data-optimization.html
    """
    live = [count.files for count in counts.values()]
    stored = [entry.stored_files for entry in counts.values()]
    bars = [
        go.Bar(
            x=list(counts),
            y=numbers,
            name=name,
            text=[f"{number:,}" for number in numbers],
            textposition="outside",
            marker={"color": color, "pattern": _palette.pattern(shape)},
            hovertemplate=f"after %{{x}}<br>%{{y:,}} data files {name}<extra></extra>",
        )
        for numbers, name, color, shape in zip(
            (live, stored), ("in the latest snapshot", "in S3 altogether"), _palette.colors(2), ("", "/"), strict=True
        )
    ]
    title = "No files counted"
    if counts:
        title = (
            f"From {max(live):,} files to {live[-1]:,} for each query, and from {max(stored):,} to {stored[-1]:,} in S3"
        )
    layout = _palette.layout(
        title,
        meta={"clock": "Data files after each step, in the latest snapshot and in S3 altogether"},
        barmode="group",
        xaxis={"title": {"text": "after"}, "type": "category", "showgrid": False},
        yaxis={"title": {"text": "data files"}, "rangemode": "tozero"},
        legend={"x": 0, "y": 1, "bgcolor": _palette.CARD},
    )
    return Chart(data=bars, layout=layout)


def _at_most(amount: float) -> str:
    return f"at most {amount:.1f}" if amount >= 0.05 else "less than 0.1"


def _timeline_title(totals: list[int]) -> str:
    if not totals:
        return "The table has no snapshot yet"
    if len(totals) == 1:
        return f"One snapshot: the table contains {counted(totals[0], 'row')}"
    if totals[0] == totals[-1]:
        return f"{len(totals)} snapshots: {counted(totals[-1], 'row')}, as many as after the first"
    return f"{len(totals)} snapshots changed the table from {totals[0]:,} to {counted(totals[-1], 'row')}"


def _interval(minutes: int) -> str:
    for size, unit in ((1440, "day"), (60, "hour")):
        if minutes % size == 0:
            return counted(minutes // size, unit)
    return counted(minutes, "minute")
