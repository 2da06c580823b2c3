"""Other people's resources in the account, which the lab must not change."""

import json
from typing import Any

from zetl_helpers import integration
from zetl_helpers.lab import Lab

ADMINISTRATOR = "arn:aws:iam::123456789012:role/DataOwner"
STATEMENTS: list[dict[str, Any]] = [
    {
        "Sid": "Finance",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": ["glue:GetDatabase", "glue:GetTable"],
        "Resource": "arn:aws:glue:us-east-1:123456789012:*",
    },
    {
        # IAM's grammar does not require a Sid.
        "Effect": "Deny",
        "Principal": "*",
        "Action": "glue:DeleteDatabase",
        "Resource": "arn:aws:glue:us-east-1:123456789012:database/sales",
    },
]
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

_READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::finance/*"}],
}


def create_resources(lab: Lab) -> None:
    """Create other people's resources. Some names are similar to the names of the lab's resources."""
    _put_data(lab)
    _put_permissions(lab)
    lab.client("cloudwatch").put_metric_alarm(
        AlarmName="ddb-to-lakehouse-ingestion-slow",
        Namespace="Finance",
        MetricName="Slowness",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    logs = lab.client("logs")
    logs.create_log_group(logGroupName=integration.LOG_GROUP)
    logs.create_log_stream(logGroupName=integration.LOG_GROUP, logStreamName="somebody-elses-integration")
    lab.client("athena").create_named_query(Name="Revenue", Database="sales", QueryString="SELECT 1")


def _put_data(lab: Lab) -> None:
    dynamodb, s3, glue = lab.client("dynamodb"), lab.client("s3"), lab.client("glue")
    dynamodb.create_table(
        TableName="CustomerAccountsOld",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="CustomerAccountsOld", Item={"id": {"S": "kept"}})
    s3.create_bucket(Bucket=f"{lab.bucket}-backup")
    s3.put_object(Bucket=f"{lab.bucket}-backup", Key="customerdb/kept", Body=b"kept")
    glue.create_database(DatabaseInput={"Name": "sales"})
    glue.create_table(DatabaseName="sales", TableInput={"Name": "orders", "StorageDescriptor": {"Columns": []}})


def _put_permissions(lab: Lab) -> None:
    iam = lab.client("iam")
    iam.create_role(RoleName="zETLTargetRoleOfFinance", AssumeRolePolicyDocument=json.dumps(_TRUST))
    iam.put_role_policy(
        RoleName="zETLTargetRoleOfFinance",
        PolicyName="zETLTargetPolicy",
        PolicyDocument=json.dumps(_READ),
    )
    document = {"Version": "2012-10-17", "Statement": STATEMENTS}
    lab.client("glue").put_resource_policy(PolicyInJson=json.dumps(document))
    formation = lab.client("lakeformation")
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    administrators = [{"DataLakePrincipalIdentifier": ADMINISTRATOR}]
    formation.put_data_lake_settings(DataLakeSettings={**settings, "DataLakeAdmins": administrators})
    formation.grant_permissions(
        Principal={"DataLakePrincipalIdentifier": ADMINISTRATOR},
        Resource={"Database": {"Name": "sales"}},
        Permissions=["DESCRIBE"],
    )
