"""Storage for moto's S3. Each key is a row that is read on demand, and each body is a file."""

from __future__ import annotations

import functools
import types
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from local_lakehouse.loading import load
from local_lakehouse.store.codec import Codec, dumps, loads
from local_lakehouse.store.objects import EMPTY, Body, Objects, VersionBodies

# The maximum number of keys per bucket that are cached as objects. Other keys are read from the store.
_CACHED = 4000


class ObjectStore:
    """The keys in all of moto's buckets.

    Args:
        objects: The key store.
        codec: The codec for moto's keys.
    """

    def __init__(self, objects: Objects, codec: Codec) -> None:
        self.objects = objects
        self.codec = codec
        self._stores: weakref.WeakSet[StoredKeys] = weakref.WeakSet()
        objects.database.before_commit(self._write)
        objects.database.after_commit(self._settle)
        objects.database.after_rollback(self._forget)
        objects.database.after_replacement(self._forget)

    def keys_of(self, bucket: str) -> StoredKeys:
        """Return the keys of a bucket."""
        keys = StoredKeys(self, bucket)
        self._stores.add(keys)
        return keys

    def _write(self) -> None:
        for keys in list(self._stores):
            keys.write()

    def _settle(self) -> None:
        for keys in list(self._stores):
            keys.settle()

    def _forget(self) -> None:
        for keys in list(self._stores):
            keys.forget()


class StoredKeys:
    """A replacement for moto's dictionary of a bucket's keys and their versions, with the same interface.

    Args:
        store: The key store.
        bucket: The bucket.
    """

    def __init__(self, store: ObjectStore, bucket: str) -> None:
        self._store = store
        self._objects = store.objects
        self._bucket = bucket
        self._cache: OrderedDict[str, list[Any]] = OrderedDict()
        # The keys that the current transaction used and may have changed, with their stored text and files.
        self._touched: dict[str, tuple[str, frozenset[str]] | None] = {}

    def __getitem__(self, key: str) -> Any:
        return self._versions(key)[-1]

    def __setitem__(self, key: str, value: Any) -> None:
        self.setlist(key, [*self.getlist(key, []), value])

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and (self._find(key) is not None)

    def __len__(self) -> int:
        self.write()
        return self._objects.count(self._bucket)

    def __bool__(self) -> bool:
        self.write()
        return not self._objects.is_empty(self._bucket)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def get(self, key: str, default: Any = None) -> Any:
        """Return the latest version of a key."""
        versions = self._find(key)
        return versions[-1] if versions else default

    def getlist(self, key: str, default: Any = None) -> Any:
        """Return all versions of a key, latest last."""
        versions = self._find(key)
        return default if versions is None else versions

    def setlist(self, key: str, versions: Any) -> None:
        """Set the versions of a key."""
        with self._objects.database.transaction():
            self._touch(key)
            self._cache[key] = list(versions) if isinstance(versions, list | tuple) else [versions]

    def pop(self, key: str) -> None:
        """Delete a key and all its versions."""
        self._versions(key)
        self.setlist(key, [])

    def names(self, prefix: str = "") -> list[str]:
        """Return the keys with a prefix, in order."""
        self.write()
        return self._objects.names(self._bucket, prefix)

    def keys(self) -> list[str]:
        """Return all keys, in order."""
        return self.names()

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """Yield the keys with a prefix, each with its latest version."""
        for name in self.names(prefix):
            yield name, self[name]

    def values(self) -> Iterator[Any]:
        """Yield the latest version of each key."""
        for name in self.names():
            yield self[name]

    def lists(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the keys, each with all its versions."""
        for name in self.names():
            yield name, self._versions(name)

    iteritems, itervalues, iterlists = items, values, lists

    def item_size(self) -> int:
        """Return the total size of the keys' latest versions in bytes."""
        return sum(getattr(version, "size", 0) for version in self.values())

    def write(self) -> None:
        """Write the changes that the current transaction has made."""
        for key, stored in list(self._touched.items()):
            versions = self._cache.get(key)
            if versions is None:
                continue
            self._write(key, versions, stored)
            self._touched[key] = self._objects.get(self._bucket, key)
        if not self._objects.database.writing:
            return
        for key in self._touched:
            if self._cache.get(key) == []:
                del self._cache[key]

    def settle(self) -> None:
        """Prepare for the next transaction."""
        self._touched.clear()
        while len(self._cache) > _CACHED:
            self._cache.popitem(last=False)

    def forget(self) -> None:
        """Discard uncommitted changes."""
        self._touched.clear()
        self._cache.clear()

    def _write(self, key: str, versions: list[Any], stored: tuple[str, frozenset[str]] | None) -> None:
        if not versions:
            if stored is not None:
                self._objects.remove(self._bucket, key)
                self._objects.drop(stored[1])
            return
        text = dumps(self._store.codec.encode(versions))
        if stored is not None and stored[0] == text:
            return
        bodies = [_bodies(version) for version in versions]
        self._objects.put(self._bucket, key, text, bodies)
        if stored is not None:
            self._objects.drop(stored[1] - {file for each in bodies for file in each.files})

    def _versions(self, key: str) -> list[Any]:
        versions = self._find(key)
        if versions is None:
            raise KeyError(key)
        return versions

    def _find(self, key: str) -> list[Any] | None:
        if self._objects.database.writing:
            self._touch(key)
        versions = self._cache.get(key)
        if versions is None:
            stored = self._objects.get(self._bucket, key)
            if stored is None:
                return None
            versions = self._cache[key] = self._store.codec.decode(loads(stored[0]))
            if not self._objects.database.writing and len(self._cache) > _CACHED:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(key)
        return versions or None

    def _touch(self, key: str) -> None:
        if key not in self._touched:
            self._touched[key] = self._objects.get(self._bucket, key)


class BodyFile:
    """The content of an object version, in place of moto's temporary file."""

    def __init__(self, objects: Objects, body: Body = EMPTY) -> None:
        self._objects = objects
        self.body = body
        self._at = 0

    def seek(self, offset: int, *_: int) -> int:
        """Seek to a position."""
        self._at = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        """Return the content after the current position."""
        content = self._objects.read(self.body) if self._at < self.body.size else b""
        piece = content[self._at :] if size < 0 else content[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def write(self, content: bytes | memoryview) -> int:
        """Replace the content."""
        # Bytes are not copied, because the store recognizes content written before the transaction by its identity.
        self.body = self._objects.write(content if isinstance(content, memoryview) else bytes(content))
        self._at = self.body.size
        return self._at

    def content(self) -> bytes | memoryview:
        """Return the complete content, which is memory-mapped if it is large."""
        return self._objects.content(self.body)

    def truncate(self, *_: int) -> None:
        """Discard the content."""
        self.body = EMPTY

    def close(self) -> None:
        """Do nothing, because the store owns the file."""


_current: list[ObjectStore] = []


def use(store: ObjectStore) -> None:
    """Make moto store S3 keys in an object store."""
    _current[:] = [store]
    _prepare()


def keys_of(bucket: str) -> StoredKeys:
    """Return a bucket's keys in the current store."""
    return _current[0].keys_of(bucket)


def body_document(key: Any) -> list[Any]:
    """Return the file, size and checksum of a key's body, and record the reference to the file."""
    body = key._value_buffer.body
    _current[0].objects.keep([body.file])
    return [body.file, body.size, body.crc]


def body_file(document: list[Any]) -> BodyFile:
    """Return a key's file, given the result of `body_document`."""
    return BodyFile(_current[0].objects, Body(*document))


def _bodies(version: Any) -> VersionBodies:
    buffer = getattr(version, "_value_buffer", None)
    if buffer is None:
        marked = getattr(version, "key", None)
        kept = _bodies(marked) if marked is not None else VersionBodies("", None)
        return VersionBodies(version.version_id, None, tuple(kept.files))
    parts = version.multipart.parts.values() if version.multipart else ()
    return VersionBodies(
        version.version_id, buffer.body.file or None, tuple(file for part in parts for file in _bodies(part).files)
    )


@functools.cache
def _prepare() -> None:
    """Patch moto once per process so that its S3 uses `StoredKeys` and `BodyFile`."""
    load("moto.s3.models")
    from moto.s3 import models

    models.tempfile = types.SimpleNamespace(  # type: ignore[attr-defined,assignment]
        SpooledTemporaryFile=lambda *_, **__: BodyFile(_current[0].objects)
    )
    models.FakeBucket.__init__ = _with_stored_keys(models.FakeBucket.__init__)  # type: ignore[method-assign]
    models.FakeKey.value = _without_copy(models.FakeKey.value)  # type: ignore[assignment]
    models.FakeKey.etag = _with_known_hash(models.FakeKey.etag)  # type: ignore[assignment]
    models.FakeKey.__del__ = lambda self: None  # type: ignore[method-assign]
    # moto copies keys when it lists their versions, and the copies can share the body.
    models.FakeKey.__deepcopy__ = lambda self, _: _sharing_body(self)  # type: ignore[attr-defined]
    models.S3Backend.list_objects = _of_prefix(models.S3Backend.list_objects)  # type: ignore[method-assign]


def _without_copy(value: Any) -> property:
    """Return a key's content without the copies that moto makes."""
    return property(lambda self: self._value_buffer.content(), value.fset)


def _with_known_hash(etag: Any) -> property:
    """Use the hash of a body that was just written, because moto would otherwise read the file again."""

    def known(self: Any) -> Any:
        if self._etag is None and self._value_buffer.body.md5:
            self._etag = self._value_buffer.body.md5
        return etag.fget(self)

    return property(known)


def _sharing_body(key: Any) -> Any:
    copied: Any = object.__new__(type(key))
    copied.__dict__.update(key.__dict__)
    return copied


def _with_stored_keys(initialize: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(initialize)
    def initializing(self: Any, *arguments: Any, **named: Any) -> None:
        initialize(self, *arguments, **named)
        self.keys = keys_of(self.name)

    return initializing


def _of_prefix(listing: Callable[..., Any]) -> Callable[..., Any]:
    """Limit a listing to the keys that have the listing's prefix."""

    @functools.wraps(listing)
    def list_objects(self: Any, bucket: Any, prefix: str | None, *arguments: Any, **named: Any) -> Any:
        if prefix and type(bucket).__name__ == "FakeBucket":
            keys = types.SimpleNamespace(items=functools.partial(bucket.keys.items, prefix))
            bucket = types.SimpleNamespace(keys=keys)
        return listing(self, bucket, prefix, *arguments, **named)

    return list_objects
