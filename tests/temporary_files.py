"""An in-memory folder for the thousands of short-lived files of a test run."""

import os
import shutil
import tempfile
from pathlib import Path

import psutil

# On Linux, this file system is in memory. A test that needs a separate file system mounts one.
_MEMORY = Path("/dev/shm")  # noqa: S108
# A container's in-memory file system often has only 64 MB. A test run needs less than 1 GB, and a single statement may
# use half of the free space.
_ENOUGH_BYTES = 4 * 2**30
# The process ID follows this prefix.
_PREFIX = "zetl-test-run-"


def folder_in_memory() -> Path | None:
    """Create an in-memory folder for the temporary files of this process and its child processes.

    Returns:
        The folder, which the caller must delete. The result is None if the computer has no in-memory file system, if
        that file system has too little space, or if the user has set TMPDIR.
    """
    if "TMPDIR" in os.environ or not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ENOUGH_BYTES:
        return None
    for left in _MEMORY.glob(f"{_PREFIX}*"):
        # A run that was killed could not delete its folder.
        if not psutil.pid_exists(int(left.name.split("-")[3])):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_MEMORY))
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    return folder
