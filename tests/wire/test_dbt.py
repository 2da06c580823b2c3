"""Tests that dbt and its Athena adapter build a small project, and rebuild it after the rows change.

dbt has a separate environment, as its documentation recommends, because it needs older versions of PyAthena, mmh3 and
pathspec than other tools do. `make .venv-dbt/.ready` creates the environment, and `make test` runs this command first.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from zetl_helpers.lab import local_environment

PROJECT = Path(__file__).parent / "dbt_project"
DBT = Path(__file__).parent.parent.parent / ".venv-dbt" / "bin" / "dbt"

pytestmark = [
    pytest.mark.long,
    pytest.mark.once,
    pytest.mark.skipif(not DBT.exists(), reason="dbt is not installed: make .venv-dbt/.ready"),
]


class Dbt:
    """A client that runs dbt on a lakehouse, and a cursor on the same lakehouse."""

    def __init__(self, url: str, folder: Path) -> None:
        # Every pytest worker collects this module, but only the worker that runs the test needs PyAthena.
        import pyathena

        self.environment = {
            **os.environ,
            **local_environment(url, "us-east-1"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_PROJECT_DIR": str(PROJECT),
            "DBT_PROFILES_DIR": str(PROJECT),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }
        self.results = folder / "target" / "run_results.json"
        self.cursor = pyathena.connect(
            s3_staging_dir="s3://lab/out/", schema_name="lab", region_name="us-east-1", endpoint_url=url,
            aws_access_key_id="test", aws_secret_access_key="test", poll_interval=0.01,
        ).cursor()  # fmt: skip

    def build(self) -> dict[str, str]:
        """Run ``dbt build`` and return the state of each model, seed, snapshot and test."""
        done = subprocess.run(
            [str(DBT), "--no-use-colors", "build"], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        results = json.loads(self.results.read_text())["results"]
        return {result["unique_id"].split(".")[2]: result["status"] for result in results}

    def ask(self, sql: str) -> Any:
        """Run a statement on the same lakehouse, and return its rows."""
        return self.cursor.execute(sql).fetchall()


@pytest.fixture
def dbt(tmp_path: Path) -> Iterator[Dbt]:
    lakehouse = Lakehouse(Settings())
    lakehouse.start()
    session = boto3.Session("test", "test", region_name="us-east-1")
    session.client("s3", endpoint_url=lakehouse.url).create_bucket(Bucket="lab")
    session.client("glue", endpoint_url=lakehouse.url).create_database(DatabaseInput={"Name": "lab"})
    dbt = Dbt(lakehouse.url, tmp_path)
    dbt.ask(
        "CREATE TABLE accounts (customerid string, state string, status string, balance double, updated timestamp) "
        "LOCATION 's3://lab/raw/accounts/' TBLPROPERTIES ('table_type'='ICEBERG')"
    )
    dbt.ask(
        "INSERT INTO accounts VALUES ('C1', 'CA', 'Active', 1.5, TIMESTAMP '2024-01-01 00:00:00'), "
        "('C2', 'NY', 'Past due', 2.5, TIMESTAMP '2024-01-02 00:00:00')"
    )
    yield dbt
    lakehouse.stop()


@pytest.mark.timeout(300)  # dbt takes several seconds to load its macros.
def test_project_is_built_and_rebuilt(dbt: Dbt) -> None:
    states = dbt.build()

    assert set(states.values()) == {"success", "pass"}
    assert {"stg_accounts", "statuses", "by_state", "by_state_iceberg", "latest", "by_partition", "history"} <= set(
        states
    )
    assert dbt.ask("SELECT * FROM by_state_iceberg ORDER BY state") == [("CA", 1, 1.5, 1), ("NY", 1, 2.5, 2)]

    dbt.ask("UPDATE accounts SET state = 'WA', updated = TIMESTAMP '2024-02-01 00:00:00' WHERE customerid = 'C1'")
    dbt.ask("INSERT INTO accounts VALUES ('C3', 'CA', 'Active', 9.5, TIMESTAMP '2024-02-01 00:00:00')")
    assert set(dbt.build().values()) == {"success", "pass"}

    merged = dbt.ask("SELECT customerid, state FROM latest ORDER BY customerid")
    assert merged == [("C1", "WA"), ("C2", "NY"), ("C3", "CA")]
    assert dbt.ask("SELECT customerid, state FROM by_partition ORDER BY customerid") == merged
    assert dbt.ask(
        "SELECT customerid, state, dbt_valid_to IS NULL FROM history ORDER BY customerid, dbt_valid_from"
    ) == [("C1", "CA", False), ("C1", "WA", True), ("C2", "NY", True), ("C3", "CA", True)]
