"""The exercises for chapter 1, about the source's contents and permissions."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from zetl_helpers import permissions, source
from zetl_helpers.course.exercises.answers import Each, Value
from zetl_helpers.course.exercises.api import judge_new_item
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.course.exercises.readings import Action, Flag, Items, Name, unwrap
from zetl_helpers.lab import Lab

_ACTIONS = ("s3:PutObject", "glue:UpdateTable", "dynamodb:Scan", "s3:DeleteBucket")


def _type_of_zip(lab: Lab) -> str:
    (item, *_) = source.items()
    stored = source.get_item(lab, item["CustomerID"]["S"], item["AccountNumber"]["S"]) or item
    return str(next(iter(stored["ZipCode"])))


def _action(answer: Any) -> tuple[str, str]:
    """Return an action in lowercase with its service, and the action as it was typed."""
    return Action("dynamodb")(answer), str(unwrap(answer))


_ACTIONS_OF_A_POLICY = Items(_action, "a list of actions, each a string such as 'dynamodb:…'", ("Statement", "Action"))


def _judge_policy_actions(lab: Lab, answer: Any) -> str:
    """Judge the list of actions, and return a note about actions without their service."""
    (statement,) = permissions.render(lab, "table_resource_policy")["Statement"]
    right = {action.casefold() for action in statement["Action"]}
    given = dict(_ACTIONS_OF_A_POLICY(answer))
    if wide := sorted(entry for entry in given if "*" in entry or "?" in entry):
        raise IncorrectError(f"{given[wide[0]]} is a pattern. Name the three actions one by one.")
    if extra := sorted(set(given) - right):
        raise IncorrectError(
            f"{given[extra[0]]} is not one of the three actions: AWS Glue exports the table and never reads individual "
            "items."
        )
    if missing := right - set(given):
        raise IncorrectError(
            f"{len(missing)} of the three actions is missing."
            if len(missing) == 1
            else f"{len(missing)} of the three actions are missing."
        )
    bare = [typed for typed in given.values() if ":" not in typed]
    return f"In a policy, write the service before the action: dynamodb:{bare[0]}." if bare else ""


def _allowed(lab: Lab) -> dict[str, bool]:
    statements = permissions.render(lab, "target_role_permissions")["Statement"]
    patterns = [
        action
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    return {action: any(fnmatchcase(action, pattern) for pattern in patterns) for action in _ACTIONS}


EXERCISES = (
    Exercise(
        title="The type of a ZIP code",
        kind="predict",
        judge=Value(
            Name("the letter of the type", keys=("S", "N", "B", "BOOL", "M", "L", "SS", "NS")),
            _type_of_zip,
            wrong={
                "N": "Some ZIP codes, such as 02139, start with a zero, and a number would lose it. Look at "
                "the letter before the value of ZipCode in the item above.",
                "string": "The target's column will be a string. DynamoDB writes the type as one letter.",
                "text": "That is the right type. DynamoDB writes it as one letter.",
            },
            otherwise="The type is one letter. Look at the letter before the value of ZipCode in the item above.",
        ),
        hints=(
            "Find ZipCode in the item that get_item returned. What is to the left of its value?",
            "S is for text, and N is for numbers. Is a ZIP code such as 02139 a number?",
        ),
        answer='answer = "S"',
        why="A ZIP code is text: nobody adds up ZIP codes, and as a number, 02139 would lose its leading zero.",
    ),
    Exercise(
        title="An item without the helper",
        kind="use the API",
        judge=judge_new_item,
        hints=(
            "Call put_item on boto3.client('dynamodb'), or run aws dynamodb put-item in the AWS CLI.",
            "Each value includes its type: {'S': 'NV'} is text, and {'N': '1000'} is a number with its digits as text.",
            "The item has four attributes: CustomerID, AccountNumber, State and CreditLimit.",
        ),
        answer="""import boto3

boto3.client("dynamodb").put_item(
    TableName=lab.table,
    Item={
        "CustomerID": {"S": "CUST9003"},
        "AccountNumber": {"S": "ACC900003"},
        "State": {"S": "NV"},
        "CreditLimit": {"N": "1000"},
    },
)
# With the CLI: aws dynamodb put-item --table-name CustomerAccounts --item '{"CustomerID": {"S": "CUST9003"}, …}'
ex.q2.check()""",
        why="PutItem writes the whole item with its types, and replaces an item with the same key. The check has "
        "deleted the item.",
        by_state=True,
        by_api=True,
    ),
    Exercise(
        title="Table permissions for AWS Glue",
        kind="complete",
        judge=_judge_policy_actions,
        hints=(
            "AWS Glue describes the table, starts an export of it, and checks the state of the export.",
            "All three actions begin with dynamodb: and are in the policy above.",
            "Two of the actions are DescribeTable and ExportTableToPointInTime. The third action is easy to forget.",
        ),
        answer='answer = [\n    "dynamodb:DescribeTable",\n    "dynamodb:ExportTableToPointInTime",\n'
        '    "dynamodb:DescribeExport",\n]',
        why="An integration describes the table, exports it, and checks the export. It never reads individual items, "
        "so it needs neither Scan nor GetItem.",
    ),
    Exercise(
        title="Permissions of the target role",
        kind="predict",
        judge=Each(
            dict.fromkeys(_ACTIONS, Flag()),
            _allowed,
            wrong={
                "s3:PutObject": "The role writes the table's files to the bucket.",
                "glue:UpdateTable": "The Data Catalog records each new version of the Iceberg table.",
                "dynamodb:Scan": "The role is for the target; the table's resource policy covers the source.",
                "s3:DeleteBucket": "The role deletes objects that are no longer needed, but never the bucket.",
            },
        ),
        hints=(
            "The list above names every action that the role's policy allows. Anything else is denied.",
            "Two of the four actions are in the list.",
        ),
        answer='answer = {\n    "s3:PutObject": True,\n    "glue:UpdateTable": True,\n    "dynamodb:Scan": False,\n'
        '    "s3:DeleteBucket": False,\n}',
        why="The role writes files and table versions. None of its policies allows reading the source, and IAM denies "
        "everything that no policy allows.",
    ),
)
