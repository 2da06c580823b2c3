"""Browser tests that check whether the labels in the diagrams fit into their boxes."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

DIAGRAMS = sorted((ROOT / "docs" / "images").glob("*.svg"))
# A label must fit into the smallest box that contains the label's center.
_TOO_WIDE = """() => {
    const boxes = [...document.querySelectorAll("rect")].map(box => box.getBBox());
    const contains = (box, x, y) =>
        box.x <= x && x <= box.x + box.width && box.y <= y && y <= box.y + box.height;
    return [...document.querySelectorAll("text")].filter(label => {
        const {x, y, width, height} = label.getBBox();
        const around = boxes.filter(box => contains(box, x + width / 2, y + height / 2));
        const [box] = around.sort((a, b) => a.width * a.height - b.width * b.height);
        return box && (x < box.x + 4 || x + width > box.x + box.width - 4);
    }).map(label => label.textContent);
}"""


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_labels_fit_inside_their_boxes(path: Path, browser: "Browser") -> None:
    page = browser.new_page()
    page.set_content(path.read_text(encoding="utf-8"))
    assert page.evaluate(_TOO_WIDE) == []
    page.close()
