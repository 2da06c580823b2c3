"""Typical wrong answers to the exercises in chapters 6 to 13, each with words that the check's message must contain."""

from typing import Any

from tests.course.exercises.steps import lags, partitioned, repaired, tagged
from zetl_helpers.course.exercises.shipments import FOUND

# If an answer is a function, it is called with the lab. The IDs of the first and last snapshots replace {first} and
# {last}.
LATER: dict[str, list[tuple[Any, str]]] = {
    "6.1": [
        ("bigint", "one type for all numbers"),
        ("string", "a number"),
        ("decimal", "smaller type"),
        ("number", "such as string or array"),
        ("N", "N is a type in DynamoDB"),
        ("varchar", "a number"),
        ("date", "type of creditlimit"),
    ],
    "6.2": [
        (
            "SELECT customerid FROM customeraccounts WHERE state = 'CA' AND paperlessbilling = false",
            "no comparison with NULL",
        ),
        (
            (
                "SELECT customerid FROM customeraccounts "
                "WHERE state = 'CA' AND paperlessbilling = false OR paperlessbilling IS NULL"
            ),
            "put parentheses around the OR",
        ),
        ("SELECT customerid FROM customeraccounts WHERE state = 'CA' AND paperlessbilling IS NULL", "who said no"),
        ("SELECT customerid FROM customeraccounts WHERE COALESCE(paperlessbilling, false) = false", "filter on CA"),
        ("SELECT customerid FROM customeraccounts WHERE state = 'CA' AND paperlessbilling", "has no rows"),
    ],
    "6.3": [
        ("SELECT state, SUM(rewardpoints) AS points FROM customeraccounts GROUP BY state", "NULL instead of 0"),
        (
            "SELECT state, SUM(rewardpoints) AS points FROM customeraccounts WHERE rewardpoints > 0 GROUP BY state",
            "nobody has points are missing",
        ),
        ("SELECT state, COUNT(rewardpoints) AS points FROM customeraccounts GROUP BY state", "asks for the points"),
        ("SELECT customerid AS state, COALESCE(rewardpoints, 0) AS points FROM customeraccounts", "25 rows, more"),
    ],
    "7.1": [
        (
            "SELECT customerid, state, creditlimit FROM customeraccounts WHERE customerid = 'CUST0002'",
            "the current table",
        ),
        (
            ("SELECT customerid, state, creditlimit FROM customeraccounts FOR VERSION AS OF {first}"),
            "whole first version",
        ),
        (
            (
                "SELECT customerid, state, creditlimit FROM customeraccounts FOR VERSION AS OF {first} "
                "WHERE customerid = 'CUST0001'"
            ),
            "was changed, not deleted",
        ),
        (
            ("SELECT * FROM customeraccounts FOR VERSION AS OF {first} WHERE customerid = 'CUST0002'"),
            "should have the col",
        ),
    ],
    "7.2": [
        ("first", "not later"),
        ("error", "before the first snapshot"),
        ("both", "one version"),
        ("third", "one of 'first'"),
    ],
    "7.3": [
        (
            (
                "SELECT 'First' AS version, SUM(currentbalance) AS total_balance "
                "FROM customeraccounts FOR VERSION AS OF {first} "
                "UNION ALL SELECT 'Last', SUM(currentbalance) FROM customeraccounts FOR VERSION AS OF {last}"
            ),
            "only the case of the text is wrong",
        ),
        (
            (
                "SELECT 'first' AS version, SUM(currentbalance) AS total_balance FROM customeraccounts "
                "UNION ALL SELECT 'last', SUM(currentbalance) FROM customeraccounts"
            ),
            "read the last version",
        ),
        (
            (
                "SELECT 'first' AS version, SUM(currentbalance) AS total_balance "
                "FROM customeraccounts FOR VERSION AS OF {last}"
                " UNION ALL SELECT 'last', SUM(currentbalance) FROM customeraccounts FOR VERSION AS OF {first}"
            ),
            "names of the two rows are swapped",
        ),
        (
            (
                "SELECT 'first' AS version, SUM(currentbalance) AS total_balance "
                "FROM customeraccounts FOR VERSION AS OF {first}"
            ),
            "one row for each version",
        ),
        (
            (
                "SELECT 'first' AS version, SUM(creditlimit) AS total_balance "
                "FROM customeraccounts FOR VERSION AS OF {first} "
                "UNION ALL SELECT 'last', SUM(creditlimit) FROM customeraccounts"
            ),
            "credit limits",
        ),
    ],
    "7.4": [
        (
            "SELECT state FROM customeraccounts FOR VERSION AS OF {first} EXCEPT SELECT state FROM customeraccounts",
            "swap the two versions",
        ),
        ("SELECT DISTINCT state FROM customeraccounts", "Remove the states that are also in the first"),
        (
            "SELECT state FROM customeraccounts INTERSECT SELECT state FROM customeraccounts FOR VERSION AS OF {first}",
            "INTERSECT keeps",
        ),
        (
            (
                "SELECT zipcode AS state FROM customeraccounts EXCEPT "
                "SELECT zipcode FROM customeraccounts FOR VERSION AS OF {first}"
            ),
            "does not belong",
        ),
    ],
    "8.1": [
        (3, "Without changes, there is no ingestion"),
        (1, "not even a start"),
        (2, "Without changes, there is none"),
        (6, "the number of ingestions"),
    ],
    "8.2": [
        (lambda lab: lags(lab).mean(), "the average"),
        (lambda lab: lags(lab).min(), "the best case"),
        (lambda lab: -lags(lab).max(), "negative"),
        (lambda lab: lags(lab).max().total_seconds() + 0.04, "You rounded"),
        (lambda lab: lags(lab).sum() * 3, "Take the largest"),
        ("a while", "a number"),
    ],
    "8.3": [
        (15, r"\$2\.81 a month\. That is too much"),
        (84, r"\$0\.502 a month\. That is too much"),
        (5, "15 to 8,640"),
        (2880, "more than a day old"),
        (90.5, "whole number"),
        ("hourly", "a number"),
    ],
    "9.1": [
        ("ACTIVE", "within seven days"),
        ("NEEDS_ATTENTION", "On the eighth"),
        ("SYNCING", "data type changes"),
        ("BROKEN", "one of"),
        ("DELETING", "how long the permission was missing"),
        (8, "one of"),
    ],
    "9.2": [
        ({"who": "Admin", "action": "s3:PutObject", "bucket": "b"}, "the role in the message"),
        (
            lambda lab: {"who": lab.role, "action": "GetObject", "bucket": lab.bucket},
            r"It follows the role in the message\. 2 of 3",
        ),
        (
            lambda lab: {"who": lab.role, "action": "s3:PutObject", "bucket": f"{lab.bucket}/{lab.database}"},
            "the first slash",
        ),
        ({"who": "zETLTargetRole"}, "The entry 'action' is missing"),
        ("zETLTargetRole", "a dictionary"),
    ],
    "9.3": [
        (tagged({"On-Call": "me"}), "the exercise asks for 'on-call'"),
        (tagged({"on_call": "me"}), "the exercise asks for 'on-call'"),
        (tagged({"ON-CALL": "me"}), "the exercise asks for 'on-call'"),
        (tagged({"On_Call": "me"}), "the exercise asks for 'on-call'"),
        (tagged({"oncall": "me"}), "a tag 'oncall', but the exercise asks for 'on-call'"),
        (tagged({"on-call": ""}), "has no value"),
        *(
            (tagged({name: "me"}), "does not have the tag on-call yet")
            for name in ("owner", "call", "pager", "Whom", "e-mail")
        ),
        (tagged({}), "does not have the tag on-call yet"),
    ],
    "10.1": [
        ("household_pets", "An older version"),
        ("pets", "whole path"),
        ("Household", "has no column"),
        ("household/pets", "Join the names"),
    ],
    "10.2": [
        ({"CardLimits": "array<string>", "Contacts": "array<string>", "Verified": "boolean"}, "a number becomes"),
        ({"CardLimits": "array<double>", "Contacts": "string", "Verified": "boolean"}, "elements of a list"),
        ({"CardLimits": "array<double>", "Contacts": "array<string>", "Verified": "string"}, "corresponds to BOOL"),
        (["array<double>"], "a dictionary"),
    ],
    "10.3": [
        (partitioned(FieldName="paidat"), "the name of the source attribute"),
        (partitioned(FieldName="State"), "the name of the source attribute"),
        (partitioned(FieldName="Paid_At"), "the name of the source attribute"),
        (partitioned(FunctionSpec="month"), "for each day"),
        (partitioned(FunctionSpec="hour"), "for each day"),
        (partitioned(FunctionSpec="year"), "for each day"),
        (partitioned(FunctionSpec="identity", ConversionSpec=None), "for each day"),
        (partitioned(ConversionSpec="epoch_sec"), "ISO 8601"),
        (partitioned(ConversionSpec="epoch_milli"), "ISO 8601"),
        (partitioned(twice=True), "has 2 entries"),
        (partitioned(none=True), "has 0 entries"),
        (lambda lab: None, "Payments has no integration table properties"),
    ],
    "11.1": [
        (0, "different ImportedItemCount"),
        (49, "different ImportedItemCount"),
        (100_000, "different ImportedItemCount"),
        ("51", "different ImportedItemCount"),
        (-50, "different ImportedItemCount"),
        (50.5, "different ImportedItemCount"),
    ],
    "11.2": [
        (360, "first load are still there"),
        (42, "belongs to one month"),
        (12, "after OPTIMIZE"),
        (1000, "the files of each refresh"),
    ],
    "11.3": [
        ({"OPTIMIZE": "fewer", "VACUUM": "fewer", "rows": "same"}, "earlier snapshots still need"),
        ({"OPTIMIZE": "more", "VACUUM": "same", "rows": "same"}, "It deletes"),
        ({"OPTIMIZE": "more", "VACUUM": "fewer", "rows": "fewer"}, "Neither statement"),
        ("fewer", "a dictionary"),
    ],
    "13.1": [
        ("MovieID", "always has a column"),
        ("Rating", "its type becomes string"),
        ("Awards", "array of strings"),
        ("Director", "names in the items"),
    ],
    "13.2": [
        ({**FOUND, "no time": "SHP0030"}, "no ShippedAt"),
        ({**FOUND, "a colon in a name": "SHP0001"}, "has geo:hash"),
        ({**FOUND, "a weight that is text": "SHP0001"}, "names an item for each type"),
        ("SHP0019", "a dictionary"),
    ],
    "13.3": [
        (repaired("SHP0019", without="ShipmentID"), "SHP0019 was deleted"),
        (repaired("SHP0031", without="ShipmentID"), "SHP0031 was deleted"),
        (repaired("SHP0019", item={"geo:hash": {"S": "9qf"}}), "still there"),
        (repaired("SHP0019", without="GeoHash"), "9qf is lost"),
        (repaired("SHP0025", Email={"S": "receiver25@example.com"}), "still there"),
        (repaired("SHP0025", without="email"), "the address is lost"),
        (repaired("SHP0007", WeightKg={"S": "12.5"}), "still a string"),
        (repaired("SHP0007", WeightKg={"N": "12"}), "keep its value"),
        (repaired("SHP0012", Tracking={"N": "94001102000000000012"}), "still a number"),
        (repaired("SHP0012", Tracking={"S": "9.4001102E19"}), "all of its digits"),
        (repaired("SHP0031", without="ShippedAt"), "still missing"),
        (repaired("SHP0031", ShippedAt={"S": "2026-10-13"}), "according to the dispatcher"),
        (repaired("SHP0001", Carrier={"S": "Air"}), "had no problem"),
    ],
    "13.4": [
        ("SELECT carrier, SUM(weightkg) AS kg FROM shipments GROUP BY carrier", "all months"),
        (
            "SELECT carrier, COUNT(*) AS kg FROM shipments WHERE shippedat LIKE '2026-10%' GROUP BY carrier",
            "counts shipments",
        ),
        (
            "SELECT carrier, AVG(weightkg) AS kg FROM shipments WHERE shippedat LIKE '2026-10%' GROUP BY carrier",
            "average weight",
        ),
        (
            (
                "SELECT carrier, SUM(weightkg) AS kg FROM shipments "
                "WHERE shippedat BETWEEN '2026-10-01' AND '2026-10-31' GROUP BY carrier"
            ),
            "shipments on October 31 are missing",
        ),
        ("DROP TABLE shipments", "should be a SELECT"),
    ],
}
