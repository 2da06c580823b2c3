"""The state folder as files: what is in it while no lakehouse works there."""

from __future__ import annotations

import shutil
from pathlib import Path

from local_lakehouse.store.database import EARLIER, FILE
from local_lakehouse.store.objects import FOLDER

BACKUP = "lakehouse.backup.sqlite"
_LOGS = ("-wal", "-shm")


def has_state(directory: Path) -> bool:
    """Tell whether a folder has a state, whether it can be read or not."""
    return any((directory / name).exists() for name in (FILE, EARLIER, FOLDER, BACKUP))


def delete(directory: Path) -> None:
    """Delete the state in a folder."""
    for name in (FILE, *(FILE + log for log in _LOGS), EARLIER, "lakehouse.draft", BACKUP, BACKUP + ".draft"):
        (directory / name).unlink(missing_ok=True)
    if (directory / FOLDER).exists():
        shutil.rmtree(directory / FOLDER)
