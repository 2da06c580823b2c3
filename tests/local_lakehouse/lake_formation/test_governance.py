"""Tests for the Lake Formation permissions that let callers see, read and change databases and tables."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

HERE = "us-east-1:123456789012"
BUCKET, LOCATION = "sales", "arn:aws:s3:::sales/orders"
TABLE = {"Table": {"DatabaseName": "shop", "Name": "orders"}}
DATABASE = {"Database": {"Name": "shop"}}
ANALYST = "arn:aws:iam::123456789012:role/Analyst"
SESSION = "arn:aws:sts::123456789012:assumed-role/Analyst/laptop"
TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
CATALOG_AND_ATHENA = {"Effect": "Allow", "Action": ["glue:*", "athena:*", "lakeformation:*"], "Resource": "*"}
READ_FILES = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}


def written(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@dataclass
class Account:
    """An account that has one table, an administrator, and an analyst without permissions on the table's files."""

    admin: Lab
    analyst: boto3.Session
    url: str

    def analyst_client(self, service: str) -> Any:
        return self.analyst.client(service, endpoint_url=self.url)

    def set_analyst_policy(self, *statements: dict[str, Any]) -> None:
        self.admin.client("iam").put_role_policy(
            RoleName="Analyst", PolicyName="own", PolicyDocument=written(CATALOG_AND_ATHENA, *statements)
        )

    def grant(self, *permissions: str, to: str = ANALYST, on: dict[str, Any] = TABLE) -> None:
        self.admin.client("lakeformation").grant_permissions(
            Principal={"DataLakePrincipalIdentifier": to}, Resource=on, Permissions=list(permissions)
        )

    def revoke(self, *permissions: str, to: str = ANALYST, on: dict[str, Any] = TABLE) -> None:
        self.admin.client("lakeformation").revoke_permissions(
            Principal={"DataLakePrincipalIdentifier": to}, Resource=on, Permissions=list(permissions)
        )

    def opt_in(self, on: dict[str, Any] = TABLE) -> None:
        self.admin.client("lakeformation").create_lake_formation_opt_in(
            Principal={"DataLakePrincipalIdentifier": ANALYST}, Resource=on
        )

    def register(self, *, hybrid: bool = True) -> None:
        self.admin.client("lakeformation").register_resource(
            ResourceArn=LOCATION, UseServiceLinkedRole=True, HybridAccessEnabled=hybrid
        )

    def query_as_analyst(self, sql: str) -> list[list[str]] | str:
        """Run a query as the analyst, and return its rows or the reason for its failure."""
        athena = self.analyst_client("athena")
        started = athena.start_query_execution(QueryString=sql, QueryExecutionContext={"Database": "shop"})
        query = {"QueryExecutionId": started["QueryExecutionId"]}
        while True:
            status = athena.get_query_execution(**query)["QueryExecution"]["Status"]
            if status["State"] == "FAILED":
                return str(status["StateChangeReason"])
            if status["State"] == "SUCCEEDED":
                rows = athena.get_query_results(**query)["ResultSet"]["Rows"][1:]
                return [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in rows]


def build(lakehouse: Lakehouse) -> Account:
    lakehouse.start()
    admin = connect_to(lakehouse.url)
    formation, iam, s3, glue = (admin.client(name) for name in ("lakeformation", "iam", "s3", "glue"))
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    settings["DataLakeAdmins"] = [{"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:role/Admin"}]
    formation.put_data_lake_settings(DataLakeSettings=settings)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="orders/part.csv", Body=b"1,anna,10\n2,ben,20\n")
    glue.create_database(DatabaseInput={"Name": "shop"})
    columns = [{"Name": "id", "Type": "int"}, {"Name": "customer", "Type": "string"}, {"Name": "amount", "Type": "int"}]
    glue.create_table(
        DatabaseName="shop",
        TableInput={
            "Name": "orders",
            "TableType": "EXTERNAL_TABLE",
            "StorageDescriptor": {
                "Columns": columns,
                "Location": f"s3://{BUCKET}/orders/",
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                    "Parameters": {"field.delim": ",", "serialization.format": ","},
                },
            },
        },
    )
    iam.create_role(RoleName="Analyst", AssumeRolePolicyDocument=written(TRUST))
    keys = admin.client("sts").assume_role(RoleArn=ANALYST, RoleSessionName="me")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    account = Account(admin, session, lakehouse.url)
    account.set_analyst_policy()
    return account


@pytest.fixture
def account() -> Iterator[Account]:
    """Provide an account with the default Lake Formation permissions."""
    lakehouse = Lakehouse(Settings(paused=True))
    yield build(lakehouse)
    lakehouse.stop()


@pytest.fixture
def governed() -> Iterator[Account]:
    """Provide an account like `account`, but without default permissions."""
    lakehouse = Lakehouse(Settings(paused=True, governed=True))
    yield build(lakehouse)
    lakehouse.stop()


ALL = "SELECT id, customer, amount FROM orders ORDER BY id"
ROWS = [["1", "anna", "10"], ["2", "ben", "20"]]
NO_FILES = "not authorized to perform: s3:GetObject"


def test_access_to_new_resources_is_granted_to_iam_allowed_principals(account: Account) -> None:
    for resource in (DATABASE, TABLE):
        (entry,) = account.admin.client("lakeformation").list_permissions(Resource=resource)[
            "PrincipalResourcePermissions"
        ]
        assert entry["Principal"]["DataLakePrincipalIdentifier"] == "IAM_ALLOWED_PRINCIPALS"
        assert entry["Permissions"] == ["ALL"]
    assert account.analyst_client("glue").get_table(DatabaseName="shop", Name="orders")["Table"]["Name"] == "orders"


def test_unregistered_location_requires_s3_permissions(account: Account) -> None:
    account.opt_in(DATABASE)
    account.opt_in()
    account.grant("DESCRIBE", on=DATABASE)
    account.grant("SELECT", "DESCRIBE")
    assert NO_FILES in account.query_as_analyst(ALL), "a grant does not apply to the files"
    account.set_analyst_policy(READ_FILES)
    assert account.query_as_analyst(ALL) == ROWS


def test_hybrid_mode_applies_grants_only_to_opted_in_principals(account: Account) -> None:
    account.register()
    assert NO_FILES in account.query_as_analyst(ALL)
    account.grant("SELECT", "DESCRIBE")
    assert NO_FILES in account.query_as_analyst(ALL), "a grant has no effect before the opt-in"
    account.opt_in()
    assert account.query_as_analyst(ALL) == ROWS
    account.revoke("SELECT")
    assert "Insufficient Lake Formation permission(s): Required Select on orders" in account.query_as_analyst(ALL)
    account.set_analyst_policy(READ_FILES)
    assert "Required Select on orders" in account.query_as_analyst(ALL), (
        "permissions on the files do not replace the grant"
    )


def test_registered_location_without_hybrid_mode_does_not_require_s3_permissions(account: Account) -> None:
    account.register(hybrid=False)
    assert account.query_as_analyst(ALL) == ROWS


def test_columns_without_a_grant_are_hidden(account: Account) -> None:
    account.register()
    account.opt_in()
    columns = {"TableWithColumns": {"DatabaseName": "shop", "Name": "orders", "ColumnNames": ["id", "amount"]}}
    account.grant("SELECT", on=columns)
    assert account.query_as_analyst("SELECT * FROM orders ORDER BY id") == [["1", "10"], ["2", "20"]]
    assert "COLUMN_NOT_FOUND" in account.query_as_analyst("SELECT customer FROM orders")
    entry = account.analyst_client("glue").get_table(DatabaseName="shop", Name="orders")["Table"]
    assert [column["Name"] for column in entry["StorageDescriptor"]["Columns"]] == ["id", "amount"]
    account.grant(
        "SELECT",
        on={"TableWithColumns": {"DatabaseName": "shop", "Name": "orders",
            "ColumnWildcard": {"ExcludedColumnNames": ["id"]}}},
    )  # fmt: skip
    assert account.query_as_analyst(ALL) == ROWS, "the permissions of two grants are combined"


def test_governed_account_requires_explicit_grants(governed: Account) -> None:
    glue = governed.analyst_client("glue")
    for call, parameters, name in (
        (glue.get_table, {"DatabaseName": "shop", "Name": "orders"}, "orders"),
        (glue.get_database, {"Name": "shop"}, "shop"),
    ):
        with pytest.raises(ClientError, match=rf"Insufficient Lake Formation .*Required Describe on {name}"):
            call(**parameters)
    assert [entry["Name"] for entry in glue.get_databases()["DatabaseList"]] == []
    assert glue.get_tables(DatabaseName="shop")["TableList"] == []
    governed.grant("DESCRIBE", on=DATABASE)
    governed.grant("DESCRIBE")
    assert [item["Name"] for item in glue.get_databases()["DatabaseList"]] == ["shop"]
    assert [each["Name"] for each in glue.get_tables(DatabaseName="shop")["TableList"]] == ["orders"]
    assert NO_FILES in governed.query_as_analyst(ALL)
    governed.register()
    assert "Required Select on orders" in governed.query_as_analyst(ALL)
    governed.grant("SELECT")
    assert governed.query_as_analyst(ALL) == ROWS


def test_data_lake_administrator_cannot_read_without_a_grant(governed: Account) -> None:
    governed.register()
    formation = governed.admin.client("lakeformation")
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    settings["DataLakeAdmins"].append({"DataLakePrincipalIdentifier": ANALYST})
    formation.put_data_lake_settings(DataLakeSettings=settings)
    assert governed.analyst_client("glue").get_table(DatabaseName="shop", Name="orders")
    assert "Required Select on orders" in governed.query_as_analyst(ALL)


@pytest.mark.parametrize(
    ("permission", "call", "words"),
    [
        ("ALTER", lambda glue: glue.update_table(DatabaseName="shop", TableInput={"Name": "orders"}), "Alter"),
        ("DROP", lambda glue: glue.delete_table(DatabaseName="shop", Name="orders"), "Drop"),
    ],
)
def test_table_changes_require_the_permission(
    governed: Account, permission: str, call: Callable[[Any], object], words: str
) -> None:
    governed.grant("DESCRIBE")
    with pytest.raises(ClientError, match=f"Required {words} on orders"):
        call(governed.analyst_client("glue"))


def test_database_creator_has_all_permissions_on_it(governed: Account) -> None:
    glue = governed.analyst_client("glue")
    with pytest.raises(ClientError, match="Required Create Database on Catalog"):
        glue.create_database(DatabaseInput={"Name": "mine"})
    governed.grant("CREATE_DATABASE", on={"Catalog": {}})
    glue.create_database(DatabaseInput={"Name": "mine"})
    glue.create_table(DatabaseName="mine", TableInput={"Name": "things"})
    assert glue.get_table(DatabaseName="mine", Name="things")
    with pytest.raises(ClientError, match="Required Create Table on shop"):
        glue.create_table(DatabaseName="shop", TableInput={"Name": "things"})
    glue.delete_table(DatabaseName="mine", Name="things")
    glue.delete_database(Name="mine")


def test_create_table_requires_data_location_access(governed: Account) -> None:
    governed.register()
    governed.grant("CREATE_TABLE", "DESCRIBE", on=DATABASE)
    glue = governed.analyst_client("glue")
    table = {"Name": "copies", "StorageDescriptor": {"Location": f"s3://{BUCKET}/orders/copies/"}}
    with pytest.raises(ClientError, match="Required DATA_LOCATION_ACCESS"):
        glue.create_table(DatabaseName="shop", TableInput=table)
    governed.grant("DATA_LOCATION_ACCESS", on={"DataLocation": {"ResourceArn": LOCATION}})
    glue.create_table(DatabaseName="shop", TableInput=table)
    glue.delete_table(DatabaseName="shop", Name="copies")


def test_grant_requires_an_administrator_or_the_grant_option(account: Account) -> None:
    formation = account.analyst_client("lakeformation")
    request = {
        "Principal": {"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:role/Other"},
        "Resource": TABLE,
        "Permissions": ["SELECT"],
    }
    with pytest.raises(ClientError, match="Insufficient Lake Formation"):
        formation.grant_permissions(**request)
    account.admin.client("lakeformation").grant_permissions(
        Principal={"DataLakePrincipalIdentifier": ANALYST},
        Resource=TABLE,
        Permissions=["SELECT"],
        PermissionsWithGrantOption=["SELECT"],
    )
    formation.grant_permissions(**request)
    with pytest.raises(ClientError, match="requires a data lake administrator"):
        formation.create_lake_formation_opt_in(Principal=request["Principal"], Resource=TABLE)


@pytest.mark.parametrize(
    ("resource", "permissions", "why"),
    [
        (DATABASE, ["SELECT"], "Permissions modification is invalid"),
        (TABLE, ["CREATE_TABLE"], "Permissions modification is invalid"),
        ({"LFTagPolicy": {"ResourceType": "TABLE", "Expression": [{"TagKey": "a", "TagValues": ["b"]}]}},
         ["SELECT"], "LFTagPolicy is valid in Lake Formation but not supported here"),
        ({"DataCellsFilter": {"TableCatalogId": "1", "DatabaseName": "shop", "TableName": "orders", "Name": "f"}},
         ["SELECT"], "DataCellsFilter is valid in Lake Formation but not supported here"),
        ({}, ["SELECT"], "A resource must be specified"),
        ({"Table": {"DatabaseName": "shop"}}, ["SELECT"], "A Table resource requires a Name or a TableWildcard"),
    ],
)  # fmt: skip
def test_grant_rejects_unenforceable_permissions(
    account: Account, resource: dict[str, Any], permissions: list[str], why: str
) -> None:
    with pytest.raises(ClientError, match=why):
        account.grant(*permissions, on=resource)


def test_revoke_rejects_permissions_that_were_not_granted(account: Account) -> None:
    with pytest.raises(ClientError, match="No permissions revoked"):
        account.revoke("SELECT")


def test_location_can_be_registered_described_and_deregistered(account: Account) -> None:
    formation = account.admin.client("lakeformation")
    account.register()
    with pytest.raises(ClientError, match="AlreadyExists"):
        account.register()
    assert formation.describe_resource(ResourceArn=LOCATION)["ResourceInfo"]["HybridAccessEnabled"] is True
    assert [entry["ResourceArn"] for entry in formation.list_resources()["ResourceInfoList"]] == [LOCATION]
    with pytest.raises(ClientError, match="service-linked role and cannot be changed"):
        formation.update_resource(ResourceArn=LOCATION, RoleArn=ANALYST, HybridAccessEnabled=False)
    formation.deregister_resource(ResourceArn=LOCATION)
    with pytest.raises(ClientError, match="EntityNotFound"):
        formation.describe_resource(ResourceArn=LOCATION)


def test_governed_account_reports_a_missing_table_as_not_found(governed: Account) -> None:
    with pytest.raises(ClientError, match="EntityNotFound"):
        governed.analyst_client("glue").get_table(DatabaseName="shop", Name="nothing")


def test_delete_table_deletes_its_grants(account: Account) -> None:
    glue, formation = account.admin.client("glue"), account.admin.client("lakeformation")
    glue.create_table(DatabaseName="shop", TableInput={"Name": "short"})
    short = {"Table": {"DatabaseName": "shop", "Name": "short"}}
    account.grant("SELECT", on=short)
    account.opt_in(short)
    glue.delete_table(DatabaseName="shop", Name="short")
    assert formation.list_permissions(Resource=short)["PrincipalResourcePermissions"] == []
    assert formation.list_lake_formation_opt_ins(Resource=short)["LakeFormationOptInsInfoList"] == []


def test_put_data_lake_settings_clears_omitted_settings(account: Account) -> None:
    formation = account.admin.client("lakeformation")
    formation.put_data_lake_settings(DataLakeSettings={"DataLakeAdmins": []})
    settings = formation.get_data_lake_settings()["DataLakeSettings"]
    assert settings["CreateTableDefaultPermissions"] == []


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        (
            "put_data_lake_settings",
            {"DataLakeSettings": {"DataLakeAdmins": [{"DataLakePrincipalIdentifier": SESSION}]}},
        ),
        (
            "put_data_lake_settings",
            {"DataLakeSettings": {"ReadOnlyAdmins": [{"DataLakePrincipalIdentifier": SESSION}]}},
        ),
        ("grant_permissions", {"Resource": TABLE, "Permissions": ["SELECT"]}),
        ("revoke_permissions", {"Resource": TABLE, "Permissions": ["SELECT"]}),
        ("create_lake_formation_opt_in", {"Resource": TABLE}),
        ("delete_lake_formation_opt_in", {"Resource": TABLE}),
    ],
)
def test_session_arn_is_rejected(account: Account, operation: str, request_: dict[str, Any]) -> None:
    client = account.admin.client("lakeformation")
    principal = {} if operation.startswith("put") else {"Principal": {"DataLakePrincipalIdentifier": SESSION}}
    before = client.get_data_lake_settings()["DataLakeSettings"]
    with pytest.raises(ClientError, match=f"InvalidInputException.*Unsupported principal identifier:{SESSION}"):
        getattr(client, operation)(**principal, **request_)
    assert client.get_data_lake_settings()["DataLakeSettings"] == before
