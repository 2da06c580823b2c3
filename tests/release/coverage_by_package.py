"""A report of the test coverage of each package.

Run it with ``python -m tests.release.coverage_by_package LINES.json``.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def by_package(report: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return the number of statements in each package, and the number of statements that ran.

    Args:
        report: The output of ``coverage json``.
    """
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, file in report["files"].items():
        parts = Path(name).parts
        package = ".".join(parts[:2]) if len(parts) > 2 else parts[0]
        found[package][0] += file["summary"]["num_statements"]
        found[package][1] += file["summary"]["covered_lines"]
    return {package: (statements, ran) for package, (statements, ran) in sorted(found.items())}


def main() -> int:
    found = by_package(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    total = tuple(map(sum, zip(*found.values(), strict=True)))
    for package, (statements, ran) in {**found, "all": (total[0], total[1])}.items():
        print(f"{package:<36}{statements:>7} statements{ran / statements if statements else 1:>8.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
