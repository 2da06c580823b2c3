"""Moto backends that are read on first use and written at the end of a transaction."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from local_lakehouse.backend import moto_classes, moto_graph, object_store
from local_lakehouse.backend.moto_graph import Graph
from local_lakehouse.backend.object_store import ObjectStore
from local_lakehouse.loading import load
from local_lakehouse.store.codec import Codec
from local_lakehouse.store.database import Database
from local_lakehouse.store.items import Items
from local_lakehouse.store.locks import FairLock
from local_lakehouse.store.objects import Objects

if TYPE_CHECKING:
    from local_lakehouse.backend.item_tables import ItemTables

_Key = tuple[str, str, str]


class MotoState:
    """The contents of moto's backends, which are stored in a database.

    moto looks up a backend by account and Region for each request. At each lookup, the backend is read from the
    database if necessary, and the transaction records that the backend may change.

    Args:
        database: The database.
        objects: The S3 object store.
        services: The services whose backends are stored.
    """

    def __init__(self, database: Database, objects: Objects, services: Iterable[str]) -> None:
        database.define(moto_graph.SCHEMA)
        self._database = database
        self._objects = objects
        self._services = frozenset(services)
        self._graphs: dict[_Key, Graph] = {}
        self._used: set[_Key] = set()
        self._object_store: ObjectStore | None = None
        self.items = Items(database)
        self._item_tables: ItemTables | None = None
        self._listeners: list[tuple[str, Callable[[], None]]] = []
        database.before_commit(self._write)
        database.after_commit(self._settle)
        database.after_rollback(self._forget)
        database.after_replacement(self._forget_all)

    def attach(self) -> None:
        """Make this the state of moto's backends until `detach` is called."""
        for earlier in _attached:
            earlier.detach()
        _attached[:] = [self]

    def detach(self) -> None:
        """Make moto discard its backends. Their contents remain in the database."""
        if _attached == [self]:
            _attached.clear()
        for service in imported(self._services):
            backends_of(service).reset()
            backends_of(service).clear()
        if "s3" in imported(self._services):
            backends_of("s3").bucket_accounts.clear()
        self._graphs.clear()
        self._used.clear()

    def found(self, holder: Any, region: str, backend: Any) -> None:
        """Record that moto looked up a backend, before moto uses it.

        Args:
            holder: moto's backends for the account and service.
            region: The backend's Region or partition.
            backend: The backend.
        """
        if holder.service_name not in self._services:
            return
        key = holder.service_name, holder.account_id, region
        graph = self._graphs.get(key)
        if graph is None or graph.backend is not backend:
            self._read(key, backend)
        if self._database.writing:
            self._used.add(key)

    @property
    def lock(self) -> FairLock:
        """The lock that a writer holds from its first change to its commit."""
        return self._database.lock

    def after_change(self, service: str, listener: Callable[[], None]) -> None:
        """Register a function to call after each commit or rollback that may have changed a service's backend."""
        self._listeners.append((service, listener))

    def is_changing(self, service: str) -> bool:
        """Return whether this thread's transaction may have changed a service's backend."""
        return self._database.writing and any(key[0] == service for key in self._used)

    def peek(self, service: str, account: str, region: str) -> Any:
        """Return a moto backend for reading, or None if the Region has no backend."""
        used = set(self._used)
        try:
            return backends_of(service)[account][region]
        except KeyError:
            return None
        finally:
            self._used &= used

    @contextlib.contextmanager
    def undoing(self) -> Iterator[Callable[[], None]]:
        """Yield a function that undoes the block's changes to DynamoDB tables and their items."""
        if self._item_tables is None:
            self._open_items()
        assert self._item_tables is not None
        if not self._database.writing:
            yield lambda: None
            return
        # The transaction's earlier changes are written first, because `undo` reads the tables again.
        self._write("dynamodb")
        with self._item_tables.undoing() as undo_items:

            def undo() -> None:
                undo_items()
                changed = [key for key in self._used if key[0] == "dynamodb"]
                for service, account, region in changed:
                    self._discard(service, account, region)
                    backends_of(service)[account][region]

            yield undo

    def contains(self, services: Iterable[str], word: str) -> bool:
        """Return whether a word may occur in the stored backends of the given services.

        The result is exact for a word of ASCII letters and digits. For any other word, it is always True.
        """
        if not (word.isascii() and word.isalnum()):
            # The stored form of other text can contain escape sequences, so a search could miss it.
            return True
        with self._database.view() as connection:
            return any(
                connection.execute(
                    "SELECT 1 FROM moto WHERE root >= ? AND root < ? AND instr(body, ?) LIMIT 1",
                    (f"{service}/", f"{service}0", word),
                ).fetchone()
                for service in services
            )

    def read_all(self) -> None:
        """Read all stored backends, because some operations search all data in moto's memory."""
        with self._database.view() as connection:
            roots = [row[0] for row in connection.execute("SELECT DISTINCT root FROM moto")]
        for root in roots:
            service, account, region = root.split("/")
            backends_of(service)[account][region]

    def _read(self, key: _Key, backend: Any) -> None:
        service = key[0]
        if service == "s3" and self._object_store is None:
            self._object_store = ObjectStore(self._objects, Codec(moto_classes.known("s3")))
        if service == "s3" and self._object_store is not None:
            object_store.use(self._object_store)
        if service == "dynamodb":
            self._open_items()
        graph = self._graphs[key] = Graph(self._database, service, "/".join(key), backend)
        graph.load()

    def _open_items(self) -> None:
        load("local_lakehouse.backend.item_tables")
        from local_lakehouse.backend import item_tables

        if self._item_tables is None:
            self._item_tables = item_tables.ItemTables(self.items)
        item_tables.use(self._item_tables)

    def _write(self, only: str | None = None) -> None:
        with self._database.transaction() as connection:
            for key in sorted(self._used):
                if only in (None, key[0]):
                    self._graphs[key].save(connection)

    def _settle(self) -> None:
        used, self._used = self._used, set()
        self._tell(used)

    def _tell(self, used: Iterable[_Key]) -> None:
        services = {key[0] for key in used}
        for service, listener in self._listeners:
            if service in services:
                listener()

    def _forget_all(self) -> None:
        self._used = set(self._graphs)
        self._forget()
        if "s3" in imported(self._services):
            backends_of("s3").bucket_accounts.clear()

    def _forget(self) -> None:
        """Make moto discard backends that may contain uncommitted changes, and read them again when needed."""
        used, self._used = self._used, set()
        for service, account, region in used:
            self._discard(service, account, region)
            if service == "s3":
                _forget_buckets(account, region)
        self._tell(used)

    def _discard(self, service: str, account: str, region: str) -> None:
        self._graphs.pop((service, account, region), None)
        backends_of(service)[account].pop(region, None)


def imported(services: Iterable[str]) -> list[str]:
    """Return the services whose moto models are imported."""
    return [service for service in services if f"moto.{service}.models" in sys.modules]


def backends_of(service: str) -> Any:
    """Return moto's backends for a service."""
    prepare_moto()
    return getattr(load(f"moto.{service}.models"), f"{service}_backends")


def _forget_buckets(account: str, partition: str) -> None:
    """Remove buckets from moto's index of all buckets, to which reading the stored buckets adds them again."""
    index = backends_of("s3").bucket_accounts
    for name in [name for name, place in index.items() if place == (partition, account)]:
        del index[name]


_attached: list[MotoState] = []


def peek(service: str, account: str, region: str) -> Any:
    """Return a backend of the attached state for reading, or None if the state has no such backend."""
    return _attached[0].peek(service, account, region) if _attached else None


def is_in_use() -> bool:
    """Return whether a state is attached to moto. A process can attach only one state at a time."""
    return bool(_attached)


@functools.cache
def prepare_moto() -> None:
    """Patch moto once per process so that it reports the backends that it uses and loads botocore's data faster."""
    _watch_backends()
    load("local_lakehouse.backend.moto_models")
    from local_lakehouse.backend import moto_models

    moto_models.load_faster()


def _watch_backends() -> None:
    load("moto.core.base_backend")
    load("moto.core.common_models")
    from moto.core.base_backend import AccountSpecificBackend
    from moto.core.common_models import BaseModel

    AccountSpecificBackend.__getitem__ = _telling(AccountSpecificBackend.__getitem__)  # type: ignore[method-assign]
    # Without this change, moto would keep a reference to every object that it creates.
    BaseModel.__new__ = lambda class_, *_, **__: object.__new__(class_)  # type: ignore[method-assign]


def _telling(get: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    @functools.wraps(get)
    def getting(self: Any, region_name: str) -> Any:
        backend = get(self, region_name)
        if _attached:
            _attached[0].found(self, backend.region_name, backend)
        return backend

    return getting
