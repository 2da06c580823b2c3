"""Correct answers to each exercise, in the forms that learners use.

If an answer is a function, it is called with the lab.
"""

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

import zetl_helpers as zetl
from tests.course.exercises.steps import accounts, executed, lags, partitioned, pivot, repaired, saved, tagged, written
from zetl_helpers.course.exercises import ALL
from zetl_helpers.course.exercises.chapter_03 import ADMINISTRATORS
from zetl_helpers.course.exercises.shipments import FOUND
from zetl_helpers.lab import Lab

ANALYST = "arn:aws:iam::111122223333:role/Analyst"
ACTIONS = ["dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport"]
PICTURES = {
    "How is the debt distributed across the statuses?": "pie",
    "Which states have which statuses?": "heat map",
    "How did the number of rows change?": "line",
}
Answers = dict[str, Any]


def numbers(value: float, *more: Any) -> list[Any]:
    return [
        value,
        float(value),
        str(value),
        [value],
        pd.DataFrame({"n": [value]}),
        np.float64(value),
        Decimal(value),
        *more,
    ]


def words(value: str, *more: Any) -> list[Any]:
    return [value, value.upper(), f" {value} ", f'"{value}"', [value], pd.DataFrame({"x": [value]}), *more]


def entries(value: dict[str, Any], *more: Any) -> list[Any]:
    return [
        value,
        {name.upper(): entry for name, entry in value.items()},
        pd.Series(value),
        list(value.items()),
        json.dumps(value),
        repr(value),
        list(value.values()),
        *more,
    ]


def statements(name: str, *more: Any) -> list[Any]:
    number, _, place = name.partition(".")
    namespace: dict[str, Any] = {"first": "{first}", "last": "{last}"}
    exec(ALL[int(number)][int(place) - 1].answer, namespace)  # noqa: S102
    sql = str(namespace["answer"]).strip()
    return [
        sql,
        f"{sql};\n",
        f"```sql\n{sql}\n```",
        [sql],
        f"-- mine\n{sql}",
        lambda lab: zetl.query(lab, in_place(lab, sql)),
        *more,
    ]


def in_place(lab: Lab, sql: str) -> str:
    """Replace the placeholders ``{first}`` and ``{last}`` in SQL with the IDs of the first and last snapshots."""
    if "{first}" not in sql and "{last}" not in sql:
        return sql
    snapshots = zetl.lakehouse.snapshots(lab)["snapshot_id"]
    return sql.replace("{first}", str(snapshots.iloc[0])).replace("{last}", str(snapshots.iloc[-1]))


def by_name(name: str) -> str:
    """Return an exercise's statement with the chapter's parameters instead of ``{first}`` and ``{last}``."""
    sql: str = statements(name)[0]
    return sql.replace("{first}", ":first").replace("{last}", ":last")


LARGEST = (
    "SELECT customerid, currentbalance FROM customeraccounts WHERE accountstatus = 'Past Due' "
    "ORDER BY currentbalance DESC LIMIT 3"
)
BY_STATUS = (
    "SELECT accountstatus, SUM(currentbalance) AS total_balance FROM customeraccounts WHERE currentbalance > 0 "
    "GROUP BY accountstatus"
)
LOST = (
    "SELECT customerid, state, creditlimit FROM customeraccounts FOR VERSION AS OF {first} "
    "WHERE customerid = 'CUST0002'"
)


def ids(make: Callable[[str], Callable[[Lab], str]], sql: str, name: str) -> list[Any]:
    def response(lab: Lab) -> str:
        return make(in_place(lab, sql))(lab)

    return [
        response,
        lambda lab: {name: response(lab), "ResponseMetadata": {"HTTPStatusCode": 200}},
        lambda lab: json.dumps({name: response(lab)}),
        lambda lab: {name.removesuffix("Id"): {name: response(lab)}},
        lambda lab: [response(lab).upper()],
        lambda lab: f'"{response(lab)}"',
    ]


def described(lab: Lab) -> Any:
    dynamodb = lab.client("dynamodb")
    (one,) = dynamodb.list_imports(TableArn=lab.with_table("Payments").table_arn)["ImportSummaryList"]
    return dynamodb.describe_import(ImportArn=one["ImportArn"])


LISTED = [{"DataLakePrincipalIdentifier": administrator} for administrator in (*ADMINISTRATORS, ANALYST)]
DAY = {"FieldName": "LastPaymentDate", "FunctionSpec": "month", "ConversionSpec": "iso"}
GRANTS = {"database": ["DESCRIBE"], "table": ["DESCRIBE", "SELECT"]}
CHANGES = {"OPTIMIZE": "more", "VACUUM": "fewer", "rows": "same"}
TYPES = {"CardLimits": "array<double>", "Contacts": "array<string>", "Verified": "boolean"}
MAY = {"s3:PutObject": True, "glue:UpdateTable": True, "dynamodb:Scan": False, "s3:DeleteBucket": False}

CORRECT: dict[str, list[Any]] = {
    "1.1": ["S", "s", "'S'", " S.", {"S": "94105"}, ["S"], '{"S": "94105"}'],
    "1.2": [
        written(),
        written(Email={"S": "a@example.com"}),
        lambda lab: lab.client("dynamodb").execute_statement(
            Statement=f"INSERT INTO \"{lab.table}\" VALUE {{'CustomerID': 'CUST9003', 'AccountNumber': 'ACC900003', "
            "'State': 'NV', 'CreditLimit': 1000}"
        ),
        lambda lab: lab.client("dynamodb").update_item(
            TableName=lab.table,
            Key={"CustomerID": {"S": "CUST9003"}, "AccountNumber": {"S": "ACC900003"}},
            UpdateExpression="SET #s = :s, CreditLimit = :c",
            ExpressionAttributeNames={"#s": "State"},
            ExpressionAttributeValues={":s": {"S": "NV"}, ":c": {"N": "1000"}},
        ),
        lambda lab: (
            lab.session.resource("dynamodb", endpoint_url=lab.endpoint)
            .Table(lab.table)
            .put_item(Item={"CustomerID": "CUST9003", "AccountNumber": "ACC900003", "State": "NV", "CreditLimit": 1000})
        ),
    ],
    "1.3": [
        ACTIONS,
        tuple(ACTIONS),
        set(ACTIONS),
        [action.upper() for action in ACTIONS],
        [item.split(":")[1] for item in ACTIONS],
        ["describe_table", "export_table_to_point_in_time", "describe_export"],
        ", ".join(ACTIONS),
        {"Effect": "Allow", "Action": ACTIONS, "Resource": "*"},
        {"Version": "2012-10-17", "Statement": [{"Action": ACTIONS}]},
        pd.Series(ACTIONS),
    ],
    "1.4": entries(MAY, dict.fromkeys(MAY, "True") | {"dynamodb:Scan": "no", "s3:DeleteBucket": "False"}),
    "2.1": numbers(3, "three", "3 columns", "three columns"),
    "2.2": [
        [DAY],
        DAY,
        {"PartitionSpec": [DAY]},
        json.dumps([DAY]),
        [{**DAY, "FunctionSpec": "MONTH", "ConversionSpec": "ISO"}],
        {"fieldname": "LastPaymentDate", "functionspec": "Month", "conversionspec": "iso"},
    ],
    "2.3": numbers(
        3, "three folders", lambda lab: zetl.query(lab, "SELECT COUNT(DISTINCT accountstatus) FROM customeraccounts")
    ),
    "3.1": [
        ANALYST,
        f'"{ANALYST}"',
        [ANALYST],
        {"DataLakePrincipalIdentifier": ANALYST},
        json.dumps({"DataLakePrincipalIdentifier": ANALYST}),
        {"Principal": {"AWS": ANALYST}},
    ],
    "3.2": [
        [*ADMINISTRATORS, ANALYST],
        (ANALYST, *ADMINISTRATORS),
        LISTED,
        {"DataLakeAdmins": LISTED},
        {
            "DataLakeSettings": {
                "DataLakeAdmins": [{"DataLakePrincipalIdentifier": x} for x in (ANALYST, *ADMINISTRATORS)]
            }
        },
        ", ".join((*ADMINISTRATORS, ANALYST)),
    ],
    "3.3": [
        GRANTS,
        {"database": "describe", "table": "describe, select"},
        {"Database": ("Describe",), "Table": {"Select", "Describe"}},
        {"database": {"Permissions": ["DESCRIBE"]}, "table": {"Permissions": ["SELECT", "DESCRIBE"]}},
        json.dumps(GRANTS),
        list(GRANTS.values()),
    ],
    "4.1": statements("4.1"),
    "4.2": ids(executed, LARGEST, "QueryExecutionId"),
    "4.3": numbers(6, "six", "6e0", lambda lab: zetl.query(lab, "SELECT 7 / 2 * 2e0 AS n")),
    "4.4": statements("4.4"),
    "4.5": statements("4.5"),
    "5.1": ids(saved, BY_STATUS, "NamedQueryId"),
    "5.2": [
        pivot,
        lambda lab: pivot(lab).style,
        lambda lab: pivot(lab).iloc[::-1],
        lambda lab: pivot(lab).drop(index=zetl.charts.TOTAL, columns=zetl.charts.TOTAL),
        lambda lab: pd.crosstab(*accounts(lab)),
        lambda lab: pd.crosstab(*accounts(lab), margins=True).astype(float),
    ],
    "5.3": entries(PICTURES, dict(zip(PICTURES, ("Pie chart", "heatmap", "LINE"), strict=True))),
    "5.4": [
        "NV has 2 accounts past due, more than any other state",
        "NV: two past due",
        go.Figure(layout={"title": {"text": "NV has 2 accounts past due"}}),
        {"layout": {"title": {"text": "NV has 2 accounts past due"}}},
        {"layout": {"title": "NV has 2 accounts past due"}},
        ["NV has 2 accounts past due"],
    ],
    "6.1": words("double", "double precision", "float64", "DOUBLE"),
    "6.2": statements(
        "6.2",
        "SELECT customerid FROM customeraccounts WHERE state = 'CA' AND paperlessbilling IS DISTINCT FROM true",
        "SELECT CustomerID FROM CustomerAccounts WHERE State = 'CA' AND paperlessbilling IS DISTINCT FROM true",
    ),
    "6.3": statements("6.3"),
    "7.1": ids(executed, LOST, "QueryExecutionId"),
    "7.2": words("second", "2", 2, "2nd", "the second", "second snapshot"),
    "7.3": statements("7.3", by_name("7.3")),
    "7.4": statements("7.4", by_name("7.4")),
    "8.1": numbers(0, "zero", "0 events"),
    "8.2": [
        lambda lab: lags(lab).max(),
        lambda lab: lags(lab).max().to_numpy(),
        lambda lab: lags(lab).max().to_numpy().astype("timedelta64[ns]"),
        lambda lab: lags(lab).max().total_seconds(),
        lambda lab: str(lags(lab).max()),
        lambda lab: lags(lab).to_frame().max(),
        lambda lab: f"{lags(lab).max().total_seconds()} s",
        lambda lab: datetime.timedelta(seconds=lags(lab).max().total_seconds()),
    ],
    "8.3": [120, 120.0, "120", "2 hours", "120 minutes", datetime.timedelta(hours=2), [1440], "1 day", np.int64(240)],
    "9.1": words("FAILED", "failed", "Failed."),
    "9.2": [
        lambda lab: {"who": lab.role, "action": "s3:PutObject", "bucket": lab.bucket},
        lambda lab: {"Who": lab.role_arn, "Action": "PutObject", "Bucket": f"arn:aws:s3:::{lab.bucket}"},
        lambda lab: {"who": f"role/{lab.role}", "action": "S3:PUTOBJECT", "bucket": f"s3://{lab.bucket}/"},
        lambda lab: [lab.role, "put_object", lab.bucket],
        lambda lab: json.dumps({"who": lab.role, "action": "s3:PutObject", "bucket": lab.bucket}),
        lambda lab: pd.Series({"who": lab.role, "action": "s3:PutObject", "bucket": lab.bucket}),
    ],
    "9.3": [
        tagged({"on-call": "me@example.com"}),
        tagged({"on-call": "+1 555 0100"}),
        tagged({"on-call": "https://example.com/rota"}),
        tagged({"on-call": "Ana", "owner": "data platform"}),
        tagged({"on-call": "0"}),
    ],
    "10.1": words("household.pets", "Household.Pets", "`household.pets`"),
    "10.2": entries(
        TYPES,
        {"CardLimits": "ARRAY(DOUBLE)", "Contacts": "array(varchar)", "Verified": "BOOLEAN"},
        {"CardLimits": "list<double>", "Contacts": "array<varchar(255)>", "Verified": "bool"},
    ),
    "10.3": [
        partitioned(),
        partitioned(config={"UnnestSpec": "TOPLEVEL"}),
        partitioned(config={"UnnestSpec": "NOUNNEST"}),
        partitioned(config={"TargetTableName": "payments"}),
        partitioned(config={"UnnestSpec": "FULL", "TargetTableName": "paid"}),
    ],
    "11.1": [
        described,
        lambda lab: described(lab)["ImportTableDescription"],
        lambda lab: described(lab)["ImportTableDescription"]["ImportedItemCount"],
        lambda lab: json.dumps({"ImportTableDescription": {"ImportedItemCount": 50}}),
        *numbers(50, "50 items"),
    ],
    "11.2": numbers(372, "372 files", 12 + 30 * 12),
    "11.3": entries(
        CHANGES,
        CHANGES | {"rows": 50},
        CHANGES | {"rows": "50"},
        lambda lab: CHANGES | {"rows": zetl.query(lab.with_table("Payments"), "SELECT COUNT(*) FROM payments")},
        {"OPTIMIZE": "More", "VACUUM": "less", "rows": "the same"},
    ),
    "13.1": words("Sequel", "sequel", "`Sequel`"),
    "13.2": entries(dict(FOUND)),
    "13.3": [
        repaired(),
        repaired("SHP0019", without="GeoHash", geo_hash={"S": "9qf"}),
        repaired("SHP0019", without="GeoHash", hash={"S": "9qf"}),
        repaired("SHP0012", Note={"S": "fixed"}),
        repaired("SHP0007", WeightKg={"N": "12.50"}),
    ],
    "13.4": statements("13.4"),
}
