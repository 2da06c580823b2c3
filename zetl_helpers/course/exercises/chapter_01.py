"""The exercises of chapter 1: what the source holds, and who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from zetl_helpers import permissions, source
from zetl_helpers.course.exercises.answers import Each, Value
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.lab import Lab

_ACTIONS = ("s3:PutObject", "glue:UpdateTable", "dynamodb:Scan", "s3:DeleteBucket")


def _type_of_zip(lab: Lab) -> str:
    (item, *_) = source.items()
    stored = source.get_item(lab, item["CustomerID"]["S"], item["AccountNumber"]["S"]) or item
    return str(next(iter(stored["ZipCode"])))


def _judge_key(lab: Lab, answer: Any) -> None:
    parts = {"CustomerID": "S", "AccountNumber": "S"}
    if not isinstance(answer, Mapping):
        raise IncorrectError("A key is a dictionary: the name of each part, and its value with its type.")
    missing = [name for name in parts if name not in answer]
    if missing:
        raise IncorrectError(f"The key has two parts, and {missing[0]} is missing: GetItem wants all of it.")
    extra = [name for name in answer if name not in parts]
    if extra:
        raise IncorrectError(f"{extra[0]} is not part of the key, and GetItem takes nothing but the key.")
    for name, value in answer.items():
        if not isinstance(value, Mapping) or set(value) != {"S"}:
            raise IncorrectError(f"{name} needs its type around the value: {{'S': '…'}}, since it is a text.")
    item = source.get_item(lab, answer["CustomerID"]["S"], answer["AccountNumber"]["S"])
    if item is None:
        raise IncorrectError("There is no item with this key. Upper and lower case count, and so does each digit.")
    if answer["CustomerID"]["S"] != "CUST0004":
        raise IncorrectError(f"That is the account of {answer['CustomerID']['S']}; the question asks for CUST0004's.")


def _judge_policy_actions(lab: Lab, answer: Any) -> None:
    (statement,) = permissions.render(lab, "table_resource_policy")["Statement"]
    right = set(statement["Action"])
    actions = [answer] if isinstance(answer, str) else answer
    if not isinstance(actions, list | tuple | set) or not all(isinstance(one, str) for one in actions):
        raise IncorrectError("The answer is a list of actions, each a text such as 'dynamodb:Scan'.")
    given = set(actions)
    if wide := sorted(one for one in given if "*" in one):
        raise IncorrectError(f"{wide[0]} allows more than the three actions: name each of them.")
    if extra := sorted(given - right):
        raise IncorrectError(f"{extra[0]} is not needed: AWS Glue exports the table, and never reads it item by item.")
    if missing := sorted(right - given):
        raise IncorrectError(f"{missing[0]} is missing. Without it AWS Glue cannot use the table's export.")


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
            _type_of_zip,
            wrong={
                "N": "As a number, 02139 would become 2139. Look at how the item above was stored.",
                "string": "In the target it will be a string. DynamoDB itself writes the type as one letter.",
                "text": "Right in meaning; DynamoDB writes the type as one letter.",
            },
            otherwise="It is one letter. Look at what stands before the value of ZipCode in the item above.",
        ),
        hints=(
            "Find ZipCode in the item that get_item returned. What stands on the left of its value?",
            "S is for text, N for a number. Is a ZIP code such as 02139 a number?",
        ),
        answer='answer = "S"',
        why="A ZIP code is a text: nobody adds ZIP codes up, and as a number 02139 would lose its leading zero.",
    ),
    Exercise(
        title="The key of one item",
        kind="complete",
        judge=_judge_key,
        hints=(
            "The table's definition lists two attributes in its KeySchema.",
            "Each value carries its type, as in the item above: {'S': '…'}.",
            "CUST0004's account is ACC902164.",
        ),
        answer='answer = {"CustomerID": {"S": "CUST0004"}, "AccountNumber": {"S": "ACC902164"}}',
        why="GetItem takes the whole key and nothing but the key, each part with its type.",
    ),
    Exercise(
        title="What AWS Glue may do with the table",
        kind="complete",
        judge=_judge_policy_actions,
        hints=(
            "AWS Glue looks at the table, starts an export of it, and asks how the export is going.",
            "All three begin with dynamodb: and stand in the policy that was printed above.",
            "Two are dynamodb:DescribeTable and dynamodb:ExportTableToPointInTime. The third is easily forgotten.",
        ),
        answer='answer = [\n    "dynamodb:DescribeTable",\n    "dynamodb:ExportTableToPointInTime",\n'
        '    "dynamodb:DescribeExport",\n]',
        why="Describe the table, export it, look how the export is going: that is all that an integration does with "
        "its source. It never reads items, so it needs neither Scan nor GetItem.",
    ),
    Exercise(
        title="What the target role may do",
        kind="predict",
        judge=Each(
            _allowed,
            wrong={
                "s3:PutObject": "the role writes the table's files into the bucket.",
                "glue:UpdateTable": "each new version of the Iceberg table is noted in the Data Catalog.",
                "dynamodb:Scan": "the role is for the target; the source is read under the table's own policy.",
                "s3:DeleteBucket": "the role deletes objects that are no longer needed, never the bucket.",
            },
        ),
        hints=(
            "The list above names every action that the role's policy allows. What is not in it, is not allowed.",
            "Two of the four are in the list.",
        ),
        answer='answer = {\n    "s3:PutObject": True,\n    "glue:UpdateTable": True,\n    "dynamodb:Scan": False,\n'
        '    "s3:DeleteBucket": False,\n}',
        why="The role writes files and table versions. Reading the source is not its business, and no policy of it "
        "says so: in IAM what is not allowed is denied.",
    ),
)
