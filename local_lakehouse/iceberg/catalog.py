"""PyIceberg over the lakehouse's own Glue catalog and S3."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
from botocore.exceptions import ClientError
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream
from pyiceberg.io.pyarrow import ArrowProjectionVisitor
from pyiceberg.typedef import EMPTY_DICT, Properties

from local_lakehouse.backend.clients import ServiceClients

_CACHE_BYTES = 256 * 2**20


def load_catalog(clients: ServiceClients) -> GlueCatalog:
    """Return PyIceberg's catalog of the lakehouse.

    Args:
        clients: The clients it works with.
    """
    return _LakehouseCatalog(clients, _FileCache(_CACHE_BYTES))


class _LakehouseCatalog(GlueCatalog):
    def __init__(self, clients: ServiceClients, cache: _FileCache) -> None:
        super().__init__("lakehouse", client=clients.client("glue"))
        self._clients = clients
        self._cache = cache

    def _load_file_io(self, properties: Properties = EMPTY_DICT, location: str | None = None) -> FileIO:
        return LakehouseFileIO(self._clients, self._cache, {**self.properties, **properties})


class LakehouseFileIO(FileIO):
    """Iceberg's files in the lakehouse's S3.

    Iceberg never changes a file once it is written, so what was read once is kept by its path.

    Args:
        clients: The clients it works with.
        cache: What was read before.
        properties: The table's and the catalog's properties.
    """

    def __init__(self, clients: ServiceClients, cache: _FileCache, properties: Properties = EMPTY_DICT) -> None:
        super().__init__(properties)
        self._s3 = clients.client("s3")
        self._cache = cache

    def new_input(self, location: str) -> InputFile:
        """Return a file to be read."""
        return _Input(location, self._s3, self._cache)

    def new_output(self, location: str) -> OutputFile:
        """Return a file to be written."""
        return _Output(location, self._s3, self._cache)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete a file."""
        path = location if isinstance(location, str) else location.location
        self._cache.forget(path)
        self._s3.delete_object(**_address(path))


class _FileCache:
    """Bytes of files by path, the least recently read ones dropped beyond a size."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, path: str) -> bytes | None:
        with self._lock:
            if path in self._files:
                self._files.move_to_end(path)
            return self._files.get(path)

    def put(self, path: str, content: bytes) -> None:
        with self._lock:
            self._size += len(content) - len(self._files.pop(path, b""))
            self._files[path] = content
            while self._size > self._limit:
                _, dropped = self._files.popitem(last=False)
                self._size -= len(dropped)

    def forget(self, path: str) -> None:
        with self._lock:
            self._size -= len(self._files.pop(path, b""))


class _Input(InputFile):
    def __init__(self, location: str, s3: Any, cache: _FileCache) -> None:
        super().__init__(location)
        self._s3 = s3
        self._cache = cache

    def __len__(self) -> int:
        return len(self._read())

    def exists(self) -> bool:
        try:
            self._s3.head_object(**_address(self.location))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                return False
            raise
        return True

    def open(self, seekable: bool = True) -> InputStream:
        return _ReadStream(self._read())

    def _read(self) -> bytes:
        content = self._cache.get(self.location)
        if content is None:
            content = self._fetch()
            self._cache.put(self.location, content)
        return content

    def _fetch(self) -> bytes:
        try:
            content: bytes = self._s3.get_object(**_address(self.location))["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
                raise FileNotFoundError(f"{self.location} does not exist") from error
            raise
        return content


class _Output(OutputFile):
    def __init__(self, location: str, s3: Any, cache: _FileCache) -> None:
        super().__init__(location)
        self._s3 = s3
        self._cache = cache

    def __len__(self) -> int:
        return len(self.to_input_file())

    def exists(self) -> bool:
        return self.to_input_file().exists()

    def to_input_file(self) -> InputFile:
        return _Input(self.location, self._s3, self._cache)

    def create(self, overwrite: bool = False) -> OutputStream:
        if not overwrite and self.exists():
            raise FileExistsError(f"{self.location} exists already")
        return _WriteStream(self.location, self._s3, self._cache)


class _ReadStream(io.BytesIO):
    """A file's bytes; `io.BytesIO` already speaks the protocol."""


class _WriteStream(io.BytesIO):
    """A file being written: it reaches S3 whole, when it is closed."""

    def __init__(self, location: str, s3: Any, cache: _FileCache) -> None:
        super().__init__()
        self._location = location
        self._s3 = s3
        self._cache = cache

    def close(self) -> None:
        if not self.closed:
            content = self.getvalue()
            self._s3.put_object(**_address(self._location), Body=content)
            self._cache.put(self._location, content)
        super().close()


def _address(location: str) -> dict[str, str]:
    parts = urlsplit(location, allow_fragments=False)
    return {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}


def _keeping_nulls(project: Callable[..., pa.Array | None]) -> Callable[..., pa.Array | None]:
    """Mend PyIceberg's projection of lists and maps: with structs inside, their NULLs come out empty."""

    def projected(visitor: ArrowProjectionVisitor, type_: Any, values: Any, *inside: Any) -> pa.Array | None:
        found = project(visitor, type_, values, *inside)
        if found is None or found.null_count == values.null_count:
            return found
        # Arrow takes no mask beside offsets that are a slice.
        offsets, mask = pc.add(found.offsets, 0), pc.is_null(values)
        if isinstance(found, pa.MapArray):
            return pa.MapArray.from_arrays(offsets, found.keys, found.items, found.type, mask=mask)
        return type(found).from_arrays(offsets, found.values, found.type, mask=mask)

    return projected


ArrowProjectionVisitor.list = _keeping_nulls(ArrowProjectionVisitor.list)  # type: ignore[method-assign]
ArrowProjectionVisitor.map = _keeping_nulls(ArrowProjectionVisitor.map)  # type: ignore[method-assign]
