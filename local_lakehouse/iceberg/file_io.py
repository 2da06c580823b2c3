"""PyIceberg's file interfaces, implemented on top of the lakehouse's S3 service."""

from __future__ import annotations

import io
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream
from pyiceberg.manifest import ManifestEntry, ManifestFile
from pyiceberg.typedef import EMPTY_DICT, Properties

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.iceberg import manifest_doubles
from local_lakehouse.iceberg.cache import KeptValues
from local_lakehouse.iceberg.local_files import LocalFiles
from local_lakehouse.store.mapped_files import content_of

manifest_doubles.correct()

_CACHE_BYTES = 96 * 2**20
# Larger files are data files, which are read from disk by column.
SMALL_BYTES = 4 * 2**20
# Parsing a manifest takes about a millisecond, and each refresh reads a table's manifests twice.
_KEPT_MANIFESTS = 64
_KEPT_MANIFEST_BYTES = 2**16


class ObjectBytes:
    """Access to S3 objects, with a cache for small objects and local files for large objects.

    Args:
        clients: The AWS clients for the lakehouse.
        limit: The maximum total size of the cached objects in bytes.
    """

    def __init__(self, clients: ServiceClients, limit: int = _CACHE_BYTES) -> None:
        self.s3 = clients.client("s3")
        self._clients = clients
        self.local = LocalFiles(self._copy, self._body)
        self._limit = limit
        self.manifests: KeptValues[tuple[ManifestEntry, ...]] = KeptValues(_KEPT_MANIFESTS)
        self._objects: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def read(self, location: str) -> bytes:
        """Return an object's bytes, and cache them if the object is small.

        Raises:
            FileNotFoundError: The object does not exist.
        """
        with self._lock:
            if location in self._objects:
                self._objects.move_to_end(location)
                return self._objects[location]
        buffer = io.BytesIO()
        self._copy(location, buffer)
        content = buffer.getvalue()
        self._keep(location, content)
        return content

    def open(self, location: str, size: int) -> IO[bytes]:
        """Open an object of known size for reading.

        Raises:
            FileNotFoundError: The object does not exist.
        """
        if size > SMALL_BYTES:
            return self.local.path(location).open("rb")
        return io.BytesIO(self.read(location))

    def path(self, location: str, tag: str) -> Path:
        """Return the path of a local file with the bytes of an object that clients can overwrite.

        Args:
            location: The object's location.
            tag: The entity tag from a listing.

        Raises:
            FileNotFoundError: The object does not exist.
        """
        return self.local.path(location, tag, lambda: self._tag(location) == tag)

    def write(self, location: str, content: bytes) -> None:
        """Write an object."""
        found = address(location)
        self._clients.put_object(found["Bucket"], found["Key"], content)
        self._keep(location, content)

    def write_file(self, location: str, path: Path) -> None:
        """Upload a local file, and keep it for later reads unless S3 stores the object's body as a local file."""
        found = address(location)
        self._clients.put_object(found["Bucket"], found["Key"], content_of(path))
        if self._body(location) is None:
            self.local.adopt(location, path)
        else:
            path.unlink()

    def delete(self, location: str) -> None:
        """Delete an object."""
        with self._lock:
            self._size -= len(self._objects.pop(location, b""))
        self.local.forget(location)
        self.s3.delete_object(**address(location))

    def missing(self, locations: Iterable[str]) -> list[str]:
        """Return those locations at which there is no object, or an empty object, regardless of the caches."""
        keys: dict[str, list[str]] = {}
        found = {location: address(location) for location in locations}
        for each in found.values():
            keys.setdefault(each["Bucket"], []).append(each["Key"])
        stored = {bucket: self._clients.stored_keys(bucket, listed) for bucket, listed in keys.items()}
        return [location for location, each in found.items() if each["Key"] not in stored[each["Bucket"]]]

    def exists(self, location: str) -> bool:
        """Return whether an object exists."""
        return self._tag(location) is not None

    def _keep(self, location: str, content: bytes) -> None:
        if len(content) > SMALL_BYTES:
            return
        with self._lock:
            self._size += len(content) - len(self._objects.pop(location, b""))
            self._objects[location] = content
            while self._size > self._limit:
                _, dropped = self._objects.popitem(last=False)
                self._size -= len(dropped)

    def _tag(self, location: str) -> str | None:
        """Return an object's entity tag, or None if the object does not exist."""
        try:
            tag: str = self.s3.head_object(**address(location))["ETag"]
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                return None
            raise
        return tag

    def _body(self, location: str) -> Path | None:
        found = address(location)
        return self._clients.body_path(found["Bucket"], found["Key"])

    def _copy(self, location: str, target: IO[bytes]) -> None:
        try:
            body = self.s3.get_object(**address(location))["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket"):
                raise FileNotFoundError(f"{location} does not exist") from error
            raise
        shutil.copyfileobj(body, target, 2**20)


class LakehouseFileIO(FileIO):
    """The `FileIO` for Iceberg files in the S3 buckets of the lakehouse.

    Iceberg never changes a file after writing it, so reads are cached by path.

    Args:
        objects: Access to the S3 objects.
        properties: The properties of the table and of the catalog.
    """

    def __init__(self, objects: ObjectBytes, properties: Properties = EMPTY_DICT) -> None:
        super().__init__(properties)
        self.objects = objects

    def new_input(self, location: str) -> InputFile:
        """Return a file for reading."""
        return _Input(location, self.objects)

    def new_output(self, location: str) -> OutputFile:
        """Return a file for writing."""
        return _Output(location, self.objects)

    def live_entries(self, manifest: ManifestFile) -> Sequence[ManifestEntry]:
        """Return a manifest's entries, except deleted entries. The entries of small manifests are cached by path."""

        def read() -> tuple[ManifestEntry, ...]:
            return tuple(manifest.fetch_manifest_entry(self))

        if manifest.manifest_length > _KEPT_MANIFEST_BYTES:
            return read()
        return self.objects.manifests.get(manifest.manifest_path, read)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete a file."""
        self.objects.delete(location if isinstance(location, str) else location.location)


class _Input(InputFile):
    def __init__(self, location: str, objects: ObjectBytes) -> None:
        super().__init__(location)
        self._objects = objects

    def __len__(self) -> int:
        return len(self._objects.read(self.location))

    def exists(self) -> bool:
        return self._objects.exists(self.location)

    def open(self, seekable: bool = True) -> InputStream:
        return _ReadStream(self._objects.read(self.location))


class _Output(OutputFile):
    def __init__(self, location: str, objects: ObjectBytes) -> None:
        super().__init__(location)
        self._objects = objects

    def __len__(self) -> int:
        return len(self.to_input_file())

    def exists(self) -> bool:
        return self.to_input_file().exists()

    def to_input_file(self) -> InputFile:
        return _Input(self.location, self._objects)

    def create(self, overwrite: bool = False) -> OutputStream:
        if not overwrite and self.exists():
            raise FileExistsError(f"{self.location} already exists")
        return _WriteStream(self.location, self._objects)


class _ReadStream(io.BytesIO):
    """The bytes of a file. `io.BytesIO` already implements the `InputStream` protocol."""


class _WriteStream(io.BytesIO):
    """An output file, which is uploaded to S3 when it is closed."""

    def __init__(self, location: str, objects: ObjectBytes) -> None:
        super().__init__()
        self._location = location
        self._objects = objects

    def close(self) -> None:
        if not self.closed:
            self._objects.write(self._location, self.getvalue())
        super().close()


def address(location: str) -> dict[str, str]:
    """Return the bucket and key of an ``s3://`` location as boto3 parameters."""
    parts = urlsplit(location, allow_fragments=False)
    # Everything after the bucket is the key, including any question mark.
    key = location.removeprefix(f"{parts.scheme}://{parts.netloc}").lstrip("/")
    return {"Bucket": parts.netloc, "Key": key}
