"""The practice console, a web page where learners practice the blog post's console steps on the local lakehouse."""

from __future__ import annotations

import html
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING

from zetl_helpers import _settings
from zetl_helpers._errors import UserError

__all__ = ["ConsoleError", "ConsoleLink", "open_for"]

if TYPE_CHECKING:
    from zetl_helpers.console.server import ConsoleServer
    from zetl_helpers.lab import Lab

_lock = threading.Lock()
_running: dict[str, ConsoleServer] = {}


class ConsoleError(UserError):
    """The practice console cannot be opened. The message says why."""


class ConsoleLink:
    """A link to a running practice console.

    Args:
        url: The console's address, with the token.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def __repr__(self) -> str:
        return self.url

    def _repr_html_(self) -> str:
        address = html.escape(self.url)
        return f"<a href='{address}' target='_blank' rel='noopener'>Open the practice console</a>"


def open_for(lab: Lab, place: str = "/") -> ConsoleLink:
    """Run the practice console in this process and return a link to it.

    Args:
        lab: The lab, whose local lakehouse the console shows.
        place: The page that the link opens, such as ``/glue/zero-etl``. The browser shows this path after the ``#``.

    Returns:
        The link, which is clickable in a notebook. The console stops when the notebook's kernel stops.

    Raises:
        ConsoleError: The lab is on AWS, not on a local lakehouse.
    """
    from zetl_helpers.console.link import Link
    from zetl_helpers.console.server import ConsoleServer

    if lab.endpoint is None:
        raise ConsoleError("The practice console is for the local lakehouse. On AWS, use the AWS console.")
    with _lock:
        if lab.endpoint not in _running:
            server = ConsoleServer(Link(_settings.state_dir(), lab))
            server.serve_in_background()
            _running[lab.endpoint] = server
        return ConsoleLink(_running[lab.endpoint].url_of(place))


class _CallableModule(ModuleType):
    """A callable module, so that ``zetl.console(lab)`` works even though ``zetl_helpers.console`` is a package."""

    def __call__(self, lab: Lab, place: str = "/") -> ConsoleLink:
        return open_for(lab, place)


sys.modules[__name__].__class__ = _CallableModule
