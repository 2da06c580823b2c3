"""Locked requirements in constraints/, updated by ``python -m tests.release.lock [--upgrade]``.

Each file pins the packages that an installation with certain extras needs, on all systems and Python versions. It also
contains the hashes of the packages' files. A pin does not change unless ``--upgrade`` is given or a range in
pyproject.toml excludes it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "constraints"


@dataclass(frozen=True)
class Lock:
    """A file of locked requirements.

    Args:
        about: The first line of the file.
        extras: The extras of this project whose packages the file pins.
        packages: The packages that the lock file pins in place of the packages listed in extras.
        python: The oldest supported Python version.
        beside: The name of the lock that is installed first, or None. Packages in both locks have the same version.
        kept: Whether ``--upgrade`` leaves the file's pins unchanged.
    """

    about: str
    extras: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    python: str = "3.11"
    beside: str | None = None
    kept: bool = False


LOCKS = {
    "tested": Lock("The project is tested with these versions, which make installs.", ("local", "notebooks", "dev")),
    "pages": Lock(
        "The site and the browser tests need these packages in addition to tested.txt.",
        ("site", "browser"), beside="tested",
    ),
    "studio": Lock(
        "These are the versions in the SageMaker Unified Studio image 4.4.1. Other packages are as in tested.txt.",
        ("local", "notebooks", "dev"), python="3.12", kept=True,
    ),
    "uv": Lock("make installs uv with pip, and all other packages with uv (decision 0050).", packages=("uv>=0.9",)),
    "release": Lock(
        "These packages build, lock and describe a release, and check the workflows.", ("release",), beside="uv"
    ),
    "dbt": Lock(
        "tests/wire/test_dbt.py runs dbt with its Athena adapter in a separate environment (docs/decisions/0015).",
        packages=("dbt-core<1.12", "dbt-athena"),
    ),
}  # fmt: skip
# Each pin is held back for the given reason, and an upgrade does not change it.
HELD = {"jsonschema": ("<4.25", "docs/decisions/0036")}


def pins(text: str) -> list[str]:
    """Return the pinned versions in a lock file, without markers or hashes."""
    return [line.partition(" ;")[0] for line in requirements(text)]


def requirements(text: str) -> list[str]:
    """Return the pinned versions in a lock file with their markers, but without hashes."""
    return re.findall(r"^([A-Za-z0-9][\w.-]*==.+?) *\\?$", text, re.MULTILINE)


def write(name: str, *, upgrade: bool) -> None:
    """Resolve the requirements of a lock file, and write the file."""
    lock, path = LOCKS[name], FOLDER / f"{name}.txt"
    with tempfile.TemporaryDirectory(prefix="zetl-") as folder:
        wanted, limits = Path(folder) / "wanted.in", Path(folder) / "limits.txt"
        wanted.write_text("\n".join(lock.packages), encoding="utf-8")
        limit = [f"{package}{versions}" for package, (versions, _) in HELD.items() if lock.extras]
        for other in (name if lock.kept or not upgrade else None, lock.beside):
            if other and (FOLDER / f"{other}.txt").exists():
                limit += requirements((FOLDER / f"{other}.txt").read_text(encoding="utf-8"))
        limits.write_text("\n".join(limit), encoding="utf-8")
        sources = [str(wanted)] if lock.packages else ["pyproject.toml"]
        extras = [word for extra in lock.extras for word in ("--extra", extra)]
        command = [
            sys.executable, "-m", "uv", "pip", "compile", *sources, *extras, "--universal",
            "--python-version", lock.python, "--generate-hashes", "--no-header", "--no-annotate",
            "--constraint", str(limits), "--no-emit-index-url", "--no-emit-find-links", "--quiet",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    path.write_text(f"# {lock.about}\n# Written by: make lock\n{done.stdout}", encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(pins(done.stdout))} packages")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(LOCKS)} (default: all)")
    parser.add_argument("--upgrade", action="store_true", help="use the newest versions that the ranges allow")
    options = parser.parse_args()
    for name in options.names or LOCKS:
        write(name, upgrade=options.upgrade)
    return 0


if __name__ == "__main__":
    sys.exit(main())
