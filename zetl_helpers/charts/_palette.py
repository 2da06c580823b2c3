"""The look that all figures share: colours that survive colour blindness, dark ink on an opaque white card.

A card of its own reads the same in a light and in a dark notebook: no grey has enough contrast on both.
"""

from typing import Any

# Okabe and Ito, Color Universal Design (2008): https://jfly.uni-koeln.de/color/. Black comes last, it weighs most.
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#000000")
# More categories than colours: a second round is told apart by its pattern.
PATTERNS = ("", "/", ".", "x")

INK = "#1f2328"
FAINT = "#6e7781"
GRID = "#d8dee4"
CARD = "#ffffff"
# One hue from nearly white to dark: the order survives any colour vision and a grey print.
SEQUENTIAL = ((0.0, "#f3f8fc"), (0.5, "#6fb1da"), (1.0, "#004c78"))

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,  # nothing here leaves the computer by a click beside the camera
    "displayModeBar": True,
    "responsive": True,
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "zetl-chart"},
}


def colours(count: int) -> list[str]:
    """Return as many colours as asked for, beginning again after the eighth."""
    return [OKABE_ITO[number % len(OKABE_ITO)] for number in range(count)]


def patterns(count: int) -> list[str]:
    """Return the pattern that goes with each of `colours(count)`, so that no two marks are alike."""
    return [PATTERNS[number // len(OKABE_ITO) % len(PATTERNS)] for number in range(count)]


def pattern(shape: str | list[str]) -> dict[str, Any]:
    """Return a plotly pattern of thin light lines over a mark's own colour."""
    return {"shape": shape, "fillmode": "overlay", "fgcolor": CARD, "solidity": 0.25}


def layout(title: str, **more: Any) -> dict[str, Any]:
    """Return a plotly layout with the title and the shared look; what is given by name is added."""
    axis = {"gridcolor": GRID, "linecolor": FAINT, "zerolinecolor": GRID, "automargin": True}
    shared = {
        "template": "none",
        "title": {"text": title, "x": 0.02, "xanchor": "left", "y": 0.96, "yanchor": "top", "font": {"size": 17}},
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
    return shared | more
