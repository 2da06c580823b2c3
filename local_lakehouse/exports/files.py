"""The data files, manifests and checksums of an export.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.backend.dynamodb_source import Item
from local_lakehouse.exports.history import Change

FULL_EXPORT = "FULL_EXPORT"
INCREMENTAL_EXPORT = "INCREMENTAL_EXPORT"
NEW_AND_OLD_IMAGES = "NEW_AND_OLD_IMAGES"


@dataclass(frozen=True)
class Layout:
    """The location of one export's files.

    Args:
        identity: The export's ID.
        prefix: The requested prefix in the bucket, which can be empty.
        kind: The kind of export, which is `FULL_EXPORT` or `INCREMENTAL_EXPORT`. Incremental exports share a data
            folder.
    """

    identity: str
    prefix: str
    kind: str

    @property
    def root(self) -> str:
        """The manifests' folder."""
        return f"{self._base}/{self.identity}"

    @property
    def data(self) -> str:
        """The data files' folder."""
        return f"{self.root if self.kind == FULL_EXPORT else self._base}/data"

    @property
    def _base(self) -> str:
        return f"{self.prefix}/AWSDynamoDB" if self.prefix else "AWSDynamoDB"


def full_lines(items: Sequence[Item]) -> list[str]:
    """Convert items to the lines of a full export."""
    return [_json({"Item": item}) for item in items]


def incremental_lines(changes: Sequence[Change], view: str) -> list[str]:
    """Convert changes to the lines of an incremental export, without a new image for deleted items.

    Args:
        changes: The changes.
        view: The images to include, which are `NEW_AND_OLD_IMAGES` or ``NEW_IMAGE``.
    """
    return [_json(_record(change, view)) for change in changes]


def _record(change: Change, view: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "Metadata": {"WriteTimestampMicros": {"N": str(change.written)}},
        "Keys": change.keys,
    }
    if change.old is not None and view == NEW_AND_OLD_IMAGES:
        record["OldImage"] = change.old
    if change.new is not None:
        record["NewImage"] = change.new
    return record


def export_files(layout: Layout, lines: Sequence[str], name: str, summary: Mapping[str, Any]) -> dict[str, bytes]:
    """Return all objects of an export, keyed by object key.

    Args:
        layout: The location of the files.
        lines: The lines of the data file.
        name: The name of the only data file. A table in the lakehouse has one partition and therefore one data file.
        summary: The members of the manifest summary that describe the request.
    """
    data_key = f"{layout.data}/{name}.json.gz"
    # The gzip header has no timestamp, so that equal data produces identical files. Level 6 is zlib's default.
    # Level 9, the default of gzip.compress, takes longer and saves little space.
    data = gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=6, mtime=0)
    entry = {
        "itemCount": len(lines),
        "md5Checksum": base64.b64encode(_md5(data).digest()).decode(),
        "etag": _md5(data).hexdigest(),
        "dataFileS3Key": data_key,
    }
    files = f"{_json(entry)}\n".encode()
    files_key = f"{layout.root}/manifest-files.json"
    manifest = _json({**summary, "manifestFilesS3Key": files_key, "itemCount": len(lines)}).encode()
    return {
        f"{layout.root}/_started": b"",
        data_key: data,
        files_key: files,
        f"{layout.root}/manifest-files.checksum": _checksum(files),
        f"{layout.root}/manifest-summary.json": manifest,
        f"{layout.root}/manifest-summary.checksum": _checksum(manifest),
    }


def iso(moment: datetime) -> str:
    """Format a time the way export manifests do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _checksum(content: bytes) -> bytes:
    return base64.b64encode(_md5(content).digest())


def _md5(content: bytes) -> Any:
    # DynamoDB's manifests contain MD5 hashes, which only detect accidental changes.
    return hashlib.md5(content, usedforsecurity=False)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
