"""What every picture is: a plotly figure that a notebook stores as data and words."""

from __future__ import annotations

import json
from typing import Any

import plotly
import plotly.graph_objects as go
import plotly.io as pio

from zetl_helpers import _palette
from zetl_helpers._figure_text import summary
from zetl_helpers._static_image import without_kaleidos_warning


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
