"""The exercises for chapter 10, about nested attributes and a partition spec."""

from __future__ import annotations

from zetl_helpers.course.exercises.answers import Each, Value
from zetl_helpers.course.exercises.api import judge_partition_by_day
from zetl_helpers.course.exercises.engine import Exercise
from zetl_helpers.course.exercises.readings import Name, SqlType

EXERCISES = (
    Exercise(
        title="The name of a leaf",
        kind="predict",
        judge=Value(
            Name("the name of a column"),
            lambda _: "household.pets",
            wrong={
                "household_pets": "An older version of the AWS documentation shows underscores between the parts. "
                "The current version shows dots.",
                "pets": "The name is the whole path, because two maps can each have an attribute named Pets.",
                "household": "FULL creates a column for each leaf. Household itself is a map and has no column.",
            },
            otherwise="Join the names on the path from the attribute to the leaf.",
        ),
        hints=(
            "What name does FULL give the column for City in Address?",
            "Write the names from the outermost to the innermost, separated by dots.",
        ),
        answer='answer = "household.pets"',
        why="In FULL, the name is the path, so it needs double quotes in SQL. The set becomes an array.",
    ),
    Exercise(
        title="Types in the lakehouse",
        kind="complete",
        judge=Each(
            dict.fromkeys(("CardLimits", "Contacts", "Verified"), SqlType()),
            lambda _: {"CardLimits": "array<double>", "Contacts": "array<string>", "Verified": "boolean"},
            wrong={
                "CardLimits": "It is a set of numbers (NS), and a number becomes a double.",
                "Contacts": "It is a list (L), and the elements of a list become strings.",
                "Verified": "SQL has a type that corresponds to BOOL in DynamoDB.",
            },
        ),
        hints=(
            "Sets and lists become arrays: array<…>.",
            "Numbers become doubles, and the elements of a list become strings.",
        ),
        answer='answer = {"CardLimits": "array<double>", "Contacts": "array<string>", "Verified": "boolean"}',
        why="The types are the same in FULL and TOPLEVEL: the mode determines where a value is, not its type.",
    ),
    Exercise(
        title="A partition for each day",
        kind="use the API",
        judge=judge_partition_by_day,
        hints=(
            "The AWS Glue operation is CreateIntegrationTableProperties.",
            "ResourceArn is the ARN of the database, lab.database_arn. TargetTableConfig contains a PartitionSpec.",
            "PartitionSpec is a list with one entry, which has FieldName, FunctionSpec and ConversionSpec.",
        ),
        answer="""import boto3

boto3.client("glue").create_integration_table_properties(
    ResourceArn=lab.database_arn,
    TableName=lab.with_table("Payments").table,
    TargetTableConfig={
        "PartitionSpec": [{"FieldName": "PaidAt", "FunctionSpec": "day", "ConversionSpec": "iso"}],
    },
)
# With the CLI: aws glue create-integration-table-properties --resource-arn ARN --table-name Payments
#   --target-table-config '{"PartitionSpec": [{"FieldName": "PaidAt", …}]}'
ex.q3.check()""",
        why="AWS Glue reads the properties when the table's integration creates the target. The check has deleted "
        "them, because chapter 11 partitions by month.",
        by_state=True,
        by_api=True,
    ),
)
