"""Plotly figures of the lakehouse. The title of each figure states its finding.

If the notebook's front end can run plotly, a figure at the end of a notebook cell is interactive and can be downloaded
as PNG or JPEG. Otherwise, the cell shows the text of `summary`. `static_image` draws the figure for pages without
JavaScript.
"""

from zetl_helpers.charts._figure import Chart
from zetl_helpers.charts._figure_text import summary
from zetl_helpers.charts._figures_of_rows import heatmap, pie, schema_picture, state_map
from zetl_helpers.charts._figures_of_tables import cost_by_interval, files, freshness, scanned, snapshot_timeline
from zetl_helpers.charts._static_image import static_image, static_image_obstacle
from zetl_helpers.charts._tables import TOTAL, most, pivot_table, schema_change

__all__ = [
    "TOTAL",
    "Chart",
    "cost_by_interval",
    "files",
    "freshness",
    "heatmap",
    "most",
    "pie",
    "pivot_table",
    "scanned",
    "schema_change",
    "schema_picture",
    "snapshot_timeline",
    "state_map",
    "static_image",
    "static_image_obstacle",
    "summary",
]
