"""Checks of this computer's Python, packages, disk space and memory."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
from pathlib import Path

from local_lakehouse import system
from zetl_helpers import _place, _settings
from zetl_helpers._requirements import unmet
from zetl_helpers.charts._static_image import static_image_obstacle
from zetl_helpers.doctor._check import Check

_SHOWN = ("boto3", "awswrangler", "pandas", "plotly")
_GB = 2**30
_LEAST_DISK = _GB
_LEAST_MEMORY = _GB


def python() -> Check:
    """Check Python's version."""
    found = platform.python_version()
    return Check(sys.version_info >= (3, 11), f"Python {found}", "Use Python 3.11 or newer.")


def packages(*, local: bool) -> list[Check]:
    """Check whether supported versions of the packages are installed.

    Args:
        local: Whether to check the local lakehouse's packages too.
    """
    groups = ["", "local"] if local else [""]
    wrong = [each for group in groups for each in unmet(group)]
    if wrong:
        specifiers = " ".join(f"'{each.name}{each.specifier}'" for each in wrong)
        step = f"Install them in this environment: {sys.executable} -m pip install {specifiers}"
        return [Check(False, f"packages: {'; '.join(map(str, wrong))}", step)]
    shown = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _SHOWN)
    checks = [Check(True, f"packages in the supported ranges: {shown}")]
    if local:
        checks.append(Check(True, "packages of the local lakehouse in the supported ranges"))
    return checks


def disk() -> Check:
    """Check whether there is enough disk space for the local lakehouse's state."""
    folder = _settings.state_dir()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = _free_disk(there)
    return Check(
        free >= _LEAST_DISK,
        f"disk: {_amount(free, _LEAST_DISK)} free for the local lakehouse",
        f"Free up space on the disk that contains {folder}, or set ZETL_STATE_DIR to a folder on another disk.",
    )


def _free_disk(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def memory() -> Check | None:
    """Check for enough memory for the local lakehouse and a notebook, unless the system does not report free memory."""
    free = system.free_memory()
    if free is None:
        return None
    return Check(
        free >= _LEAST_MEMORY,
        f"memory: {_amount(free, _LEAST_MEMORY)} for the local lakehouse and a notebook",
        "Close other programs.",
    )


def _amount(found: int, needed: int) -> str:
    """Return the requirement if the amount is sufficient, so that the output is the same on every computer."""
    return f"{needed // _GB} GB or more" if found >= needed else f"only {found / _GB:.1f} GB"


def space() -> Check | None:
    """Report that this process is running in a SageMaker Unified Studio space, or return None outside a space."""
    found = _place.find_space()
    if found is None:
        return None
    return Check(
        True,
        f"space of project {found.project_id}, local target: every chapter runs in the space; "
        "zetl settings target=aws uses the account",
    )


def still_pictures() -> Check:
    """Check for a browser that creates static images, which is needed only to store notebooks."""
    obstacle = static_image_obstacle()
    return Check(True, f"optional: {obstacle or 'Chromium can create static images'}")
