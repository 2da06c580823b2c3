"""The SerDes of the tables that the local Athena reads, and their properties."""

from __future__ import annotations

PARQUET = "ParquetHiveSerDe"
OPEN_CSV = "OpenCSVSerde"
LAZY_SIMPLE = "LazySimpleSerDe"
ORC = "OrcSerde"
AVRO = "AvroSerDe"
REGEX = "RegexSerDe"
CLOUDTRAIL = "CloudTrailSerde"
JSON = ("JsonSerDe", "JsonSerde")
CLOUDTRAIL_INPUT = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
SERDE_PROPERTIES: dict[str, tuple[str, ...]] = {
    PARQUET: ("serialization.format",),
    OPEN_CSV: ("separatorChar", "quoteChar", "escapeChar", "serialization.format"),
    LAZY_SIMPLE: (
        "field.delim",
        "serialization.format",
        "serialization.null.format",
        "collection.delim",
        "colelction.delim",
        "mapkey.delim",
        "escape.delim",
    ),
    ORC: ("serialization.format", "orc.column.index.access"),
    # The schema is read from the file, so `avro.schema.literal` is ignored.
    AVRO: ("serialization.format", "avro.schema.literal"),
    REGEX: ("serialization.format", "input.regex", "input.regex.case.insensitive", "output.format.string"),
    CLOUDTRAIL: ("serialization.format",),
    # Crawlers list the keys in the property "paths", which has no effect.
    **dict.fromkeys(JSON, ("serialization.format", "ignore.malformed.json", "paths")),
}


def unsupported_serde(library: str) -> str:
    """Return the message for a SerDe that is not supported."""
    table = f"a table with the SerDe {library}" if library else "a table without a SerDe"
    return f"The local Athena does not support {table}. The supported SerDes are {', '.join(SERDE_PROPERTIES)}."
