"""The exercises for chapter 13, about predicting columns and fixing problems in an unknown table."""

from __future__ import annotations

from zetl_helpers.course.exercises.answers import Each, Value
from zetl_helpers.course.exercises.engine import Exercise
from zetl_helpers.course.exercises.readings import Name
from zetl_helpers.course.exercises.shipments import FOUND, Live, judge_repair
from zetl_helpers.course.exercises.sql import Slip, Sql

_OCTOBER = "FROM shipments WHERE CAST(shippedat AS varchar) LIKE '2026-10%' GROUP BY carrier"
_OCTOBER_TO_MIDNIGHT = _OCTOBER.replace("GROUP", "AND CAST(shippedat AS varchar) < '2026-10-31' GROUP")
_KILOGRAMS = "SUM(CAST(weightkg AS double)) AS kg"

EXERCISES = (
    Exercise(
        title="The attribute without a column",
        kind="predict",
        judge=Value(
            Name("the name of an attribute"),
            lambda _: "Sequel",
            wrong={
                "MovieID": "MovieID is the key, and a key always has a column.",
                "Title": "A string becomes a column of type string.",
                "ReleasedAt": "A string becomes a column of type string, even if it looks like a date.",
                "Rating": "Values of two types still produce a column: its type becomes string.",
                "Genres": "A set becomes an array.",
                "Info": "A map becomes a struct, or a column for each leaf.",
                "Awards": "A list becomes an array of strings.",
            },
            otherwise="Choose one of the names in the items above, with the same spelling.",
        ),
        hints=(
            "Chapter 10 had an attribute that did not arrive: ClosedReason.",
            "Look for the type NULL.",
        ),
        answer='answer = "Sequel"',
        why="Sequel is NULL in every film, and NULL has no type. The column is added when the first value that "
        "is not NULL arrives.",
    ),
    Exercise(
        title="Find the five problems",
        kind="complete",
        judge=Each(
            dict.fromkeys(FOUND, Name("the ShipmentID of one item")),
            lambda _: FOUND,
            wrong={
                "a colon in a name": "Look for the item that has geo:hash.",
                "two names for one column": "One item has Email where all other items have email.",
                "a weight that is text": "The finding MIXED_TYPES about WeightKg names an item for each type.",
                "a tracking number that is a number": "The finding NUMBER_PRECISION names the item and the number.",
                "no time": "Look for the item that has no ShippedAt.",
            },
        ),
        hints=(
            "The findings MIXED_TYPES and NUMBER_PRECISION name two of the five items.",
            'To find the others, search the items: [item["ShipmentID"]["S"] for item in items if "geo:hash" in item]',
            'For the item without a time, "ShippedAt" not in item is true.',
        ),
        answer="""answer = {
    "a colon in a name": "SHP0019",
    "two names for one column": "SHP0025",
    "a weight that is text": "SHP0007",
    "a tracking number that is a number": "SHP0012",
    "no time": "SHP0031",
}""",
        why="Two of the problems stop an integration, and two silently change values. The fifth stops "
        "an integration only if the target is partitioned by time.",
    ),
    Exercise(
        title="Fix the five problems",
        kind="use the API",
        judge=judge_repair,
        hints=(
            "update_item accepts a Key, an UpdateExpression, and values such as {':v': {'N': '12.5'}}.",
            "A name with a colon needs a placeholder: ExpressionAttributeNames={'#old': 'geo:hash'}.",
            "To rename an attribute, use SET new = old REMOVE old in one UpdateExpression.",
        ),
        answer="""import boto3

dynamodb = boto3.client("dynamodb")


def update(shipment, expression, values=None, names=None):
    extra = {"ExpressionAttributeNames": names} if names else {}
    extra |= {"ExpressionAttributeValues": values} if values else {}
    dynamodb.update_item(
        TableName=lab.with_table("Shipments").table,
        Key={"ShipmentID": {"S": shipment}},
        UpdateExpression=expression,
        **extra,
    )


update("SHP0019", "SET GeoHash = #old REMOVE #old", names={"#old": "geo:hash"})
update("SHP0025", "SET email = Email REMOVE Email")
update("SHP0007", "SET WeightKg = :v", {":v": {"N": "12.5"}})
update("SHP0012", "SET Tracking = :v", {":v": {"S": "94001102000000000012"}})
update("SHP0031", "SET ShippedAt = :v", {":v": {"S": "2026-10-13T09:30:00Z"}})
# With the CLI: aws dynamodb update-item --table-name Shipments --key '{"ShipmentID": {"S": "SHP0007"}}'
#   --update-expression "SET WeightKg = :v" --expression-attribute-values '{":v": {"N": "12.5"}}'
ex.q3.check()""",
        why="The source is fixed, so every later refresh is also correct. At work, also fix the application that wrote "
        "the items.",
        by_state=True,
        by_api=True,
    ),
    Exercise(
        title="October by carrier",
        kind="write the SQL",
        judge=Live(
            Sql(
                f"SELECT carrier, {_KILOGRAMS} {_OCTOBER}",
                one_row_for="carrier",
                key=("carrier",),
                slips=(
                    Slip(
                        f"SELECT carrier, {_KILOGRAMS} FROM shipments GROUP BY carrier",  # noqa: S608
                        "These are the kilograms for all months; the question is about October 2026.",
                    ),
                    Slip(
                        f"SELECT carrier, {_KILOGRAMS} {_OCTOBER_TO_MIDNIGHT}",
                        "The shipments on October 31 are missing: without a time, '2026-10-31' is the beginning of "
                        "that day. Use a condition such as shippedat < TIMESTAMP '2026-11-01 00:00:00 UTC'.",
                    ),
                    Slip(
                        f"SELECT carrier, COUNT(*) AS kg {_OCTOBER}",
                        "This counts shipments, but the question asks for kilograms.",
                    ),
                    Slip(
                        f"SELECT carrier, AVG(CAST(weightkg AS double)) AS kg {_OCTOBER}",
                        "This is the average weight, but the question asks for the sum.",
                    ),
                ),
            )
        ),
        hints=(
            "Return one row for each carrier: GROUP BY carrier.",
            "With a partition spec on ShippedAt, the column is a timestamp. Without a partition spec, it is a string.",
            "CAST(shippedat AS varchar) LIKE '2026-10%' works for both types.",
        ),
        answer='''answer = """
SELECT carrier, SUM(weightkg) AS kg
FROM shipments
WHERE CAST(shippedat AS varchar) LIKE '2026-10%'
GROUP BY carrier
"""''',
        why="SUM works because WeightKg is now a number in every item, and October is complete because SHP0031 has a "
        "time.",
    ),
)
