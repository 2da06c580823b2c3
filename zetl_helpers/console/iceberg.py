"""The metadata of an Iceberg table, from the metadata file down to the data files."""

from __future__ import annotations

import json
from typing import Any

from zetl_helpers.console.calls import CallError, call
from zetl_helpers.console.files import read_object
from zetl_helpers.console.link import Link
from zetl_helpers.console.values import to_json

_SNAPSHOTS = 50
_FILES = 200


def metadata(link: Link, database: str, table: str) -> dict[str, Any]:
    """Return an Iceberg table's metadata document and its location.

    Args:
        link: The connection to the lakehouse.
        database: The Glue database.
        table: The table.

    Returns:
        ``location`` and ``metadata``, with the field names of the Iceberg specification. The metadata contains at most
        the latest 50 snapshots.

    Raises:
        CallError: The table is not an Iceberg table, or its metadata cannot be read.
        StoppedError: The lakehouse is not running.

    See https://iceberg.apache.org/spec/#table-metadata
    """
    found = call(link, "glue", "GetTable", {"DatabaseName": database, "Name": table})["answer"]["Table"]
    location = (found.get("Parameters") or {}).get("metadata_location")
    if not location:
        raise CallError("NotIceberg", f"{database}.{table} is not an Iceberg table.")
    document = json.loads(read_object(link, *_split(str(location))))
    document["snapshots"] = document.get("snapshots", [])[-_SNAPSHOTS:]
    shown: dict[str, Any] = to_json({"location": location, "metadata": document})
    return shown


def manifests(link: Link, location: str) -> list[dict[str, Any]]:
    """Return the manifests of a snapshot, each with at most 200 of its files.

    Args:
        link: The connection to the lakehouse.
        location: The location of the snapshot's manifest list, from the table's metadata.

    Raises:
        CallError: PyIceberg is not installed, or a file cannot be read.
        StoppedError: The lakehouse is not running.
    """
    try:
        from pyiceberg.manifest import read_manifest_list

        from zetl_helpers.console._lake_files import LakeFiles
    except ImportError as error:
        raise CallError(
            "NotInstalled", "Reading manifests requires pyiceberg. Install it with: pip install 'zetl-helpers[local]'"
        ) from error
    files = LakeFiles(lambda path: read_object(link, *_split(path)))
    found = [
        {
            "path": each.manifest_path,
            "length": each.manifest_length,
            "content": each.content.name.lower(),
            "added_files": each.added_files_count,
            "existing_files": each.existing_files_count,
            "deleted_files": each.deleted_files_count,
            "files": [
                {
                    "path": entry.data_file.file_path,
                    "content": entry.data_file.content.name.lower(),
                    "format": entry.data_file.file_format.name,
                    "records": entry.data_file.record_count,
                    "bytes": entry.data_file.file_size_in_bytes,
                }
                for entry in each.fetch_manifest_entry(files)[:_FILES]
            ],
        }
        for each in read_manifest_list(files.new_input(location))
    ]
    shown: list[dict[str, Any]] = to_json(found)
    return shown


def _split(location: str) -> tuple[str, str]:
    scheme, _, rest = location.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a") or not bucket or not key:
        raise CallError("InvalidLocation", f"{location!r} is not the location of an object in Amazon S3.")
    return bucket, key
