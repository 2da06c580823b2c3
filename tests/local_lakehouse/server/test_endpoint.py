import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse
from local_lakehouse.store import locks
from zetl_helpers.lab import Lab


def client(lakehouse: Lakehouse, service: str, region: str = "us-east-1") -> Any:
    return boto3.client(
        service,
        endpoint_url=lakehouse.url,
        region_name=region,
        aws_access_key_id="LOCALLAKEHOUSE000000",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    answered = error.value.response["Error"]
    return answered["Code"], answered["Message"]


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "list_tables"), ("s3", "list_buckets"), ("glue", "get_databases"), ("iam", "list_roles"),
        ("sts", "get_caller_identity"), ("lakeformation", "get_data_lake_settings"), ("logs", "describe_log_groups"),
        ("cloudwatch", "list_metrics"), ("glue", "describe_integrations"), ("athena", "list_work_groups"),
        ("datazone", "list_domains"),
    ],
)  # fmt: skip
def test_every_service_responds_at_the_same_address(lakehouse: Lakehouse, service: str, operation: str) -> None:
    answer = getattr(client(lakehouse, service), operation)()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_error_names_the_unsupported_operation(lakehouse: Lakehouse) -> None:
    with pytest.raises(ClientError) as error:
        client(lakehouse, "glue").list_blueprints()
    assert code(error)[1] == "The local lakehouse does not support glue ListBlueprints; AWS does."


def test_unknown_operation_error_does_not_mention_aws(lakehouse: Lakehouse) -> None:
    headers = {"X-Amz-Target": "AWSGlue.CreateUnicorn", "Content-Type": "application/x-amz-json-1.1"}
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(lakehouse.url, b"{}", headers))
    assert json.loads(error.value.read())["message"] == "POST / is not a known operation of glue."


def test_unsupported_service_is_rejected(lakehouse: Lakehouse) -> None:
    with pytest.raises(ClientError) as error:
        client(lakehouse, "ecs").list_clusters()
    assert "The local lakehouse does not implement" in code(error)[1]


def test_error_for_another_region_names_both_regions(lakehouse: Lakehouse) -> None:
    with pytest.raises(ClientError) as error:
        client(lakehouse, "glue", "eu-central-1").describe_integrations()
    assert "This local lakehouse is in us-east-1, but the request is for eu-central-1." in code(error)[1]


def test_missing_rest_resource_causes_a_modeled_error(lakehouse: Lakehouse) -> None:
    with pytest.raises(ClientError) as error:
        client(lakehouse, "datazone").get_domain(identifier="dzd-other")
    assert code(error) == ("ResourceNotFoundException", "Domain dzd-other does not exist.")


def test_rest_request_is_validated_against_the_model(lakehouse: Lakehouse) -> None:
    with pytest.raises(ClientError) as error:
        client(lakehouse, "datazone").list_projects(domainIdentifier="no-such-form")
    assert code(error)[0] == "ValidationException"


def test_server_listens_only_on_localhost(lakehouse: Lakehouse) -> None:
    assert lakehouse._server.address[0] == "127.0.0.1"


def test_request_with_a_different_host_header_is_rejected(lakehouse: Lakehouse) -> None:
    request = urllib.request.Request(lakehouse.url, headers={"Host": "evil.example.com"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    assert error.value.code == 403


@pytest.mark.parametrize("key", ["a b+c%20d", "ä/ö/ü", "a//b", "x=1/y", "'quotes\"", "~tilde!*()"])
def test_object_keys_can_contain_special_characters(lab: Lab, key: str) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key=key, Body=b"content", Metadata={"with_underscore": "kept"})
    assert s3.list_objects_v2(Bucket="some-bucket")["Contents"][0]["Key"] == key
    found = s3.get_object(Bucket="some-bucket", Key=key)
    assert found["Body"].read() == b"content"
    assert found["Metadata"] == {"with_underscore": "kept"}


def test_get_object_returns_a_range(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="k", Body=b"0123456789")
    found = s3.get_object(Bucket="some-bucket", Key="k", Range="bytes=2-4")
    assert (found["Body"].read(), found["ContentRange"]) == (b"234", "bytes 2-4/10")


def test_local_requests_satisfy_a_secure_transport_policy(lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::some-bucket/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="some-bucket", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket="some-bucket", Key="k", Body=b"x")


def test_client_requests_run_before_queued_service_requests(lakehouse: Lakehouse) -> None:
    ours, theirs = lakehouse.backend.clients.client("s3"), client(lakehouse, "s3")
    theirs.create_bucket(Bucket="shared")
    lock, order = lakehouse.backend.lock, list[str]()
    with ThreadPoolExecutor(4, "service") as pool:
        with lock:
            lakehouse.database.after_commit(lambda: order.append(threading.current_thread().name.partition("_")[0]))
            requests = [pool.submit(ours.put_object, Bucket="shared", Key=str(n), Body=b"ours") for n in range(3)]
            while lock.waiting() != 3:
                pass
            requests.append(pool.submit(theirs.put_object, Bucket="shared", Key="theirs", Body=b"theirs"))
            while lock.waiting() != 4:
                pass
        for request in requests:
            request.result()
    assert order == ["connection", "service", "service", "service"]


def test_import_steps_run_as_background_work(lakehouse: Lakehouse) -> None:
    s3, dynamodb = client(lakehouse, "s3"), client(lakehouse, "dynamodb")
    s3.create_bucket(Bucket="shared")
    s3.put_object(Bucket="shared", Key="items/1", Body=b'{"Item": {"id": {"S": "a"}}}')
    urgent = vars(locks)["_urgent"]
    found: set[bool] = set()
    lakehouse.database.after_commit(lambda: found.add(urgent.get()))
    table = {
        "TableName": "Items", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }  # fmt: skip
    source = {"S3Bucket": "shared", "S3KeyPrefix": "items/"}
    dynamodb.import_table(S3BucketSource=source, InputFormat="DYNAMODB_JSON", TableCreationParameters=table)
    assert found == {False}
    found.clear()
    dynamodb.put_item(TableName="Items", Item={"id": {"S": "b"}})
    assert found == {True}
