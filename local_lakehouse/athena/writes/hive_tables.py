"""The entries of Hive tables in the Glue Data Catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.athena.tables.bucketing import Bucketing
from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.athena.tables.lazy_simple import Layout, layout_of
from local_lakehouse.athena.tables.partition_names import partition_values
from local_lakehouse.sql.failures import QueryFailure
from local_lakehouse.sql.hive_types import glue_type
from local_lakehouse.sql.types import Type

_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
STORAGE = {
    "PARQUET": (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "ORC": (
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    ),
    "AVRO": (
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "JSON": (_TEXT_INPUT, _TEXT_OUTPUT, "org.apache.hive.hcatalog.data.JsonSerDe"),
    "TEXTFILE": (_TEXT_INPUT, _TEXT_OUTPUT, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"),
}

# Athena reads tables with these SerDes, but does not insert rows into them.
_READ_ONLY = (
    "org.openx.data.jsonserde.JsonSerDe",
    "org.apache.hadoop.hive.serde2.RegexSerDe",
    "com.amazon.emr.hive.serde.CloudTrailSerde",
)


def stored_location(location: str) -> str:
    """Return a location without a trailing slash, as Hive stores it for a table or a partition."""
    bucket, _, key = location.removeprefix("s3://").partition("/")
    return f"s3://{bucket}/{key.rstrip('/')}"


def table_input(
    name: str,
    columns: Sequence[tuple[str, Type]],
    partitioned_by: Sequence[str],
    location: str,
    file_format: str,
    serde_parameters: dict[str, str],
    bucketing: Bucketing | None = None,
) -> dict[str, Any]:
    """Return the ``TableInput`` that ``CreateTable`` requires for an external table."""
    input_format, output_format, serde = STORAGE[file_format]
    listed = [{"Name": column, "Type": glue_type(type_)} for column, type_ in columns]
    own = len(listed) - len(partitioned_by)
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "has_encrypted_data": "false", "classification": file_format.lower()},
        "PartitionKeys": listed[own:],
        "StorageDescriptor": {
            "Columns": listed[:own],
            "Location": stored_location(location),
            "InputFormat": input_format,
            "OutputFormat": output_format,
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": serde_parameters},
            **bucket_properties(bucketing),
        },
    }


def bucket_properties(bucketing: Bucketing | None) -> dict[str, Any]:
    """Return the bucket settings of a storage descriptor in the Glue Data Catalog."""
    if bucketing is None:
        return {}
    return {"BucketColumns": list(bucketing.columns), "NumberOfBuckets": bucketing.count, "SortColumns": []}


def writer_settings(entry: dict[str, Any]) -> tuple[str, Layout]:
    """Return the format of a table's files, and the layout of the lines in text files.

    Raises:
        QueryFailure: The SerDe does not support inserts.
    """
    serde = entry["StorageDescriptor"].get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "")
    parameters = serde.get("Parameters", {})
    for name, (_, _, known) in STORAGE.items():
        if library == known:
            return name, layout_of({**entry.get("Parameters", {}), **parameters})
    if library in _READ_ONLY:
        output = entry["StorageDescriptor"].get("OutputFormat", "")
        raise QueryFailure("HIVE_UNSUPPORTED_FORMAT", f"Output format {output} with SerDe {library} is not supported.")
    raise QueryFailure(
        "NOT_SUPPORTED", f"The local Athena does not support inserts into tables with the SerDe {library}"
    )


class PartitionLocations:
    """The locations of a table's partitions, which are not always folders under the table's location.

    Args:
        lake: The lakehouse's tables.
        entry: The table's catalog entry.
    """

    def __init__(self, lake: Lake, entry: dict[str, Any]) -> None:
        self._lake = lake
        self._entry = entry
        self._known: dict[str, str] = {}

    def __call__(self, folder: str) -> str:
        """Return the location of the files in a partition, which is a folder such as ``p=1/``.

        Raises:
            QueryFailure: The partition's files have a different format than the table's files.
        """
        if folder not in self._known:
            descriptor = self._descriptor(folder) or {"Location": f"{self._entry['StorageDescriptor']['Location']}"}
            self._known[folder] = descriptor["Location"].rstrip("/") + "/"
        return self._known[folder]

    def _descriptor(self, folder: str) -> dict[str, Any] | None:
        table = self._entry["StorageDescriptor"]
        if not folder:
            return None
        try:
            found: dict[str, Any] = self._lake.glue.get_partition(
                DatabaseName=self._entry["DatabaseName"],
                TableName=self._entry["Name"],
                PartitionValues=partition_values(folder.rstrip("/")),
            )["Partition"]["StorageDescriptor"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            return {"Location": f"{table['Location'].rstrip('/')}/{folder}"}
        if found.get("SerdeInfo", table["SerdeInfo"]) != table["SerdeInfo"]:
            raise QueryFailure(
                "NOT_SUPPORTED", f"The local Athena does not insert into {folder}, whose format differs from the table"
            )
        return found


def add_partitions(lake: Lake, entry: dict[str, Any], folders: Sequence[str], keys: Sequence[str]) -> None:
    """Register the partitions with the given folders, such as ``p=1/``, in the catalog."""
    if not keys:
        return
    base = entry["StorageDescriptor"]["Location"].rstrip("/")
    for folder in folders:
        add_partition(lake, entry, partition_values(folder.rstrip("/")), f"{base}/{folder}")


def add_partition(lake: Lake, entry: dict[str, Any], values: Sequence[str], location: str) -> bool:
    """Register a partition in the catalog, and return whether it is new."""
    descriptor = {**entry["StorageDescriptor"], "Location": stored_location(location)}
    try:
        lake.glue.create_partition(
            DatabaseName=entry["DatabaseName"],
            TableName=entry["Name"],
            PartitionInput={"Values": list(values), "StorageDescriptor": descriptor},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "AlreadyExistsException":
            return False
        raise
    return True
