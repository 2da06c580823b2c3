"""Tests for the AWS clients that the lakehouse's services use."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_lakehouse.backend.clients import ServiceClients, acting_for
from local_lakehouse.backend.moto_backend import ACCOUNT
from local_lakehouse.protocol.faults import Answer, Fault, fail
from local_lakehouse.protocol.request import Request

pytestmark = pytest.mark.once

LIST = b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"


class RecordingClients:
    """Clients of a lakehouse that has no buckets, and the requests that it received."""

    def __init__(self, like: ServiceClients, region: str = "us-east-1") -> None:
        self.requests: list[Request] = []
        self.clients = ServiceClients(self._serve, like.documents, ACCOUNT, region)

    def _serve(self, request: Request) -> Answer:
        self.requests.append(request)
        return Answer(200, [], LIST)


def test_clients_of_two_lakehouses_do_not_share_handlers(clients: ServiceClients) -> None:
    first, second = RecordingClients(clients), RecordingClients(clients)
    noted: list[str] = []

    def note(model: Any, **_: object) -> None:
        noted.append(model.name)

    first.clients.client("s3").meta.events.register("before-call.*", note)
    second.clients.client("s3").list_buckets()
    assert (len(first.requests), len(second.requests), noted) == (0, 1, [])
    first.clients.client("s3").list_buckets()
    assert (len(first.requests), len(second.requests), noted) == (1, 1, ["ListBuckets"])
    assert first.clients.client("s3") is first.clients.client("s3")


def test_client_uses_the_region_of_its_lakehouse(clients: ServiceClients) -> None:
    for region in ("us-east-1", "eu-west-1"):
        served = RecordingClients(clients, region)
        client = served.clients.client("s3")
        client.list_buckets()
        assert (client.meta.region_name, served.requests[0].region) == (region, region)


@pytest.mark.parametrize("key", ["plain", "folder/file name.csv", "ä/+?&=%41~", "/leading//double"])
def test_put_object_stores_the_same_object_as_the_s3_client(clients: ServiceClients, key: str) -> None:
    s3 = clients.client("s3")
    found = []
    for bucket in ("direct", "through-client"):
        s3.create_bucket(Bucket=bucket)
        if bucket == "direct":
            clients.put_object(bucket, key, b"content")
        else:
            s3.put_object(Bucket=bucket, Key=key, Body=b"content")
        assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
        response = s3.get_object(Bucket=bucket, Key=key)
        del response["ResponseMetadata"], response["LastModified"]
        found.append({**response, "Body": response["Body"].read()})

    assert found[0] == found[1]


def test_put_object_raises_the_s3_error(clients: ServiceClients) -> None:
    s3 = clients.client("s3")

    with pytest.raises(s3.exceptions.NoSuchBucket, match="does not exist") as caught:
        clients.put_object("missing", "key", b"")

    assert caught.value.response["Error"]["BucketName"] == "missing"


def test_put_object_is_checked_with_the_permissions_of_the_caller(clients: ServiceClients) -> None:
    clients.client("s3").create_bucket(Bucket="lab")
    asked: list[Request] = []

    class Rights:
        """The permissions of a caller who may not write."""

        def refuse(self, request: Request) -> Answer | None:
            asked.append(request)
            return fail("s3", request.method, Fault("AccessDenied", "not allowed", status=403))

        def objection(self, action: str, resource: str) -> str | None:
            return "not allowed"

    with acting_for(Rights()), pytest.raises(ClientError, match="AccessDenied"):
        clients.put_object("lab", "key", b"")

    assert [(request.operation, request.parameters["Key"]) for request in asked] == [("PutObject", "key")]
    assert "Contents" not in clients.client("s3").list_objects_v2(Bucket="lab")


def _create_table(clients: ServiceClients, name: str, **members: Any) -> None:
    clients.client("glue").create_table(DatabaseName="lab", TableInput={"Name": name, **members})


@pytest.fixture
def glue(clients: ServiceClients) -> Any:
    glue = clients.client("glue")
    glue.create_database(DatabaseInput={"Name": "lab"})
    return glue


def test_get_table_returns_the_same_table_as_the_glue_client(clients: ServiceClients, glue: Any) -> None:
    columns = [{"Name": "id", "Type": "int", "Comment": "ä"}]
    _create_table(clients, "t", Parameters={"a": "b"}, StorageDescriptor={"Columns": columns})

    assert clients.get_table("lab", "t") == glue.get_table(DatabaseName="lab", Name="t")["Table"]


@pytest.mark.parametrize(("database", "name"), [("lab", "missing"), ("missing", "t")])
def test_get_table_raises_the_glue_error(clients: ServiceClients, glue: Any, database: str, name: str) -> None:
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        clients.get_table(database, name)


def test_changed_result_of_get_table_does_not_affect_later_results(clients: ServiceClients, glue: Any) -> None:
    _create_table(clients, "t", Parameters={"a": "b"})

    clients.get_table("lab", "t")["Parameters"]["a"] = "changed"

    assert clients.get_table("lab", "t")["Parameters"] == {"a": "b"}


def test_get_table_sees_every_change(clients: ServiceClients, glue: Any) -> None:
    _create_table(clients, "t", Parameters={"a": "1"})
    assert clients.get_table("lab", "t")["Parameters"] == {"a": "1"}

    glue.update_table(DatabaseName="lab", TableInput={"Name": "t", "Parameters": {"a": "2"}})
    assert clients.get_table("lab", "t")["Parameters"] == {"a": "2"}

    glue.delete_table(DatabaseName="lab", Name="t")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        clients.get_table("lab", "t")

    _create_table(clients, "t", Parameters={"a": "3"})
    glue.delete_database(Name="lab")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        clients.get_table("lab", "t")


def test_get_table_sees_only_committed_changes_and_those_of_its_own_transaction(
    clients: ServiceClients, glue: Any
) -> None:
    _create_table(clients, "t", Parameters={"a": "1"})
    clients.get_table("lab", "t")

    def fail_after_an_update() -> None:
        with clients.documents.database.transaction():
            glue.update_table(DatabaseName="lab", TableInput={"Name": "t", "Parameters": {"a": "2"}})
            assert clients.get_table("lab", "t")["Parameters"] == {"a": "2"}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_an_update()
    assert clients.get_table("lab", "t")["Parameters"] == {"a": "1"}


def test_tables_are_looked_up_once_between_changes(
    clients: ServiceClients, glue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _create_table(clients, "t")
    clients.get_table("lab", "t")

    def look_up_again(*_: Any) -> Any:
        raise AssertionError("the table is looked up again")

    monkeypatch.setattr("moto.glue.models.GlueBackend.get_table", look_up_again)
    assert clients.get_table("lab", "t")["Name"] == "t"
