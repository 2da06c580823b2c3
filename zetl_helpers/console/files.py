"""The schema and the first rows of Parquet files in Amazon S3."""

from __future__ import annotations

import io
from typing import Any

from zetl_helpers.console.calls import CallError, refused
from zetl_helpers.console.link import Link
from zetl_helpers.console.values import to_json

# The console reads a whole file into memory. The tutorial's files are much smaller than this limit.
_MAX_FILE = 64 * 1024 * 1024
_ROWS = 50


def parquet(link: Link, bucket: str, key: str) -> dict[str, Any]:
    """Return a Parquet file's columns, row groups, key-value metadata and first rows.

    Args:
        link: The connection to the lakehouse.
        bucket: The bucket.
        key: The object's key.

    Raises:
        CallError: The object cannot be read, or is not a Parquet file.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise CallError(
            "NotInstalled", "Reading Parquet files requires pyarrow. Install it with: pip install 'zetl-helpers[local]'"
        ) from error
    content = read_object(link, bucket, key)
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        rows = next(file.iter_batches(batch_size=_ROWS), None)
    except (pa.ArrowInvalid, OSError) as error:
        raise CallError("NotParquet", f"s3://{bucket}/{key} is not a Parquet file: {error}") from error
    footer = file.metadata
    found = {
        "rows": footer.num_rows,
        "size": len(content),
        "created_by": footer.created_by,
        "columns": [
            {"name": field.name, "type": str(field.type), "nullable": field.nullable, "id": _field_id(field)}
            for field in file.schema_arrow
        ],
        "row_groups": [
            {"rows": group.num_rows, "bytes": group.total_byte_size, "compression": group.column(0).compression}
            for group in (footer.row_group(place) for place in range(footer.num_row_groups))
        ],
        "metadata": {
            name.decode("utf-8", "replace"): value.decode("utf-8", "replace")
            for name, value in (footer.metadata or {}).items()
        },
        "first_rows": [] if rows is None else rows.to_pylist(),
    }
    shown: dict[str, Any] = to_json(found)
    return shown


def _field_id(field: Any) -> str | None:
    found = (field.metadata or {}).get(b"PARQUET:field_id")
    return None if found is None else found.decode()


def read_object(link: Link, bucket: str, key: str) -> bytes:
    """Return an object's bytes.

    Args:
        link: The connection to the lakehouse.
        bucket: The bucket.
        key: The object's key.

    Raises:
        CallError: The object does not exist, or is too large to show.
        StoppedError: The lakehouse is not running.
    """
    from botocore.exceptions import ClientError

    try:
        with link.answered():
            answer = link.client("s3").get_object(Bucket=bucket, Key=key)
            if answer["ContentLength"] > _MAX_FILE:
                size = answer["ContentLength"]
                raise CallError("TooLarge", f"s3://{bucket}/{key} is too large to show ({size} bytes).")
            content: bytes = answer["Body"].read()
    except ClientError as error:
        raise refused(error) from error
    return content
