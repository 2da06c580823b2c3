"""PyIceberg's access to the lakehouse's files, through the console's client."""

from __future__ import annotations

import io
from collections.abc import Callable

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile


class LakeFiles(FileIO):
    """Read-only access to objects.

    Args:
        read: A function that returns the bytes of the object at a location.
    """

    def __init__(self, read: Callable[[str], bytes]) -> None:
        super().__init__()
        self._read = read

    def new_input(self, location: str) -> InputFile:
        """Return the file at a location."""
        return _Object(location, self._read)

    def new_output(self, location: str) -> OutputFile:
        """Reject the call, because the console only reads the lakehouse's files."""
        raise PermissionError(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Reject the call, because the console only reads the lakehouse's files."""
        raise PermissionError(str(location))


class _Object(InputFile):
    def __init__(self, location: str, read: Callable[[str], bytes]) -> None:
        super().__init__(location)
        self._read = read

    def __len__(self) -> int:
        return len(self._read(self.location))

    def exists(self) -> bool:
        return True

    def open(self, seekable: bool = True) -> InputStream:
        return io.BytesIO(self._read(self.location))
