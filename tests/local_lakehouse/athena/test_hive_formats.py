"""Tests for Hive table files in each format, written by other tools or by queries."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.orc as orc
import pytest

from tests.local_lakehouse.athena.conftest import Athena

WIDE = """SELECT * FROM (VALUES
    (1, TINYINT '1', BIGINT '5', DOUBLE '1.5', REAL '2.5', true, 'é', CAST('c' AS char(3)), X'00FF', DATE '2024-02-29',
     TIMESTAMP '2024-01-01 10:20:30.123', DECIMAL '12.34', ARRAY[1, NULL], MAP(ARRAY['k'], ARRAY[2]),
     CAST(ROW(7, ARRAY['x']) AS row(a integer, b array(varchar)))),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) AS t(id, ti, bi, do, re, bo, va, ch, bn, da, ts, de, ar, ma, ro)"""
EXPECTED = [
    [
        *("1", "1", "5", "1.5", "2.5", "true", "é", "c  ", "00 ff", "2024-02-29", "2024-01-01 10:20:30.123", "12.34"),
        *("[1, null]", "{k=2}", "{a=7, b=[x]}"),
    ],
    ["2", *[None] * 14],
]


COMPRESSIONS = {
    "PARQUET": ("GZIP", "SNAPPY", "ZSTD", "NONE"),
    "ORC": ("GZIP", "LZ4", "SNAPPY", "ZLIB", "ZSTD", "NONE"),
    "AVRO": ("BZIP2", "DEFLATE", "SNAPPY", "ZSTD", "NONE"),
    "JSON": ("BZIP2", "NONE"),
    "TEXTFILE": ("BZIP2", "NONE"),
}


@pytest.mark.parametrize(
    ("file_format", "compression"), [(name, each) for name, found in COMPRESSIONS.items() for each in found]
)
def test_every_type_round_trips(athena: Athena, file_format: str, compression: str) -> None:
    athena.run(f"CREATE TABLE wide WITH (format = '{file_format}', write_compression = '{compression}') AS {WIDE}")
    assert athena.run("SELECT * FROM wide ORDER BY id") == EXPECTED

    athena.run(f"INSERT INTO wide {WIDE}")
    assert athena.run("SELECT count(*), count(ro), max(de) FROM wide") == [["4", "2", "12.34"]]


@pytest.mark.parametrize("file_format", ["ORC", "AVRO"])
def test_empty_and_partitioned_tables_are_read(athena: Athena, file_format: str) -> None:
    athena.run(f"CREATE TABLE none WITH (format = '{file_format}') AS SELECT 1 AS a WHERE false")
    assert athena.run("SELECT * FROM none") == []

    athena.run(
        f"CREATE TABLE parts WITH (format = '{file_format}', partitioned_by = ARRAY['p']) AS "
        "SELECT x AS a, x % 2 AS p FROM UNNEST(sequence(1, 4)) AS t(x)"
    )
    assert athena.run("SELECT a, p FROM parts WHERE p = 1 ORDER BY a") == [["1", "1"], ["3", "1"]]


def _unloaded(athena: Athena, file_format: str) -> bytes:
    athena.run(f"UNLOAD ({WIDE}) TO 's3://lab/out/' WITH (format = '{file_format}')")
    [found] = athena.s3.list_objects_v2(Bucket="lab", Prefix="out/")["Contents"]
    body: bytes = athena.s3.get_object(Bucket="lab", Key=found["Key"])["Body"].read()
    return body


def test_pyarrow_reads_unloaded_orc(athena: Athena) -> None:
    rows = orc.ORCFile(io.BytesIO(_unloaded(athena, "ORC"))).read().to_pylist()

    assert [row["id"] for row in rows] == [1, 2]
    assert rows[0]["de"] == Decimal("12.34")
    assert rows[0]["ro"] == {"a": 7, "b": ["x"]}


def test_fastavro_reads_unloaded_avro(athena: Athena) -> None:
    rows: list[Any] = list(fastavro.reader(io.BytesIO(_unloaded(athena, "AVRO"))))

    assert [row["id"] for row in rows] == [1, 2]
    assert (rows[0]["da"], rows[0]["de"]) == (date(2024, 2, 29), Decimal("12.34"))
    assert rows[0]["ts"] == datetime(2024, 1, 1, 10, 20, 30, 123000, UTC)
    assert rows[0]["ma"] == {"k": 2}


@pytest.mark.parametrize(
    ("file_format", "compression", "code"),
    [("PARQUET", "BZIP2", "INVALID_TABLE_PROPERTY"), ("PARQUET", "ZLIB", "INVALID_TABLE_PROPERTY"),
     ("ORC", "DEFLATE", "INVALID_TABLE_PROPERTY"), ("AVRO", "ZLIB", "INVALID_TABLE_PROPERTY"),
     ("AVRO", "LZ4", "INVALID_TABLE_PROPERTY"), ("PARQUET", "LZ4", "INVALID_TABLE_PROPERTY"),
     ("JSON", "LZ4", "NOT_SUPPORTED"), ("TEXTFILE", "DEFLATE", "INVALID_TABLE_PROPERTY")],
)  # fmt: skip
def test_ctas_rejects_a_compression_format_that_the_file_format_does_not_support(
    athena: Athena, file_format: str, compression: str, code: str
) -> None:
    statement = f"CREATE TABLE t WITH (format = '{file_format}', write_compression = '{compression}') AS SELECT 1 AS a"
    assert athena.fail(statement).startswith(f"{code}: ")


def test_avro_rejects_maps_with_integer_keys(athena: Athena) -> None:
    reason = athena.fail("CREATE TABLE bad WITH (format = 'AVRO') AS SELECT MAP(ARRAY[1], ARRAY[2]) AS m")

    assert reason == "NOT_SUPPORTED: Avro files cannot contain maps with keys of type integer"


@pytest.mark.parametrize(
    ("properties", "rows"),
    [
        # By default, columns are matched by position. A column that is not in the file is NULL.
        ("", [["x", "1", None]]),
        ("WITH SERDEPROPERTIES ('orc.column.index.access'='false')", [["1", "x", None]]),
    ],
)
def test_orc_columns_are_matched_by_position_or_name(
    athena: Athena, properties: str, rows: list[list[str | None]]
) -> None:
    sink = io.BytesIO()
    orc.write_table(pa.table({"B": ["x"], "A": ["1"]}), sink)
    athena.s3.put_object(Bucket="lab", Key="o/f.orc", Body=sink.getvalue())
    athena.run(
        "CREATE EXTERNAL TABLE o (a string, b string, c int) "
        f"ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.orc.OrcSerde' {properties} STORED AS ORC LOCATION 's3://lab/o/'"
    )

    assert athena.run("SELECT a, b, c FROM o") == rows


def test_avro_columns_are_matched_by_name(athena: Athena) -> None:
    schema = {
        "type": "record",
        "name": "event",
        "fields": [
            {"name": "Tags", "type": {"type": "map", "values": "string"}},
            {"name": "id", "type": "long"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "place", "type": {"type": "record", "name": "p", "fields": [{"name": "City", "type": "string"}]}},
        ],
    }
    record = {"Tags": {"a": "b"}, "id": 5, "at": datetime(2024, 1, 1, tzinfo=UTC), "place": {"City": "Ulm"}}
    sink = io.BytesIO()
    fastavro.writer(sink, schema, [record])
    athena.s3.put_object(Bucket="lab", Key="a/f.avro", Body=sink.getvalue())
    athena.s3.put_object(Bucket="lab", Key="b/f.avro", Body=b"no avro")
    for name in ("a", "b"):
        athena.run(
            f"CREATE EXTERNAL TABLE {name} (id bigint, tags map<string,string>, at timestamp, "
            f"place struct<city:string>, gone int) STORED AS AVRO LOCATION 's3://lab/{name}/'"
        )

    assert athena.run("SELECT * FROM a") == [["5", "{a=b}", "2024-01-01 00:00:00.000", "{city=Ulm}", None]]
    assert athena.fail("SELECT * FROM b").startswith("HIVE_BAD_DATA: Not a valid Avro file")


@pytest.mark.parametrize(
    "serde", ["com.amazon.emr.hive.serde.CloudTrailSerde", "org.apache.hive.hcatalog.data.JsonSerDe"]
)
def test_cloudtrail_logs_are_read(athena: Athena, serde: str) -> None:
    clauses = (
        f"ROW FORMAT SERDE '{serde}' STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat' "
        "OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'"
    )
    event = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "userName": "ana"},
        "requestParameters": {"bucketName": "b"},
        "resources": [{"ARN": "arn:aws:s3:::b"}],
    }
    content = gzip.compress(json.dumps({"Records": [event, {"eventVersion": "1.09"}]}).encode())
    athena.s3.put_object(Bucket="lab", Key="trail/f.json.gz", Body=content)
    athena.run(
        "CREATE EXTERNAL TABLE trail (eventversion string, useridentity struct<type:string,username:string>, "
        f"requestparameters string, resources array<struct<arn:string>>) {clauses} LOCATION 's3://lab/trail/'"
    )

    assert athena.run("SELECT eventversion, useridentity.username, requestparameters, resources FROM trail") == [
        ["1.08", "ana", '{"bucketName":"b"}', "[{arn=arn:aws:s3:::b}]"],
        ["1.09", None, None, None],
    ]


def test_regex_serde_splits_lines_into_columns(athena: Athena) -> None:
    athena.s3.put_object(Bucket="lab", Key="log/f.log", Body=b'10.0.0.1 "GET /a" 200\n10.0.0.2 - 404\nrubbish\n')
    athena.run(
        "CREATE EXTERNAL TABLE log (ip string, request string, status int) "
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' WITH SERDEPROPERTIES ("
        r"""'input.regex'='(\\S+) ("[^"]*"|-) (\\d+)') LOCATION 's3://lab/log/'"""
    )

    assert athena.run("SELECT * FROM log ORDER BY status") == [
        ["10.0.0.1", '"GET /a"', "200"],
        ["10.0.0.2", "-", "404"],
        [None, None, None],
    ]


@pytest.mark.parametrize(
    ("serde", "body"),
    [
        ("DELIMITED FIELDS TERMINATED BY ','", b"1,a\n2,b\n"),
        ("SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'", b"1,a\n2,b\n"),
        ("SERDE 'org.openx.data.jsonserde.JsonSerDe'", b'{"id": 1, "s": "a"}\n{"id": 2, "s": "b"}\n'),
    ],
)
def test_compressed_text_files_are_read(athena: Athena, serde: str, body: bytes) -> None:
    athena.run(f"CREATE EXTERNAL TABLE t (id int, s string) ROW FORMAT {serde} LOCATION 's3://lab/t/'")

    for name, content in [("a.csv.bz2", bz2.compress(body)), ("a.gz", gzip.compress(body)), ("a", gzip.compress(body))]:
        athena.s3.put_object(Bucket="lab", Key=f"t/{name}", Body=content)
        assert athena.run("SELECT id, s FROM t ORDER BY id") == [["1", "a"], ["2", "b"]]
        athena.s3.delete_object(Bucket="lab", Key=f"t/{name}")
    for extension in ("snappy", "zst", "lz4", "deflate"):
        athena.s3.put_object(Bucket="lab", Key=f"t/a.{extension}", Body=body)
        message = f"NOT_SUPPORTED: The local Athena does not read text files with the extension .{extension}"
        assert message in athena.fail("SELECT s FROM t")
        athena.s3.delete_object(Bucket="lab", Key=f"t/a.{extension}")
    for extension in ("bz2", "gz"):
        athena.s3.put_object(Bucket="lab", Key=f"t/a.{extension}", Body=b"not compressed")
        assert "HIVE_CURSOR_ERROR: Failed to read file: s3://lab/t/a." in athena.fail("SELECT s FROM t")
        athena.s3.delete_object(Bucket="lab", Key=f"t/a.{extension}")


@pytest.mark.parametrize(
    ("serde", "body"),
    [
        ("DELIMITED FIELDS TERMINATED BY ','", b"1,\xff\n"),
        ("SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'", b"1,\xff\n"),
        ("SERDE 'org.openx.data.jsonserde.JsonSerDe'", b'{"id": 1, "s": "\xff"}\n'),
        (
            "SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' WITH SERDEPROPERTIES ('input.regex'='(.),(.)')",
            b"1,\xff\n",
        ),
    ],
)
def test_invalid_utf_8_is_replaced(athena: Athena, serde: str, body: bytes) -> None:
    athena.s3.put_object(Bucket="lab", Key="t/a", Body=body)
    athena.run(f"CREATE EXTERNAL TABLE t (id int, s string) ROW FORMAT {serde} LOCATION 's3://lab/t/'")

    assert athena.run("SELECT id, s FROM t") == [["1", "\ufffd"]]


def test_insert_supports_only_the_hcatalog_json_serde(athena: Athena) -> None:
    serdes = {"written": "org.apache.hive.hcatalog.data.JsonSerDe", "read": "org.openx.data.jsonserde.JsonSerDe"}
    for name, serde in serdes.items():
        athena.run(
            f"CREATE EXTERNAL TABLE {name} (id int, s string) ROW FORMAT SERDE '{serde}' LOCATION 's3://lab/{name}/'"
        )
    athena.run("CREATE TABLE created WITH (format = 'JSON') AS SELECT 1 AS id, 'a' AS s")

    for name in ("written", "created"):
        athena.run(f"INSERT INTO {name} VALUES (2, 'b'), (3, NULL)")
        assert athena.run(f"SELECT s FROM {name} WHERE id > 1 ORDER BY id") == [["b"], [None]]
    assert athena.fail("INSERT INTO read VALUES (2, 'b')").startswith(
        "HIVE_UNSUPPORTED_FORMAT: Output format org.apache.hadoop.hive.ql.io.IgnoreKeyTextOutputFormat "
        "with SerDe org.openx.data.jsonserde.JsonSerDe is not supported."
    )


@pytest.mark.parametrize(
    ("clause", "separator"),
    [("", "\x01"), ("ROW FORMAT DELIMITED FIELDS TERMINATED BY '9'", "\t"), ("ROW FORMAT DELIMITED", "\x01")],
)
def test_numeric_separator_is_a_character_code(athena: Athena, clause: str, separator: str) -> None:
    athena.s3.put_object(Bucket="lab", Key="t/a", Body=f"11{separator}191\n".encode())
    athena.run(f"CREATE EXTERNAL TABLE t (a int, b int) {clause} LOCATION 's3://lab/t/'")

    athena.run("INSERT INTO t VALUES (99, 1)")

    assert athena.run("SELECT a, b FROM t ORDER BY a") == [["11", "191"], ["99", "1"]]


def test_quoted_cell_ends_with_its_line(athena: Athena) -> None:
    body = b'id,s\n1,"Doe, J"\n2,"open\n3,c\n' + b"4," + b"x" * 200_000 + b"\n"
    athena.s3.put_object(Bucket="lab", Key="t/a", Body=body)
    athena.run(
        "CREATE EXTERNAL TABLE t (id int, s string) ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' "
        "LOCATION 's3://lab/t/' TBLPROPERTIES ('skip.header.line.count'='1')"
    )

    found = athena.run("SELECT id, substr(s, 1, 6), length(s) FROM t ORDER BY id")
    assert found[0] == ["1", "Doe, J", "6"]
    assert [identifier for identifier, _, _ in found] == ["1", "2", "3", "4"]
    assert found[3][2] == "200000"


@pytest.mark.parametrize("key", ["_temporary/0/part-0", ".hidden/part-0", "a/_b/part-0", "_part", ".part"])
def test_files_in_hidden_folders_are_not_read(athena: Athena, key: str) -> None:
    athena.run(
        "CREATE EXTERNAL TABLE t (id int) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://lab/_tables/t/'"
    )
    for name, body in (("a/part-0", b"1\n"), (key, b"2\n")):
        athena.s3.put_object(Bucket="lab", Key=f"_tables/t/{name}", Body=body)

    assert athena.run("SELECT id FROM t") == [["1"]]
