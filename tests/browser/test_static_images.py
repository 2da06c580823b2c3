"""Browser tests for the static images of charts."""

import base64

import pytest

from tests.test_charts import every_chart, notebook_with
from zetl_helpers import charts
from zetl_helpers.course import _notebook_figures

pytestmark = pytest.mark.browser


def test_draws_static_image_with_browser(chromium: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", chromium)
    if (obstacle := charts.static_image_obstacle()) is not None:
        pytest.skip(obstacle)
    svg = charts.static_image(every_chart()[0], "svg")
    assert svg is not None
    assert svg.startswith(b"<svg")
    assert all(text in svg for text in (b"A finding", b">NV<"))
    notebook = notebook_with(every_chart()[1])
    assert _notebook_figures.add_static_images(notebook) == 1
    picture = notebook["cells"][1]["outputs"][0]["data"]["image/jpeg"]
    assert base64.b64decode(picture).startswith(b"\xff\xd8")
