"""A script that runs a client's tests against a fresh lakehouse and compares the failures with the known failures.

    python -m tests.clients.run pyathena CHECKOUT --python VENV/bin/python

The page docs/client-suites.md describes how to create the checkouts and environments, and explains each known
failure.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.clients.suites import SUITES, command
from zetl_helpers.lab import local_environment

HERE = Path(__file__).parent
KNOWN = HERE / "known.json"


def outcomes(report: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each test's name, its outcome (passed, failed or skipped), and the reason for the outcome."""
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314  (pytest wrote the file.)
        name = f"{case.get('classname')}::{case.get('name')}"
        for kind in ("failure", "error", "skipped"):
            found = case.find(kind)
            if found is not None:
                yield name, "skipped" if kind == "skipped" else "failed", str(found.get("message"))
                break
        else:
            yield name, "passed", ""


def main() -> int:
    """Run a suite, and return 0 if exactly the known failures occur."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", choices=sorted(SUITES))
    parser.add_argument("checkout", type=Path, help="a checkout of the client's source, with its tests")
    parser.add_argument(
        "--python", type=Path, required=True, help="a Python interpreter that has the client and pytest"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", type=Path, help="the file for pytest's report in JUnit format")
    options, further = parser.parse_known_args()
    suite = SUITES[options.suite]
    lakehouse = Lakehouse(Settings())
    lakehouse.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            report = (options.report or Path(folder) / "report.xml").absolute()
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))},
                **local_environment(lakehouse.url, "us-east-1"),
                **suite.environment,
                **suite.prepare(lakehouse.url),
                "PYTHONPATH": os.pathsep.join(
                    map(str, [HERE / "plugin", *(options.checkout.absolute() / each for each in suite.sources)])
                ),
            }
            subprocess.run(
                command(suite, options.python.absolute(), report, options.workers, further),
                cwd=options.checkout / suite.folder, env=environment, check=False,
            )  # fmt: skip
            found = list(outcomes(report))
    finally:
        lakehouse.stop()
    return _compare(suite.name, found, whole=not further)


def _compare(suite: str, found: list[tuple[str, str, str]], *, whole: bool) -> int:
    known = json.loads(KNOWN.read_text()).get(suite, {})
    failed = {name: why for name, outcome, why in found if outcome == "failed"}
    counts = {kind: sum(outcome == kind for _, outcome, _ in found) for kind in ("passed", "failed", "skipped")}
    print(f"{suite}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    new = sorted(failed.keys() - known.keys())
    for name in new:
        print(f"new failure: {name}\n    {failed[name][:300]}")
    ran = {name for name, outcome, _ in found if outcome != "skipped"}
    gone = sorted(name for name in known if name not in failed and (whole or name in ran))
    for name in gone:
        print(f"known failure that does not occur: {name}")
    return 1 if new or gone else 0


if __name__ == "__main__":
    sys.exit(main())
