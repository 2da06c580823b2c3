"""Tests that the diagrams have descriptions, and are readable on light and dark pages."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

SVG = "{http://www.w3.org/2000/svg}"
IMAGES = sorted((Path(__file__).parent.parent / "docs" / "images").glob("*.svg"))


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.stem)
def test_diagram_has_title_description_and_background(path: Path) -> None:
    root = ET.parse(path).getroot()  # noqa: S314  (The files are part of this project.)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    title, description = root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")
    assert title
    assert description
    assert len(description) > 80
    card = root.find(f"{SVG}rect")
    assert card is not None
    assert card.get("fill") == "#ffffff"
    assert float(card.get("width", 0)) >= float(root.get("width", 0)) - 2


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.stem)
def test_diagram_labels_are_inside_the_image(path: Path) -> None:
    root = ET.parse(path).getroot()  # noqa: S314  (The files are part of this project.)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for text in root.iter(f"{SVG}text"):
        assert 0 < float(text.get("x", 0)) < width
        assert 0 < float(text.get("y", 0)) < height - 5
        assert float(text.get("font-size", 0)) >= 12
