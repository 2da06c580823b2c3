"""The style of all figures, with colors that are distinguishable with any kind of color vision.

Figures have an opaque background, so they are equally readable in light and dark notebooks. On a transparent
background, no gray would have enough contrast in both.
"""

import textwrap
from typing import Any

# Okabe and Ito, Color Universal Design (2008): https://jfly.uni-koeln.de/color/. Black comes last, because it stands
# out most.
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#000000")
# If there are more categories than colors, patterns distinguish the repeated colors.
PATTERNS = ("", "/", ".", "x")

INK = "#1f2328"
FAINT = "#6e7781"
GRID = "#d8dee4"
CARD = "#ffffff"
# One hue ranges from nearly white to dark, so that the order is visible with any color vision and in grayscale print.
SEQUENTIAL = ((0.0, "#f3f8fc"), (0.5, "#6fb1da"), (1.0, "#004c78"))

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,  # this button, next to the camera icon, would send data to a server
    "displayModeBar": True,
    "responsive": True,
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "zetl-chart"},
}


def colors(count: int) -> list[str]:
    """Return the requested number of colors. After the eighth color, the colors repeat."""
    return [OKABE_ITO[number % len(OKABE_ITO)] for number in range(count)]


def patterns(count: int) -> list[str]:
    """Return a pattern for each of `colors(count)`, so that up to 32 marks look different."""
    return [PATTERNS[number // len(OKABE_ITO) % len(PATTERNS)] for number in range(count)]


def pattern(shape: str | list[str]) -> dict[str, Any]:
    """Return a plotly pattern of thin light lines over a mark's color."""
    return {"shape": shape, "fillmode": "overlay", "fgcolor": CARD, "solidity": 0.25}


# In a figure that is 420 pixels wide (a phone or half a screen), a title line holds _TITLE_LINE characters.
_TITLE_SIZE, _TITLE_LINE, _TITLE_HEIGHT = 16, 46, 20


def layout(title: str, **more: Any) -> dict[str, Any]:
    """Return a plotly layout with the title, the shared style and any additional keyword arguments."""
    lines = textwrap.wrap(title, _TITLE_LINE, break_long_words=False)
    axis = {"gridcolor": GRID, "linecolor": FAINT, "zerolinecolor": GRID, "automargin": True}
    shared = {
        "template": "none",
        "title": {
            "text": "<br>".join(lines),
            "x": 0.02,
            "xanchor": "left",
            "y": 0.96,
            "yanchor": "top",
            "font": {"size": _TITLE_SIZE},
        },
        "font": {"family": "Helvetica, Arial, sans-serif", "size": 13, "color": INK},
        "paper_bgcolor": CARD,
        "plot_bgcolor": CARD,
        "hoverlabel": {"bgcolor": CARD, "bordercolor": FAINT, "font": {"color": INK}},
        "height": 420,
        "margin": {"l": 70, "r": 30, "t": 70, "b": 70},
    }
    for name in ("xaxis", "yaxis"):
        if name in more:
            more[name] = axis | more[name]
    found: dict[str, Any] = shared | more
    top = found["margin"].get("t", 70) + _TITLE_HEIGHT * max(0, len(lines) - 1)
    return {**found, "margin": {**found["margin"], "t": top}}
