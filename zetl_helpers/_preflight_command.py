"""The ``zetl preflight`` command, which predicts how zero-ETL will replicate a table."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

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
    what.add_argument("table", nargs="?", metavar="TABLE", help="name or ARN of the table; the command only reads it")
    what.add_argument(
        "--file", type=Path, metavar="ITEMS.json",
        help="items in DynamoDB JSON, one per line, or the folder of an export to Amazon S3",
    )  # fmt: skip
    command.add_argument(
        "--keys", help="with --file: key attributes of the items in the file, such as PK,SK; default: a guess"
    )
    command.add_argument("--sample", type=int, help="with TABLE: number of items to read; default: 10000")
    command.add_argument("--changes", type=float, metavar="N", help="writes per day; default: 5%% of the items")
    command.add_argument(
        "--refresh", type=int, default=15, metavar="MINUTES", help="refresh interval in minutes; default: 15"
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--page", type=Path, metavar="FILE", help="also write an HTML page")
    command.set_defaults(run=lambda options: _run(_checked(options, command.error), connect))


def _checked(options: argparse.Namespace, reject: Callable[[str], NoReturn]) -> argparse.Namespace:
    """Return the options, or reject an option that would have no effect."""
    if options.file is None and options.keys is not None:
        reject("argument --keys: not allowed with argument TABLE")
    if options.file is not None and options.sample is not None:
        reject("argument --sample: not allowed with argument --file")
    return options


def _run(options: argparse.Namespace, connect: Callable[[], Lab]) -> int:
    from zetl_helpers import preflight

    keys = [name for name in (options.keys or "").split(",") if name]
    sample = preflight.SAMPLE if options.sample is None else options.sample
    about = {"changes_per_day": options.changes, "refresh_minutes": options.refresh}
    try:
        if options.file is not None:
            report = preflight.of_file(options.file, keys=keys, **about)
        else:
            report = preflight.of_table(connect(), options.table, sample=sample, **about)
    except ValueError as error:
        raise UserError(str(error)) from error
    if options.page is not None:
        try:
            options.page.write_text(report.page(), encoding="utf-8")
        except OSError as error:
            raise UserError(f"The page {options.page} cannot be written: {error.strerror}.") from error
    print(report.json() if options.json else report.text())
    return 0
