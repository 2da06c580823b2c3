"""Tests that figures show their data exactly, describe it in words, and do not differ between runs."""

import html
import json
import subprocess
import sys
import warnings
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest import mock

import pandas as pd
import plotly
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zetl_helpers import charts
from zetl_helpers.charts import _palette
from zetl_helpers.charts._states import TILES
from zetl_helpers.course import _notebook_figures
from zetl_helpers.maintenance import FileCounts

ACCOUNTS = pd.DataFrame(
    {
        "state": ["NV", "NV", "CA", "CA", "CA", "WA"],
        "status": ["Past Due", "Past Due", "Active", "Active", "Past Due", "Closed"],
    }
)
PERCENTAGES = pd.DataFrame({"state": ["CA", "NV", "WA"], "percentage": [46.5, 85.5, 7.0]})
SNAPSHOTS = pd.DataFrame(
    {
        "committed_at": [datetime(2026, 11, 23, 8, 5, 1, 500_000, UTC), datetime(2026, 11, 23, 8, 0, 0, 123_000, UTC)],
        "snapshot_id": [7233744567890123457, 123],
        "operation": ["overwrite", "append"],
        "summary": [
            "{added-records=2, deleted-records=2, total-records=26}",
            "{added-data-files=1, added-records=25, total-records=25}",
        ],
    }
)
INGESTIONS = pd.DataFrame(
    {
        "completed_at": pd.to_datetime(["2026-11-23 08:00:02", "2026-11-23 08:00:09"], utc=True),
        "last_synced_at": pd.to_datetime(["2026-11-23 08:00:01", "2026-11-23 08:00:04"], utc=True),
    }
)
COSTS = pd.DataFrame(
    {
        "refresh_minutes": [15, 15, 1440, 1440],
        "item": ["Incremental exports", "Requests", "Incremental exports", "Requests"],
        "usd": [2.81, 0.001, 0.03, 0.0],
    }
)
PAST_DUE = pd.DataFrame({"state": ["NV", "CA", "RI"], "past_due": [2, 0, 1.5]})
BEFORE = {"id": "string", "limit": "double", "gone": "string"}
AFTER = {"id": "string", "limit": "string", "email": "string"}
SCANNED = pd.DataFrame(
    {
        "question": ["in Nevada", "in Nevada", "in October", "in October"],
        "layout": ["key", "state", "key", "state"],
        "bytes": [10240, 1024, 10240, 10240],
    }
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5).filter(
    lambda text: text not in (charts.TOTAL, "(none)")
)


def displayed(chart: charts.Chart) -> list[dict[str, Any]]:
    """Return the outputs of a chart at the end of a cell: the figure and its buttons."""
    with mock.patch("IPython.display.display") as display:
        chart._ipython_display_()
    return [call.args[0] for call in display.call_args_list]


def every_chart() -> list[charts.Chart]:
    return [
        charts.pie(PERCENTAGES, "state", "percentage", "A finding"),
        charts.heatmap(charts.pivot_table(ACCOUNTS, "state", "status"), "A finding"),
        charts.snapshot_timeline(SNAPSHOTS),
        charts.freshness(INGESTIONS, expected_seconds=5),
        charts.cost_by_interval(COSTS),
        charts.state_map(PAST_DUE, "state", "past_due", "A finding"),
        charts.schema_picture(charts.schema_change(BEFORE, AFTER)),
        charts.scanned(SCANNED),
        charts.files({"before": FileCounts(10, 5, 1, 2, 9, 4), "after": FileCounts(10, 1, 1, 1, 1, 2)}),
    ]


def test_pie_is_sorted_and_summarized() -> None:
    chart = charts.pie(PERCENTAGES, "state", "percentage", "NV uses most of its credit")
    assert charts.summary(chart) == (
        "NV uses most of its credit\npie:\n  NV: 85.5 (62%)\n  CA: 46.5 (33%)\n  WA: 7 (5%)"
    )


def test_pie_adds_up_values_with_the_same_name() -> None:
    df = pd.DataFrame({"state": ["NV", "CA", "NV"], "percentage": [Decimal("1.5"), Decimal(2), Decimal("1.5")]})
    (trace,) = charts.pie(df, "state", "percentage", "").data
    assert (trace.labels, trace.values) == (("NV", "CA"), (3.0, 2.0))


def test_pie_rejects_negative_values() -> None:
    with pytest.raises(ValueError, match="Column percentage contains a negative value"):
        charts.pie(PERCENTAGES.assign(percentage=[1, -1, 1]), "state", "percentage", "")


def test_pie_without_rows_is_empty() -> None:
    assert charts.summary(charts.pie(PERCENTAGES.head(0), "state", "percentage", "No rows")) == "No rows\npie:"


@given(st.integers(1, len(_palette.OKABE_ITO) * len(_palette.PATTERNS)))
def test_slices_have_distinct_styles(count: int) -> None:
    assert len(set(zip(_palette.colors(count), _palette.patterns(count), strict=True))) == count


def test_pivot_table_counts_rows_and_adds_totals() -> None:
    pivot = charts.pivot_table(ACCOUNTS, "state", "status")
    assert pivot.loc["CA"].to_dict() == {"Active": 2, "Closed": 0, "Past Due": 1, "Total": 3}
    assert pivot.loc["Total"].to_dict() == {"Active": 2, "Closed": 1, "Past Due": 3, "Total": 6}
    assert (pivot.index.name, pivot.columns.name) == ("state", "status")


@given(st.lists(st.tuples(st.none() | TEXTS, st.none() | TEXTS), min_size=1))
def test_pivot_table_counts_each_row_once(rows: list[tuple[str | None, str | None]]) -> None:
    pivot = charts.pivot_table(pd.DataFrame(rows, columns=["a", "b"]), "a", "b")
    counted = Counter((a or "(none)", b or "(none)") for a, b in rows)
    cells = pivot.drop(index=charts.TOTAL, columns=charts.TOTAL)
    assert {(a, b): cells.loc[a, b] for a in cells.index for b in cells.columns if cells.loc[a, b]} == counted
    assert pivot.loc[charts.TOTAL, charts.TOTAL] == len(rows)


def test_pivot_table_rejects_value_named_total() -> None:
    with pytest.raises(ValueError, match="Column state contains the value 'Total'"):
        charts.pivot_table(pd.DataFrame({"state": ["Total"], "status": ["Active"]}), "state", "status")


def test_heatmap_omits_totals() -> None:
    chart = charts.heatmap(charts.pivot_table(ACCOUNTS, "state", "status"), "CA has most accounts")
    assert charts.summary(chart) == (
        "CA has most accounts\n"
        "x: status; y: state\n"
        "heatmap:\n"
        "  CA: Active 2, Closed 0, Past Due 1\n"
        "  NV: Active 0, Closed 0, Past Due 2\n"
        "  WA: Active 0, Closed 1, Past Due 0"
    )


def test_timeline_shows_snapshots_and_their_changes() -> None:
    assert charts.summary(charts.snapshot_timeline(SNAPSHOTS)) == (
        "2 snapshots changed the table from 25 to 26 rows\n"
        "x: committed at (UTC); y: rows in the table\n"
        "scatter append:\n"
        "  2026-11-23 08:00:00.123: 25 (25 records added, 0 deleted)\n"
        "scatter overwrite:\n"
        "  2026-11-23 08:05:01.500: 26 (2 records added, 2 deleted)"
    )


def test_timeline_keeps_exact_snapshot_ids() -> None:
    shown = charts.snapshot_timeline(SNAPSHOTS).to_json()
    assert '"7233744567890123457"' in shown
    assert "7233744567890123457" not in shown.replace('"7233744567890123457"', "")


@pytest.mark.parametrize(
    "summary",
    [
        {"added-records": "25", "total-records": "25"},
        [("added-records", "25"), ("total-records", "25")],
        "{added-records=25, total-records=25}",
        "{x-total-records=9, added-records=25, total-records=25}",
    ],
)
def test_timeline_reads_every_form_of_summary(summary: Any) -> None:
    table = SNAPSHOTS.tail(1).assign(summary=[summary])
    assert "25 (25 records added, 0 deleted)" in charts.summary(charts.snapshot_timeline(table))


def title_of(chart: go.Figure) -> str:
    """Return a figure's title as one line."""
    return str(chart.layout.title.text).replace("<br>", " ")


def test_long_title_is_wrapped_and_enlarges_margin() -> None:
    long = "Refreshing every day instead of every 15 minutes saves $2.84 a month"
    narrow = charts.pie(pd.DataFrame({"a": ["x"], "b": [1]}), names="a", values="b", title="A short title")
    wide = charts.pie(pd.DataFrame({"a": ["x"], "b": [1]}), names="a", values="b", title=long)
    assert max(map(len, wide.layout.title.text.split("<br>"))) <= 46
    assert title_of(wide) == long
    assert wide.layout.margin.t == narrow.layout.margin.t + 20
    assert charts.summary(wide).startswith(long)


def test_timeline_rejects_snapshot_without_count() -> None:
    with pytest.raises(ValueError, match="has no total-records"):
        charts.snapshot_timeline(SNAPSHOTS.assign(summary=["{}", "{}"]))


@pytest.mark.parametrize(
    ("totals", "title"),
    [
        ([], "The table has no snapshot yet"),
        ([25], "One snapshot: the table contains 25 rows"),
        ([25, 26, 25], "3 snapshots: 25 rows, as many as after the first"),
        ([25, 1026], "2 snapshots changed the table from 25 to 1,026 rows"),
    ],
)
def test_timeline_title_summarizes_finding(totals: list[int], title: str) -> None:
    table = pd.DataFrame(
        {
            "committed_at": pd.date_range("2026-11-23", periods=len(totals), tz="UTC"),
            "snapshot_id": range(len(totals)),
            "operation": "append",
            "summary": [f"{{total-records={total}}}" for total in totals],
        }
    )
    assert title_of(charts.snapshot_timeline(table)) == title


def test_schema_change_compares_schemas() -> None:
    before = pd.DataFrame({"Column Name": ["id", "limit", "gone"], "Type": ["string", "double", "string"]})
    after = {"id": "string", "limit": "string", "email": "string"}
    assert charts.schema_change(before, after).to_numpy().tolist() == [
        ["id", "string", "string", ""],
        ["limit", "double", "string", "type changed"],
        ["email", "", "string", "added"],
        ["gone", "string", "", "removed"],
    ]


def test_freshness_is_time_from_sync_to_completion() -> None:
    chart = charts.freshness(INGESTIONS, expected_seconds=6)
    assert title_of(chart) == "The lakehouse was at most 5.0 seconds behind"
    assert chart.data[0].y == (1.0, 5.0)
    assert chart.layout.shapes[0].y0 == 6


def test_freshness_uses_minutes_for_long_delays() -> None:
    late = INGESTIONS.assign(last_synced_at=pd.to_datetime("2026-11-23 07:45:03", utc=True))
    chart = charts.freshness(late, expected_seconds=900)
    assert title_of(chart) == "The lakehouse was at most 15.1 minutes behind"
    assert chart.layout.shapes[0].y0 == 15


def test_freshness_chart_without_ingestions_says_so() -> None:
    assert charts.freshness(INGESTIONS.head(0)).layout.title.text == "Nothing ingested yet"
    at_once = INGESTIONS.head(1).assign(last_synced_at=INGESTIONS["completed_at"].head(1))
    assert charts.freshness(at_once).layout.title.text == "The lakehouse was less than 0.1 seconds behind"


def test_cost_by_interval_omits_costs_below_half_a_cent() -> None:
    assert charts.summary(charts.cost_by_interval(COSTS)) == (
        "Refreshing every day instead of every 15 minutes saves $2.78 a month\n"
        "x: refresh interval; y: US dollars a month\n"
        "bar Incremental exports:\n"
        "  15 minutes: 2.81\n"
        "  1 day: 0.03"
    )


@pytest.mark.parametrize(
    ("values", "finding"),
    [
        ({"NV": 83.4, "CA": 40}, "NV uses 83% of its credit, more than any other state"),
        ({"NV": 83, "CA": 83, "WA": 1}, "CA and NV: each uses 83% of its credit, more than any other state"),
        ({"NV": 83, "CA": 83}, "Every state uses 83% of its credit"),
        ({"NV": 83}, "NV uses 83% of its credit"),
        ({"NV": 83, "CA": 2, "Total": 85}, "NV uses 83% of its credit, more than any other state"),
        ({"NV": Decimal(83), "CA": None}, "NV uses 83% of its credit"),
        ({}, "There is no state to compare"),
    ],
)
def test_finding_names_largest_values(values: dict[str, Any], finding: str) -> None:
    series = pd.Series(values, dtype=object)
    assert charts.most(series, "uses {:.0f}% of its credit", "state") == finding


def test_finding_rejects_repeated_names() -> None:
    with pytest.raises(ValueError, match="NV occurs more than once"):
        charts.most(pd.Series([1, 2], index=["NV", "NV"]), "uses {:.0f}%", "state")


def test_summary_describes_any_figure() -> None:
    figure = go.Figure([go.Scatter(x=["a", "b"], y=[-0.001, float("nan")]), go.Sunburst(labels=["a"], parents=[""])])
    assert charts.summary(figure) == "Untitled figure\nscatter:\n  a: 0\n  b: –\nsunburst, values not described"


@pytest.mark.parametrize("chart", every_chart(), ids=lambda chart: str(chart.data[-1].type))
def test_chart_is_stored_as_data_and_text(chart: charts.Chart) -> None:
    stored, _ = displayed(chart)
    assert set(stored) == {"application/vnd.plotly.v1+json", "text/plain"}
    assert stored["text/plain"] == charts.summary(chart, clock=False)
    figure = stored["application/vnd.plotly.v1+json"]
    assert figure["config"]["toImageButtonOptions"]["format"] == "png"
    assert "bdata" not in json.dumps(figure)


@pytest.mark.parametrize(
    ("version", "renderer", "page"),
    [
        ("7.1.0", "plotly_mimetype+notebook", False),
        ("6.0.1", "plotly_mimetype+notebook", True),
        ("6.0.1", "plotly_mimetype", False),
        ("7.1.0", "colab", True),
        ("7.1.0", "vscode", False),
        ("7.1.0", "", False),
    ],
)
def test_html_is_stored_only_if_renderer_needs_it(
    monkeypatch: pytest.MonkeyPatch, version: str, renderer: str, page: bool
) -> None:
    monkeypatch.setattr(plotly, "__version__", version)
    monkeypatch.setattr(plotly.io.renderers, "_default_name", renderer)
    assert ("text/html" in every_chart()[0]._repr_mimebundle_()) == page


@pytest.mark.parametrize("chart", every_chart(), ids=lambda chart: str(chart.data[-1].type))
def test_chart_has_its_own_background_with_high_contrast(chart: charts.Chart) -> None:
    assert chart.layout.paper_bgcolor == chart.layout.plot_bgcolor == _palette.CARD
    assert _contrast(_palette.INK, _palette.CARD) > 7
    assert chart.layout.font.color == _palette.INK


def test_summary_can_omit_times() -> None:
    for chart in (charts.snapshot_timeline(SNAPSHOTS), charts.freshness(INGESTIONS)):
        assert "2026" in charts.summary(chart)
        assert not any(letter.isdigit() for letter in charts.summary(chart, clock=False))


def _contrast(first: str, second: str) -> float:
    """Return the WCAG 2.2 contrast ratio of two colors, each written like "#1f2328"."""

    def luminance(color: str) -> float:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def notebook_with(chart: charts.Chart) -> dict[str, Any]:
    data = chart._repr_mimebundle_()
    return {"cells": [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": [{"data": data}, {"text": "x"}]}]}


def test_add_interactive_html_loads_plotly_once() -> None:
    notebook = notebook_with(every_chart()[0])
    notebook["cells"].append(notebook_with(every_chart()[1])["cells"][1])
    assert _notebook_figures.add_interactive_html(notebook, "plotly.min.js") == 2
    first, second = (cell["outputs"][0]["data"]["text/html"] for cell in notebook["cells"][1:])
    assert ('src="plotly.min.js"' in first, 'src="plotly.min.js"' in second) == (True, False)
    assert ('id="figure-1"' in first, 'id="figure-2"' in second) == (True, True)


def test_storing_chart_does_not_print_warning() -> None:
    code = "from zetl_helpers import charts; charts.Chart()._repr_mimebundle_()"
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True)
    assert "Kaleido" not in done.stderr


def test_missing_kaleido_is_reported_for_static_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    assert charts.static_image(every_chart()[0]) is None
    assert "pip install" in (charts.static_image_obstacle() or "")
    assert _notebook_figures.add_static_images(notebook_with(every_chart()[0])) == 0


def test_missing_browser_is_reported_for_static_image(monkeypatch: pytest.MonkeyPatch) -> None:
    browsers = pytest.importorskip("choreographer.browsers")
    monkeypatch.setattr(browsers.Chromium, "find_browser", lambda **_: None)
    assert charts.static_image(every_chart()[0]) is None
    assert "BROWSER_PATH" in (charts.static_image_obstacle() or "")


def test_state_map_shows_only_states_with_a_value() -> None:
    chart = charts.state_map(PAST_DUE, "state", "past_due", "NV has most")
    assert charts.summary(chart) == "NV has most\nheatmap:\n  CA: 0\n  NV: 2\n  RI: 1.5"
    without, with_value = chart.data
    names = {name for row in without.text for name in row if name}
    assert len(names) == 51 - 3, "a state without a value is named, and not shown as zero"
    assert not names & {"NV", "CA", "RI"}
    assert "<b>CA</b><br>0" in [word for row in with_value.text for word in row]


def test_states_have_distinct_tiles() -> None:
    assert len(set(TILES.values())) == len(TILES) == 51


@pytest.mark.parametrize(
    ("states", "values", "message"),
    [
        (["NV", "XX"], [1, 2], "'XX', which is not a state's two-letter code"),
        (["NV", None], [1, 2], r"'\(none\)', which is not a state's two-letter code"),
        (["NV", "NV"], [1, 2], "occurs more than once"),
        (["NV", "CA"], [1, -2], "negative value"),
    ],
)
def test_state_map_rejects_invalid_data(states: list[str | None], values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        charts.state_map(pd.DataFrame({"state": states, "n": values}), "state", "n", "")


def test_schema_picture_describes_each_column() -> None:
    assert charts.summary(charts.schema_picture(charts.schema_change(BEFORE, AFTER))) == (
        "1 column added, 1 removed, 1 changed type, 1 unchanged\n"
        "heatmap:\n"
        "  id: unchanged, string\n"
        "  limit: type changed, double → string\n"
        "  email: added, string\n"
        "  gone: removed, string"
    )
    same = charts.schema_picture(charts.schema_change(BEFORE, BEFORE))
    assert same.layout.title.text == "The columns have not changed"


def test_scanned_chart_title_names_layout_that_saves_the_most() -> None:
    chart = charts.scanned(SCANNED)
    assert title_of(chart) == 'Partitioned by state, "in Nevada" scans up to 90% fewer bytes'
    assert [list(trace.y) for trace in chart.data] == [[10.0, 10.0], [1.0, 10.0]]
    assert title_of(charts.scanned(SCANNED.assign(bytes=5))).startswith("Every query scans the same")


def test_question_that_scans_nothing_is_not_compared() -> None:
    nothing = SCANNED.assign(bytes=[0, 0, 10240, 5120])
    with warnings.catch_warnings(action="error"):
        chart = charts.scanned(nothing)
    assert title_of(chart) == 'Partitioned by state, "in October" scans up to 50% fewer bytes'


def test_title_of_file_chart_compares_counts() -> None:
    chart = charts.files({"before": FileCounts(10, 5, 1, 2, 9, 4), "after": FileCounts(10, 1, 1, 1, 1, 2)})
    assert title_of(chart) == "From 5 files to 1 for each query, and from 9 to 1 in S3"
    assert charts.files({}).layout.title.text == "No files counted"


def test_chart_can_be_saved_as_png_and_jpeg() -> None:
    _, downloads = displayed(charts.pie(PERCENTAGES, "state", "percentage", "A finding"))
    assert downloads["text/plain"] == "Save the figure as PNG or JPEG"
    for name in ("PNG", "JPEG"):
        assert f"{name}</button>" in downloads["text/html"]
        assert html.escape(f"'{name.lower()}'") in downloads["text/html"]
