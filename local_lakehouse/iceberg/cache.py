"""An in-memory cache of data files' columns, which zero-ETL and Athena share."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

import pyarrow as pa

_CACHE_BYTES = 384 * 2**20

_Value = TypeVar("_Value")


class ColumnKey(NamedTuple):
    """The identity of a column in the cache. Iceberg never changes a data file, so the values never change.

    Args:
        path: The file's location.
        field_ids: The IDs of the field and its nested fields. The Arrow type does not contain these IDs.
        arrow_type: The Arrow type.
        deletes: The locations of the applied delete files.
        mapping: The name mapping of the table, because several tables can contain a file without field IDs.
        constant: The value of a column that the file does not contain, or None for a column from the file.
    """

    path: str
    field_ids: tuple[int, ...]
    arrow_type: str
    deletes: tuple[str, ...] = ()
    mapping: str | None = None
    constant: str | None = None


class RowCache:
    """A cache of data files' columns. If the cache exceeds its size limit, the least recently used columns are dropped.

    Args:
        limit: The maximum size of the Arrow data in bytes.
    """

    def __init__(self, limit: int = _CACHE_BYTES) -> None:
        self._limit = limit
        self._columns: OrderedDict[ColumnKey, pa.ChunkedArray] = OrderedDict()
        self._lengths: dict[ColumnKey, int] = {}
        self._size = 0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """The number of cached bytes."""
        return self._size

    def get(self, key: ColumnKey) -> pa.ChunkedArray | None:
        """Return a column, or None if it is not cached."""
        with self._lock:
            column = self._columns.get(key)
            if column is not None:
                self._columns.move_to_end(key)
            return column

    def put(self, key: ColumnKey, column: pa.ChunkedArray) -> None:
        """Cache a column unless the column is larger than the whole cache."""
        size = column.nbytes
        if size > self._limit:
            return
        with self._lock:
            self._drop(key)
            self._columns[key] = column
            self._lengths[key] = size
            self._size += size
            while self._size > self._limit:
                self._drop(next(iter(self._columns)))

    def _drop(self, key: ColumnKey) -> None:
        if self._columns.pop(key, None) is not None:
            self._size -= self._lengths.pop(key)


class KeptValues(Generic[_Value]):
    """A cache of keyed values that are expensive to compute but take little space.

    Args:
        limit: The maximum number of values.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], _Value]) -> _Value:
        """Return the value for a key, and compute it on first use."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = compute()
        with self._lock:
            self._values[key] = value
            if len(self._values) > self._limit:
                self._values.popitem(last=False)
        return value
