"""A script that copies figures from the notebooks' stored outputs into the README's gallery.

Run it with ``python -m tests.notebooks.gallery``.
"""

import base64
import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "images" / "gallery"
FIGURES = {
    "pie.jpg": ("05_visualize", "code-07"),
    "heat-map.jpg": ("05_visualize", "code-13"),
    "snapshots.jpg": ("07_time_travel", "code-08"),
    "scanned.jpg": ("10_nested_data", "code-40"),
}
"""The notebook and the cell of each picture."""


def stored(notebook: str, cell: str) -> bytes:
    """Return the static picture of a figure in a notebook's stored outputs."""
    cells = json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    (outputs,) = [found["outputs"] for found in cells if found["id"] == cell]
    (picture,) = [output["data"]["image/jpeg"] for output in outputs if "image/jpeg" in output.get("data", {})]
    return base64.b64decode("".join(picture))


def main() -> None:
    """Copy the figures into the gallery."""
    for name, place in FIGURES.items():
        (FOLDER / name).write_bytes(stored(*place))


if __name__ == "__main__":
    main()
