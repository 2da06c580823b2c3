"""Static and interactive versions of the figures in a stored notebook."""

from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go

from zetl_helpers.charts._palette import CONFIG
from zetl_helpers.charts._static_image import static_image_base64

PLOTLY = "application/vnd.plotly.v1+json"
# JupyterLab would show a stored PNG at full size instead of the figure until the pointer moves over it.
PICTURE = "image/jpeg"


def add_static_images(notebook: dict[str, Any]) -> int:
    """Add a picture alongside each figure in a notebook, for readers without JavaScript.

    Args:
        notebook: A notebook in nbformat 4, as JSON. The function changes it in place.

    Returns:
        The number of figures with a picture, or 0 if `static_image_obstacle()` names a problem.
    """
    count = 0
    for data, figure in _figures(notebook):
        picture = static_image_base64(figure)
        if picture is not None:
            data[PICTURE] = picture
            count += 1
    return count


def add_interactive_html(notebook: dict[str, Any], plotly_js: str) -> int:
    """Add an HTML fragment alongside each figure in a notebook, for nbconvert's pages.

    Args:
        notebook: A notebook in nbformat 4, as JSON. The function changes it in place.
        plotly_js: The address of plotly's JavaScript, relative to the page. `plotly.offline.get_plotlyjs()` returns its
            text.

    Returns:
        The number of figures.
    """
    count = 0
    for data, figure in _figures(notebook):
        count += 1
        data["text/html"] = figure.to_html(
            full_html=False,
            include_plotlyjs=plotly_js if count == 1 else False,
            div_id=f"figure-{count}",
            config=CONFIG,
        )
    return count


def _figures(notebook: dict[str, Any]) -> Iterator[tuple[dict[str, Any], go.Figure]]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if PLOTLY in data:
                yield data, go.Figure(data=data[PLOTLY]["data"], layout=data[PLOTLY]["layout"])
