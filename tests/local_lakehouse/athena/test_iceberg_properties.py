"""Tests that each property of an Iceberg table has an effect or is rejected, in CREATE, ALTER and SHOW CREATE TABLE."""

from __future__ import annotations

import io
import itertools

import pyarrow.parquet as pq
import pytest

from tests.local_lakehouse.athena.conftest import Athena

_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    """Provide the name of a new table, which is also the name of its folder."""
    return f"t{next(_numbers)}"


def create(name: str, properties: str = "", columns: str = "a int", clauses: str = "") -> str:
    """Return a statement that creates an Iceberg table."""
    listed = ", ".join(filter(None, ["'table_type'='ICEBERG'", properties]))
    return f"CREATE TABLE {name} ({columns}) {clauses} LOCATION 's3://lab/{name}/' TBLPROPERTIES ({listed})"


def keys(athena: Athena, prefix: str) -> list[str]:
    found = athena.s3.list_objects_v2(Bucket="lab", Prefix=prefix).get("Contents", [])
    return [str(entry["Key"]) for entry in sorted(found, key=lambda entry: entry["LastModified"])]


def codec(athena: Athena, key: str) -> str:
    content = athena.s3.get_object(Bucket="lab", Key=key)["Body"].read()
    return str(pq.read_metadata(io.BytesIO(content)).row_group(0).column(0).compression)


INVALID = [
    "'write_compression'='banana'",
    "'write_compression'='LZ4'",
    "'compression_level'='23'",
    "'vacuum_max_snapshot_age_seconds'='x'",
    "'vacuum_min_snapshots_to_keep'='0'",
    "'vacuum_max_metadata_files_to_keep'='-1'",
    "'optimize_rewrite_data_file_threshold'='50'",
    "'optimize_rewrite_delete_file_threshold'='0'",
    "'optimize_rewrite_max_data_file_size_bytes'='5'",
    "'write_target_data_file_size_bytes'='0'",
    "'write_target_data_file_size_bytes'='10', 'optimize_rewrite_min_data_file_size_bytes'='10'",
    "'format'='orc'",
    "'format'='banana'",
    "'format-version'='1'",
    "'format-version'='3'",
    "'table_type'='HIVE'",
    "'colour'='red'",
]


@pytest.mark.parametrize("properties", INVALID)
def test_alter_and_create_reject_invalid_properties(shared: Athena, properties: str) -> None:
    if "changed" not in [row[0] for row in shared.run("SHOW TABLES")]:
        shared.run(create("changed"))
    before = shared.run("SHOW TBLPROPERTIES changed")
    reasons = ("Unsupported table property", "must be", "writes Iceberg tables as Parquet")
    statements = [f"ALTER TABLE changed SET TBLPROPERTIES ({properties})"]
    if "table_type" not in properties:
        statements.append(create("invalid", properties))
    for statement in statements:
        assert any(reason in shared.fail(statement) for reason in reasons)
    assert shared.run("SHOW TBLPROPERTIES changed") == before


def test_alter_changes_the_compression_of_new_files(shared: Athena, name: str) -> None:
    shared.run(create(name, "'write_compression'='GZIP'"))
    for statement in (
        f"INSERT INTO {name} VALUES 1",
        f"ALTER TABLE {name} SET TBLPROPERTIES ('write_compression'='SNAPPY')",
        f"INSERT INTO {name} VALUES 2",
        f"ALTER TABLE {name} UNSET TBLPROPERTIES ('write_compression')",
        f"INSERT INTO {name} VALUES 3",
    ):
        shared.run(statement)

    assert sorted(codec(shared, key) for key in keys(shared, f"{name}/data/")) == ["GZIP", "SNAPPY", "ZSTD"]


@pytest.mark.parametrize("property_", ["write_object_storage_enabled", "write.object-storage.enabled"])
def test_object_storage_layout_is_used_and_shown(shared: Athena, name: str, property_: str) -> None:
    shared.run(create(name, f"'{property_}'='true'"))
    shared.run(f"INSERT INTO {name} VALUES 1")

    [key] = keys(shared, f"{name}/data/")
    assert key.count("/") > 2
    assert f"'{property_}'='true'" in "".join(str(row[0]) for row in shared.run(f"SHOW CREATE TABLE {name}"))


@pytest.mark.parametrize(
    ("threshold", "before", "after"),
    [
        ("", 4, 4),
        ("", 5, 1),
        ("'optimize_rewrite_data_file_threshold'='3'", 2, 2),
        ("'optimize_rewrite_data_file_threshold'='3'", 3, 1),
    ],
)
def test_optimize_needs_as_many_files_as_the_threshold(
    shared: Athena, name: str, threshold: str, before: int, after: int
) -> None:
    shared.run(create(name, threshold))
    for value in range(before):
        shared.run(f"INSERT INTO {name} VALUES {value}")
    shared.run(f"OPTIMIZE {name} REWRITE DATA USING BIN_PACK")

    assert shared.run(f'SELECT count(*) FROM "{name}$files"') == [[str(after)]]


def test_vacuum_keeps_the_given_number_of_metadata_files(shared: Athena, name: str) -> None:
    shared.run(create(name))
    for value in range(4):
        shared.run(f"INSERT INTO {name} VALUES {value}")
    shared.run(f"ALTER TABLE {name} SET TBLPROPERTIES ('vacuum_max_metadata_files_to_keep'='2')")
    shared.run(f"VACUUM {name}")

    assert len([key for key in keys(shared, f"{name}/metadata/") if key.endswith(".metadata.json")]) == 3
    assert shared.run(f"SELECT count(*) FROM {name}") == [["4"]]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("a, a", "Cannot use partition name more than once: a"),
        ("bucket(4, a), bucket(8, a)", "Cannot use partition name more than once: a_bucket"),
        ("year(ts), month(ts)", "Cannot add redundant partition: ts_month"),
        ("day(ts)", "Cannot create partition from name that exists in schema: ts_day"),
    ],
)
def test_partition_fields_must_differ(shared: Athena, fields: str, reason: str) -> None:
    columns = "a int, ts timestamp, ts_day int"

    assert reason in shared.fail(create("invalid", columns=columns, clauses=f"PARTITIONED BY ({fields})"))


@pytest.mark.parametrize("field", ["truncate(2, a)", "truncate(a, 2)"])
def test_truncate_accepts_both_documented_forms(shared: Athena, name: str, field: str) -> None:
    shared.run(create(name, columns="a string", clauses=f"PARTITIONED BY ({field})"))

    assert shared.run(f"DESCRIBE {name}")[-1] == ["a_trunc\ttruncate[2]\ta"]


def test_ctas_rejects_an_argument_of_a_time_transform(shared: Athena) -> None:
    properties = (
        "table_type = 'ICEBERG', is_external = false, location = 's3://lab/y/', partitioning = ARRAY['year(d, 4)']"
    )
    reason = shared.fail(f"CREATE TABLE y WITH ({properties}) AS SELECT DATE '2024-01-01' d")

    assert reason == "INVALID_TABLE_PROPERTY: Unable to parse partitioning value: year(d, 4)"


def test_rename_to_a_missing_database_fails(shared: Athena, name: str) -> None:
    shared.run(create(name))

    assert "Database does not exist: nowhere" in shared.fail(f"ALTER TABLE {name} RENAME TO nowhere.{name}")


def test_vacuum_keeps_a_metadata_file_that_another_writer_is_about_to_commit(shared: Athena, name: str) -> None:
    shared.run(create(name, "'vacuum_max_metadata_files_to_keep'='1'"))
    for value in range(3):
        shared.run(f"INSERT INTO {name} VALUES {value}")
    written = f"{name}/metadata/00099-11111111-2222-3333-4444-555555555555.metadata.json"
    shared.s3.put_object(Bucket="lab", Key=written, Body=b"{}")
    shared.run(f"VACUUM {name}")

    assert written in keys(shared, f"{name}/metadata/")
