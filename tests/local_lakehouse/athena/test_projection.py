"""Tests for partition projection, which computes partitions from a table's properties."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from local_lakehouse.athena.tables.projection import partitions
from local_lakehouse.sql.failures import QueryFailure
from tests.local_lakehouse.athena.conftest import Athena

NOW = datetime(2024, 3, 31, 12, 30)


def _projected(properties: dict[str, str], equal: dict[str, list[str]] | None = None) -> list[str]:
    entry: dict[str, Any] = {
        "DatabaseName": "lab",
        "Name": "t",
        "PartitionKeys": [{"Name": "p", "Type": "string"}],
        "StorageDescriptor": {"Location": "s3://lab/t/"},
        "Parameters": {
            "projection.enabled": "true",
            **{f"projection.p.{key}": value for key, value in properties.items()},
        },
    }
    return [values[0] for _, values in partitions(entry, lambda _key, _value: True, equal or {}, NOW)]


def _dates(first: str, last: str, pattern: str, unit: str | None = None) -> dict[str, str]:
    by = {"interval": "1", "interval.unit": unit} if unit else {}
    return {"type": "date", "range": f"{first},{last}", "format": pattern, **by}


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"type": "enum", "values": "A,B,C"}, ["A", "B", "C"]),
        ({"type": "integer", "range": "1,7", "interval": "3"}, ["1", "4", "7"]),
        ({"type": "integer", "range": "8,10", "digits": "3"}, ["008", "009", "010"]),
        (_dates("2024-02-28", "2024-03-01", "yyyy-MM-dd"), ["2024-02-28", "2024-02-29", "2024-03-01"]),
        (_dates("NOW-2MONTHS", "NOW", "yyyy-MM"), ["2024-01", "2024-02", "2024-03"]),
        (_dates("NOW-1DAYS", "NOW", "yyyy/MM/dd"), ["2024/03/30", "2024/03/31"]),
        (
            _dates("2024/01/01/22", "2024/01/02/01", "yyyy/MM/dd/HH", "HOURS"),
            ["2024/01/01/22", "2024/01/01/23", "2024/01/02/00", "2024/01/02/01"],
        ),
        (_dates("20240101", "20240120", "yyyyMMdd", "WEEKS"), ["20240101", "20240108", "20240115"]),
        (_dates("2023", "NOW", "yyyy", "YEARS"), ["2023", "2024"]),
        (_dates("24-03-30", "NOW", "yy-MM-dd"), ["24-03-30", "24-03-31"]),
        (
            _dates("2024-01-01T00", "2024-01-01T01", "yyyy-MM-dd'T'HH", "HOURS"),
            ["2024-01-01T00", "2024-01-01T01"],
        ),
    ],
)
def test_projection_generates_values_of_each_type(properties: dict[str, str], expected: list[str]) -> None:
    assert _projected(properties) == expected


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({}, "missing projection configuration: [p]"),
        ({"type": "enum"}, "projection.p.values is required"),
        ({"type": "integer", "range": "1"}, "projection.p.range must be two numbers"),
        ({"type": "date", "range": "NOW-1DAYS,NOW", "format": "yyyy-MM-dd HH"}, "projection.p.interval is required"),
        ({"type": "date", "range": "yesterday,NOW", "format": "yyyy-MM-dd"}, "does not match the format"),
        ({"type": "date", "range": "2024-Jan,NOW", "format": "yyyy-MMM"}, "does not support the format"),
        ({"type": "letters"}, "type is letters, but must be enum"),
        ({"type": "injected"}, "CONSTRAINT_VIOLATION: For the injected projected partition column p"),
    ],
)
def test_invalid_projection_is_rejected(properties: dict[str, str], reason: str) -> None:
    with pytest.raises(QueryFailure) as caught:
        _projected(properties)
    assert reason in caught.value.reason


def _events(athena: Athena, properties: str, types: str = "day string, code int") -> None:
    for day, code in (("2024-01-01", 1), ("2024-01-02", 1), ("2024-01-02", 2)):
        athena.s3.put_object(Bucket="lab", Key=f"logs/{day}/{code}/f.csv", Body=f"{day}:{code}\n".encode())
    athena.run(
        f"CREATE EXTERNAL TABLE events (line string) PARTITIONED BY ({types}) "
        "ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://lab/logs/' "
        f"TBLPROPERTIES ('projection.enabled'='true', {properties}, "
        "'storage.location.template'='s3://lab/logs/${day}/${code}/')"
    )


def test_query_uses_projected_partitions(athena: Athena) -> None:
    _events(
        athena,
        "'projection.day.type'='date', 'projection.day.range'='2024-01-01,2024-01-05', "
        "'projection.day.format'='yyyy-MM-dd', 'projection.code.type'='integer', 'projection.code.range'='1,3'",
    )

    assert athena.run("SELECT line, day, code FROM events ORDER BY line") == [
        ["2024-01-01:1", "2024-01-01", "1"],
        ["2024-01-02:1", "2024-01-02", "1"],
        ["2024-01-02:2", "2024-01-02", "2"],
    ]
    assert athena.run("SELECT line FROM events WHERE day = '2024-01-02' AND code > 1") == [["2024-01-02:2"]]
    execution = athena.finished(athena.start("SELECT line FROM events WHERE day = '2024-01-01'"))
    assert execution["Statistics"]["DataScannedInBytes"] == len("2024-01-01:1\n")


def test_injected_values_come_from_the_statement(athena: Athena) -> None:
    _events(
        athena,
        "'projection.day.type'='injected', 'projection.code.type'='enum', 'projection.code.values'='1,2'",
    )

    assert athena.run("SELECT line FROM events WHERE day IN ('2024-01-02', '2030-01-01') ORDER BY 1") == [
        ["2024-01-02:1"],
        ["2024-01-02:2"],
    ]
    assert "CONSTRAINT_VIOLATION" in athena.fail("SELECT line FROM events")


def test_create_table_rejects_an_incomplete_projection(athena: Athena) -> None:
    with pytest.raises(AssertionError, match="missing projection configuration"):
        _events(athena, "'projection.code.type'='enum', 'projection.code.values'='1,2'")
