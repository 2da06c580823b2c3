"""Tests for the PyAthena cursors and SQLAlchemy dialect, which the SQL cells in SageMaker use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import pandas as pd
import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from zetl_helpers.lab import local_environment

# The functions import PyAthena and SQLAlchemy, so only the worker that runs these tests loads the packages.
if TYPE_CHECKING:
    import sqlalchemy as sa

Connection = Any
CREATE = """
CREATE TABLE accounts (
    id int, state string, balance double, opened date, seen timestamp, price decimal(10, 2), ok boolean,
    tags array<string>, counts map<string, int>, address struct<zip: int, street: string>
) LOCATION 's3://lab/accounts/' TBLPROPERTIES ('table_type'='ICEBERG')
"""
INSERT = """
INSERT INTO accounts VALUES
    (1, 'CA', 1.5, DATE '2024-01-02', TIMESTAMP '2024-01-02 03:04:05.678', DECIMAL '1.50', true,
     ARRAY['a', 'b'], MAP(ARRAY['k'], ARRAY[1]), CAST(ROW(94105, 'Main St') AS ROW(zip integer, street varchar))),
    (2, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
"""
FIRST = (1, "CA", 1.5, date(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5, 678_000), Decimal("1.50"), True, ["a", "b"])


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """Provide a connection to a lakehouse with one table of two rows."""
    import pyathena

    lakehouse = Lakehouse(Settings())
    lakehouse.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local_environment(lakehouse.url, "us-east-1").items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="lab")
        boto3.client("glue").create_database(DatabaseInput={"Name": "lab"})
        connection = pyathena.connect(
            s3_staging_dir="s3://lab/out/", schema_name="lab", region_name="us-east-1", poll_interval=0.01
        )
        connection.cursor().execute(CREATE)
        connection.cursor().execute(INSERT)
        yield connection
    lakehouse.stop()


@pytest.fixture
def engine(connection: Connection) -> sa.Engine:
    """Provide a SQLAlchemy engine that uses the lakehouse of `connection`."""
    import sqlalchemy as sa

    address = "awsathena+rest://@athena.us-east-1.amazonaws.com:443/lab"
    return sa.create_engine(f"{address}?s3_staging_dir=s3://lab/out/&poll_interval=0.01")


def test_cursor_converts_each_type(connection: Connection) -> None:
    cursor = connection.cursor()

    first, second = cursor.execute("SELECT * FROM accounts ORDER BY id").fetchall()

    assert first[:8] == FIRST
    assert second == (2, "", *[None] * 8)
    assert [(entry[0], entry[1]) for entry in cursor.description][5:] == [
        ("price", "decimal"), ("ok", "boolean"), ("tags", "array"), ("counts", "map"), ("address", "row"),
    ]  # fmt: skip
    assert cursor.data_scanned_in_bytes > 0


def test_cursor_reads_all_pages(connection: Connection) -> None:
    rows = connection.cursor().execute("SELECT * FROM UNNEST(sequence(1, 2500)) AS t(n)").fetchall()
    assert rows == [(number,) for number in range(1, 2501)]


@pytest.mark.parametrize(
    ("sql", "parameters", "style"),
    [
        ("SELECT id FROM accounts WHERE state = %(state)s", {"state": "CA"}, "pyformat"),
        ("SELECT id FROM accounts WHERE state = ?", ["CA"], "qmark"),
        ("SELECT id FROM accounts WHERE state = ? AND id < ?", ["'CA'", "2"], "qmark"),
    ],
)
def test_cursor_binds_parameters_in_each_style(connection: Connection, sql: str, parameters: Any, style: str) -> None:
    assert connection.cursor().execute(sql, parameters, paramstyle=style).fetchone() == (1,)


def test_cursor_reports_number_of_written_rows(connection: Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE counted (id int) LOCATION 's3://lab/counted/' TBLPROPERTIES ('table_type'='ICEBERG')")

    counts = [
        cursor.execute(sql).rowcount
        for sql in (
            "INSERT INTO counted VALUES 1, 2, 3",
            "UPDATE counted SET id = 9 WHERE id > 1",
            "DELETE FROM counted WHERE id = 1",
            "CREATE TABLE counted_copy AS SELECT * FROM counted",
        )
    ]

    assert counts == [3, 2, 1, 2]
    assert cursor.fetchall() == []


def test_dict_cursor_returns_dictionaries(connection: Connection) -> None:
    from pyathena.cursor import DictCursor

    found = connection.cursor(DictCursor).execute("SELECT id, state FROM accounts ORDER BY id").fetchone()
    assert found == {"id": 1, "state": "CA"}


def test_cursor_reads_text_results(connection: Connection) -> None:
    cursor = connection.cursor()
    assert ("accounts",) in cursor.execute("SHOW TABLES").fetchall()
    assert "tags\tarray<string>\t" in [row[0] for row in cursor.execute("DESCRIBE accounts").fetchall()]


def test_cursor_lists_databases_and_tables(connection: Connection) -> None:
    cursor = connection.cursor()
    assert [database.name for database in cursor.list_databases("AwsDataCatalog")] == ["lab"]
    assert "accounts" in [entry.name for entry in cursor.list_table_metadata()]


def test_errors_contain_athena_messages(connection: Connection) -> None:
    import pyathena

    with pytest.raises(pyathena.OperationalError, match="COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"):
        connection.cursor().execute("SELECT nope FROM accounts")
    with pytest.raises(pyathena.DatabaseError, match="line 1:1: mismatched input 'SELEC'"):
        connection.cursor().execute("SELEC 1")


@pytest.mark.parametrize("unload", [False, True])
def test_pandas_cursor_returns_data_frame(connection: Connection, unload: bool) -> None:
    from pyathena.pandas.cursor import PandasCursor

    cursor = connection.cursor(PandasCursor, unload=unload)

    frame = cursor.execute("SELECT id, state, balance FROM accounts ORDER BY id").as_pandas()

    assert frame["id"].tolist() == [1, 2]
    assert frame["balance"].tolist()[0] == 1.5
    assert frame["balance"].isna().tolist() == [False, True]


def test_pandas_cursor_keeps_exact_snapshot_ids(connection: Connection) -> None:
    from pyathena.pandas.cursor import PandasCursor

    frame = connection.cursor(PandasCursor).execute('SELECT * FROM "accounts$snapshots"').as_pandas()
    exact = connection.cursor().execute('SELECT snapshot_id FROM "accounts$snapshots"').fetchone()
    assert frame["snapshot_id"].tolist() == list(exact)
    assert str(frame["snapshot_id"].dtype) == "Int64"


def test_to_sql_writes_table(connection: Connection) -> None:
    from pyathena.pandas.util import to_sql

    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    to_sql(frame, "written", connection, "s3://lab/written/", schema="lab", index=False, if_exists="replace")
    assert connection.cursor().execute("SELECT * FROM written ORDER BY a").fetchall() == [(1, "x"), (2, "y")]


def test_sqlalchemy_reflects_and_queries_table(engine: sa.Engine) -> None:
    import sqlalchemy as sa

    accounts = sa.Table("accounts", sa.MetaData(), autoload_with=engine)
    by_state = sa.select(accounts.c.state, sa.func.count().label("n")).group_by(accounts.c.state)

    with engine.connect() as connection:
        rows = connection.execute(by_state.order_by(accounts.c.state)).fetchall()

    assert rows == [("", 1), ("CA", 1)]
    assert isinstance(accounts.c.price.type, sa.DECIMAL)
    assert sa.inspect(engine).has_table("accounts")
    assert not sa.inspect(engine).has_table("none_such")


def test_sqlalchemy_creates_fills_and_drops_table(engine: sa.Engine) -> None:
    import sqlalchemy as sa

    tables = sa.MetaData()
    created = sa.Table(
        "created",
        tables,
        sa.Column("id", sa.Integer),
        sa.Column("day", sa.Date),
        sa.Column("note", sa.String),
        awsathena_location="s3://lab/created/",
        awsathena_tblproperties={"table_type": "ICEBERG"},
    )
    tables.create_all(engine)
    with engine.begin() as connection:
        connection.execute(created.insert(), [{"id": 1, "day": date(2024, 1, 2), "note": "it's 100%"}])
        assert connection.execute(sa.select(created)).fetchall() == [(1, date(2024, 1, 2), "it's 100%")]
    tables.drop_all(engine)
    assert "created" not in sa.inspect(engine).get_table_names()


def test_pandas_reads_through_sqlalchemy(engine: sa.Engine) -> None:
    frame = pd.read_sql("SELECT id, seen FROM accounts ORDER BY id", engine)
    assert frame["id"].tolist() == [1, 2]
    assert frame["seen"].tolist()[0] == pd.Timestamp("2024-01-02 03:04:05.678")
