"""The exercises for chapter 6, about types, missing values and names that collide."""

from __future__ import annotations

from zetl_helpers import lakehouse
from zetl_helpers.course.exercises import faults
from zetl_helpers.course.exercises.answers import Value
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.course.exercises.readings import SqlType
from zetl_helpers.course.exercises.sql import Slip, Sql
from zetl_helpers.lab import Lab

_NO_PAPERLESS = """SELECT customerid
FROM customeraccounts
WHERE state = 'CA' AND COALESCE(paperlessbilling, false) = false"""

_POINTS = """SELECT state, SUM(COALESCE(rewardpoints, 0)) AS points
FROM customeraccounts
GROUP BY state"""


def _type_of_credit_score(lab: Lab) -> str:
    schema = lakehouse.schema(lab).set_index("column")["type"]
    if "creditscore" not in schema.index:
        raise IncorrectError("The column creditscore has not arrived yet. Run the cells above first.")
    return str(schema["creditscore"])


EXERCISES = (
    Exercise(
        title="The type of a credit score",
        kind="predict",
        judge=Value(
            SqlType(),
            _type_of_credit_score,
            wrong={
                "int": "742 is an integer, but DynamoDB has one type for all numbers, with or without a fraction.",
                "bigint": "742 is an integer, but DynamoDB has one type for all numbers, with or without a fraction.",
                "decimal": "A decimal would keep all 38 digits of a DynamoDB number, but AWS Glue uses a smaller type.",
                "string": "742 was written with the type N, a number.",
                "float": "Almost: a float has 32 bits, but the type of the column has 64 bits.",
            },
            otherwise="Look at the type of creditlimit in the table under 'Before': all numbers become the same type.",
        ),
        hints=(
            "All attributes of type N become columns of the same type.",
            "What is the type of creditlimit in the table above?",
        ),
        answer='answer = "double"',
        why="Numbers in DynamoDB have up to 38 digits. In the target, they are doubles, which are accurate to about "
        "16 digits.",
    ),
    Exercise(
        title="Customers who get paper bills",
        kind="write the SQL",
        judge=Sql(
            _NO_PAPERLESS,
            one_row_for="customer in CA who gets paper bills",
            key=("customerid",),
            slips=(
                Slip(
                    "SELECT customerid FROM customeraccounts WHERE state = 'CA' AND paperlessbilling <> true",
                    "Customers without a value are missing: no comparison with NULL is true, so WHERE leaves them out.",
                ),
                Slip(
                    "SELECT customerid FROM customeraccounts WHERE state = 'CA' AND paperlessbilling IS NULL",
                    "Customers who said no are missing: for them, paperlessbilling is false, not NULL.",
                ),
                Slip(
                    "SELECT customerid FROM customeraccounts WHERE COALESCE(paperlessbilling, false) = false",
                    "The result includes customers from other states. If you filter on CA, note that AND binds more "
                    "tightly than OR, so put parentheses around the OR.",
                ),
            ),
        ),
        hints=(
            "There are two kinds of customers: those whose value is false, and those without a value.",
            "A comparison with NULL is neither true nor false. COALESCE(x, false) returns false if x is NULL.",
            "WHERE state = 'CA' AND COALESCE(paperlessbilling, false) = false",
        ),
        answer=f'answer = """\n{_NO_PAPERLESS}\n"""',
        why="Rows that are older than a column have NULL in that column, and WHERE keeps only rows for which the "
        "condition is true. For each filter on a new column, decide what NULL means.",
    ),
    Exercise(
        title="Reward points by state",
        kind="write the SQL",
        judge=Sql(
            _POINTS,
            one_row_for="state",
            key=("state",),
            slips=(
                Slip(
                    _POINTS.replace("COALESCE(rewardpoints, 0)", "rewardpoints"),
                    "States in which nobody has points have NULL instead of 0: the sum of no values is NULL.",
                ),
                Slip(
                    _POINTS.replace("GROUP BY", "WHERE rewardpoints IS NOT NULL\nGROUP BY"),
                    "States in which nobody has points are missing: keep the rows without points.",
                ),
                Slip(
                    _POINTS.replace("SUM(COALESCE(rewardpoints, 0))", "COUNT(rewardpoints)"),
                    "COUNT counts the customers who have points, but the question asks for the points.",
                ),
            ),
        ),
        hints=(
            "SUM ignores NULL. What is the sum if all values are NULL?",
            "COALESCE(rewardpoints, 0) returns zero for NULL.",
            "SUM(COALESCE(rewardpoints, 0)) AS points",
        ),
        answer=f'answer = """\n{_POINTS}\n"""',
        why="The sum of no values is NULL, not 0. Counting an unknown number as 0 is a decision, and COALESCE makes it "
        "visible.",
    ),
    Exercise(
        title="Two names for one column",
        kind="break and repair",
        judge=faults.judge_names,
        hints=(
            "ex.q4.break_it() shows the integration's error: two attributes would become the same column.",
            "Column names are lowercase, so State and STATE are one column. Remove one attribute from the item.",
            'UpdateExpression="REMOVE #wrong" with ExpressionAttributeNames={"#wrong": "STATE"}',
        ),
        answer='ex.q4.break_it()\nimport boto3\n\nboto3.client("dynamodb").update_item(\n    TableName=lab.table,\n'
        '    Key={"CustomerID": {"S": "CUST9001"}, "AccountNumber": {"S": "ACC900001"}},\n'
        '    UpdateExpression="REMOVE #wrong",\n    ExpressionAttributeNames={"#wrong": "STATE"},\n)\nex.q4.check()',
        why="DynamoDB distinguishes between State and STATE, but a table in the Data Catalog does not. Once the item "
        "is fixed, the integration continues. The check has deleted the item.",
        fault=faults.NAMES,
        by_api=True,
    ),
)
