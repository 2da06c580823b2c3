"""The ``zetl preflight`` command, which predicts the result of zero-ETL for a table."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zetl_helpers._errors import UserError

if TYPE_CHECKING:
    from zetl_helpers.lab import Lab


def add(commands: Any, connect: Callable[[], Lab]) -> None:
    """Add the command.

    Args:
        commands: The parser's commands.
        connect: A function that returns a lab in the table's account.
    """
    command = commands.add_parser(
        "preflight", help="predict what zero-ETL will do with a table, or with items in a file"
    )
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("table", nargs="?", metavar="TABLE", help="name or ARN of a table, which is only read")
    what.add_argument(
        "--file", type=Path, metavar="ITEMS.json",
        help="items in DynamoDB JSON, one per line, or the folder of an export to Amazon S3",
    )  # fmt: skip
    command.add_argument("--keys", help="key attributes, such as PK,SK, of the items in a file; default: a guess")
    command.add_argument("--sample", type=int, default=10_000, help="items to read from a table; default: 10000")
    command.add_argument("--changes", type=float, metavar="N", help="writes per day; default: a twentieth of the items")
    command.add_argument(
        "--refresh", type=int, default=15, metavar="MINUTES", help="refresh interval in minutes; default: 15"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--page", type=Path, metavar="FILE", help="also write an HTML page")
    command.set_defaults(run=lambda options: _run(options, connect))


def _run(options: argparse.Namespace, connect: Callable[[], Lab]) -> int:
    from zetl_helpers import preflight

    keys = [name for name in (options.keys or "").split(",") if name]
    about = {"changes_per_day": options.changes, "refresh_minutes": options.refresh}
    try:
        if options.file is not None:
            report = preflight.of_file(options.file, keys=keys, **about)
        else:
            report = preflight.of_table(connect(), options.table, sample=options.sample, **about)
    except ValueError as error:
        raise UserError(str(error)) from error
    if options.page is not None:
        try:
            options.page.write_text(report.page(), encoding="utf-8")
        except OSError as error:
            raise UserError(f"The page {options.page} cannot be written: {error.strerror}.") from error
    print(report.json() if options.json else report.text())
    return 0
