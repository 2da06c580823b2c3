"""Tests that use boto3 to send requests to a lakehouse that enforces IAM."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse, Settings

pytestmark = pytest.mark.once

ACCOUNT = "123456789012"
HERE = f"us-east-1:{ACCOUNT}"
LEARNER = "LOCALLAKEHOUSE000000"
ORDERS = f"arn:aws:dynamodb:{HERE}:table/Orders"
TRUST_ALL = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}

Statement = dict[str, Any]
Keys = tuple[str, str, str | None]

# The tests share one session, because each new session loads the botocore data again.
SESSION = boto3.Session(region_name="us-east-1")


class World:
    """An account with its administrator and the identities that the administrator creates."""

    def __init__(self, lakehouse: Lakehouse) -> None:
        self.url = lakehouse.url
        self.iam = self.client("iam")

    def client(self, service: str, keys: Keys | None = None, **config: Any) -> Any:
        identity, secret, token = keys or (LEARNER, "x", None)
        return SESSION.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=identity,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def role(self, *statements: Statement, name: str = "Analyst", trust: Statement | None = None, **more: Any) -> None:
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust or TRUST_ALL), **more)
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))

    def assume(self, name: str = "Analyst", by: Keys | None = None, **more: Any) -> Keys:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        answer = self.client("sts", by).assume_role(RoleArn=arn, RoleSessionName="me", **more)["Credentials"]
        return answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]

    def analyst(self, *statements: Statement) -> Keys:
        """Return credentials for a session of a new role whose policy contains these statements."""
        self.role(*statements)
        return self.assume()

    def user(self, *statements: Statement) -> Keys:
        """Return an access key of a new user whose policy contains these statements."""
        self.iam.create_user(UserName="mary")
        key = self.iam.create_access_key(UserName="mary")["AccessKey"]
        if statements:
            self.iam.put_user_policy(UserName="mary", PolicyName="own", PolicyDocument=policy(*statements))
        return key["AccessKeyId"], key["SecretAccessKey"], None

    def create_orders(self) -> None:
        self.client("dynamodb").create_table(
            TableName="Orders",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )


def policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str | list[str], resource: str | list[str] = "*", **more: Any) -> Statement:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    error_response = error.value.response["Error"]
    return error_response["Code"], error_response["Message"]


def denied(caller: str, action: str, resource: str, why: str = "") -> str:
    why = why or f"because no identity-based policy allows the {action} action"
    return f"User: {caller} is not authorized to perform: {action} on resource: {resource} {why}"


ANALYST = f"arn:aws:sts::{ACCOUNT}:assumed-role/Analyst/me"
MARY = f"arn:aws:iam::{ACCOUNT}:user/mary"


@pytest.fixture
def world() -> Iterator[World]:
    lakehouse = Lakehouse(Settings(paused=True, enforce_iam=True))
    lakehouse.start()
    yield World(lakehouse)
    lakehouse.stop()


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("athena", "list_work_groups"), ("cloudwatch", "list_metrics"), ("datazone", "list_domains"),
        ("dynamodb", "list_tables"), ("events", "list_rules"), ("glue", "describe_integrations"),
        ("glue", "get_databases"), ("iam", "list_roles"), ("kms", "list_keys"),
        ("lakeformation", "get_data_lake_settings"), ("logs", "describe_log_groups"),
        ("resourcegroupstaggingapi", "get_resources"), ("s3", "list_buckets"), ("sns", "list_topics"),
    ],
)  # fmt: skip
def test_administrator_is_allowed_and_role_without_policies_is_denied(
    world: World, service: str, operation: str
) -> None:
    getattr(world.client(service), operation)()
    code, message = refused(getattr(world.client(service, world.analyst()), operation))
    queried = service in ("cloudwatch", "iam", "s3", "sns")
    assert code == ("AccessDenied" if queried else "AccessDeniedException")
    assert message.startswith(f"User: {ANALYST} is not authorized to perform: ")


def test_get_caller_identity_is_always_allowed(world: World) -> None:
    assert world.client("sts", world.user(deny("*"))).get_caller_identity()["Arn"] == MARY


def test_dynamodb_policy_applies_to_the_table_arn(world: World) -> None:
    world.create_orders()
    dynamodb = world.client("dynamodb", world.analyst(allow("dynamodb:GetItem", ORDERS)))
    dynamodb.get_item(TableName="Orders", Key={"pk": {"S": "a"}})
    code, message = refused(dynamodb.put_item, TableName="Orders", Item={"pk": {"S": "a"}})
    assert (code, message) == ("AccessDeniedException", denied(ANALYST, "dynamodb:PutItem", ORDERS))
    assert world.client("dynamodb").scan(TableName="Orders")["Count"] == 0


def test_batch_write_requires_permission_on_each_table(world: World) -> None:
    dynamodb = world.client("dynamodb", world.analyst(allow("dynamodb:BatchWriteItem", ORDERS)))
    request = [{"PutRequest": {"Item": {"pk": {"S": "a"}}}}]
    _, message = refused(dynamodb.batch_write_item, RequestItems={"Orders": request, "Other": request})
    assert message == denied(ANALYST, "dynamodb:BatchWriteItem", ORDERS.replace("Orders", "Other"))


def test_partiql_statements_require_partiql_actions(world: World) -> None:
    world.create_orders()
    dynamodb = world.client("dynamodb", world.analyst(allow("dynamodb:PartiQLSelect", ORDERS)))
    dynamodb.execute_statement(Statement='SELECT * FROM "Orders"')
    _, message = refused(dynamodb.execute_statement, Statement="INSERT INTO \"Orders\" VALUE {'pk': 'a'}")
    assert message == denied(ANALYST, "dynamodb:PartiQLInsert", ORDERS)


def test_s3_policy_limits_keys_and_listings_to_a_prefix(world: World) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    for key in ("mine/a", "theirs/a"):
        s3.put_object(Bucket="some-bucket", Key=key, Body=b"x")
    listing = allow("s3:ListBucket", "arn:aws:s3:::some-bucket", Condition={"StringLike": {"s3:prefix": "mine/*"}})
    s3 = world.client("s3", world.analyst(listing, allow("s3:GetObject", "arn:aws:s3:::some-bucket/mine/*")))
    assert s3.get_object(Bucket="some-bucket", Key="mine/a")["Body"].read() == b"x"
    assert s3.list_objects_v2(Bucket="some-bucket", Prefix="mine/")["KeyCount"] == 1
    assert refused(s3.list_objects_v2, Bucket="some-bucket") == (
        "AccessDenied",
        denied(ANALYST, "s3:ListBucket", '"arn:aws:s3:::some-bucket"'),
    )
    assert refused(s3.get_object, Bucket="some-bucket", Key="theirs/a")[0] == "AccessDenied"
    assert refused(s3.head_object, Bucket="some-bucket", Key="theirs/a") == ("403", "Forbidden")
    assert refused(s3.put_object, Bucket="some-bucket", Key="mine/b", Body=b"x" * 100_000)[0] == "AccessDenied"


def test_glue_table_requires_permission_on_database_and_catalog(world: World) -> None:
    world.client("glue").create_database(DatabaseInput={"Name": "db"})
    catalog, database = f"arn:aws:glue:{HERE}:catalog", f"arn:aws:glue:{HERE}:database/db"
    glue = world.client("glue", world.analyst(allow("glue:GetTables", [catalog, f"arn:aws:glue:{HERE}:table/db/*"])))
    assert refused(glue.get_tables, DatabaseName="db")[1] == denied(ANALYST, "glue:GetTables", database)
    statement = allow("glue:GetTables", [catalog, database, f"arn:aws:glue:{HERE}:table/db/*"])
    world.iam.put_role_policy(RoleName="Analyst", PolicyName="own", PolicyDocument=policy(statement))
    assert glue.get_tables(DatabaseName="db")["TableList"] == []


def test_pass_role_condition_limits_the_service(world: World) -> None:
    world.client("glue").create_database(DatabaseInput={"Name": "db", "LocationUri": "s3://some-bucket/db"})
    world.role(name="Target")
    target = f"arn:aws:iam::{ACCOUNT}:role/Target"
    glue = world.client("glue", world.analyst(allow("glue:*")))
    request = {
        "ResourceArn": f"arn:aws:glue:{HERE}:database/db",
        "TargetProcessingProperties": {"RoleArn": target},
    }
    assert refused(glue.create_integration_resource_property, **request)[1] == denied(ANALYST, "iam:PassRole", target)
    for service, may in (("lambda", False), ("glue", True)):
        condition = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        statement = allow("iam:PassRole", target, Condition=condition)
        world.iam.put_role_policy(RoleName="Analyst", PolicyName="pass", PolicyDocument=policy(statement))
        if may:
            glue.create_integration_resource_property(**request)
        else:
            assert "iam:PassRole" in refused(glue.create_integration_resource_property, **request)[1]


def test_start_query_requires_permission_on_the_workgroup(world: World) -> None:
    athena = world.client("athena", world.analyst(allow("athena:*", f"arn:aws:athena:{HERE}:workgroup/other")))
    assert refused(athena.start_query_execution, QueryString="SELECT 1") == (
        "AccessDeniedException",
        denied(ANALYST, "athena:StartQueryExecution", f"arn:aws:athena:{HERE}:workgroup/primary"),
    )


def test_default_version_of_attached_policy_applies(world: World) -> None:
    analyst = world.analyst()
    arn = world.iam.create_policy(PolicyName="tables", PolicyDocument=policy(allow("dynamodb:ListTables")))["Policy"][
        "Arn"
    ]
    world.iam.attach_role_policy(RoleName="Analyst", PolicyArn=arn)
    world.client("dynamodb", analyst).list_tables()
    world.iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("s3:*")), SetAsDefault=True)
    assert refused(world.client("dynamodb", analyst).list_tables)[0] == "AccessDeniedException"


def test_group_policies_apply_to_users(world: World) -> None:
    mary = world.user()
    world.iam.create_group(GroupName="analysts")
    world.iam.put_group_policy(GroupName="analysts", PolicyName="own", PolicyDocument=policy(allow("glue:Get*")))
    assert refused(world.client("glue", mary).get_databases)[1] == denied(
        MARY, "glue:GetDatabases", f"arn:aws:glue:{HERE}:catalog"
    )
    world.iam.add_user_to_group(GroupName="analysts", UserName="mary")
    world.client("glue", mary).get_databases()


def test_explicit_deny_overrides_allow(world: World) -> None:
    world.create_orders()
    dynamodb = world.client("dynamodb", world.analyst(allow("*"), deny("dynamodb:Scan", ORDERS)))
    why = "with an explicit deny in an identity-based policy"
    assert refused(dynamodb.scan, TableName="Orders")[1] == denied(ANALYST, "dynamodb:Scan", ORDERS, why)
    dynamodb.describe_table(TableName="Orders")


def test_permissions_boundary_limits_a_role(world: World) -> None:
    boundary = world.iam.create_policy(PolicyName="limit", PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    world.role(allow("*"), PermissionsBoundary=boundary)
    analyst = world.assume()
    world.client("s3", analyst).list_buckets()
    why = "because no permissions boundary allows the dynamodb:ListTables action"
    assert refused(world.client("dynamodb", analyst).list_tables)[1] == denied(ANALYST, "dynamodb:ListTables", "*", why)


def test_session_policy_limits_a_session(world: World) -> None:
    world.role(allow("*"))
    analyst = world.assume(Policy=policy(allow("s3:*")))
    world.client("s3", analyst).list_buckets()
    assert "because no session policy allows" in refused(world.client("dynamodb", analyst).list_tables)[1]


def test_managed_session_policies_are_rejected(world: World) -> None:
    world.role(allow("*"))
    with pytest.raises(ClientError, match="does not evaluate PolicyArns in AssumeRole"):
        world.assume(PolicyArns=[{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}])


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        (f"arn:aws:iam::{ACCOUNT}:role/Analyst", True),
        (ANALYST, True),
        (f"arn:aws:iam::{ACCOUNT}:role/Other", False),
        # The account's own policies determine which of its identities have access.
        (f"arn:aws:iam::{ACCOUNT}:root", False),
    ],
)
def test_bucket_policy_allows_the_named_principal(world: World, principal: str, may: bool) -> None:
    analyst = world.analyst()
    s3 = world.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    statement = allow("s3:ListBucket", "arn:aws:s3:::some-bucket", Principal={"AWS": principal})
    s3.put_bucket_policy(Bucket="some-bucket", Policy=policy(statement))
    listing = world.client("s3", analyst).list_objects_v2
    if may:
        assert listing(Bucket="some-bucket")["KeyCount"] == 0
    else:
        assert refused(listing, Bucket="some-bucket")[0] == "AccessDenied"


def test_bucket_policy_can_deny_the_administrator(world: World) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    statement = deny("s3:ListBucket", "arn:aws:s3:::some-bucket", Principal="*")
    s3.put_bucket_policy(Bucket="some-bucket", Policy=policy(statement))
    why = "with an explicit deny in a resource-based policy"
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/learner"
    assert refused(s3.list_objects_v2, Bucket="some-bucket")[1] == denied(
        caller, "s3:ListBucket", '"arn:aws:s3:::some-bucket"', why
    )


def test_local_requests_satisfy_a_secure_transport_policy(world: World) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    statement = deny("s3:*", "arn:aws:s3:::some-bucket/*", Principal="*", Condition=condition)
    s3.put_bucket_policy(Bucket="some-bucket", Policy=policy(statement))
    s3.put_object(Bucket="some-bucket", Key="k", Body=b"x")


def test_dynamodb_and_glue_resource_policies_are_evaluated(world: World) -> None:
    world.create_orders()
    analyst = world.analyst()
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/Analyst"}
    statement = allow("dynamodb:GetItem", ORDERS, Principal=principal)
    world.client("dynamodb").put_resource_policy(ResourceArn=ORDERS, Policy=policy(statement))
    world.client("dynamodb", analyst).get_item(TableName="Orders", Key={"pk": {"S": "a"}})
    resources = [f"arn:aws:glue:{HERE}:catalog", f"arn:aws:glue:{HERE}:database/*"]
    statement = allow("glue:GetDatabases", resources, Principal=principal)
    world.client("glue").put_resource_policy(PolicyInJson=policy(statement))
    assert world.client("glue", analyst).get_databases()["DatabaseList"] == []


def test_assume_role_requires_trust_and_permission(world: World) -> None:
    mary = world.user()
    role = f"arn:aws:iam::{ACCOUNT}:role/Analyst"
    trust = {**TRUST_ALL, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    world.role(allow("s3:*"), trust=trust)
    assume_role_call = world.client("sts", mary).assume_role
    assert refused(assume_role_call, RoleArn=role, RoleSessionName="me")[1] == denied(MARY, "sts:AssumeRole", role)
    world.iam.put_user_policy(UserName="mary", PolicyName="own", PolicyDocument=policy(allow("sts:AssumeRole", role)))
    world.client("s3", world.assume(by=mary)).list_buckets()
    other = {**TRUST_ALL, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/Other"}}
    world.iam.update_assume_role_policy(RoleName="Analyst", PolicyDocument=policy(other))
    assert refused(assume_role_call, RoleArn=role, RoleSessionName="me") == (
        "AccessDenied",
        f"User: {MARY} is not authorized to perform: sts:AssumeRole on resource: {role}",
    )


def test_assume_role_rejects_a_missing_role(world: World) -> None:
    assert refused(world.assume, name="Nobody")[0] == "AccessDenied"


def test_session_of_a_deleted_role_is_denied(world: World) -> None:
    analyst = world.analyst(allow("*"))
    world.iam.delete_role_policy(RoleName="Analyst", PolicyName="own")
    world.iam.delete_role(RoleName="Analyst")
    assert refused(world.client("s3", analyst).list_buckets)[0] == "AccessDenied"


def test_request_tags_are_available_to_conditions(world: World) -> None:
    condition = {"StringEquals": {"aws:RequestTag/team": "blue"}}
    sns = world.client("sns", world.analyst(allow(["sns:CreateTopic", "sns:TagResource"], Condition=condition)))
    sns.create_topic(Name="t", Tags=[{"Key": "team", "Value": "blue"}])
    assert refused(sns.create_topic, Name="u", Tags=[{"Key": "team", "Value": "red"}])[0] == "AccessDenied"


def test_unknown_condition_key_denies_the_request(world: World) -> None:
    condition = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    analyst = world.analyst(
        allow("s3:*"), allow("dynamodb:*", Condition=condition), deny("s3:ListAllMyBuckets", Condition=condition)
    )
    assert "because no identity-based" in refused(world.client("dynamodb", analyst).list_tables)[1]
    assert "explicit deny" in refused(world.client("s3", analyst).list_buckets)[1]


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("dynamodb", "list_tables", "UnrecognizedClientException"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("datazone", "list_domains", "UnrecognizedClientException"),
    ],
)
def test_unknown_access_key_is_rejected(world: World, service: str, operation: str, code: str) -> None:
    stranger = ("AKIAIOSFODNN7EXAMPLE", "x", None)
    assert refused(getattr(world.client(service, stranger), operation))[0] == code


def test_inactive_access_key_is_rejected(world: World) -> None:
    mary = world.user(allow("*"))
    key = world.iam.list_access_keys(UserName="mary")["AccessKeyMetadata"][0]["AccessKeyId"]
    world.iam.update_access_key(UserName="mary", AccessKeyId=key, Status="Inactive")
    assert refused(world.client("s3", mary).list_buckets)[0] == "InvalidAccessKeyId"


def test_internal_service_key_is_rejected_over_http(world: World) -> None:
    service = ("ZETLSERVICE000000000", "x", None)
    assert refused(world.client("s3", service).list_buckets)[0] == "InvalidAccessKeyId"


def test_unsigned_requests_read_only_public_objects(world: World) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="k", Body=b"x")
    unsigned = world.client("s3", signature_version=UNSIGNED)
    assert refused(unsigned.get_object, Bucket="some-bucket", Key="k") == ("AccessDenied", "Access Denied")
    statement = allow("s3:GetObject", "arn:aws:s3:::some-bucket/*", Principal="*")
    s3.put_bucket_policy(Bucket="some-bucket", Policy=policy(statement))
    assert unsigned.get_object(Bucket="some-bucket", Key="k")["Body"].read() == b"x"
    code, _ = refused(world.client("dynamodb", signature_version=UNSIGNED).list_tables)
    assert code == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_url_has_the_permissions_of_its_signer(world: World, version: str) -> None:
    s3 = world.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    s3.put_object(Bucket="some-bucket", Key="k", Body=b"x")
    parameters = {"Bucket": "some-bucket", "Key": "k"}
    url = world.client("s3", signature_version=version).generate_presigned_url("get_object", parameters)
    assert urllib.request.urlopen(url).read() == b"x"
    url = world.client("s3", world.analyst(), signature_version=version).generate_presigned_url(
        "get_object", parameters
    )
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(url)
    assert error.value.code == 403


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"TransactItems": [{"Put": {}}]}', b'{"TransactItems": 1}'])
def test_malformed_request_is_rejected(world: World, body: bytes) -> None:
    scope = f"Credential={LEARNER}/20260101/us-east-1/dynamodb/aws4_request"
    headers = {"Authorization": scope, "X-Amz-Target": "DynamoDB_20120810.TransactWriteItems"}
    request = urllib.request.Request(world.url, body, headers | {"Content-Type": "application/x-amz-json-1.0"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    assert error.value.code == 400


def test_signature_for_another_service_is_rejected(world: World) -> None:
    scope = f"Credential={LEARNER}/20260101/us-east-1/s3/aws4_request"
    headers = {"Authorization": scope, "X-Amz-Target": "DynamoDB_20120810.ListTables"}
    request = urllib.request.Request(world.url, b"{}", headers | {"Content-Type": "application/x-amz-json-1.0"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    assert json.load(error.value)["__type"] == "InvalidSignatureException"


def test_unknown_operation_is_rejected(world: World) -> None:
    request = urllib.request.Request(f"{world.url}/some-bucket", method="OPTIONS")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    assert error.value.code == 501


def test_administrator_permissions_survive_a_restart(tmp_path: Path) -> None:
    for enforce in (False, True):
        lakehouse = Lakehouse(Settings(tmp_path, paused=True, enforce_iam=enforce))
        lakehouse.start()
        try:
            World(lakehouse).client("dynamodb").list_tables()
        finally:
            lakehouse.stop()


def test_last_use_of_access_key_is_recorded(world: World) -> None:
    keys = world.user(allow("s3:*"))
    world.client("s3", keys).create_bucket(Bucket="marys")
    used = world.iam.get_access_key_last_used(AccessKeyId=keys[0])["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("s3", "us-east-1")
