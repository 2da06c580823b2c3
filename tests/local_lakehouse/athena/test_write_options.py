"""Tests that CTAS, ``UNLOAD`` and ``INSERT`` honor each option about files, or reject it."""

from __future__ import annotations

import io
import itertools

import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from tests.local_lakehouse.athena.conftest import Athena

ICEBERG = "table_type = 'ICEBERG', location = 's3://lab/ice/'"
DELIMITED = "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"
_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    """Provide the name of a new table, which is also the name of its folder."""
    return f"t{next(_numbers)}"


def files(athena: Athena, prefix: str) -> dict[str, bytes]:
    """Return the content of all objects with a prefix."""
    listed = athena.s3.list_objects_v2(Bucket="lab", Prefix=prefix).get("Contents", ())
    return {
        entry["Key"]: athena.s3.get_object(Bucket="lab", Key=entry["Key"])["Body"].read()
        for entry in listed
        if entry["Size"]
    }


def codecs(athena: Athena, prefix: str) -> list[str]:
    """Return the compression of each file with a prefix."""
    return sorted(map(_codec, files(athena, prefix).values()))


def _codec(content: bytes) -> str:
    if content.startswith(b"PAR1"):
        return str(pq.read_metadata(io.BytesIO(content)).row_group(0).column(0).compression)
    if content.startswith(b"ORC"):
        return str(orc.ORCFile(io.BytesIO(content)).compression)
    return {b"\x1f\x8b": "GZIP", b"BZ": "BZIP2"}.get(content[:2], "NONE")


# The properties of CTAS, the compression of its file, and the compression of a file that is inserted later.
CTAS = [
    ("format = 'PARQUET'", "GZIP"),
    ("format = 'PARQUET', parquet_compression = 'SNAPPY'", "SNAPPY"),
    ("format = 'PARQUET', write_compression = 'zstd', compression_level = '4'", "ZSTD"),
    ("format = 'ORC'", "ZLIB"),
    ("format = 'ORC', orc_compression = 'SNAPPY'", "SNAPPY"),
    ("format = 'ORC', write_compression = 'NONE'", "UNCOMPRESSED"),
    ("format = 'TEXTFILE'", "GZIP"),
    ("format = 'TEXTFILE', write_compression = 'BZIP2'", "BZIP2"),
    ("format = 'JSON', write_compression = 'NONE'", "NONE"),
]


@pytest.mark.parametrize(("properties", "codec"), CTAS)
def test_ctas_and_insert_write_the_same_compression(shared: Athena, name: str, properties: str, codec: str) -> None:
    location = f"external_location = 's3://lab/{name}/'"
    shared.run(f"CREATE TABLE {name} WITH ({properties}, {location}) AS SELECT 1 a")
    shared.run(f"INSERT INTO {name} VALUES 2")

    assert codecs(shared, f"{name}/") == [codec, codec]
    assert sorted(shared.run(f"SELECT a FROM {name}")) == [["1"], ["2"]]


# The clauses of CREATE TABLE, and the compression of an inserted file.
TABLES = [
    ("STORED AS PARQUET", "GZIP"),
    ("STORED AS PARQUET TBLPROPERTIES ('parquet.compression'='SNAPPY')", "SNAPPY"),
    ("STORED AS PARQUET TBLPROPERTIES ('write.compression'='ZSTD', 'compression_level'='4')", "ZSTD"),
    ("STORED AS ORC TBLPROPERTIES ('orc.compress'='SNAPPY')", "SNAPPY"),
    ("STORED AS TEXTFILE", "GZIP"),
    ("STORED AS TEXTFILE TBLPROPERTIES ('write.compression'='NONE')", "NONE"),
    ("STORED AS TEXTFILE TBLPROPERTIES ('write.compression'='BZIP2')", "BZIP2"),
]


@pytest.mark.parametrize(("clauses", "codec"), TABLES)
def test_insert_uses_the_compression_of_the_table_properties(
    shared: Athena, name: str, clauses: str, codec: str
) -> None:
    clauses = clauses.replace("TBLPROPERTIES", f"LOCATION 's3://lab/{name}/' TBLPROPERTIES")
    location = "" if "LOCATION" in clauses else f"LOCATION 's3://lab/{name}/'"
    shared.run(f"CREATE EXTERNAL TABLE {name} (a int) {clauses} {location}")
    shared.run(f"INSERT INTO {name} VALUES 1")

    assert codecs(shared, f"{name}/") == [codec]
    assert shared.run(f"SELECT a FROM {name}") == [["1"]]


@pytest.mark.parametrize(
    ("properties", "codec"),
    [
        ("format = 'PARQUET', compression = 'ZSTD', compression_level = 4", "ZSTD"),
        ("format = 'ORC', compression = 'lz4'", "LZ4"),
        ("format = 'TEXTFILE'", "GZIP"),
        ("format = 'JSON', compression = 'GZIP'", "GZIP"),
    ],
)
def test_unload_writes_the_given_compression(shared: Athena, name: str, properties: str, codec: str) -> None:
    shared.run(f"UNLOAD (SELECT 1 a) TO 's3://lab/{name}/' WITH ({properties})")

    assert codecs(shared, f"{name}/") == [codec]


def test_zstd_level_changes_the_size(shared: Athena, name: str) -> None:
    rows = "SELECT to_hex(md5(to_utf8(CAST(x % 5000 AS varchar)))) a FROM UNNEST(sequence(1, 10000)) t(x)"
    for level in (1, 19):
        properties = f"format = 'PARQUET', compression = 'ZSTD', compression_level = {level}"
        shared.run(f"UNLOAD ({rows}) TO 's3://lab/{name}/{level}/' WITH ({properties})")

    [low], [high] = (files(shared, f"{name}/{level}/").values() for level in (1, 19))
    assert len(high) < len(low)


INVALID_CTAS = [
    ("format = 'ORC', format = 'PARQUET'", "DUPLICATE_PROPERTY: "),
    ("table_type = 'DELTA'", "table_type must be HIVE or ICEBERG: DELTA"),
    ("is_external = false", "is_external must be true for a Hive table"),
    ("write_compression = 'GZIP', parquet_compression = 'GZIP'", "Only one compression property"),
    ("format = 'ORC', parquet_compression = 'SNAPPY'", "Cannot specify parquet_compression table property for storage"),
    ("format = 'PARQUET', orc_compression = 'SNAPPY'", "Cannot specify orc_compression table property for storage"),
    ("write_compression = 'ZSTD', compression_level = 23", "compression_level must be a number from 1 to 22"),
    ("write_compression = 'SNAPPY', compression_level = 3", "only for ZSTD compression"),
    ("format = 'ORC', write_compression = 'ZSTD', compression_level = 3", "not for ORC files"),
    ("format = 'TEXTFILE', field_delimiter = '||'", "field_delimiter must be a single character"),
    ("format = 'PARQUET', field_delimiter = ','", "Cannot specify field_delimiter table property for storage format"),
    ("partitioned_by = 'b'", "Cannot convert ['b'] to array(varchar)"),
    ("partitioned_by = ARRAY['a', 'b']", "Table contains only partition columns"),
    ("write_compression = 1", "Cannot convert [1] to varchar"),
    ("bucketed_by = ARRAY['a'], bucket_count = '2'", "Cannot convert ['2'] to integer"),
    (ICEBERG, "is_external must be false for an Iceberg table"),
    (f"{ICEBERG}, is_external = true", "is_external must be false for an Iceberg table"),
    (f"{ICEBERG}, is_external = 'false'", "Cannot convert ['false'] to boolean"),
    (f"{ICEBERG}, is_external = false, partitioning = 'b'", "Cannot convert ['b'] to array(varchar)"),
    (f"{ICEBERG}, is_external = false, vacuum_min_snapshots_to_keep = 'x'", "Cannot convert ['x'] to number"),
]


@pytest.mark.parametrize(("properties", "reason"), INVALID_CTAS)
def test_ctas_rejects_invalid_properties(shared: Athena, properties: str, reason: str) -> None:
    assert reason in shared.fail(f"CREATE TABLE invalid WITH ({properties}) AS SELECT 1 a, 'x' b")
    assert files(shared, "ice/") == {}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("format = 'TEXTFILE', field_delimiter = 'ab'", "field_delimiter must be a single character"),
        ("format = 'PARQUET', field_delimiter = ','", "Cannot specify field_delimiter"),
        ("format = 'PARQUET', compression_level = 4", "only for ZSTD compression"),
        ("format = 'PARQUET', partitioned_by = ARRAY['a', 'b']", "Table contains only partition columns"),
        ("format = 'JSON', compression = 'NONE'", "applies only to ORC and PARQUET, not to JSON"),
        ("format = 'AVRO', compression = 'SNAPPY'", "applies only to ORC and PARQUET, not to AVRO"),
        ("format = 'PARQUET', write_compression = 'GZIP'", "table property 'write_compression' does not exist"),
    ],
)
def test_unload_rejects_invalid_properties(shared: Athena, properties: str, reason: str) -> None:
    assert reason in shared.fail(f"UNLOAD (SELECT 1 a, 'x' b) TO 's3://lab/invalid/' WITH ({properties})")
    assert files(shared, "invalid/") == {}


def test_iceberg_ctas_rejects_a_location_with_files(shared: Athena, name: str) -> None:
    shared.s3.put_object(Bucket="lab", Key=f"{name}/x", Body=b"x")
    properties = f"table_type = 'ICEBERG', is_external = false, location = 's3://lab/{name}/'"

    reason = shared.fail(f"CREATE TABLE {name} WITH ({properties}) AS SELECT 1 a")
    assert reason == f"ICEBERG_FILESYSTEM_ERROR: Cannot create a table on a non-empty location: s3://lab/{name}"
    assert list(files(shared, f"{name}/")) == [f"{name}/x"]


def _create_projected(athena: Athena, name: str, template: str = "") -> None:
    properties = "'projection.enabled'='true', 'projection.p.type'='enum', 'projection.p.values'='x,y'"
    athena.run(
        f"CREATE EXTERNAL TABLE {name} (a int) PARTITIONED BY (p string) LOCATION 's3://lab/{name}/' "
        f"TBLPROPERTIES ({properties}{template})"
    )


def test_insert_uses_the_projected_location(shared: Athena, name: str) -> None:
    _create_projected(shared, name)
    shared.run(f"ALTER TABLE {name} ADD PARTITION (p = 'x') LOCATION 's3://lab/ignored/'")
    shared.run(f"INSERT INTO {name} VALUES (1, 'x')")

    assert shared.run(f"SELECT a, p FROM {name}") == [["1", "x"]]


def test_insert_with_a_location_template_is_refused(shared: Athena, name: str) -> None:
    _create_projected(shared, name, f", 'storage.location.template'='s3://lab/{name}/data/${{p}}'")

    assert "property storage.location.template" in shared.fail(f"INSERT INTO {name} VALUES (1, 'x')")


def test_insert_writes_the_header_that_the_table_skips(shared: Athena, name: str) -> None:
    properties = "'skip.header.line.count'='1', 'write.compression'='NONE'"
    shared.run(
        f"CREATE EXTERNAL TABLE {name} (a int, b string) PARTITIONED BY (p int) {DELIMITED} "
        f"LOCATION 's3://lab/{name}/' TBLPROPERTIES ({properties})"
    )
    shared.run(f"INSERT INTO {name} VALUES (1, 'x', 1), (2, 'y', 1)")

    assert list(files(shared, f"{name}/").values()) == [b"a,b\n1,x\n2,y\n"]
    assert shared.run(f"SELECT a, b FROM {name}") == [["1", "x"], ["2", "y"]]


@pytest.mark.parametrize(
    ("serde", "properties", "reason"),
    [
        (DELIMITED, "'skip.header.line.count'='2'", "value of skip.header.line.count property greater than 1"),
        (DELIMITED, "'skip.footer.line.count'='1'", "with skip.footer.line.count property not supported"),
        (DELIMITED, "'skip.header.line.count'='x'", "Invalid value for skip.header.line.count property: x"),
        (
            "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'",
            "'skip.header.line.count'='1'",
            "skip.header.line.count property and JSON files is not supported",
        ),
    ],
)
def test_insert_rejects_rows_that_the_table_would_skip(
    shared: Athena, name: str, serde: str, properties: str, reason: str
) -> None:
    location = f"LOCATION 's3://lab/{name}/'"
    shared.run(f"CREATE EXTERNAL TABLE {name} (a int) {serde} {location} TBLPROPERTIES ({properties})")

    assert reason in shared.fail(f"INSERT INTO {name} VALUES 1")


def _create_json_table(athena: Athena, name: str, skipped: str) -> None:
    serde = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
    properties = f"TBLPROPERTIES ('skip.header.line.count'='{skipped}')"
    athena.s3.put_object(Bucket="lab", Key=f"{name}/x", Body=b'{"a": 1}\n{"a": 2}\n')
    athena.run(f"CREATE EXTERNAL TABLE {name} (a int) {serde} LOCATION 's3://lab/{name}/' {properties}")


def test_json_table_skips_its_header(shared: Athena, name: str) -> None:
    _create_json_table(shared, name, "1")

    assert shared.run(f"SELECT a FROM {name}") == [["2"]]


@pytest.mark.parametrize("value", ["x", "-1", "1.5"])
def test_invalid_number_of_skipped_lines_is_an_error(shared: Athena, name: str, value: str) -> None:
    _create_json_table(shared, name, value)

    reason = f"HIVE_INVALID_METADATA: Invalid value for skip.header.line.count property: {value}"
    assert shared.fail(f"SELECT a FROM {name}") == reason
