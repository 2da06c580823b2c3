"""Static images of figures for pages without JavaScript, such as a notebook on GitHub."""

import base64
import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal


def static_image(
    figure: Any, image_format: Literal["png", "jpeg", "svg"] = "png", *, width: int = 760, height: int | None = None
) -> bytes | None:
    """Draw a plotly figure without displaying it and without network access.

    Args:
        figure: Any plotly figure.
        image_format: The format. A "png" or "jpeg" picture has twice the number of pixels in each direction, so that it
            stays sharp when enlarged.
        width: The width in pixels.
        height: The height in pixels. Defaults to the figure's height, or to 420 if the figure has no height.

    Returns:
        The picture, or None if `static_image_obstacle()` returns a problem.
    """
    if static_image_obstacle() is not None:
        return None
    with without_kaleidos_warning():
        import kaleido

    options = {
        "format": image_format,
        "width": width,
        "height": height or figure.layout.height or 420,
        "scale": 1 if image_format == "svg" else 2,
    }
    # Kaleido would request MathJax from a server, but no figure in this package needs it.
    page = kaleido.PageGenerator(mathjax=False)
    picture = kaleido.calc_fig_sync(figure.to_plotly_json(), opts=options, kopts={"page_generator": page})
    if not isinstance(picture, bytes):
        raise TypeError(f"Kaleido returned {type(picture).__name__} instead of bytes for the format {image_format}.")
    return picture


def static_image_base64(figure: Any) -> str | None:
    """Return a figure as a Base64-encoded JPEG for a notebook, or None if `static_image` cannot draw the figure."""
    picture = static_image(figure, "jpeg")
    return None if picture is None else base64.b64encode(picture).decode("ascii")


def static_image_obstacle() -> str | None:
    """Describe the software that is missing for static images, and how to install it.

    Returns:
        The description, or None if nothing is missing.
    """
    for module in ("kaleido", "choreographer"):
        if importlib.util.find_spec(module) is None:
            return (
                "Static images are unavailable, because the package kaleido (version 1 or newer) is not installed. "
                "Run: pip install 'kaleido>=1'"
            )
    from choreographer.browsers.chromium import Chromium

    if Chromium.find_browser(skip_local=False) is None:
        return (
            "Static images are unavailable, because neither Chrome nor Chromium was found. Install one of them, or set "
            "BROWSER_PATH to its path."
        )
    return None


@contextmanager
def without_kaleidos_warning() -> Iterator[None]:
    """Suppress a warning from Kaleido 1 while a block imports Kaleido, directly or through plotly's renderers.

    If plotly is older than 6.1, Kaleido warns that plotly's image functions will not work. This package does not call
    them.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Warning: You have Plotly version", category=UserWarning)
        yield
