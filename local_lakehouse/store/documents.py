"""Small documents, each stored in one row that is written only if the document has changed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from local_lakehouse.store.codec import PLAIN_VALUES, Codec, dumps, loads
from local_lakehouse.store.database import Database, Schema, StorageError

_SCHEMA = Schema(
    "documents", 1,
    (
        """
        CREATE TABLE documents (collection TEXT, key TEXT, body TEXT NOT NULL, crc INTEGER NOT NULL,
        PRIMARY KEY (collection, key)) WITHOUT ROWID
        """,
    ),
)  # fmt: skip


class Participant(Protocol):
    """A service whose state consists of a few documents."""

    def dump(self) -> Mapping[str, Any]:
        """Return the state as plain data, keyed by document name."""

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the state that `dump` returned, or an empty state in a new lakehouse."""


class Collection:
    """A collection of documents, each with a key.

    Args:
        documents: The documents of the database.
        name: The collection's name.
    """

    def __init__(self, documents: Documents, name: str) -> None:
        self._documents = documents
        self._name = name
        self._written: dict[str, int] = {}

    def read(self) -> dict[str, Any]:
        """Return all documents, keyed and sorted by their keys."""
        with self._documents.database.view() as connection:
            rows = connection.execute(
                "SELECT key, body, crc FROM documents WHERE collection = ? ORDER BY key", (self._name,)
            ).fetchall()
        self._written = {key: hash(body) for key, body, _ in rows}
        return {key: self._documents.opened(self._name, key, body, crc) for key, body, crc in rows}

    def replace(self, documents: Mapping[str, Any]) -> None:
        """Replace all documents of the collection, without writing unchanged documents."""
        for key in self._written.keys() - documents.keys():
            self.remove(key)
        for key, document in documents.items():
            self.put(key, document)

    def put(self, key: str, document: Any) -> None:
        """Write one document if it has changed."""
        body = dumps(_CODEC.encode(document))
        mark = hash(body)
        if self._written.get(key) != mark:
            with self._documents.database.transaction() as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", (self._name, key, body, checksum(body))
                )
            self._written[key] = mark

    def remove(self, key: str) -> None:
        """Delete one document."""
        with self._documents.database.transaction() as connection:
            connection.execute("DELETE FROM documents WHERE collection = ? AND key = ?", (self._name, key))
        self._written.pop(key, None)

    def forget(self) -> None:
        """Discard the hashes of the written documents after a rollback."""
        self._written = {}


class Documents:
    """The documents of a database, and the services that own them.

    If a transaction marks a participant as changed, the participant's changed documents are written at the end of the
    transaction.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        database.define(_SCHEMA)
        self.database = database
        self._participants: dict[str, tuple[Participant, Collection]] = {}
        self._changed: set[str] = set()
        database.before_commit(self._write)
        database.after_rollback(self._reload)
        database.after_replacement(self._reload_all)

    def collection(self, name: str) -> Collection:
        """Return a collection."""
        return Collection(self, name)

    def register(self, name: str, participant: Participant) -> None:
        """Restore a service's documents, and store their subsequent changes."""
        collection = self.collection(name)
        self._participants[name] = participant, collection
        participant.load(collection.read())

    def names_of(self, participant: object) -> tuple[str, ...]:
        """Return the names under which a service is registered."""
        return tuple(name for name, (each, _) in self._participants.items() if each is participant)

    def changed(self, names: Iterable[str]) -> None:
        """Mark services as changed in the current transaction."""
        self._changed.update(name for name in names if name in self._participants)

    def opened(self, collection: str, key: str, body: str, crc: int) -> Any:
        """Decode a stored document.

        Raises:
            StorageError: The document is damaged.
        """
        if checksum(body) != crc:
            raise StorageError(
                f"The document {key!r} of {collection} in {self.database.path} is damaged. "
                "Restore the last backup with: zetl local reset --to-backup"
            )
        return _CODEC.decode(loads(body))

    def _write(self) -> None:
        for name in sorted(self._changed):
            participant, collection = self._participants[name]
            collection.replace(participant.dump())
        self._changed.clear()

    def _reload_all(self) -> None:
        self._changed = set(self._participants)
        self._reload()

    def _reload(self) -> None:
        """Restore the changed services from the stored documents."""
        changed, self._changed = self._changed, set()
        for name in sorted(changed):
            participant, collection = self._participants[name]
            participant.load(collection.read())


def checksum(body: str) -> int:
    """Return the checksum of a document's text."""
    return zlib.crc32(body.encode())


_CODEC = Codec(PLAIN_VALUES)
