"""A loader for botocore's service models that is three times as fast as botocore's loader."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

__all__ = ["ModelLoader", "model_loader"]


def model_loader(data_path: str | None = None) -> ModelLoader:
    """Return a loader for the data in botocore, in ``~/.aws/models`` and in additional folders.

    Args:
        data_path: The additional folders, in the format that ``AWS_DATA_PATH`` uses.
    """
    return ModelLoader([str(Path(path).expanduser()) for path in data_path.split(os.pathsep)] if data_path else None)


class _PlainLoader(JSONFileLoader):  # type: ignore[misc]
    """A loader that parses JSON files into plain dictionaries, because ordered dictionaries double the parsing time."""

    def load_file(self, file_path: str) -> Any:
        """Return the content of a file, or None if it does not exist.

        Args:
            file_path: The file's path without ``.json`` or ``.json.gz``.
        """
        for path, read in ((f"{file_path}.json", open), (f"{file_path}.json.gz", gzip.open)):
            try:
                with read(path, "rb") as file:
                    return json.loads(file.read())
            except FileNotFoundError:
                continue
        return None


class ModelLoader(Loader):  # type: ignore[misc]
    """A loader for botocore's data."""

    FILE_LOADER_CLASS = _PlainLoader

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the names of all services, which are the names of the folders.

        botocore's loader looks for the requested type of data in each of 400 folders before it loads one file.
        """
        folders = filter(Path.is_dir, map(Path, self.search_paths))
        return sorted({entry.name for folder in folders for entry in os.scandir(folder) if entry.is_dir()})
