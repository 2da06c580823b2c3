"""Test suites of three clients, with their commands and the resources that they expect."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

BUCKET = "client-suites"
KEY_ALIAS = "alias/client-suites"
LOG_GROUP = "/client-suites"
LOG_STREAMS = ("client-suites", *(f"aws_sdk_pandas_log_stream_{name}" for name in ("one", "two", "three", "four")))


@dataclass(frozen=True)
class Suite:
    """The test suite of a client.

    Args:
        name: The name of the client.
        repository: The repository of the client's source code.
        folder: The folder in the checkout from which the tests are started.
        tests: The paths of the tests in that folder.
        environment: The environment variables that the tests read.
        prepare: The function that creates the resources that the tests expect, and returns additional variables.
        plugin: The module in the folder `plugin` that pytest loads first, or an empty string if there is none.
        sources: The folders in the checkout that contain the tested code.
    """

    name: str
    repository: str
    folder: str
    tests: tuple[str, ...]
    environment: Mapping[str, str]
    prepare: Callable[[str], Mapping[str, str]]
    plugin: str = ""
    sources: tuple[str, ...] = ()


def _client(service: str, url: str) -> Any:
    return boto3.client(
        service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def _prepare_pyathena(url: str) -> Mapping[str, str]:
    _client("s3", url).create_bucket(Bucket=BUCKET)
    _client("glue", url).create_database(DatabaseInput={"Name": "default"})
    # PyAthena's tests expect a workgroup with managed query results.
    _client("athena", url).create_work_group(
        Name="managed", Configuration={"ManagedQueryResultsConfiguration": {"Enabled": True}}
    )
    return {}


def _prepare_awswrangler(url: str) -> Mapping[str, str]:
    _client("s3", url).create_bucket(Bucket=BUCKET)
    # The bucket in awswrangler's CloudFormation template has versioning enabled.
    _client("s3", url).put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    _client("glue", url).create_database(DatabaseInput={"Name": "aws_sdk_pandas"})
    logs = _client("logs", url)
    logs.create_log_group(logGroupName=LOG_GROUP)
    # In the account of awswrangler's maintainers, the log streams contain events from earlier runs.
    for stream in LOG_STREAMS:
        logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
        events = [{"timestamp": int(time.time() * 1000), "message": f"event {number}"} for number in range(5)]
        logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=events)
    kms = _client("kms", url)
    key = kms.create_key()["KeyMetadata"]
    return {"CLIENT_SUITES_KEY": key["Arn"]}


def _prepare_dbt(url: str) -> Mapping[str, str]:
    # A test for catalog integrations writes to a bucket that belongs to dbt-athena's maintainers.
    for bucket in (BUCKET, "dbt-athena-integration-testing"):
        _client("s3", url).create_bucket(Bucket=bucket)
    return {}


SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            "pyathena",
            "https://github.com/laughingman7743/PyAthena",
            ".",
            ("tests/pyathena",),
            {
                "AWS_ATHENA_S3_STAGING_DIR": f"s3://{BUCKET}/pyathena/",
                "AWS_ATHENA_WORKGROUP": "primary",
                "AWS_ATHENA_SPARK_WORKGROUP": "spark",
                "AWS_ATHENA_MANAGED_WORKGROUP": "managed",
                "AWS_ALLOW_HTTP": "true",
            },
            _prepare_pyathena,
            plugin="pyathena_endpoint",
            sources=(".",),
        ),
        Suite(
            "awswrangler",
            "https://github.com/aws/aws-sdk-pandas",
            ".",
            (
                "tests/unit/test_athena.py", "tests/unit/test_athena_cache.py", "tests/unit/test_athena_csv.py",
                "tests/unit/test_athena_geospatial.py", "tests/unit/test_athena_iceberg.py",
                "tests/unit/test_athena_parquet.py", "tests/unit/test_athena_prepared.py",
                "tests/unit/test_athena_projection.py", "tests/unit/test_catalog.py", "tests/unit/test_cloudwatch.py",
                "tests/unit/test_dynamodb.py", "tests/unit/test_metadata.py",
                "tests/unit/test_pandas_pyarrow_dtype_backend.py", "tests/unit/test_routines.py",
                "tests/unit/test_s3.py", "tests/unit/test_s3_excel.py", "tests/unit/test_s3_orc.py",
                "tests/unit/test_s3_parquet.py", "tests/unit/test_s3_text.py",
                "tests/unit/test_s3_text_compressed.py", "tests/unit/test_s3_wait.py",
            ),
            {"CLIENT_SUITES_BUCKET": BUCKET, "WR_ATHENA_QUERY_WAIT_POLLING_DELAY": "0.05"},
            _prepare_awswrangler,
            plugin="awswrangler_resources",
            sources=(".",),
        ),
        Suite(
            "dbt-athena",
            "https://github.com/dbt-labs/dbt-adapters",
            "dbt-athena",
            ("tests/functional",),
            {
                "DBT_TEST_ATHENA_S3_STAGING_DIR": f"s3://{BUCKET}/dbt/staging/",
                "DBT_TEST_ATHENA_S3_TMP_TABLE_DIR": f"s3://{BUCKET}/dbt/tables/",
                "DBT_TEST_ATHENA_REGION_NAME": "us-east-1",
                "DBT_TEST_ATHENA_DATABASE": "awsdatacatalog",
                "DBT_TEST_ATHENA_SCHEMA": "dbt_suite",
                "DBT_TEST_ATHENA_WORK_GROUP": "primary",
                "DBT_TEST_ATHENA_THREADS": "2",
                "DBT_TEST_ATHENA_POLL_INTERVAL": "0.05",
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            },
            _prepare_dbt,
            sources=("dbt-athena/src", "dbt-adapters/src", "dbt-tests-adapter/src"),
        ),
    )
}  # fmt: skip


def command(suite: Suite, python: Path, report: Path, workers: int, arguments: list[str]) -> list[str]:
    """Return the command that runs a suite.

    Args:
        suite: The suite.
        python: A Python interpreter that has the client and pytest.
        report: The file for the results.
        workers: The number of parallel pytest processes.
        arguments: Additional arguments for pytest. If they include paths, these replace the suite's paths.
    """
    paths = () if any(not each.startswith("-") and ".py" in each for each in arguments) else suite.tests
    plugin = ("-p", suite.plugin) if suite.plugin else ()
    return [
        str(python), "-m", "pytest", "-q", "-n", str(workers), "--dist", "loadscope", "--timeout", "600",
        "--junitxml", str(report), "-p", "no:cacheprovider", "--tb", "short", *plugin, *paths, *arguments,
    ]  # fmt: skip
