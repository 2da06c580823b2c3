"""The plotly figure class that all charts use, and buttons that save a figure."""

from __future__ import annotations

import html
import json
from typing import Any

import plotly
import plotly.graph_objects as go
import plotly.io as pio

from zetl_helpers.charts import _palette
from zetl_helpers.charts._figure_text import summary
from zetl_helpers.charts._static_image import without_kaleidos_warning

# plotly's download button supports only one format, and a JSON configuration cannot add another button. This script
# finds the figure above the clicked button and makes plotly's button save the requested format. If JupyterLab has not
# drawn the figure yet, the script saves the static picture.
_SAVE = """
(function (button, format) {
  var above = Array.from(document.querySelectorAll('.js-plotly-plot, img.plot-img')).filter(function (one) {
    return (one.compareDocumentPosition(button) & 4) && one.getClientRects().length;
  });
  var figure = above.pop();
  if (!figure) { return; }
  if (figure._context) {
    var options = figure._context.toImageButtonOptions, usual = options.format;
    options.format = format;
    figure.querySelector('.modebar-btn[data-title^=Download]').click();
    options.format = usual;
    return;
  }
  var canvas = document.createElement('canvas'), link = document.createElement('a');
  canvas.width = figure.naturalWidth;
  canvas.height = figure.naturalHeight;
  canvas.getContext('2d').drawImage(figure, 0, 0);
  link.href = canvas.toDataURL('image/' + format);
  link.download = 'zetl-chart.' + format;
  link.click();
})(this, 'FORMAT')
"""


def _button(name: str) -> str:
    script = html.escape(" ".join(_SAVE.replace("FORMAT", name.lower()).split()))
    return f'<button type="button" onclick="{script}">{name}</button>'


DOWNLOADS = f"<small>Save the figure as {_button('PNG')} {_button('JPEG')}</small>"
"""The two buttons below a figure, which work without a server."""


class Chart(go.Figure):  # type: ignore[misc]  # plotly publishes no types
    """A plotly figure that a notebook stores as data and text instead of as a page with JavaScript.

    JupyterLab and VS Code draw the data. Other viewers show the text, which is the same in every run, so that stored
    outputs can be compared. If the notebook's front end cannot draw the data, the notebook also stores plotly's HTML
    page. Set `PLOTLY_RENDERER` to `plotly_mimetype` to omit the page.
    """

    # plotly's method would write a page with a random element ID into the notebook.
    _repr_html_ = None

    def _ipython_display_(self) -> None:
        from IPython.display import display

        below = {"text/html": DOWNLOADS, "text/plain": "Save the figure as PNG or JPEG"}
        for output in (self._repr_mimebundle_(), below):
            display(output, raw=True)  # type: ignore[no-untyped-call]

    def _repr_mimebundle_(self, *_: Any, **__: Any) -> dict[str, Any]:
        bundle = {
            "application/vnd.plotly.v1+json": json.loads(self.to_json()) | {"config": _palette.CONFIG},
            "text/plain": summary(self, clock=False),
        }
        if _page_is_needed():
            bundle["text/html"] = self.to_html(full_html=False, include_plotlyjs=True, config=_palette.CONFIG)
        return bundle


def _page_is_needed() -> bool:
    """Return whether the notebook's front end cannot draw a figure's data, as far as plotly can tell."""
    blind = {"colab", "kaggle", "databricks", "azure"}
    # The JupyterLab extension in plotly 6.1 draws the data, but Unified Studio has plotly 6.0.
    if tuple(int(part) for part in plotly.__version__.split(".")[:2]) < (6, 1):
        blind.add("notebook")
    with without_kaleidos_warning():
        renderers = pio.renderers
    return not blind.isdisjoint((renderers.default or "").split("+"))
