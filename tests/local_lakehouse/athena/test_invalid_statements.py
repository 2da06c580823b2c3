"""Tests that invalid statements about tables fail with the error type that Athena on AWS reports, and change nothing.

Invalid expressions and clauses are in `tests/local_lakehouse/sql/test_failures.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_lakehouse.athena.api import AthenaService
from local_lakehouse.athena.results import FAR
from local_lakehouse.backend.moto_backend import Backend
from local_lakehouse.protocol.wire import Fault
from local_lakehouse.sql.workers.pool import WorkerPool
from tests.local_lakehouse.athena.conftest import Athena

ICEBERG = "LOCATION 's3://lab/t/' TBLPROPERTIES ('table_type'='ICEBERG')"
ICEBERG_CTAS = "table_type = 'ICEBERG', is_external = false, location = 's3://lab/t/'"
MERGE = "MERGE INTO accounts t USING copied s ON t.id = s.id WHEN"

# StartQueryExecution rejects these statements with an InvalidRequestException that has the given AthenaErrorCode.
REJECTED = [
    ("INSERT accounts VALUES 1", "MALFORMED_QUERY", "line 1:8: mismatched input 'accounts'. Expecting: 'INTO'"),
    ("DELETE accounts", "MALFORMED_QUERY", "line 1:8: mismatched input 'accounts'. Expecting: 'FROM'"),
    ("UPDATE accounts id = 1", "MALFORMED_QUERY", "line 1:17: mismatched input 'id'"),
    ("UPDATE accounts SET a.id = 1", "MALFORMED_QUERY", "line 1:22: mismatched input '.'. Expecting: '='"),
    (f"{MERGE} MATCHED THEN UPDATE SET t.id = 1", "MALFORMED_QUERY", "mismatched input '.'. Expecting: '='"),
    (f"{MERGE} NOT MATCHED THEN INSERT (t.id) VALUES (1)", "MALFORMED_QUERY", "mismatched input '.'"),
    ("MERGE INTO accounts t USING copied s ON true", "MALFORMED_QUERY", "line 1:45: mismatched input '<EOF>'"),
    ("CREATE TABLE t (n int)", "MALFORMED_QUERY", "No location was specified for table"),
    ("CREATE TABLE t (n int) LOCATION 's3://lab/t/'", "MALFORMED_QUERY", "External keyword required"),
    (f"CREATE EXTERNAL TABLE t (n int) {ICEBERG}", "MALFORMED_QUERY", "External keyword not supported"),
    (f"CREATE TABLE t (n money) {ICEBERG}", "MALFORMED_QUERY", "no viable alternative at input 'money'"),
    (f"CREATE TABLE t (n int NOT NULL) {ICEBERG}", "MALFORMED_QUERY", "no viable alternative"),
    (f'CREATE TABLE "t" (n int) {ICEBERG}', "MALFORMED_QUERY", "no viable alternative"),
    (f"CREATE OR REPLACE TABLE t (n int) {ICEBERG}", "MALFORMED_QUERY", "line 1:19: mismatched input 'TABLE'"),
    ("CREATE TABLE t (n int) WITH (format='PARQUET')", "MALFORMED_QUERY", "line 1:24: mismatched input 'WITH'"),
    ("CREATE TEMPORARY TABLE t (n int)", "MALFORMED_QUERY", "line 1:8: mismatched input 'TEMPORARY'"),
    ("CREATE TABLE a.b.c.d AS SELECT 1 AS n", "MALFORMED_QUERY", "Invalid table name a.b.c.d"),
    ("CREATE INDEX i ON accounts (id)", "MALFORMED_QUERY", "mismatched input 'INDEX'"),
    ("DROP DATABASE other.lab", "DATACATALOG_NOT_FOUND", "Catalog 'other' does not exist"),
    ("CREATE SCHEMA other.lab2", "DATACATALOG_NOT_FOUND", "Catalog 'other' does not exist"),
    ('DROP TABLE "accounts"', "MALFORMED_QUERY", "no viable alternative at input 'DROP TABLE \"accounts\"'"),
    ('DESCRIBE "accounts"', "MALFORMED_QUERY", "no viable alternative"),
    ("ALTER TABLE accounts ADD COLUMN n int", "MALFORMED_QUERY", "no viable alternative"),
    ("ALTER TABLE accounts DROP COLUMNS id", "MALFORMED_QUERY", "mismatched input 'COLUMNS'. Expecting: '.', 'DROP'"),
    ("ALTER TABLE accounts RENAME COLUMN id TO x", "MALFORMED_QUERY", "missing 'TO' at 'COLUMN'"),
    ("ALTER TABLE accounts EXECUTE optimize", "MALFORMED_QUERY", "no viable alternative"),
    ("ALTER TABLE IF EXISTS accounts ADD COLUMNS (n int)", "MALFORMED_QUERY", "no viable alternative"),
    ("OPTIMIZE accounts", "MALFORMED_QUERY", "line 1:18: mismatched input '<EOF>'. Expecting: 'REWRITE'"),
    ("OPTIMIZE accounts REWRITE DATA USING SORT", "MALFORMED_QUERY", "mismatched input 'SORT'. Expecting: 'BIN_PACK'"),
    ("VACUUM", "MALFORMED_QUERY", "line 1:7: mismatched input '<EOF>'"),
    ("UNLOAD SELECT 1 TO 's3://lab/u/'", "MALFORMED_QUERY", "line 1:8: mismatched input 'SELECT'. Expecting: '('"),
    ("EXPLAIN", "MALFORMED_QUERY", "line 1:8: mismatched input '<EOF>'"),
    ("EXPLAIN (FORMAT XML) SELECT 1", "MALFORMED_QUERY", "mismatched input 'XML'"),
    ("SHOW NONSENSE", "MALFORMED_QUERY", "line 1:6: mismatched input 'NONSENSE'"),
    ("PREPARE p FROM SELEC 1", "MALFORMED_QUERY", "line 1:16: mismatched input 'SELEC'"),
    ("SELECT * FROM accounts$snapshots", "MALFORMED_QUERY", "line 1:23: mismatched input '$'"),
    ("SELECT * FROM 's3://lab/accounts/'", "MALFORMED_QUERY", "line 1:15: mismatched input"),
    ("SELECT U&'\\D800'", "MALFORMED_QUERY", "Invalid escaped character: D800"),
    ("SELECT U&'\\+110000'", "MALFORMED_QUERY", "Invalid escaped character: +110000"),
    ("SELECT * FROM range(10)", "MALFORMED_QUERY", "mismatched input '('"),
    ("TRUNCATE TABLE accounts", "MALFORMED_QUERY", "line 1:1: mismatched input 'TRUNCATE'"),
    ("GRANT SELECT ON accounts TO x", "INVALID_INPUT", "Queries of this type are not supported"),
    ("COMMIT", "INVALID_INPUT", "Queries of this type are not supported"),
    ("USE lab", "INVALID_INPUT", "Queries of this type are not supported"),
]

# These statements fail while they run, with an error type from this page:
# https://docs.aws.amazon.com/athena/latest/ug/error-reference.html
FAILING = [
    ("INSERT INTO accounts VALUES (1)", 1002, "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types"),
    ("INSERT INTO accounts VALUES ('x', 'CA', 1.0)", 1002, "TYPE_MISMATCH"),
    ("INSERT INTO accounts VALUES (true, 'CA', 1.0)", 1002, "TYPE_MISMATCH"),
    ("INSERT INTO accounts SELECT * FROM copied", 1002, "TYPE_MISMATCH"),
    ("INSERT INTO accounts (id, nope) VALUES (1, 2)", 1006, "COLUMN_NOT_FOUND"),
    ("INSERT INTO accounts (id, id) VALUES (1, 2)", 1006, "DUPLICATE_COLUMN_NAME"),
    ("INSERT INTO nowhere VALUES 1", 1301, "TABLE_NOT_FOUND: line 1:13: Table 'awsdatacatalog.lab.nowhere'"),
    ("INSERT INTO nodb.accounts VALUES 1", 1301, "SCHEMA_NOT_FOUND: line 1:13: Schema 'nodb' does not exist"),
    ("INSERT INTO rich VALUES (1, 'CA', 1.0)", 1200, "NOT_SUPPORTED"),
    ('INSERT INTO "accounts$snapshots" VALUES 1', 1301, "TABLE_NOT_FOUND"),
    ("INSERT INTO accounts SELECT 1 / 0, 'x', 1.0", 1001, "DIVISION_BY_ZERO: Division by zero"),
    ("UPDATE accounts SET nope = 1", 1006, "COLUMN_NOT_FOUND: line 1:21: The UPDATE SET target column nope doesn't"),
    ("UPDATE accounts SET id = 'x'", 1002, "TYPE_MISMATCH"),
    ("UPDATE accounts SET id = 1, id = 2", 1006, "SYNTAX_ERROR: line 1:29: Multiple assignments"),
    ("UPDATE accounts SET id = 1 WHERE nope = 1", 1006, "COLUMN_NOT_FOUND"),
    ("UPDATE accounts SET id = 1 WHERE id", 1002, "TYPE_MISMATCH"),
    ("UPDATE accounts SET id = sum(id)", 1006, "EXPRESSION_NOT_SCALAR"),
    ("UPDATE accounts SET id = CAST(state AS integer)", 1100, "INVALID_CAST_ARGUMENT: Cannot cast 'CA' to INT"),
    ("UPDATE copied SET id = 1", 1200, "NOT_SUPPORTED: line 1:8: Modifying Hive table rows"),
    ("UPDATE rich SET id = 1", 1200, "NOT_SUPPORTED"),
    ("DELETE FROM nowhere", 1301, "TABLE_NOT_FOUND"),
    ("DELETE FROM accounts WHERE nope = 1", 1006, "COLUMN_NOT_FOUND"),
    ("DELETE FROM accounts WHERE id", 1002, "TYPE_MISMATCH"),
    ("DELETE FROM copied WHERE id = 1", 1200, "NOT_SUPPORTED"),
    (f"{MERGE} MATCHED THEN UPDATE SET nope = 1", 1006, "COLUMN_NOT_FOUND"),
    (f"{MERGE} MATCHED THEN UPDATE SET id = s.state", 1002, "TYPE_MISMATCH"),
    (f"{MERGE} MATCHED AND s.nope = 1 THEN DELETE", 1006, "COLUMN_NOT_FOUND"),
    (f"{MERGE} NOT MATCHED THEN INSERT (id) VALUES (1, 2)", 1002, "TYPE_MISMATCH"),
    (f"{MERGE} NOT MATCHED THEN INSERT (nope) VALUES (1)", 1006, "COLUMN_NOT_FOUND"),
    (f"{MERGE} NOT MATCHED THEN INSERT (id, id) VALUES (1, 2)", 1006, "DUPLICATE_COLUMN_NAME"),
    (
        "MERGE INTO accounts t USING (VALUES 1, 1) s(id) ON t.id = s.id WHEN MATCHED THEN DELETE",
        1006,
        "MERGE_TARGET_ROW_MULTIPLE_MATCHES",
    ),
    (f"CREATE TABLE t (n int) PARTITIONED BY (nope) {ICEBERG}", 1006, "COLUMN_NOT_FOUND"),
    (f"CREATE TABLE t (n int) PARTITIONED BY (day(n)) {ICEBERG}", 1200, "NOT_SUPPORTED"),
    (f"CREATE TABLE t (n int) {ICEBERG[:-1]}, 'comment'='x')", 1200, "Unsupported table property key: comment"),
    ("CREATE TABLE accounts AS SELECT 1 AS n", 1110, "TABLE_ALREADY_EXISTS"),
    ("CREATE TABLE t AS SELECT 1", 1006, "MISSING_COLUMN_NAME"),
    ("CREATE TABLE t AS SELECT 1 AS n, 2 AS n", 1006, "DUPLICATE_COLUMN_NAME"),
    ("CREATE TABLE t AS SELECT NULL AS n", 1006, "COLUMN_TYPE_UNKNOWN"),
    ("CREATE TABLE t AS SELECT current_timestamp AS n", 1200, "NOT_SUPPORTED: Unsupported Hive type"),
    *(
        (f"CREATE TABLE t WITH ({properties}) AS SELECT {value} AS d", 1200, f"NOT_SUPPORTED: {FAR}")
        for properties in (ICEBERG_CTAS, f"{ICEBERG_CTAS}, partitioning = ARRAY['d']")
        for value in (
            "date '9999-12-31' + interval '1' day",
            "CAST(date '0001-01-01' - interval '1' day AS timestamp(6))",
        )
    ),
    ("CREATE TABLE t AS SELECT nope FROM accounts", 1006, "COLUMN_NOT_FOUND"),
    ("CREATE TABLE t AS SELECT 1 / 0 AS n", 1001, "DIVISION_BY_ZERO"),
    ("CREATE TABLE t WITH (format='XML') AS SELECT 1 AS n", 1006, "INVALID_TABLE_PROPERTY"),
    ("CREATE TABLE t WITH (nope='x') AS SELECT 1 AS n", 1006, "INVALID_TABLE_PROPERTY"),
    ("CREATE TABLE t WITH (partitioned_by=ARRAY['nope']) AS SELECT 1 AS n", 1006, "INVALID_TABLE_PROPERTY"),
    ("CREATE TABLE t WITH (external_location='/tmp/') AS SELECT 1 AS n", 1006, "INVALID_TABLE_PROPERTY"),
    ("CREATE TABLE t WITH (external_location='s3://lab/copied/') AS SELECT 1 AS n", 1006, "HIVE_PATH_ALREADY_EXISTS"),
    ("CREATE TABLE t WITH (table_type='ICEBERG') AS SELECT 1 AS n", 1006, "INVALID_TABLE_PROPERTY"),
    ("CREATE TABLE nodb.t AS SELECT 1 AS n", 1301, "Database nodb not found. Please check your query."),
    ("CREATE TABLE other.lab.t AS SELECT 1 AS n", 1006, "CATALOG_NOT_FOUND"),
    ("CREATE VIEW rich AS SELECT 1 AS n", 1110, "TABLE_ALREADY_EXISTS"),
    ("CREATE VIEW v AS SELECT nope FROM accounts", 1006, "COLUMN_NOT_FOUND"),
    ("CREATE VIEW v AS SELECT 1", 1006, "MISSING_COLUMN_NAME"),
    ("DROP VIEW accounts", 1200, "NOT_SUPPORTED"),
    ("DROP VIEW nowhere", 1301, "TABLE_NOT_FOUND"),
    ("ALTER TABLE accounts ADD COLUMNS (id int)", 1200, "Cannot add column, name already exists: id"),
    ("ALTER TABLE accounts DROP COLUMN nope", 1200, "Column nope does not exist in the table"),
    ("ALTER TABLE accounts CHANGE COLUMN nope x int", 1200, "Column nope does not exist in the table"),
    ("ALTER TABLE accounts CHANGE COLUMN id state int", 1200, "Cannot rename column, name already exists: state"),
    ("ALTER TABLE accounts CHANGE COLUMN id id smallint", 1200, "NOT_SUPPORTED"),
    ("ALTER TABLE accounts SET TBLPROPERTIES ('comment'='x')", 1200, "Unsupported table property key: comment"),
    ("ALTER TABLE accounts ADD PARTITION (id=1)", 1200, "Query type not supported by Athena Iceberg at this time"),
    ("OPTIMIZE nowhere REWRITE DATA USING BIN_PACK", 1301, "TABLE_NOT_FOUND"),
    ("OPTIMIZE copied REWRITE DATA USING BIN_PACK", 1200, "NOT_SUPPORTED"),
    ("VACUUM copied", 1200, "NOT_SUPPORTED"),
    ("UNLOAD (SELECT 1 AS n) TO 's3://lab/copied/' WITH (format='PARQUET')", 1006, "HIVE_PATH_ALREADY_EXISTS"),
    ("UNLOAD (SELECT 1 AS n) TO '/tmp/u/' WITH (format='PARQUET')", 1006, "INVALID_TABLE_PROPERTY"),
    ("UNLOAD (SELECT 1 AS n) TO 's3://lab/u/' WITH (format='XML')", 1006, "INVALID_TABLE_PROPERTY"),
    ("UNLOAD (SELECT 1) TO 's3://lab/u/' WITH (format='PARQUET')", 1006, "MISSING_COLUMN_NAME"),
    ("EXPLAIN SELECT nope FROM accounts", 1006, "COLUMN_NOT_FOUND: line 1:16"),
    ("SHOW CREATE VIEW accounts", 1200, "NOT_SUPPORTED"),
    ("SHOW PARTITIONS accounts", 1200, "Query type not supported by Athena Iceberg at this time"),
    ("MSCK REPAIR TABLE accounts", 1200, "Query type not supported by Athena Iceberg at this time"),
    ("EXECUTE nowhere USING 1", 1006, "NOT_FOUND: PreparedStatement nowhere was not found"),
    ("SELECT * FROM accounts FOR VERSION AS OF 1", 1100, "INVALID_ARGUMENTS: Iceberg snapshot ID does not exists: 1"),
    ("SELECT * FROM accounts FOR VERSION AS OF 'x'", 1100, "INVALID_ARGUMENTS: Cannot find snapshot with reference"),
    ("SELECT * FROM accounts FOR VERSION AS OF 1.5", 1200, "NOT_SUPPORTED: Unsupported type for table version"),
    ("SELECT * FROM accounts FOR TIMESTAMP AS OF '2024-12-17'", 1002, "TYPE_MISMATCH: line 1:15: Type varchar(10)"),
    ("SELECT * FROM accounts FOR TIMESTAMP AS OF now()", 1100, "INVALID_ARGUMENTS: line 1:15: Pointer value"),
    ("SELECT * FROM accounts FOR TIMESTAMP AS OF DATE '1970-01-02'", 1100, "INVALID_ARGUMENTS: No version history"),
    ("SELECT * FROM accounts FOR TIMESTAMP AS OF NULL", 1100, "INVALID_ARGUMENTS"),
    ("SELECT * FROM rich FOR VERSION AS OF 1", 1200, "NOT_SUPPORTED"),
    ('SELECT * FROM "accounts$snapshots" FOR VERSION AS OF 1', 1200, "NOT_SUPPORTED"),
    ('SELECT * FROM "accounts$nope"', 1301, "TABLE_NOT_FOUND"),
    ('SELECT * FROM "copied$snapshots"', 1301, "TABLE_NOT_FOUND"),
    ('SELECT * FROM "rich$snapshots"', 1301, "TABLE_NOT_FOUND"),
    ("SELECT * FROM other.lab.accounts", 1006, "CATALOG_NOT_FOUND"),
    ("SELECT * FROM a.b.c.accounts", 1006, "SYNTAX_ERROR: line 1:15: Too many parts in table name"),
]

# Statements that Athena passes to Hive fail with messages from Hive.
HIVE = [
    (f"CREATE TABLE accounts (id int) {ICEBERG}", 1502, "AlreadyExistsException"),
    (f"CREATE TABLE nodb.t (n int) {ICEBERG}", 1003, "[Error 10072]: Database does not exist: nodb"),
    (f"CREATE TABLE t (n int, n int) {ICEBERG}", 1003, "[Error 10036]: Duplicate column name: n"),
    ("CREATE EXTERNAL TABLE t (n int) LOCATION '/tmp/'", 1502, "The location is not a path in S3"),
    ("CREATE DATABASE lab", 1502, "Database lab already exists"),
    ("DROP DATABASE nodb", 1003, "[Error 10072]: Database does not exist: nodb"),
    ("DROP DATABASE lab", 1502, "Database lab is not empty"),
    ("DROP TABLE nowhere", 1003, "[Error 10001]: Table not found nowhere"),
    ("DROP TABLE rich", 1003, "Cannot drop a view"),
    ("ALTER TABLE nowhere ADD COLUMNS (n int)", 1003, "[Error 10001]: Table not found lab.nowhere"),
    ("ALTER TABLE copied CHANGE id id int FIRST", 1003, "FIRST and AFTER cannot move column id of a Hive table"),
    ("ALTER TABLE copied CHANGE id id int", 1003, "column id does not exist or already has this definition"),
    ("ALTER TABLE copied CHANGE nope n int", 1003, "column nope does not exist or already has this definition"),
    ("DESCRIBE nowhere", 1003, "[Error 10001]: Table not found lab.nowhere"),
    ("SHOW CREATE TABLE rich", 1003, "rich is a view"),
    ("SHOW PARTITIONS nowhere", 1003, "[Error 10001]: Table not found lab.nowhere"),
    ("SHOW TABLES IN nodb", 1003, "[Error 10072]: Database does not exist: nodb"),
    ("MSCK REPAIR TABLE nowhere", 1003, "[Error 10001]: Table not found lab.nowhere"),
]


@pytest.fixture(scope="module")
def tables(workers: WorkerPool) -> Iterator[Athena]:
    """Provide an Iceberg table, a Hive table and a view, which no test in this file changes."""
    backend = Backend("us-east-1")
    service = AthenaService(backend.clients, workers)
    athena = Athena(service, backend.clients)
    athena.s3.create_bucket(Bucket="lab")
    athena.glue.create_database(DatabaseInput={"Name": "lab", "LocationUri": "s3://lab/db/"})
    athena.run(
        "CREATE TABLE accounts (id int, state string, balance double) LOCATION 's3://lab/accounts/' "
        "TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    athena.run("INSERT INTO accounts VALUES (1, 'CA', 10.5), (2, 'NY', 20.0), (3, NULL, NULL)")
    athena.run("CREATE VIEW rich AS SELECT * FROM accounts WHERE balance > 15")
    athena.run("CREATE TABLE copied WITH (external_location='s3://lab/copied/') AS SELECT id, state FROM accounts")
    before = _everything(athena)
    yield athena
    assert _everything(athena) == before
    service.stop()
    backend.close()


def _everything(athena: Athena) -> object:
    tables = athena.glue.get_tables(DatabaseName="lab")["TableList"]
    found = [(table["Name"], table.get("Parameters", {}).get("metadata_location")) for table in tables]
    return sorted(found), athena.run("SELECT * FROM accounts ORDER BY id"), athena.run("SELECT count(*) FROM copied")


@pytest.mark.parametrize(("sql", "code", "message"), REJECTED)
def test_start_query_execution_rejects_malformed_statements(tables: Athena, sql: str, code: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        tables.start(sql)

    assert caught.value.code == "InvalidRequestException"
    assert caught.value.members["AthenaErrorCode"] == code
    assert message in caught.value.message


@pytest.mark.parametrize(("sql", "error_type", "reason"), FAILING)
def test_invalid_statement_fails_with_the_athena_error_type(
    tables: Athena, sql: str, error_type: int, reason: str
) -> None:
    status = tables.finished(tables.start(sql))["Status"]

    error = status["AthenaError"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"] == error["ErrorMessage"]
    assert error["ErrorMessage"].startswith(reason)
    assert (error["ErrorCategory"], error["ErrorType"], error["Retryable"]) == (2, error_type, False)


@pytest.mark.parametrize(("sql", "error_type", "reason"), HIVE)
def test_hive_statement_fails_with_the_hive_message(tables: Athena, sql: str, error_type: int, reason: str) -> None:
    error = tables.finished(tables.start(sql))["Status"]["AthenaError"]

    assert error["ErrorMessage"].startswith("FAILED: ")
    assert reason in error["ErrorMessage"]
    assert (error["ErrorCategory"], error["ErrorType"]) == (1, error_type)
