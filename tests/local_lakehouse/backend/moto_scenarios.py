"""Scenarios for every service, with functions that create and check resources."""

import json
from collections.abc import Callable
from typing import Any

from local_lakehouse.backend.moto_state import backends_of

Clients = Callable[[str], Any]
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
_POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}]}
)
_TAGS = [{"Key": "k", "Value": "v"}]


def _iam(client: Clients) -> Any:
    iam = client("iam")
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=_TRUST, Tags=_TAGS)
    arn = iam.create_policy(PolicyName="policy", PolicyDocument=_POLICY)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=_POLICY, SetAsDefault=True)
    iam.attach_role_policy(RoleName="role", PolicyArn=arn)
    iam.put_role_policy(RoleName="role", PolicyName="inline", PolicyDocument=_POLICY)
    iam.create_user(UserName="user")
    iam.create_access_key(UserName="user")
    iam.create_login_profile(UserName="user", Password="Secret-123")
    iam.create_group(GroupName="group")
    iam.add_user_to_group(GroupName="group", UserName="user")
    iam.attach_group_policy(GroupName="group", PolicyArn=arn)
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="role")
    iam.create_virtual_mfa_device(VirtualMFADeviceName="device")
    iam.create_open_id_connect_provider(Url="https://example.org", ThumbprintList=["a" * 40])
    iam.create_saml_provider(Name="saml", SAMLMetadataDocument="x" * 1000)
    iam.update_account_password_policy(MinimumPasswordLength=12)
    return lambda: (
        iam.get_account_authorization_details(Filter=["User", "Role", "Group", "LocalManagedPolicy"]),
        iam.list_access_keys(UserName="user"),
        iam.get_account_password_policy(),
        iam.list_saml_providers(),
        iam.get_policy(PolicyArn=arn),
    )


def _sts(client: Clients) -> Any:
    client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=_TRUST)
    session = client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/role", RoleSessionName="session")
    key = session["Credentials"]["AccessKeyId"]
    return lambda: backends_of("sts")["123456789012"]["aws"].get_assumed_role_from_access_key(key).arn


def _kms(client: Clients) -> Any:
    kms = client("kms")
    symmetric = kms.create_key(Tags=[{"TagKey": "k", "TagValue": "v"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=symmetric)
    kms.enable_key_rotation(KeyId=symmetric)
    kms.create_grant(KeyId=symmetric, GranteePrincipal="arn:aws:iam::123456789012:role/role", Operations=["Decrypt"])
    secret = kms.encrypt(KeyId="alias/mine", Plaintext=b"secret")["CiphertextBlob"]
    specs = [
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ]
    signers = [
        (kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"], algorithm)
        for spec, algorithm in specs
    ]
    signed = [kms.sign(KeyId=key, Message=b"m", SigningAlgorithm=each)["Signature"] for key, each in signers]
    mac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    return lambda: (
        kms.decrypt(CiphertextBlob=secret)["Plaintext"],
        [
            kms.verify(KeyId=key, Message=b"m", Signature=signature, SigningAlgorithm=each)["SignatureValid"]
            for (key, each), signature in zip(signers, signed, strict=True)
        ],
        kms.generate_mac(KeyId=mac, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"],
        kms.list_keys()["Keys"],
        kms.list_grants(KeyId=symmetric)["Grants"],
        kms.list_resource_tags(KeyId=symmetric)["Tags"],
    )


def _glue(client: Clients) -> Any:
    glue = client("glue")
    columns = {"Columns": [{"Name": "a", "Type": "int"}], "Location": "s3://b/t"}
    glue.create_database(DatabaseInput={"Name": "d", "Parameters": {"a": "b"}}, Tags={"k": "v"})
    glue.create_table(DatabaseName="d", TableInput={"Name": "t", "StorageDescriptor": columns})
    for text in ("one", "two"):
        glue.update_table(DatabaseName="d", TableInput={"Name": "t", "Description": text, "StorageDescriptor": columns})
    glue.create_partition(
        DatabaseName="d", TableName="t", PartitionInput={"Values": ["1"], "StorageDescriptor": columns}
    )
    glue.update_partition(
        DatabaseName="d", TableName="t", PartitionValueList=["1"],
        PartitionInput={"Values": ["2"], "StorageDescriptor": columns},
    )  # fmt: skip
    glue.put_resource_policy(PolicyInJson=_POLICY)
    glue.create_connection(ConnectionInput={"Name": "c", "ConnectionType": "JDBC", "ConnectionProperties": {"a": "b"}})
    glue.create_crawler(Name="w", Role="role", Targets={"S3Targets": [{"Path": "s3://b"}]})
    glue.create_job(Name="j", Role="arn:aws:iam::123456789012:role/role", Command={"Name": "glueetl"})
    glue.start_job_run(JobName="j")
    glue.create_registry(RegistryName="r")
    glue.create_schema(
        RegistryId={"RegistryName": "r"}, SchemaName="s", DataFormat="JSON", SchemaDefinition="{}", Compatibility="NONE"
    )
    glue.create_session(Id="x", Role="arn:aws:iam::123456789012:role/role", Command={"Name": "glueetl"})
    glue.create_trigger(Name="g", Type="ON_DEMAND", Actions=[{"JobName": "j"}])
    glue.create_workflow(Name="f")
    glue.start_workflow_run(Name="f")
    glue.create_security_configuration(Name="y", EncryptionConfiguration={})
    return lambda: (
        glue.get_databases()["DatabaseList"],
        glue.get_tables(DatabaseName="d")["TableList"],
        glue.get_table_versions(DatabaseName="d", TableName="t")["TableVersions"],
        glue.get_partitions(DatabaseName="d", TableName="t")["Partitions"],
        glue.get_resource_policy()["PolicyHash"],
        glue.get_connections()["ConnectionList"],
        glue.get_crawlers()["Crawlers"],
        glue.get_jobs()["Jobs"],
        glue.list_registries()["Registries"],
        glue.get_triggers()["Triggers"],
        glue.list_workflows()["Workflows"],
    )


def _logs(client: Clients) -> Any:
    logs = client("logs")
    logs.create_log_group(logGroupName="/g", tags={"k": "v"})
    logs.put_retention_policy(logGroupName="/g", retentionInDays=7)
    logs.create_log_stream(logGroupName="/g", logStreamName="s")
    for number in range(3):
        events = [{"timestamp": 1_795_000_000_000 + number, "message": f"m{number}"}]
        logs.put_log_events(logGroupName="/g", logStreamName="s", logEvents=events)
    logs.put_metric_filter(
        logGroupName="/g", filterName="f", filterPattern="ERROR",
        metricTransformations=[{"metricName": "n", "metricNamespace": "s", "metricValue": "1"}],
    )  # fmt: skip
    logs.put_resource_policy(policyName="p", policyDocument="{}")
    return lambda: (
        logs.describe_log_groups()["logGroups"],
        logs.get_log_events(logGroupName="/g", logStreamName="s", startFromHead=True)["events"],
        logs.filter_log_events(logGroupName="/g")["events"],
        logs.describe_metric_filters()["metricFilters"],
        logs.describe_resource_policies()["resourcePolicies"],
    )


def _cloudwatch(client: Clients) -> Any:
    cloudwatch = client("cloudwatch")
    dimensions = [{"Name": "d", "Value": "v"}]
    alarm = {
        "AlarmName": "a", "Namespace": "n", "MetricName": "m", "Dimensions": dimensions, "Statistic": "Sum",
        "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
    }  # fmt: skip
    cloudwatch.put_metric_alarm(**alarm)
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
    cloudwatch.put_dashboard(DashboardName="b", DashboardBody='{"widgets":[]}')
    for value in (1.0, 2.0):
        cloudwatch.put_metric_data(
            Namespace="n", MetricData=[{"MetricName": "m", "Value": value, "Dimensions": dimensions}]
        )
    return lambda: (
        cloudwatch.describe_alarms()["MetricAlarms"],
        cloudwatch.list_metrics()["Metrics"],
        cloudwatch.get_dashboard(DashboardName="b")["DashboardBody"],
    )


def _sns(client: Clients) -> Any:
    sns = client("sns")
    arn = sns.create_topic(Name="t", Tags=_TAGS)["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.org")
    subscription = sns.subscribe(TopicArn=arn, Protocol="sms", Endpoint="+15551234567")["SubscriptionArn"]
    sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue='{"a":["b"]}'
    )
    sns.publish(TopicArn=arn, Message="m", MessageAttributes={"a": {"DataType": "Binary", "BinaryValue": b"b"}})
    return lambda: (
        sns.get_topic_attributes(TopicArn=arn)["Attributes"],
        sns.list_subscriptions()["Subscriptions"],
        backends_of("sns")["123456789012"]["us-east-1"].topics[arn].sent_notifications,
    )


def _events(client: Clients) -> Any:
    events = client("events")
    bus = events.create_event_bus(Name="b")["EventBusArn"]
    events.put_rule(Name="r", EventPattern='{"source":["aws.glue"],"detail":{"n":[{"numeric":[">",1]}]}}', Tags=_TAGS)
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": "arn:aws:sns:us-east-1:123456789012:t"}])
    events.create_archive(ArchiveName="a", EventSourceArn=bus)
    events.put_permission(Action="events:PutEvents", Principal="123456789012", StatementId="s")
    events.create_connection(
        Name="c", AuthorizationType="API_KEY",
        AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "n", "ApiKeyValue": "v"}},
    )  # fmt: skip
    events.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": "b"}])
    return lambda: (
        events.list_event_buses()["EventBuses"],
        events.list_rules()["Rules"],
        events.list_targets_by_rule(Rule="r")["Targets"],
        events.list_archives()["Archives"],
        events.list_connections()["Connections"],
    )


def _lakeformation(client: Clients) -> Any:
    formation = client("lakeformation")
    formation.put_data_lake_settings(DataLakeSettings={"DataLakeAdmins": [{"DataLakePrincipalIdentifier": "arn:a"}]})
    formation.register_resource(ResourceArn="arn:aws:s3:::b", UseServiceLinkedRole=True)
    for permissions in (["SELECT"], ["DESCRIBE"]):
        formation.grant_permissions(
            Principal={"DataLakePrincipalIdentifier": "arn:b"}, Permissions=permissions,
            Resource={"Table": {"DatabaseName": "d", "Name": "t"}},
        )  # fmt: skip
    formation.create_lf_tag(TagKey="k", TagValues=["v"])
    return lambda: (
        formation.get_data_lake_settings()["DataLakeSettings"],
        formation.list_resources()["ResourceInfoList"],
        formation.list_permissions()["PrincipalResourcePermissions"],
        formation.list_lf_tags()["LFTags"],
    )


def _s3(client: Clients) -> Any:
    s3 = client("s3")
    s3.create_bucket(Bucket="bkt")
    s3.put_bucket_versioning(Bucket="bkt", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket="bkt", Tagging={"TagSet": _TAGS})
    s3.put_bucket_policy(Bucket="bkt", Policy=_POLICY)
    s3.put_bucket_encryption(
        Bucket="bkt",
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket="bkt",
        LifecycleConfiguration={
            "Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "p"}, "Expiration": {"Days": 1}}]
        },
    )
    s3.put_public_access_block(Bucket="bkt", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    s3.put_bucket_notification_configuration(Bucket="bkt", NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_bucket_cors(
        Bucket="bkt", CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    )
    for content in (b"one", b"two" * 1000):
        s3.put_object(Bucket="bkt", Key="k", Body=content, Metadata={"M": "v"}, Tagging="a=b")
    s3.put_object(Bucket="bkt", Key="gone", Body=b"x")
    s3.delete_object(Bucket="bkt", Key="gone")
    s3.put_object(Bucket="bkt", Key="empty", Body=b"")
    s3.copy_object(Bucket="bkt", Key="copy", CopySource="bkt/k")
    whole = s3.create_multipart_upload(Bucket="bkt", Key="big", Metadata={"x": "y"})["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket="bkt", Key="big", UploadId=whole, PartNumber=number, Body=body)["ETag"],
        }
        for number, body in ((1, b"1" * 5 * 1024 * 1024), (2, b"2"))
    ]
    s3.complete_multipart_upload(Bucket="bkt", Key="big", UploadId=whole, MultipartUpload={"Parts": parts})
    open_upload = s3.create_multipart_upload(Bucket="bkt", Key="later")["UploadId"]
    s3.upload_part(Bucket="bkt", Key="later", UploadId=open_upload, PartNumber=1, Body=b"part")

    def look() -> Any:
        versions = s3.list_object_versions(Bucket="bkt")
        return (
            [(each["Key"], each["VersionId"], each["ETag"]) for each in versions["Versions"]],
            [each["VersionId"] for each in versions["DeleteMarkers"]],
            [s3.get_object(Bucket="bkt", Key=key)["Body"].read() for key in ("k", "empty", "copy", "big")],
            [
                s3.get_object(Bucket="bkt", Key=each["Key"], VersionId=each["VersionId"])["Body"].read()
                for each in versions["Versions"]
            ],
            s3.head_object(Bucket="bkt", Key="big", PartNumber=2)["ContentLength"],
            s3.list_multipart_uploads(Bucket="bkt")["Uploads"],
            s3.head_object(Bucket="bkt", Key="k")["Metadata"],
            s3.head_object(Bucket="bkt", Key="k")["LastModified"],
            s3.get_object_tagging(Bucket="bkt", Key="k")["TagSet"],
            s3.get_bucket_policy(Bucket="bkt")["Policy"],
            s3.get_bucket_tagging(Bucket="bkt")["TagSet"],
            s3.get_bucket_lifecycle_configuration(Bucket="bkt")["Rules"],
            s3.list_parts(Bucket="bkt", Key="later", UploadId=open_upload)["Parts"],
            s3.list_objects_v2(Bucket="bkt", Prefix="e")["KeyCount"],
        )

    return look


def _dynamodb(client: Clients) -> Any:
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="Things", BillingMode="PAY_PER_REQUEST", TableClass="STANDARD_INFREQUENT_ACCESS", Tags=_TAGS,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s", "g")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "idx", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )  # fmt: skip
    item = {"p": {"S": "1"}, "s": {"S": "2"}, "g": {"S": "3"}, "n": {"N": "1.5"}, "l": {"L": [{"B": b"x"}]}}
    dynamodb.put_item(TableName="Things", Item=item)
    dynamodb.update_time_to_live(TableName="Things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "t"})
    dynamodb.update_continuous_backups(
        TableName="Things", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.put_resource_policy(ResourceArn="arn:aws:dynamodb:us-east-1:123456789012:table/Things", Policy=_POLICY)
    return lambda: (
        dynamodb.describe_table(TableName="Things")["Table"],
        dynamodb.scan(TableName="Things")["Items"],
        dynamodb.query(
            TableName="Things",
            IndexName="idx",
            KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": "3"}},
        )["Items"],
        dynamodb.describe_time_to_live(TableName="Things")["TimeToLiveDescription"],
        dynamodb.list_tags_of_resource(ResourceArn="arn:aws:dynamodb:us-east-1:123456789012:table/Things")["Tags"],
    )


def _athena(client: Clients) -> Any:
    athena = client("athena")
    athena.create_data_catalog(Name="c", Type="GLUE", Parameters={"catalog-id": "123456789012"})
    return lambda: athena.list_data_catalogs()["DataCatalogsSummary"]


def _tagging(client: Clients) -> Any:
    client("kms").create_key(Tags=[{"TagKey": "k", "TagValue": "v"}])
    tagging = client("resourcegroupstaggingapi")
    arn = tagging.get_resources()["ResourceTagMappingList"][0]["ResourceARN"]
    tagging.tag_resources(ResourceARNList=[arn], Tags={"more": "tags"})
    return lambda: tagging.get_resources()["ResourceTagMappingList"]


SCENARIOS: dict[str, Callable[[Clients], Any]] = {
    "athena": _athena, "cloudwatch": _cloudwatch, "dynamodb": _dynamodb, "events": _events, "glue": _glue,
    "iam": _iam, "kms": _kms, "lakeformation": _lakeformation, "logs": _logs, "resourcegroupstaggingapi": _tagging,
    "s3": _s3, "sns": _sns, "sts": _sts,
}  # fmt: skip
