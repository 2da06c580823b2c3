import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import awswrangler
import boto3
import pandas as pd
import pytest
from botocore.config import Config

from local_lakehouse.daemon import Running
from local_lakehouse.lakehouse import Lakehouse
from local_lakehouse.region import region_of
from tests.conftest import connect_to
from zetl_helpers import lab as lab_module
from zetl_helpers.lab import ConnectionRefusedByLabError, Lab, UnknownTableError, connect, connect_to_local


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "ZETL_", "WR_")):
            monkeypatch.delenv(name)


def test_names_match_blog(lab: Lab) -> None:
    assert (lab.table, lab.database, lab.target_table) == ("CustomerAccounts", "customerdb", "customeraccounts")
    assert lab.bucket == "glue-zetl-target-123456789012-us-east-1"
    assert (lab.role, lab.project) == ("zETLTargetRole", "CustomerDB_Project")
    assert lab.table_arn == "arn:aws:dynamodb:us-east-1:123456789012:table/CustomerAccounts"
    assert lab.database_arn == "arn:aws:glue:us-east-1:123456789012:database/customerdb"


def test_lab_with_additional_table_shares_database_but_not_integration(lab: Lab) -> None:
    second_lab = lab.with_table("Payments")
    assert (second_lab.table, second_lab.target_table, second_lab.integration) == (
        "Payments",
        "payments",
        "ddb-to-lakehouse-payments",
    )
    assert (second_lab.database, second_lab.bucket, second_lab.role, second_lab.tags) == (
        lab.database,
        lab.bucket,
        lab.role,
        lab.tags,
    )
    assert second_lab.with_table("CustomerAccounts") == lab
    assert lab.everywhere[0] == lab
    assert second_lab in lab.everywhere


def test_with_table_rejects_unknown_table(lab: Lab) -> None:
    with pytest.raises(UnknownTableError, match=r"no table 'Orders', so cleanup would not find it\. Use one of Cust"):
        lab.with_table("Orders")


def test_labs_with_different_prefixes_do_not_share_names(lakehouse: Lakehouse) -> None:
    anna, ben = connect_to(lakehouse.url, "anna"), connect_to(lakehouse.url, "ben")
    for name in ("table", "database", "bucket", "role", "integration", "location", "tags"):
        assert getattr(anna, name) != getattr(ben, name)


def test_card_shows_resource_names(lab: Lab) -> None:
    card = lab._repr_html_()
    for name in (lab.account, lab.region, lab.caller, lab.table, lab.bucket, lab.role):
        assert name in card
        assert name in str(lab)


def test_caller_is_a_role_session(lab: Lab) -> None:
    assert lab.caller == "arn:aws:sts::123456789012:assumed-role/Admin/learner"


def test_with_credentials_reuses_service_models(lab: Lab) -> None:
    keys = lab.client("sts").get_session_token()["Credentials"]
    other = lab.with_credentials(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], workgroup="primary"
    )
    first, second = (each.session._session.get_component("data_loader") for each in (lab, other))
    assert first is second
    assert first.load_service_model("glue", "service-2") is second.load_service_model("glue", "service-2")


def test_recording_contains_calls_made_inside_block(lab: Lab) -> None:
    lab.client("s3").list_buckets()
    with lab.recording() as outer:
        lab.client("s3").list_buckets()
        with lab.recording() as inner:
            lab.client("dynamodb").list_tables()
        lab.client("s3").list_buckets()
    assert inner == ["dynamodb.ListTables"]
    assert outer == ["s3.ListBuckets", "dynamodb.ListTables", "s3.ListBuckets"]


def test_connect_directs_all_clients_to_local_lakehouse(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_module, "_find_local", lambda: lakehouse.url)
    os.environ.update(
        {"AWS_PROFILE": "company", "AWS_SESSION_TOKEN": "real", "AWS_ENDPOINT_URL_S3": "https://s3.example.com"}
    )
    lab = connect()
    assert lab.target == "local"
    assert os.environ["AWS_ENDPOINT_URL"] == lakehouse.url
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} & set(os.environ)
    for service in ("s3", "sts", "glue", "athena"):
        client = boto3.client(service, aws_access_key_id="x", aws_secret_access_key="x")
        assert client.meta.endpoint_url == lakehouse.url


def test_lab_clients_do_not_depend_on_environment(lakehouse: Lakehouse) -> None:
    os.environ["AWS_ENDPOINT_URL_S3"] = "https://s3.example.com"
    lab = connect_to_local(lakehouse.url, "us-east-1")
    other = lab.with_credentials("LOCALLAKEHOUSE000000", "not-a-secret", "", workgroup="primary")
    del os.environ["AWS_ENDPOINT_URL"]
    os.environ["AWS_ENDPOINT_URL_ATHENA"] = "https://athena.example.com"
    for session in (lab.session, other.session):
        for service in ("s3", "sts", "glue", "athena", "dynamodb"):
            assert session.client(service).meta.endpoint_url == lakehouse.url
            elsewhere = session.client(service, endpoint_url="https://example.com")
            assert elsewhere.meta.endpoint_url == lakehouse.url
        assert session.resource("s3").meta.client.meta.endpoint_url == lakehouse.url
    assert awswrangler.athena.list_query_executions(boto3_session=lab.session) == []


def test_local_session_reuses_equal_clients(lakehouse: Lakehouse) -> None:
    session = connect_to_local(lakehouse.url, "us-east-1").session
    first = session.client("s3", config=Config(connect_timeout=3, retries={"max_attempts": 2}))
    assert session.client("s3", config=Config(connect_timeout=3, retries={"max_attempts": 2})) is first
    others = [
        session.client("s3"),
        session.client("s3", config=Config(connect_timeout=3, retries={"max_attempts": 3})),
        session.client("s3", region_name="eu-west-1"),
        session.client("s3", aws_access_key_id="other", aws_secret_access_key="other"),
        session.client("s3control"),
    ]
    assert len({id(client) for client in [first, *others]}) == 6


def test_threads_share_client(lakehouse: Lakehouse) -> None:
    session = connect_to_local(lakehouse.url, "us-east-1").session
    with ThreadPoolExecutor(8) as threads:
        clients = list(threads.map(lambda _: session.client("glue"), range(32)))
    assert len({id(client) for client in clients}) == 1


@pytest.mark.parametrize(
    "configuration",
    [
        "[default]\nignore_configured_endpoint_urls = true\n",
        "[default]\nservices = elsewhere\n[services elsewhere]\ns3 =\n  endpoint_url = https://s3.example.com\n",
        "[default]\nrole_arn = arn:aws:iam::111111111111:role/Real\nsource_profile = default\n",
        "[default]\ncredential_process = false\ns3 =\n  use_accelerate_endpoint = true\n",
    ],
)
def test_connect_ignores_aws_configuration_file(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, configuration: str
) -> None:
    (tmp_path / "config").write_text(configuration)
    os.environ["AWS_CONFIG_FILE"] = str(tmp_path / "config")
    monkeypatch.setattr(lab_module, "_find_local", lambda: lakehouse.url)
    connect()
    for service in ("s3", "sts", "glue", "athena", "dynamodb"):
        client = boto3.client(service)
        assert client.meta.endpoint_url == lakehouse.url
        assert client._request_signer._credentials.access_key == "LOCALLAKEHOUSE000000"


def test_connect_overrides_variable_that_disables_endpoints(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.environ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
    monkeypatch.setattr(lab_module, "_find_local", lambda: lakehouse.url)
    connect()
    assert boto3.client("s3").meta.endpoint_url == lakehouse.url


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "ap-south-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "ap-south-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
    ],
)
def test_region_is_read_from_environment(environment: dict[str, str], region: str) -> None:
    assert region_of(environment) == region


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_connect_rejects_lakehouse_in_different_region(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    running = Running("http://127.0.0.1:1", 1, {"region": "us-east-1"}, "token")
    monkeypatch.setattr("local_lakehouse.daemon.find", lambda _: running)
    os.environ[variable] = "eu-west-1"
    with pytest.raises(ConnectionRefusedByLabError, match=rf"is in us-east-1, but {variable} specifies eu-west-1\."):
        connect("local")


def test_connect_makes_pandas_show_full_strings(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_module, "_find_local", lambda: lakehouse.url)
    with pd.option_context("display.max_colwidth", 50):
        lab = connect("local")
        bucket = f"arn:aws:s3:::{lab.bucket}/{'a-long-prefix/' * 20}"
        assert bucket in repr(pd.DataFrame({"ARN": [bucket]}))


def test_connect_rejects_remote_address_as_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_module, "_find_local", lambda: "https://athena.us-east-1.amazonaws.com")
    with pytest.raises(ConnectionRefusedByLabError, match="not an address of this computer"):
        connect("local")


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:4555"},
        {"AWS_ENDPOINT_URL_GLUE": "http://x"},
        {"AWS_ACCESS_KEY_ID": "LOCALLAKEHOUSE000000"},
    ],
)
def test_connect_to_aws_rejects_local_environment(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    with pytest.raises(ConnectionRefusedByLabError, match=r"would not reach AWS\. Restart the kernel"):
        connect("aws")


def test_connect_to_aws_requires_region(monkeypatch: pytest.MonkeyPatch) -> None:
    os.environ["AWS_CONFIG_FILE"] = os.devnull
    with pytest.raises(ConnectionRefusedByLabError, match="Set AWS_REGION"):
        connect("aws")


@pytest.mark.parametrize("profile", ["", "[profile p]\nregion = eu-west-1\n"])
def test_connect_to_aws_uses_region_from_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str
) -> None:
    (tmp_path / "config").write_text(profile)
    os.environ.update({"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_REGION": "ap-south-1"})
    if profile:
        os.environ["AWS_PROFILE"] = "p"
    regions: list[str] = []
    monkeypatch.setattr(lab_module, "_introduce", lambda _, session, *__: regions.append(session.region_name))
    connect("aws")
    assert regions == ["ap-south-1"]


def test_usual_duration_is_returned_only_on_aws(lab: Lab) -> None:
    assert lab.usually("15 to 30 minutes") == ""
    assert replace(lab, target="aws").usually("15 to 30 minutes") == "15 to 30 minutes"
