"""The ``zetl console`` command."""

from __future__ import annotations

import argparse
import sys
import webbrowser

from zetl_helpers import _settings
from zetl_helpers._local_commands import UsageError


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the ``zetl console`` command to the parser."""
    console = commands.add_parser("console", help="open the practice console and print its address on the last line")
    console.add_argument("--port", type=int, default=0, help="default: a free port")
    console.add_argument("--no-browser", action="store_true", help="only print the address")
    console.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the console until it is interrupted."""
    if _settings.target() == "aws":
        raise UsageError("The practice console is for the local lakehouse. On AWS, use the AWS console.")
    from zetl_helpers.console.link import Link
    from zetl_helpers.console.server import ConsoleServer

    link = Link(_settings.state_dir())
    try:
        server = ConsoleServer(link, options.port)
    except OSError as error:
        raise UsageError(f"Port {options.port} cannot be used: {error.strerror}. Omit --port.") from error
    link.start()
    link.warm_up()
    print("The practice console runs until you press Ctrl-C. Open:")
    print(server.url, flush=True)
    if not options.no_browser:
        webbrowser.open(server.url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("Stopped. The local lakehouse keeps running.", file=sys.stderr)
    finally:
        server.server_close()
    return 0
