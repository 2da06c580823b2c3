"""Tests that an ambiguous request is executed as the request that was authorized.

Each test covers one kind of ambiguous request. The caller may use the resources named ``own``. None of the
caller's requests may read or change the resources named ``kept``.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_lakehouse.backend import dispatch
from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.protocol.services import PROTOCOLS, operation_names, service_model
from tests.local_lakehouse.iam.test_enforcement import HERE, LEARNER, World, allow, deny
from tests.local_lakehouse.server.raw_http import RawResponse, call, request, signed

pytestmark = pytest.mark.once

SECRET = b"another user's secret"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TABLE = f"arn:aws:dynamodb:{HERE}:table/own"


class RestrictedCaller:
    """A caller who may use only the resources named ``own``."""

    def __init__(self, world: World, lakehouse: Lakehouse) -> None:
        self.world = world
        self.lakehouse = lakehouse
        self.key = world.user(
            allow("s3:*", ["arn:aws:s3:::own", "arn:aws:s3:::own/*"]),
            allow("dynamodb:*", TABLE),
            allow(["iam:GetRole", "iam:DeleteRole", "iam:TagRole"], "arn:aws:iam::123456789012:role/own"),
            allow("kms:DescribeKey", f"arn:aws:kms:{HERE}:key/own"),
            deny("s3:*", "arn:aws:s3:::own/secret"),
        )[0]

    def s3(self, method: str, target: str, body: bytes = b"", **headers: str) -> RawResponse:
        return self._kept(request(self.lakehouse, method, target, {**signed("s3", self.key), **headers}, body))

    def form(self, service: str, target: str, body: str, **headers: str) -> RawResponse:
        kind = {**signed(service, self.key), **FORM, **headers}
        return self._kept(request(self.lakehouse, "POST", target, kind, body.encode()))

    def json(self, service: str, target: str, document: Any, **headers: str) -> RawResponse:
        return self._kept(call(self.lakehouse, service, target, document, **{**signed(service, self.key), **headers}))

    def _kept(self, found: RawResponse) -> RawResponse:
        assert SECRET not in found.body
        assert found.status < 500 or found.status == 501, found
        return found

    def check(self) -> None:
        """Check that the resources that the caller must not use are unchanged."""
        s3, dynamodb = self.world.client("s3"), self.world.client("dynamodb")
        assert s3.get_object(Bucket="kept", Key="k")["Body"].read() == SECRET
        assert s3.get_object(Bucket="own", Key="secret")["Body"].read() == SECRET
        assert s3.list_objects_v2(Bucket="kept")["KeyCount"] == 1
        assert dynamodb.scan(TableName="kept")["Items"] == [{"pk": {"S": "k"}, "secret": {"S": SECRET.decode()}}]
        assert self.world.iam.get_role(RoleName="kept")["Role"].get("Tags", []) == []


@pytest.fixture(scope="module")
def caller() -> Iterator[RestrictedCaller]:
    lakehouse = Lakehouse(Settings(paused=True, enforce_iam=True))
    lakehouse.start()
    world = World(lakehouse)
    s3, dynamodb = world.client("s3"), world.client("dynamodb")
    for name in ("own", "kept"):
        s3.create_bucket(Bucket=name)
        dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        world.role(name=name)
    s3.put_object(Bucket="own", Key="k", Body=b"own")
    s3.put_object(Bucket="own", Key="secret", Body=SECRET)
    s3.put_object(Bucket="kept", Key="k", Body=SECRET)
    dynamodb.put_item(TableName="kept", Item={"pk": {"S": "k"}, "secret": {"S": SECRET.decode()}})
    caller = RestrictedCaller(world, lakehouse)
    yield caller
    caller.check()
    lakehouse.stop()


# S3.

_S3 = service_model("s3")
SUB_RESOURCES = sorted(
    {_S3.operation_model(name).http["requestUri"].partition("?")[2] for name in _S3.operation_names} - {""}
    | {"torrent", "logging", "unknown", "ACL", "Torrent", "acl%20", "%61cl2"}
)


@pytest.mark.parametrize("operation", sorted(operation_names("s3")))
def test_forbidden_s3_operation_is_rejected(caller: RestrictedCaller, operation: str) -> None:
    """An S3 operation on an object that the caller must not use is rejected.

    For unknown sub-resources, moto would read, list, create or delete the whole resource.
    """
    model = _S3.operation_model(operation)
    path, _, query = model.http["requestUri"].partition("?")
    path = path.replace("{Bucket}", "kept").replace("{Key+}", "k")
    needed = (
        [model.input_shape.members[name] for name in model.input_shape.required_members] if model.input_shape else []
    )
    query_parts = [query] if query else []
    query_parts += [f"{m.serialization['name']}=1" for m in needed if m.serialization.get("location") == "querystring"]
    headers = {m.serialization["name"]: "own/k" for m in needed if m.serialization.get("location") == "header"}
    target = path + ("?" + "&".join(query_parts) if query_parts else "")
    denied = caller.s3(model.http["method"], target, b"", **headers)
    assert denied.status in (403, 501) or (model.http["method"] == "POST" and denied.status == 400)
    learner = request(caller.lakehouse, "GET", "/kept/k", signed("s3"))
    assert learner.body == SECRET


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "POST"])
@pytest.mark.parametrize("resource", SUB_RESOURCES)
def test_sub_resource_does_not_expose_forbidden_objects(caller: RestrictedCaller, method: str, resource: str) -> None:
    caller.s3(method, f"/own/secret?{resource}")
    caller.s3(method, f"/kept/k?{resource}")
    assert caller.s3("GET", "/own/k").body == b"own"


def test_supported_s3_operations_exclude_those_missing_from_moto() -> None:
    offered = set(dispatch._S3_METHODS) | dispatch._S3_WRITES
    assert offered <= operation_names("s3")
    assert {
        "GetObjectTorrent",
        "GetObjectRetention",
        "GetBucketMetricsConfiguration",
        "PutBucketAnalyticsConfiguration",
        "DeleteBucketMetricsConfiguration",
        "PutBucketRequestPayment",
        "RenameObject",
    }.isdisjoint(offered)


@pytest.mark.parametrize(
    "target",
    [
        "/own/k?versionId=a&versionId=b",
        "/own?prefix=k&prefix=secret",
        "/own/k?acl&tagging",
        "/own?list-type=2&list-type=1",
        "/own?list-type=2&acl",
        "/own?delete&acl",
        "/own/k?partNumber=1&uploadId=a&uploadId=b",
        "/own/k?VersionId=a",
        "/own?list-type=3",
        "/own?versions&versioning",
        "/own/k?response-content-type=a&response-content-type=b",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_ambiguous_query_string_is_rejected(caller: RestrictedCaller, method: str, target: str) -> None:
    assert caller.s3(method, target).status in (400, 501)


@pytest.mark.parametrize(
    "target",
    [
        "/own/%73%65cret",
        "/own/../kept/k",
        "/own/..%2fkept/k",
        "/own%2f../kept/k",
        "//kept/k",
        "/own//../../kept/k",
        "/%6bept/k",
        "/own%2fsecret",
        "/kept%2fk",
        "/own/.%2e/secret",
        "/own/k%00",
        "/own/k?/../../kept/k",
        "/own/k%3f/../secret",
        "/own/k;/secret",
        "http://kept.s3.amazonaws.com/own/secret",
        "/own/secret/",
        "/kept/k/",
        "http://127.0.0.1/kept/k",
    ],
)
def test_unusual_paths_do_not_reach_forbidden_objects(caller: RestrictedCaller, target: str) -> None:
    for method in ("GET", "DELETE", "PUT"):
        if not (method == "PUT" and target.startswith("/own/")):
            caller.s3(method, target)


@pytest.mark.parametrize(
    "source",
    [
        "kept/k",
        "/kept/k",
        "kept%2Fk",
        "own/k/../../kept/k",
        "own/k?versionId=1&x=/kept/k",
        "own/secret",
        "own/k#/kept/k",
        "own/secret;x",
        "arn:aws:s3:us-east-1:123456789012:accesspoint/own/object/k",
        "own",
        "",
        "//kept/k",
        "own/k?version=/kept/k",
    ],
)
def test_copy_reads_only_its_authorized_source(caller: RestrictedCaller, source: str) -> None:
    for target in ("/own/copied", "/own/copied?partNumber=1&uploadId=1"):
        caller.s3("PUT", target, b"", **{"x-amz-copy-source": source})
    assert SECRET not in caller.s3("GET", "/own/copied").body


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-acl": "public-read"},
        {"X-Amz-Target": "DynamoDB_20120810.Scan"},
        {"x-moto-account-id": "999999999999"},
        {"Action": "DeleteBucket"},
        {"versionId": "x"},
        {"User-Agent": "region/eu-west-1"},
        {"uploads": ""},
        FORM,
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"X-Forwarded-Host": "kept.s3.amazonaws.com"},
        {"x-http-method-override": "DELETE"},
        {"Transfer-Encoding": "identity"},
        {"x_amz_copy_source": "kept/k"},
    ],
)
def test_headers_do_not_change_the_operation(caller: RestrictedCaller, headers: dict[str, str]) -> None:
    caller.s3("GET", "/own/secret", b"", **headers)
    caller.s3("PUT", "/kept/k", b"key=k&file=changed", **headers)
    caller.s3("POST", "/kept?Action=DeleteBucket", b"key=k&file=changed", **headers)
    assert request(caller.lakehouse, "GET", "/own/secret", signed("s3")).body == SECRET


def test_object_body_is_not_parsed_as_a_form(caller: RestrictedCaller) -> None:
    """If an object has the content type of a form, its body is stored, not parsed as parameters."""
    caller.s3("PUT", "/own/form", b"versionId=1&acl=public-read&key=secret", **FORM)
    assert caller.s3("GET", "/own/form").body == b"versionId=1&acl=public-read&key=secret"
    caller.s3("DELETE", "/own/form", b"uploadId=1&tagging", **FORM)
    assert caller.s3("GET", "/own/form").status == 404


@pytest.mark.parametrize(
    "entry",
    [
        "<Key>secret</Key>",
        "<Key>k</Key><Key>secret</Key>",
        "<Key>se<!-- -->cret</Key>",
        "<Key>secret</Key><Key>k</Key>",
        "<Key><![CDATA[secret]]></Key>",
        "<Key>&#115;&#101;cret</Key>",
        "<Key>k</Key><VersionId>1</VersionId><VersionId>null</VersionId>",
    ],
)
def test_delete_objects_deletes_only_authorized_keys(caller: RestrictedCaller, entry: str) -> None:
    for document in (
        f"<Delete><Object>{entry}</Object></Delete>",
        f'<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object>{entry}</Object></Delete>',
        f"<Delete><Object><Key>x</Key></Object><Object>{entry}</Object></Delete>",
        f"<Other><Delete><Object>{entry}</Object></Delete></Other>",
        "<!DOCTYPE d [<!ENTITY e 'secret'>]><Delete><Object><Key>&e;</Key></Object></Delete>",
    ):
        caller.s3("POST", "/own?delete", document.encode())
        assert request(caller.lakehouse, "GET", "/own/secret", signed("s3")).body == SECRET
    caller.s3("PUT", "/own/k", b"own")


def test_request_with_two_credentials_is_rejected(caller: RestrictedCaller) -> None:
    other = urllib.parse.quote(f"{LEARNER}/20260101/us-east-1/s3/aws4_request")
    for query in (f"X-Amz-Credential={other}", f"AWSAccessKeyId={LEARNER}", f"x-amz-credential={other}"):
        assert caller.s3("GET", f"/kept/k?{query}").status == 400
    both = ", ".join(f"Credential={key}/20260101/us-east-1/s3/aws4_request" for key in (caller.key, LEARNER))
    assert request(caller.lakehouse, "GET", "/kept/k", {"Authorization": f"AWS4-HMAC-SHA256 {both}"}).status == 400


def test_duplicate_header_is_rejected(caller: RestrictedCaller) -> None:
    for name in ("x-amz-copy-source", "x-amz-acl", "authorization", "content-type", "x-amz-target"):
        assert caller.s3("PUT", "/own/k", b"", **{name.title(): "own/k", name.upper(): "kept/k"}).status == 400
    hoisted = caller.s3("PUT", "/own/k?x-amz-copy-source=kept/k", b"", **{"x-amz-copy-source": "own/k"})
    assert hoisted.status == 400


# The requests in the following tests use the query protocol.


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/", "Action=DeleteRole&RoleName=own&RoleName=kept"),
        ("/?RoleName=kept", "Action=DeleteRole&RoleName=own"),
        ("/?Action=GetRole&RoleName=own", "Action=DeleteRole&RoleName=kept"),
        ("/", "Action=GetRole&Action=DeleteRole&RoleName=kept"),
        ("/", "Action=GetRole&RoleName=own&Role%4eame=kept"),
        ("/?Action=DeleteRole", "Action=DeleteRole&RoleName=kept"),
        ("/", "Action=DeleteRole&RoleName=own&RoleName=own"),
        ("/", "Action=TagRole&RoleName=own&Tags.member.2.Key=a&Tags.member.2.Value=b"),
        ("/", "Action=TagRole&RoleName=own&Tags.member.01.Key=a&Tags.member.01.Value=b"),
        ("/", "Action=DeleteRole&RoleName=%ff"),
    ],
)
def test_ambiguous_form_is_rejected(caller: RestrictedCaller, target: str, body: str) -> None:
    assert caller.form("iam", target, body).status == 400


@pytest.mark.parametrize(
    "name", ["rolename", "ROLENAME", "RoleName ", " RoleName", "RoleName[]", "RoleName.1", "roleName"]
)
def test_misspelled_form_parameter_does_not_reach_forbidden_roles(caller: RestrictedCaller, name: str) -> None:
    caller.form("iam", "/", f"Action=DeleteRole&{urllib.parse.quote(name)}=kept")
    caller.form("iam", "/", f"Action=GetRole&RoleName=own&{urllib.parse.quote(name)}=kept")


@pytest.mark.parametrize("headers", [{"X-Amz-Target": "AmazonDynamoDB.DeleteRole"}, {"Action": "DeleteRole"}])
def test_header_does_not_change_the_operation_of_a_form(caller: RestrictedCaller, headers: dict[str, str]) -> None:
    caller.form("iam", "/", "Action=GetRole&RoleName=kept", **headers)


# AWS JSON.

INJECTED = ["&Action=DeleteTable&", "x&TableName=kept&", "Action=DeleteTable", "&X-Amz-Target=DynamoDB_20120810.Scan&"]


@pytest.mark.parametrize("text", INJECTED)
def test_json_string_is_not_parsed_as_a_form(caller: RestrictedCaller, text: str) -> None:
    item = {"pk": {"S": text}, text: {"S": text}}
    assert caller.json("dynamodb", "DynamoDB_20120810.PutItem", {"TableName": "own", "Item": item}).status == 200
    key = {"pk": {"S": text}}
    found = caller.json("dynamodb", "DynamoDB_20120810.GetItem", {"TableName": "own", "Key": key})
    assert json.loads(found.body)["Item"] == item
    caller.json("kms", "TrentService.DescribeKey", {"KeyId": "own", "GrantTokens": [f"&KeyId=kept&{text}"]})


@pytest.mark.parametrize("target", ["/?Action=DeleteTable", "/?TableName=kept", "/kept", "/?"])
def test_json_request_url_does_not_change_the_request(caller: RestrictedCaller, target: str) -> None:
    headers = {**signed("dynamodb", caller.key), "X-Amz-Target": "DynamoDB_20120810.Scan"}
    found = request(caller.lakehouse, "POST", target, headers, b'{"TableName": "own"}')
    assert SECRET not in found.body
    assert found.status == (200 if target in ("/?", "/kept") else 400)


@pytest.mark.parametrize(
    "body",
    [
        b'{"TableName": "kept", "TableName": "own"}',
        b'{"TableName": "own", "TableName": "kept"}',
        b'{"TableName": "own", "tableName": "kept"}',
        b'{"TableName": "own", "TableName\\u0000": "kept"}',
        b'{"TableName": ["own", "kept"]}',
        b'{"TableName": {"S": "kept"}}',
        b'{"Table\\u004eame": "kept"}',
        b'{"TableName": "own", "TableArn": "kept", "ResourceArn": "kept"}',
        b'{"TableName": "own"}{"TableName": "kept"}',
        b'{"TableName": "arn:aws:dynamodb:us-east-1:123456789012:table/kept"}',
        b'{"TableName": "arn:aws:dynamodb:us-east-1:123456789012:table/own/../kept"}',
    ],
)
def test_ambiguous_json_document_does_not_reach_forbidden_tables(caller: RestrictedCaller, body: bytes) -> None:
    for operation in ("Scan", "DeleteTable", "DescribeTable"):
        if operation == "Scan" or b'"kept"' in body.rpartition(b":")[2]:
            caller.json("dynamodb", f"DynamoDB_20120810.{operation}", body)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM kept--\n,own",
        "SELECT * FROM own--\n,kept",
        "SELECT ' FROM kept WHERE ' FROM own",
        'SELECT * FROM "own" , "kept"',
        "SELECT * FROM own/**/,kept",
        "SELECT secret FROM kept/*FROM own*/",
        'SELECT "a FROM kept WHERE " FROM own',
        "select * from\tkept",
        "SELECT * FROM own WHERE pk = ' FROM kept WHERE '",
        "UPDATE own SET a = ' WHERE ' WHERE pk = 'k'",
        "DELETE FROM kept--\n WHERE pk = 'k'",
        "EXISTS(SELECT * FROM kept)",
        "INSERT INTO own--\n kept VALUE {'pk': 'x'}",
        " SELECT * FROM kept",
        'SELECT * FROM "own"."kept"',
    ],
)
def test_partiql_statement_reaches_only_the_authorized_table(caller: RestrictedCaller, statement: str) -> None:
    caller.json("dynamodb", "DynamoDB_20120810.ExecuteStatement", {"Statement": statement})
    several = {"Statements": [{"Statement": statement}, {"Statement": "SELECT * FROM own WHERE pk = 'k'"}]}
    caller.json("dynamodb", "DynamoDB_20120810.BatchExecuteStatement", several)
    transacted = {"TransactStatements": [{"Statement": statement}]}
    caller.json("dynamodb", "DynamoDB_20120810.ExecuteTransaction", transacted)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_partiql_statement_does_not_reach_forbidden_tables(
    caller: RestrictedCaller, data: st.DataObject
) -> None:
    word = st.sampled_from(
        [
            "SELECT",
            "*",
            "FROM",
            "own",
            "kept",
            '"own"',
            '"kept"',
            "'",
            '"',
            "--",
            "/*",
            "*/",
            "\n",
            ",",
            ".",
            "WHERE",
            "pk",
            "=",
            "'k'",
            "' FROM kept WHERE '",
            ";",
            "(",
            ")",
            "INTO",
            "DELETE",
            "UPDATE",
            "SET",
            "EXISTS",
        ]
    )
    words = data.draw(st.lists(word, min_size=1, max_size=10))
    start = data.draw(st.sampled_from(["SELECT * FROM ", "DELETE FROM ", "UPDATE ", ""]))
    document = {"Statement": start + " ".join(words)}
    caller.json("dynamodb", "DynamoDB_20120810.ExecuteStatement", document)


def test_administrator_role_cannot_be_assumed(caller: RestrictedCaller) -> None:
    everything = caller.world.analyst(allow("sts:*"))
    admin = "arn:aws:iam::123456789012:role/Admin"
    for keys in (everything, None):
        sts = caller.world.client("sts", keys)
        with pytest.raises(sts.exceptions.ClientError, match="not authorized to perform: sts:AssumeRole"):
            sts.assume_role(RoleArn=admin, RoleSessionName="me")


def test_protocols_match_the_botocore_protocols() -> None:
    for name, protocol in PROTOCOLS.items():
        model = service_model(name)
        assert protocol.name == model.resolved_protocol
        assert protocol.target == model.metadata.get("targetPrefix", "") or not protocol.target
        assert protocol.queried == ("query" in model.metadata["protocols"])
        if protocol.name == "json":
            assert (protocol.target, protocol.version) == (
                model.metadata["targetPrefix"],
                model.metadata["jsonVersion"],
            )
