"""For each exercise of chapters 6 to 11, wrong answers that learners give, and what the message about each must say."""

from typing import Any

from zetl_helpers import monitoring
from zetl_helpers.lab import Lab


def lags(lab: Lab) -> Any:
    runs = monitoring.ingestions(lab)
    return runs["completed_at"] - runs["last_synced_at"]


# Answers that are functions take the lab; {first} and {last} stand for the two snapshots.
LATER: dict[str, list[tuple[Any, str]]] = {
    "6.1": [
        ("bigint", "one type for all numbers"),
        ("string", "a number"),
        ("decimal", "smaller type"),
        ("varchar", "type of creditlimit"),
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
        ("SELECT customerid FROM customeraccounts WHERE state = 'CA' AND paperlessbilling", "has no row"),
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
        ("SELECT customerid, state, creditlimit FROM customeraccounts WHERE customerid = 'CUST0002'", "as it is now"),
        (
            ("SELECT customerid, state, creditlimit FROM customeraccounts FOR VERSION AS OF {first}"),
            "whole first version",
        ),
        (
            (
                "SELECT customerid, state, creditlimit FROM customeraccounts FOR VERSION AS OF {first} "
                "WHERE customerid = 'CUST0001'"
            ),
            "was changed and not deleted",
        ),
        (
            ("SELECT * FROM customeraccounts FOR VERSION AS OF {first} WHERE customerid = 'CUST0002'"),
            "should have the col",
        ),
    ],
    "7.2": [
        ("first", "not younger"),
        ("error", "before the first snapshot"),
        ("both", "one version"),
        ("third", 'is "first"'),
    ],
    "7.3": [
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
            "each other's name",
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
            "exchange the two versions",
        ),
        ("SELECT DISTINCT state FROM customeraccounts", "still to be taken away"),
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
        (3, "Without changes there is none"),
        (1, "not even a start"),
        (2, "Without changes there is none"),
        (6, "how many ingestions"),
    ],
    "8.2": [
        (lambda lab: lags(lab).mean(), "the average"),
        (lambda lab: lags(lab).min(), "the best case"),
        (lambda lab: -lags(lab).max(), "negative"),
        (lambda lab: lags(lab).sum() * 3, "take the largest"),
        ("a second", "is a time"),
    ],
    "8.3": [
        (15, r"\$2\.81 a month: that is too much"),
        (5, "15 to 8640"),
        (2880, "older than a day"),
        (90.5, "whole number"),
        ("an hour", "a number of minutes"),
    ],
    "9.1": [
        ("ACTIVE", "within seven days"),
        ("NEEDS_ATTENTION", "On the eighth"),
        ("SYNCING", "changed data type"),
        ("BROKEN", "one of the seven states"),
        (8, "is a text"),
    ],
    "9.2": [
        ({"who": "Admin", "action": "s3:PutObject", "bucket": "b"}, "name of the role"),
        (
            lambda lab: {"who": lab.role, "action": "PutObject", "bucket": lab.bucket},
            r"with the service before the colon\. 2 of 3",
        ),
        (
            lambda lab: {"who": lab.role, "action": "s3:PutObject", "bucket": f"{lab.bucket}/{lab.database}"},
            "the first slash",
        ),
        ({"who": "zETLTargetRole"}, "'action' is missing"),
        ("zETLTargetRole", "is a dictionary"),
    ],
    "9.3": [
        (["Email", "E-Mail"], "email and e-mail: not the same"),
        (["Email", "eMail", "e_mail"], "the answer has 3"),
        (["Email", "email"], "'email' is none of the five"),
        ("Email", "a list of two names"),
    ],
    "10.1": [
        ("household_pets", "An older edition"),
        ("pets", "whole path"),
        ("Household", "has none"),
        ("household/pets", "Join the names"),
    ],
    "10.2": [
        ({"CardLimits": "array<string>", "Contacts": "array<string>", "Verified": "boolean"}, "a number becomes"),
        ({"CardLimits": "array<double>", "Contacts": "string", "Verified": "boolean"}, "elements of a list"),
        ({"CardLimits": "array<double>", "Contacts": "array<string>", "Verified": "string"}, "BOOL has a type"),
        (["array<double>"], "is a dictionary"),
    ],
    "10.3": [
        ({"FieldName": "SeenAt", "FunctionSpec": "day", "ConversionSpec": "epoch_sec"}, "13 digits"),
        ({"FieldName": "SeenAt", "FunctionSpec": "daily", "ConversionSpec": "epoch_milli"}, "identity, year, month"),
        ({"FieldName": "Seen", "FunctionSpec": "day", "ConversionSpec": "epoch_milli"}, "attribute's name"),
        ({"FieldName": "SeenAt", "FunctionSpec": "day"}, "'ConversionSpec' is missing"),
    ],
    "11.1": [
        (0.625, "two units begun"),
        (0.9375, "not split"),
        (1_000_000, "write_cost takes"),
    ],
    "11.2": [
        (360, "first load are still there"),
        (42, "belongs to one month"),
        (12, "after OPTIMIZE"),
        (1000, "what each round adds"),
    ],
    "11.3": [
        ({"OPTIMIZE": "fewer", "VACUUM": "fewer", "rows": "same"}, "earlier snapshots still need"),
        ({"OPTIMIZE": "more", "VACUUM": "same", "rows": "same"}, "It deletes"),
        ({"OPTIMIZE": "more", "VACUUM": "fewer", "rows": "fewer"}, "Neither statement"),
        ("fewer", "is a dictionary"),
    ],
}
