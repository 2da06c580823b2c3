"""Tests for the permissions that boto3 requests require."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.iam.actions import accesses
from local_lakehouse.protocol.reader import Head, read
from local_lakehouse.protocol.request import Body
from local_lakehouse.protocol.wire import service_model
from tests.local_lakehouse.iam.sent_requests import Names, on, parsed_request, required_permissions, send

pytestmark = pytest.mark.once

HERE = "us-east-1:123456789012"
CATALOG = f"arn:aws:glue:{HERE}:catalog"
DATABASE = f"arn:aws:glue:{HERE}:database/customerdb"
TABLE = f"arn:aws:dynamodb:{HERE}:table/Orders"
ROLE = "arn:aws:iam::123456789012:role/zETLTargetRole"
IMPORT_LOGS = f"arn:aws:logs:{HERE}:log-group:/aws-dynamodb/imports:log-stream:"


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("list_buckets", {}, on("s3:ListAllMyBuckets", "arn:aws:s3:::*")),
        ("list_objects_v2", {"Bucket": "some"}, on("s3:ListBucket", "arn:aws:s3:::some")),
        ("list_objects", {"Bucket": "some"}, on("s3:ListBucket", "arn:aws:s3:::some")),
        ("list_object_versions", {"Bucket": "some"}, on("s3:ListBucketVersions", "arn:aws:s3:::some")),
        ("head_bucket", {"Bucket": "some"}, on("s3:ListBucket", "arn:aws:s3:::some")),
        ("create_bucket", {"Bucket": "some"}, on("s3:CreateBucket", "arn:aws:s3:::some")),
        ("get_bucket_location", {"Bucket": "some"}, on("s3:GetBucketLocation", "arn:aws:s3:::some")),
        ("get_bucket_policy", {"Bucket": "some"}, on("s3:GetBucketPolicy", "arn:aws:s3:::some")),
        ("get_bucket_encryption", {"Bucket": "some"}, on("s3:GetEncryptionConfiguration", "arn:aws:s3:::some")),
        ("delete_bucket_lifecycle", {"Bucket": "some"}, on("s3:PutLifecycleConfiguration", "arn:aws:s3:::some")),
        (
            "get_bucket_analytics_configuration",
            {"Bucket": "some", "Id": "x"},
            on("s3:GetAnalyticsConfiguration", "arn:aws:s3:::some"),
        ),
        ("get_object", {"Bucket": "some", "Key": "a/b ä"}, on("s3:GetObject", "arn:aws:s3:::some/a/b ä")),
        (
            "get_object",
            {"Bucket": "some", "Key": "k", "VersionId": "v"},
            on("s3:GetObjectVersion", "arn:aws:s3:::some/k"),
        ),
        ("head_object", {"Bucket": "some", "Key": "k"}, on("s3:GetObject", "arn:aws:s3:::some/k")),
        ("get_object_tagging", {"Bucket": "some", "Key": "k"}, on("s3:GetObjectTagging", "arn:aws:s3:::some/k")),
        ("put_object", {"Bucket": "some", "Key": "a//b/", "Body": b""}, on("s3:PutObject", "arn:aws:s3:::some/a//b/")),
        (
            "put_object",
            {"Bucket": "some", "Key": "k", "Body": b"x", "Tagging": "a=b"},
            [("s3:PutObject", "arn:aws:s3:::some/k"), ("s3:PutObjectTagging", "arn:aws:s3:::some/k")],
        ),
        ("create_multipart_upload", {"Bucket": "some", "Key": "k"}, on("s3:PutObject", "arn:aws:s3:::some/k")),
        (
            "upload_part",
            {"Bucket": "some", "Key": "k", "UploadId": "u", "PartNumber": 1, "Body": b"x"},
            on("s3:PutObject", "arn:aws:s3:::some/k"),
        ),
        (
            "complete_multipart_upload",
            {"Bucket": "some", "Key": "k", "UploadId": "u"},
            on("s3:PutObject", "arn:aws:s3:::some/k"),
        ),
        (
            "abort_multipart_upload",
            {"Bucket": "some", "Key": "k", "UploadId": "u"},
            on("s3:AbortMultipartUpload", "arn:aws:s3:::some/k"),
        ),
        (
            "list_parts",
            {"Bucket": "some", "Key": "k", "UploadId": "u"},
            on("s3:ListMultipartUploadParts", "arn:aws:s3:::some/k"),
        ),
        (
            "copy_object",
            {"Bucket": "some", "Key": "k", "CopySource": {"Bucket": "other", "Key": "a b"}},
            [("s3:GetObject", "arn:aws:s3:::other/a b"), ("s3:PutObject", "arn:aws:s3:::some/k")],
        ),
        ("delete_object", {"Bucket": "some", "Key": "k"}, on("s3:DeleteObject", "arn:aws:s3:::some/k")),
        (
            "delete_objects",
            {"Bucket": "some", "Delete": {"Objects": [{"Key": "a&b"}, {"Key": "c", "VersionId": "v"}]}},
            [("s3:DeleteObject", "arn:aws:s3:::some/a&b"), ("s3:DeleteObjectVersion", "arn:aws:s3:::some/c")],
        ),
    ],
)
def test_s3_requests_require_the_documented_permissions(
    operation: str, parameters: Mapping[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert required_permissions("s3", operation, parameters) == expected


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("list_tables", {}, on("dynamodb:ListTables", "*")),
        ("describe_table", {"TableName": "Orders"}, on("dynamodb:DescribeTable", TABLE)),
        ("describe_table", {"TableName": TABLE}, on("dynamodb:DescribeTable", TABLE)),
        ("get_resource_policy", {"ResourceArn": TABLE}, on("dynamodb:GetResourcePolicy", TABLE)),
        ("scan", {"TableName": "Orders", "IndexName": "by_date"}, on("dynamodb:Scan", f"{TABLE}/index/by_date")),
        (
            "batch_get_item",
            {"RequestItems": {"Orders": {"Keys": [{"pk": {"S": "a"}}]}, "Other": {"Keys": [{"pk": {"S": "a"}}]}}},
            on("dynamodb:BatchGetItem", TABLE, TABLE.replace("Orders", "Other")),
        ),
        (
            "transact_write_items",
            {
                "TransactItems": [
                    {"Put": {"TableName": "Orders", "Item": {}}},
                    {"Put": {"TableName": "Orders", "Item": {}}},
                    {"Delete": {"TableName": "Orders", "Key": {}}},
                ]
            },
            [("dynamodb:PutItem", TABLE), ("dynamodb:DeleteItem", TABLE)],
        ),
        (
            "execute_statement",
            {"Statement": 'SELECT * FROM "Orders"."by date" WHERE a = \' FROM x\''},
            on("dynamodb:PartiQLSelect", f"{TABLE}/index/by date"),
        ),
        (
            "batch_execute_statement",
            {
                "Statements": [
                    {"Statement": "insert into Orders value {'pk': 'a'}"},
                    {"Statement": "UPDATE \"Orders\" SET a = 1 WHERE pk = 'a'"},
                    {"Statement": "DELETE FROM Orders WHERE pk = 'a'"},
                ]
            },
            [
                ("dynamodb:PartiQLInsert", TABLE),
                ("dynamodb:PartiQLUpdate", TABLE),
                ("dynamodb:PartiQLDelete", TABLE),
            ],
        ),
        (
            "create_table",
            {
                "TableName": "Orders",
                "AttributeDefinitions": [],
                "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
                "Tags": [{"Key": "k", "Value": "v"}],
            },
            [("dynamodb:CreateTable", TABLE), ("dynamodb:TagResource", TABLE)],
        ),
        (
            "export_table_to_point_in_time",
            {"TableArn": TABLE, "S3Bucket": "some", "S3Prefix": "p"},
            [("dynamodb:ExportTableToPointInTime", TABLE), ("s3:PutObject", "arn:aws:s3:::some/p/AWSDynamoDB/")],
        ),
        (
            "import_table",
            {
                "S3BucketSource": {"S3Bucket": "some", "S3KeyPrefix": "in/"},
                "InputFormat": "DYNAMODB_JSON",
                "TableCreationParameters": {
                    "TableName": TABLE.rpartition("/")[2],
                    "AttributeDefinitions": [],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                },
            },
            [
                ("dynamodb:ImportTable", TABLE),
                ("s3:ListBucket", "arn:aws:s3:::some"),
                ("s3:GetObject", "arn:aws:s3:::some/in/"),
                *(
                    (f"logs:{action}", IMPORT_LOGS)
                    for action in (
                        "CreateLogGroup",
                        "CreateLogStream",
                        "DescribeLogGroups",
                        "DescribeLogStreams",
                        "PutLogEvents",
                        "PutRetentionPolicy",
                    )
                ),
            ],
        ),
    ],
)
def test_dynamodb_requests_require_the_documented_permissions(
    operation: str, parameters: Mapping[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert required_permissions("dynamodb", operation, parameters) == expected


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("get_databases", {}, on("glue:GetDatabases", CATALOG, f"arn:aws:glue:{HERE}:database/*")),
        ("get_database", {"Name": "customerdb"}, on("glue:GetDatabase", CATALOG, DATABASE)),
        ("create_database", {"DatabaseInput": {"Name": "customerdb"}}, on("glue:CreateDatabase", CATALOG, DATABASE)),
        (
            "get_table",
            {"DatabaseName": "customerdb", "Name": "t"},
            on("glue:GetTable", CATALOG, DATABASE, f"arn:aws:glue:{HERE}:table/customerdb/t"),
        ),
        (
            "get_tables",
            {"DatabaseName": "customerdb"},
            on("glue:GetTables", CATALOG, DATABASE, f"arn:aws:glue:{HERE}:table/customerdb/*"),
        ),
        (
            "create_table",
            {"DatabaseName": "customerdb", "TableInput": {"Name": "t"}},
            on("glue:CreateTable", CATALOG, DATABASE, f"arn:aws:glue:{HERE}:table/customerdb/t"),
        ),
        (
            "batch_delete_table",
            {"DatabaseName": "customerdb", "TablesToDelete": ["a", "b"]},
            on(
                "glue:BatchDeleteTable", CATALOG, DATABASE, *(f"arn:aws:glue:{HERE}:table/customerdb/{n}" for n in "ab")
            ),
        ),
        (
            "get_partitions",
            {"DatabaseName": "customerdb", "TableName": "t"},
            on("glue:GetPartitions", CATALOG, DATABASE, f"arn:aws:glue:{HERE}:table/customerdb/t"),
        ),
        ("put_resource_policy", {"PolicyInJson": "{}"}, on("glue:PutResourcePolicy", CATALOG)),
        ("start_job_run", {"JobName": "j"}, on("glue:StartJobRun", f"arn:aws:glue:{HERE}:job/j")),
        ("list_jobs", {}, on("glue:ListJobs", "*")),
        (
            "create_integration",
            {"IntegrationName": "n", "SourceArn": TABLE, "TargetArn": DATABASE, "Tags": [{"key": "a", "value": "b"}]},
            [
                *on("glue:CreateIntegration", f"arn:aws:glue:{HERE}:integration:*", CATALOG, DATABASE),
                ("glue:TagResource", f"arn:aws:glue:{HERE}:integration:*"),
            ],
        ),
        ("describe_integrations", {}, on("glue:DescribeIntegrations", f"arn:aws:glue:{HERE}:integration:*")),
        (
            "delete_integration",
            {"IntegrationIdentifier": f"arn:aws:glue:{HERE}:integration:some"},
            on("glue:DeleteIntegration", f"arn:aws:glue:{HERE}:integration:some"),
        ),
        ("describe_inbound_integrations", {}, on("glue:DescribeInboundIntegrations", "*")),
        (
            "create_integration_resource_property",
            {"ResourceArn": DATABASE, "TargetProcessingProperties": {"RoleArn": ROLE}},
            [
                *on(
                    "glue:CreateIntegrationResourceProperty",
                    CATALOG,
                    DATABASE,
                    f"arn:aws:glue:{HERE}:integrationresourceproperty/database/customerdb",
                ),
                ("iam:PassRole", ROLE),
            ],
        ),
        (
            "create_integration_table_properties",
            {"ResourceArn": DATABASE, "TableName": "t"},
            on("glue:CreateIntegrationTableProperties", CATALOG, DATABASE),
        ),
    ],
)
def test_glue_requests_require_the_documented_permissions(
    operation: str, parameters: Mapping[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert required_permissions("glue", operation, parameters) == expected


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        (
            "athena",
            "start_query_execution",
            {"QueryString": "SELECT 1"},
            on("athena:StartQueryExecution", f"arn:aws:athena:{HERE}:workgroup/primary"),
        ),
        (
            "athena",
            "get_query_results",
            {"QueryExecutionId": "q"},
            on("athena:GetQueryResults", f"arn:aws:athena:{HERE}:workgroup/of-q"),
        ),
        (
            "athena",
            "batch_get_query_execution",
            {"QueryExecutionIds": ["b", "a"]},
            on("athena:BatchGetQueryExecution", *(f"arn:aws:athena:{HERE}:workgroup/of-{name}" for name in "ab")),
        ),
        (
            "athena",
            "create_work_group",
            {"Name": "w"},
            on("athena:CreateWorkGroup", f"arn:aws:athena:{HERE}:workgroup/w"),
        ),
        ("athena", "list_work_groups", {}, on("athena:ListWorkGroups", "*")),
        (
            "athena",
            "list_databases",
            {"CatalogName": "AwsDataCatalog"},
            on("athena:ListDatabases", f"arn:aws:athena:{HERE}:datacatalog/AwsDataCatalog"),
        ),
        ("cloudwatch", "put_metric_data", {"Namespace": "A"}, on("cloudwatch:PutMetricData", "*")),
        (
            "cloudwatch",
            "delete_alarms",
            {"AlarmNames": ["a"]},
            on("cloudwatch:DeleteAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:a"),
        ),
        ("datazone", "list_domains", {}, on("datazone:ListDomains", "*")),
        (
            "datazone",
            "list_projects",
            {"domainIdentifier": "dzd_1"},
            on("datazone:ListProjects", f"arn:aws:datazone:{HERE}:domain/dzd_1"),
        ),
        (
            "events",
            "put_targets",
            {"Rule": "r", "Targets": [{"Id": "a", "Arn": "arn:aws:x", "RoleArn": ROLE}]},
            [("events:PutTargets", f"arn:aws:events:{HERE}:rule/r"), ("iam:PassRole", ROLE)],
        ),
        ("iam", "get_role", {"RoleName": "r"}, on("iam:GetRole", "arn:aws:iam::123456789012:role/r")),
        (
            "iam",
            "create_role",
            {"RoleName": "r", "Path": "/p/", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "a", "Value": "b"}]},
            [
                ("iam:CreateRole", "arn:aws:iam::123456789012:role/p/r"),
                ("iam:TagRole", "arn:aws:iam::123456789012:role/p/r"),
            ],
        ),
        (
            "iam",
            "attach_role_policy",
            {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/X"},
            on("iam:AttachRolePolicy", "arn:aws:iam::123456789012:role/r"),
        ),
        ("iam", "list_roles", {}, on("iam:ListRoles", "arn:aws:iam::123456789012:role/")),
        ("iam", "get_user", {}, on("iam:GetUser", Names.caller)),
        (
            "iam",
            "create_policy",
            {"PolicyName": "p", "PolicyDocument": "{}"},
            on("iam:CreatePolicy", "arn:aws:iam::123456789012:policy/p"),
        ),
        ("kms", "list_keys", {}, on("kms:ListKeys", "*")),
        ("kms", "describe_key", {"KeyId": "k"}, on("kms:DescribeKey", f"arn:aws:kms:{HERE}:key/k")),
        ("lakeformation", "get_data_lake_settings", {}, on("lakeformation:GetDataLakeSettings", "*")),
        (
            "logs",
            "describe_log_groups",
            {},
            on("logs:DescribeLogGroups", f"arn:aws:logs:{HERE}:log-group::log-stream:"),
        ),
        (
            "logs",
            "filter_log_events",
            {"logGroupName": "/g"},
            on("logs:FilterLogEvents", f"arn:aws:logs:{HERE}:log-group:/g:log-stream:"),
        ),
        (
            "logs",
            "get_log_events",
            {"logGroupName": "/g", "logStreamName": "s"},
            on("logs:GetLogEvents", f"arn:aws:logs:{HERE}:log-group:/g:log-stream:s"),
        ),
        ("resourcegroupstaggingapi", "get_resources", {}, on("tag:GetResources", "*")),
        ("sns", "create_topic", {"Name": "t"}, on("sns:CreateTopic", f"arn:aws:sns:{HERE}:t")),
        ("sts", "get_caller_identity", {}, []),
        ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "me"}, on("sts:AssumeRole", ROLE)),
    ],
)
def test_other_requests_require_the_documented_permissions(
    service: str, operation: str, parameters: Mapping[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert required_permissions(service, operation, parameters) == expected


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "key", "value"),
    [
        ("s3", "list_objects_v2", {"Bucket": "some", "Prefix": "p/"}, "s3:prefix", "p/"),
        ("s3", "put_object", {"Bucket": "some", "Key": "k", "ACL": "private"}, "s3:x-amz-acl", "private"),
        ("cloudwatch", "put_metric_data", {"Namespace": "A"}, "cloudwatch:namespace", "A"),
        ("sns", "create_topic", {"Name": "t", "Tags": [{"Key": "a", "Value": "b"}]}, "aws:RequestTag/a", "b"),
        ("logs", "create_log_group", {"logGroupName": "g", "tags": {"a": "b"}}, "aws:RequestTag/a", "b"),
        (
            "sts",
            "assume_role",
            {"RoleArn": ROLE, "RoleSessionName": "me", "ExternalId": "outside"},
            "sts:ExternalId",
            "outside",
        ),
    ],
)
def test_context_contains_the_condition_keys_of_the_request(
    service: str, operation: str, parameters: Mapping[str, Any], key: str, value: str
) -> None:
    call = send(service, operation, parameters)
    assert all(access.context[key] == value for access in accesses(call, Names()))


def test_pass_role_context_contains_the_service() -> None:
    parameters = {"ResourceArn": DATABASE, "TargetProcessingProperties": {"RoleArn": ROLE}}
    call = send("glue", "create_integration_resource_property", parameters)
    assert accesses(call, Names())[-1].context == {"iam:PassedToService": "glue.amazonaws.com"}


def test_cloudwatch_query_protocol_is_supported() -> None:
    form = b"Action=DeleteAlarms&AlarmNames.member.1=a&AlarmNames.member.2=b"
    scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/monitoring/aws4_request"
    headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", scope)]
    call = read(Head("POST", "/", headers), Body([form]), "us-east-1")
    assert [access.resource for access in accesses(call, Names())] == [
        f"arn:aws:cloudwatch:{HERE}:alarm:{name}" for name in "ab"
    ]


def test_presigned_url_contains_the_access_key() -> None:
    scope = "AKIDEXAMPLE%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
    target = f"/some/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}"
    found = read(Head("GET", target, []), Body(), "us-east-1").credential
    assert found is not None
    assert (found.access_key, found.region, found.service) == ("AKIDEXAMPLE", "us-east-1", "s3")


@pytest.mark.parametrize("service", ["athena", "dynamodb", "glue", "logs", "s3", "iam", "sns", "events", "kms", "sts"])
def test_every_modeled_operation_requires_a_permission(service: str) -> None:
    free = {"GetCallerIdentity", "GetSessionToken"}
    for operation in service_model(service).operation_names:
        if operation not in ({"CopyObject", "UploadPartCopy", "DeleteObjects", "PutEvents"} | free):
            needed = accesses(parsed_request(service, operation, {"Bucket": "some"}), Names())
            assert needed, operation
            assert all(":" in access.action for access in needed)


@given(st.lists(st.text(st.characters(exclude_characters="'\"", exclude_categories=["Cs"])), max_size=3))
def test_string_literals_do_not_change_the_table_of_a_statement(texts: list[str]) -> None:
    values = " ".join(f"AND a = '{text}'" for text in texts)
    call = parsed_request("dynamodb", "ExecuteStatement", {"Statement": f"SELECT * FROM Orders WHERE b = 1 {values}"})
    assert [(access.action, access.resource) for access in accesses(call, Names())] == [
        ("dynamodb:PartiQLSelect", TABLE)
    ]
