"""Conversion of a moto backend's objects and growing collections to rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from local_lakehouse.backend import moto_classes
from local_lakehouse.store.codec import Codec, Plain, dumps, loads
from local_lakehouse.store.database import Database, Schema, StorageError
from local_lakehouse.store.documents import checksum

SCHEMA = Schema(
    "moto", 1,
    (
        """
        CREATE TABLE moto (root TEXT, id INTEGER, parent INTEGER, field TEXT, name TEXT, body TEXT NOT NULL,
        crc INTEGER NOT NULL, PRIMARY KEY (root, id)) WITHOUT ROWID
        """,
    ),
    large=("moto",),
)  # fmt: skip
_ROOT = 0


class Graph:
    """The objects of a backend, and their rows.

    Each `save` encodes every object and writes it if its text has changed. Members of growing collections are
    recognized by object identity. Once stored, they are neither encoded nor written again.

    Args:
        database: The database that contains the rows.
        service: The backend's service.
        name: The backend's name.
        backend: A new backend.
    """

    def __init__(self, database: Database, service: str, name: str, backend: Any) -> None:
        self._database = database
        self._name = name
        self.backend = backend
        known = moto_classes.known(service, backend)
        self._codec = Codec(known, self._refer, self._resolve)
        # The rows of growing collections contain complete members, so `save` has no references to follow.
        self._member_codec = Codec(known)
        # Objects, keyed by ID. The reference keeps an object alive, so that Python cannot give its identity to another
        # object.
        self._objects: dict[int, Any] = {_ROOT: backend}
        self._ids: dict[int, int] = {id(backend): _ROOT}
        self._members: dict[tuple[int, str, int], int] = {}
        self._written: dict[int, int] = {}
        self._next = 1
        self._waiting: list[int] = []
        self._seen: set[int] = set()

    def load(self) -> bool:
        """Restore the backend's stored objects.

        Returns:
            Whether there are stored objects.
        """
        with self._database.view() as connection:
            rows = connection.execute(
                "SELECT id, parent, field, name, body, crc FROM moto WHERE root = ? ORDER BY id", (self._name,)
            ).fetchall()
        if not rows:
            return False
        plains: dict[int, Plain] = {}
        for identity, parent, _, _, body, crc in rows:
            plains[identity] = self._open(body, crc)
            self._written[identity] = hash(body)
            if parent is None and identity != _ROOT:
                self._keep(identity, self._codec.blank(plains[identity]))
        self._next = rows[-1][0] + 1
        owners = [identity for identity, parent, *_ in rows if parent is None]
        for identity in owners:
            target = self._objects[identity]
            self._codec.fill(target, plains[identity], restore=False)
            for field, begin in moto_classes.SPLIT.get(moto_classes.class_name(target), {}).items():
                setattr(target, field, begin())
        for identity, parent, field, name, _, _ in rows:
            if parent is not None:
                self._add(identity, parent, field, name, self._member_codec.decode(plains[identity]))
        for identity in owners:
            self._codec.restore(self._objects[identity])
        return True

    def save(self, connection: sqlite3.Connection) -> None:
        """Write the objects that differ from their stored form."""
        self._seen, self._waiting = {_ROOT}, [_ROOT]
        while self._waiting:
            identity = self._waiting.pop()
            value = self._objects[identity]
            self._write(connection, identity, None, None, None, self._codec.fields(value))
            for field in moto_classes.SPLIT.get(moto_classes.class_name(value), {}):
                self._save_members(connection, identity, field, getattr(value, field))
        for identity in self._written.keys() - self._seen:
            connection.execute("DELETE FROM moto WHERE root = ? AND id = ?", (self._name, identity))
            del self._written[identity]
        self._let_go()

    def _save_members(self, connection: sqlite3.Connection, parent: int, field: str, members: Any) -> None:
        for name, member in _named(members):
            key = parent, field, id(member)
            identity = self._members.get(key)
            if identity is None:
                identity = self._members[key] = self._new(member)
            self._seen.add(identity)
            if identity not in self._written:
                self._write(connection, identity, parent, field, name, self._member_codec.encode(member))

    def _write(
        self,
        connection: sqlite3.Connection,
        identity: int,
        parent: int | None,
        field: str | None,
        name: str | None,
        plain: Plain,
    ) -> None:
        body = dumps(plain)
        mark = hash(body)
        if self._written.get(identity) != mark:
            connection.execute(
                "INSERT OR REPLACE INTO moto VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self._name, identity, parent, field, name, body, checksum(body)),
            )
            self._written[identity] = mark

    def _refer(self, value: Any) -> int | None:
        name = moto_classes.class_name(value)
        if name in moto_classes.INLINE or name not in self._codec.referable:
            return None
        identity = self._ids.get(id(value))
        if identity is None:
            identity = self._new(value)
            self._ids[id(value)] = identity
        if identity not in self._seen:
            self._seen.add(identity)
            self._waiting.append(identity)
        return identity

    def _resolve(self, identity: int) -> Any:
        return self._objects[identity]

    def _new(self, value: Any) -> int:
        identity, self._next = self._next, self._next + 1
        self._objects[identity] = value
        return identity

    def _keep(self, identity: int, value: Any) -> None:
        self._objects[identity] = value
        self._ids[id(value)] = identity

    def _add(self, identity: int, parent: int, field: str, name: str | None, member: Any) -> None:
        container = getattr(self._objects[parent], field)
        if name is None:
            container.append(member)
        else:
            container[name] = member
        self._objects[identity] = member
        self._members[parent, field, id(member)] = identity

    def _let_go(self) -> None:
        """Forget the objects that the backend no longer references."""
        gone = self._objects.keys() - self._seen
        if gone:
            self._ids = {key: identity for key, identity in self._ids.items() if identity not in gone}
            self._members = {key: identity for key, identity in self._members.items() if identity not in gone}
            for identity in gone:
                del self._objects[identity]

    def _open(self, body: str, crc: int) -> Plain:
        if checksum(body) != crc:
            raise StorageError(
                f"The state of {self._name} in {self._database.path} is damaged. "
                "Restore the last backup with: zetl local reset --to-backup"
            )
        return loads(body)


def _named(members: Any) -> Iterator[tuple[str | None, Any]]:
    if isinstance(members, dict):
        yield from members.items()
    else:
        for member in members:
            yield None, member
