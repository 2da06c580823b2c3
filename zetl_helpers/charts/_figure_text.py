"""Text descriptions of plotly figures, for readers who cannot see them and for tests."""

import math
import re
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any


def summary(figure: Any, *, clock: bool = True) -> str:
    """Describe a plotly figure as plain text that depends only on the figure's data.

    Args:
        figure: A plotly figure, which need not come from this package.
        clock: Whether to describe charts of measured values, such as times, which differ between runs. If False, only
            the subject of these charts is described, so that the text is the same in every run.

    Returns:
        The titles of the figure and its axes, and the type, name and values of each trace. Values are rounded to two
        decimal places.
    """
    neutral = (figure.layout.meta or {}).get("clock") if isinstance(figure.layout.meta, dict) else None
    if neutral and not clock:
        return f"{neutral} (measured at run time, so the values differ from run to run)"
    lines = [_plain(figure.layout.title.text or "Untitled figure")]
    axes = [
        f"{axis}: {_plain(title)}"
        for axis, title in (("x", figure.layout.xaxis.title.text), ("y", figure.layout.yaxis.title.text))
        if title
    ]
    if axes:
        lines.append("; ".join(axes))
    for trace in figure.data:
        if trace.hoverinfo != "skip":  # a reference line has no data
            lines.extend(_trace(trace))
    return "\n".join(lines)


def _trace(trace: Any) -> list[str]:
    head = f"{trace.type} {_plain(trace.name)}" if trace.name else str(trace.type)
    if isinstance(trace.meta, dict) and "words" in trace.meta:
        rows = [f"  {_plain(line)}" for line in trace.meta["words"]]
    elif trace.type == "pie":
        pairs = list(zip(_values(trace.labels), _values(trace.values), strict=True))
        total = sum(value for _, value in pairs)
        rows = [f"  {label}: {_text(value)} ({100 * value / total:.0f}%)" for label, value in pairs if total]
    elif trace.type == "heatmap":
        columns = _values(trace.x)
        rows = [
            f"  {_text(row)}: " + ", ".join(f"{_text(x)} {_text(z)}" for x, z in zip(columns, values, strict=True))
            for row, values in zip(_values(trace.y), (_values(line) for line in _values(trace.z)), strict=True)
        ]
    elif "x" in trace and "y" in trace and trace.x is not None and trace.y is not None:
        points = zip(_values(trace.x), _values(trace.y), strict=True)
        notes = _values(trace.text) if not isinstance(trace.text, str) else []
        rows = [
            f"  {_text(x)}: {_text(y)}" + (f" ({_plain(note)})" if note else "")
            for (x, y), note in zip_longest(points, notes)
        ]
    else:
        return [f"{head}, values not described"]
    return [f"{head}:", *rows]


def _values(array: Iterable[Any] | None) -> list[Any]:
    """Return a numpy array, tuple or list as a list of Python objects."""
    if array is None:
        return []
    return list(array.tolist() if hasattr(array, "tolist") else array)


def _text(value: Any) -> str:
    """Format a number with at most two decimal places, and a missing value as a dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if not isinstance(value, float):
        return str(value)
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def _plain(text: Any) -> str:
    """Remove HTML tags from text in a plotly figure."""
    return re.sub(r"<[^>]+>", " ", str(text)).strip()
