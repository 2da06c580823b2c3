"""Typical wrong answers to the exercises in chapters 1 to 5, each with words that the check's message must contain."""

from typing import Any

from tests.course.exercises.steps import pivot, without_database, written

ANALYST = "arn:aws:iam::111122223333:role/Analyst"
OWNER = "arn:aws:iam::111122223333:role/DataOwner"
SECURITY = "arn:aws:iam::111122223333:role/Security"

# If an answer is a function, it is called with the lab. The IDs of the first and last snapshots replace {first} and
# {last}.
EARLIER: dict[str, list[tuple[Any, str]]] = {
    "1.1": [
        ("N", "02139, start with a zero"),
        ("string", "one letter"),
        ("Text", "one letter"),
        ("B", "before the value of ZipCode"),
        ("BOOL", "one letter"),
        ("SS", "one letter"),
        ("M", "one letter"),
        ("ZipCode", "one letter"),
        ("number", "one letter"),
        ("94105", "one letter"),
        ({"N": "94105"}, "02139, start with a zero"),
        (["N"], "02139, start with a zero"),
    ],
    "1.2": [
        (written(State=None), "no attribute State"),
        (written(CreditLimit=None), "no attribute CreditLimit"),
        (written(CreditLimit={"S": "1000"}), "CreditLimit is"),
        (written(CreditLimit={"N": "100"}), "should be {'N': '1000'}"),
        (written(State={"S": "nv"}), "State is"),
        (written(State={"S": "Nevada"}), "State is"),
        (written(State={"N": "1"}), "State is"),
        (written(State={"SS": ["NV"]}), "State is"),
        (written(State={"S": "CA"}), "State is"),
        (written(CreditLimit={"L": [{"N": "1000"}]}), "CreditLimit is"),
        (written(CreditLimit={"BOOL": True}), "CreditLimit is"),
        (written(CreditLimit={"NULL": True}), "CreditLimit is"),
    ],
    "1.3": [
        (["dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime"], "1 of the three actions is missing"),
        (["dynamodb:*"], "is a pattern"),
        (["dynamodb:Describe*", "dynamodb:ExportTableToPointInTime"], "is a pattern"),
        (
            ["dynamodb:DescribeTable", "dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport", "dynamodb:Scan"],
            "dynamodb:Scan is not one of the three",
        ),
        ("dynamodb:DescribeTable", "2 of the three actions are missing"),
        (["DescribeTable", "Scan", "GetItem"], "is not one of the three"),
        (["DescribeTable", "ExportTable", "DescribeExport"], "is not one of the three"),
        (["DescribeTable", "ExportTableToPointInTime", "DescribeExports"], "is not one of the three"),
        (["DescribeTable", "ExportTableToPointInTime", "ListExports"], "is not one of the three"),
        (["DescribeTable", "ExportTableToPointInTime", "s3:PutObject"], "s3:PutObject is not one of the three"),
        (["glue:DescribeTable", "glue:ExportTableToPointInTime", "glue:DescribeExport"], "is not one of the three"),
        ([], "3 of the three actions are missing"),
    ],
    "1.4": [
        (
            dict.fromkeys(("s3:PutObject", "glue:UpdateTable", "dynamodb:Scan", "s3:DeleteBucket"), True),
            "resource policy covers the source",
        ),
        (
            {"s3:PutObject": True, "glue:UpdateTable": False, "dynamodb:Scan": False, "s3:DeleteBucket": False},
            "The Data Catalog records",
        ),
        (
            {"s3:PutObject": False, "glue:UpdateTable": True, "dynamodb:Scan": False, "s3:DeleteBucket": False},
            "the table's files",
        ),
        (
            {"s3:PutObject": True, "glue:UpdateTable": True, "dynamodb:Scan": False, "s3:DeleteBucket": True},
            "never the bucket",
        ),
        ({"s3:PutObject": True}, "The entry 'glue:UpdateTable' is missing"),
        (True, "a dictionary"),
    ],
    "2.1": [
        (9, "TOPLEVEL creates nine columns"),
        (1, "each part of the key has its own column"),
        (2, "key has two parts"),
        (7, "Count the parts"),
        ("a few", "a number"),
    ],
    "2.2": [
        ([{"FieldName": "LastPaymentDate", "FunctionSpec": "identity"}], "a group for each date"),
        ([{"FieldName": "LastPaymentDate", "FunctionSpec": "month"}], "needs a ConversionSpec"),
        (
            [{"FieldName": "LastPaymentDate", "FunctionSpec": "day", "ConversionSpec": "iso"}],
            "a group for each day",
        ),
        (
            [{"FieldName": "LastPaymentDate", "FunctionSpec": "month", "ConversionSpec": "epoch_sec"}],
            "counted from 1970",
        ),
        (
            [{"FieldName": "lastpaymentdate", "FunctionSpec": "month", "ConversionSpec": "iso"}],
            "the name of the source attribute",
        ),
        ("month", "a dictionary with the entries"),
    ],
    "2.3": [
        (9, "the number of folders now"),
        (25, "each item"),
        (1, "has no partitions"),
        (4, "Which account statuses occur"),
    ],
    "3.1": [
        ("arn:aws:sts::111122223333:assumed-role/Analyst/laptop", "the session itself"),
        ("arn:aws:sts::111122223333:role/Analyst", "belong to IAM"),
        ("arn:aws:iam::111122223333:assumed-role/Analyst", "not assumed-role"),
        ("arn:aws:iam::111122223333:role/Analyst/laptop", "the name of the session"),
        ("Analyst", "form arn:aws:iam::account:role/name"),
        ("arn:aws:iam::111122223333:role/analyst", "the answer is case-sensitive"),
        ("arn:aws:iam::111122223333:user/Analyst", "not a user"),
        ("arn:aws:iam::111122223333:role/laptop", "precedes it"),
    ],
    "3.2": [
        ([ANALYST], "role/DataOwner would no longer be an administrator"),
        ([OWNER, SECURITY], "role/Analyst is missing"),
        ([OWNER, SECURITY, "arn:aws:sts::111122223333:assumed-role/Analyst/laptop"], "is a session"),
        ([OWNER, SECURITY, ANALYST, ANALYST], "twice"),
        ([OWNER, SECURITY, ANALYST, "arn:aws:iam::111122223333:role/Else"], "does not name"),
    ],
    "3.3": [
        ({"database": ["DESCRIBE"], "table": ["ALL"]}, "could drop it"),
        ({"database": ["DESCRIBE"], "table": ["SELECT"]}, "DESCRIBE on the table is missing"),
        ({"database": ["DESCRIBE"], "table": ["DESCRIBE"]}, "should be able to query the table"),
        ({"database": [], "table": ["DESCRIBE", "SELECT"]}, "should see the database"),
        (
            {"database": ["DESCRIBE", "CREATE_TABLE"], "table": ["DESCRIBE", "SELECT"]},
            "does not ask for CREATE_TABLE",
        ),
        (["SELECT", "DESCRIBE"], "DESCRIBE on the database is missing"),
    ],
    "4.1": [
        (
            (
                "SELECT accountstatus, COUNT(*) AS accounts, AVG(interestrate) AS average_rate "
                "FROM customeraccounts GROUP BY 1"
            ),
            "Round once",
        ),
        (
            (
                "SELECT accountstatus, COUNT(*) AS accounts, ROUND(SUM(interestrate), 2) AS average_rate "
                "FROM customeraccounts GROUP BY 1"
            ),
            "is a sum",
        ),
        (
            (
                "SELECT accountstatus, COUNT(*) AS accounts, ROUND(AVG(interestrate), 2) AS rate "
                "FROM customeraccounts GROUP BY 1"
            ),
            "question asks for 'average_rate'",
        ),
        (
            "SELECT accountstatus, 1 AS accounts, ROUND(interestrate, 2) AS average_rate FROM customeraccounts",
            "one row for each account status, but your answer has 25 rows, more",
        ),
        (
            (
                "SELECT max(accountstatus) accountstatus, COUNT(*) "
                "AS accounts, ROUND(AVG(interestrate), 2) AS average_rate "
                "FROM customeraccounts"
            ),
            "Is GROUP BY missing",
        ),
        (
            (
                "SELECT state AS accountstatus, COUNT(*) AS accounts, ROUND(AVG(interestrate), 2) AS average_rate "
                "FROM customeraccounts WHERE state IN ('CA', 'NV', 'NY') GROUP BY 1"
            ),
            "does not belong in the answer",
        ),
        ("DELETE FROM customeraccounts", "should be a SELECT"),
        (42, "a statement, as a string"),
    ],
    "4.2": [
        (without_database("SELECT customerid FROM customeraccounts"), "looked in the database default. Pass QueryEx"),
        (
            (
                "SELECT customerid, currentbalance FROM customeraccounts WHERE accountstatus = 'Past Due' "
                "ORDER BY currentbalance LIMIT 3"
            ),
            "three smallest",
        ),
        (
            "SELECT customerid, currentbalance FROM customeraccounts ORDER BY currentbalance DESC LIMIT 3",
            "filter on 'Past Due' is missing",
        ),
        (
            (
                "SELECT customerid, currentbalance FROM customeraccounts WHERE accountstatus = 'Past Due' "
                "ORDER BY currentbalance DESC LIMIT 5"
            ),
            "has 5 rows, more",
        ),
        (
            (
                "SELECT * "
                "FROM (SELECT customerid, currentbalance FROM customeraccounts WHERE accountstatus = 'Past Due' "
                "ORDER BY currentbalance DESC LIMIT 3) ORDER BY currentbalance"
            ),
            "their order is not",
        ),
        (
            (
                "SELECT customerid, currentbalance FROM customeraccounts WHERE accountstatus = 'Past Due' "
                "ORDER BY customerid LIMIT 3"
            ),
            "Order them by the amount that they owe",
        ),
        (
            (
                "SELECT customerid, currentbalance FROM customeraccounts WHERE accountstatus = 'past due' "
                "ORDER BY currentbalance DESC LIMIT 3"
            ),
            "case-sensitive",
        ),
    ],
    "4.3": [
        (7, "3.5 × 2"),
        (3, "That is 7 / 2"),
        (3.5, "7 / 2e0"),
        (14, "from left to right"),
    ],
    "4.4": [
        (
            (
                "SELECT state, COUNT_IF(accountstatus = 'Past Due') * 100 / COUNT(*) AS past_due_percentage "
                "FROM customeraccounts GROUP BY state"
            ),
            "decimals are cut off",
        ),
        (
            (
                "SELECT state, COUNT_IF(accountstatus = 'Past Due') / COUNT(*) * 100 AS past_due_percentage "
                "FROM customeraccounts GROUP BY state"
            ),
            "decimals are cut off",
        ),
        (
            (
                "SELECT state, ROUND(COUNT_IF(accountstatus = 'Past Due') * 1e0 / COUNT(*), 2) AS past_due_percentage "
                "FROM customeraccounts GROUP BY state"
            ),
            "fractions",
        ),
        (
            (
                "SELECT state, COUNT_IF(accountstatus = 'Past Due') * 1e0 / COUNT(*) AS past_due_percentage "
                "FROM customeraccounts GROUP BY state"
            ),
            "It is a fraction",
        ),
        (
            (
                "SELECT state, ROUND(COUNT(*) * 100e0 / COUNT(*), 2) AS past_due_percentage "
                "FROM customeraccounts WHERE accountstatus = 'Past Due' GROUP BY state"
            ),
            "before they were counted",
        ),
        (
            (
                "SELECT state, ROUND(COUNT_IF(accountstatus = 'Past Due') * 100e0 / (SELECT COUNT(*) "
                "FROM customeraccounts), 2)"
                " AS past_due_percentage FROM customeraccounts GROUP BY state"
            ),
            "share of all accounts",
        ),
        (
            (
                "SELECT state, ROUND(COUNT_IF(accountstatus = 'Past Due') * 100e0 / COUNT(*), 2) "
                "AS past_due_percentage "
                "FROM customeraccounts GROUP BY state, zipcode"
            ),
            "has 15 rows, more",
        ),
        (
            (
                "SELECT state, NULLIF(ROUND(COUNT_IF(accountstatus = 'Past Due') * 100e0 / COUNT(*), 2), 0) "
                "AS past_due_percentage FROM customeraccounts GROUP BY state"
            ),
            "should not be NULL",
        ),
    ],
    "4.5": [
        (
            (
                "SELECT state, ROUND(SUM(currentbalance) * 100 / SUM(creditlimit), 2) AS balance_percentage "
                "FROM customeraccounts WHERE accountstatus <> 'Closed' "
                "GROUP BY state HAVING SUM(currentbalance) / SUM(creditlimit) > 50"
            ),
            "Your HAVING clause removes every group",
        ),
        (
            (
                "SELECT state, ROUND(SUM(currentbalance) * 100 / SUM(creditlimit), 2) AS balance_percentage "
                "FROM customeraccounts WHERE accountstatus = 'open' "
                "GROUP BY state HAVING SUM(currentbalance) * 100 / SUM(creditlimit) > 50"
            ),
            "Look at WHERE and HAVING. Text comparison is case-sensitive",
        ),
        (
            (
                "SELECT state, ROUND(SUM(currentbalance) * 100 / SUM(creditlimit), 2) AS balance_percentage "
                "FROM customeraccounts GROUP BY state HAVING SUM(currentbalance) * 100 / SUM(creditlimit) > 50"
            ),
            "fewer than there should be|closed accounts",
        ),
        (
            (
                "SELECT state, ROUND(SUM(currentbalance) * 100 / SUM(creditlimit), 2) AS balance_percentage "
                "FROM customeraccounts WHERE accountstatus <> 'Closed' GROUP BY state"
            ),
            "with HAVING",
        ),
        (
            (
                "SELECT state, ROUND(AVG(currentbalance * 100 / creditlimit), 2) "
                "AS balance_percentage FROM customeraccounts "
                "WHERE accountstatus <> 'Closed' GROUP BY state HAVING AVG(currentbalance * 100 / creditlimit) > 50"
            ),
            "Sum first",
        ),
        (
            (
                "SELECT state, ROUND(SUM(currentbalance) * 100 / SUM(creditlimit), 2) AS balance_percentage "
                "FROM customeraccounts WHERE accountstatus <> 'Closed' AND currentbalance * 100 / creditlimit > 50 "
                "GROUP BY state"
            ),
            "WHERE removed individual accounts",
        ),
    ],
    "5.1": [
        ("SELECT accountstatus, SUM(currentbalance) AS total_balance FROM customeraccounts GROUP BY 1", "size zero"),
        (
            (
                "SELECT accountstatus, AVG(currentbalance) "
                "AS total_balance FROM customeraccounts WHERE currentbalance > 0 "
                "GROUP BY 1"
            ),
            "averages do not add up",
        ),
        (
            "SELECT accountstatus, COUNT(*) AS total_balance FROM customeraccounts WHERE currentbalance > 0 GROUP BY 1",
            "numbers of accounts",
        ),
        (
            (
                "SELECT accountstatus, SUM(creditlimit) "
                "AS total_balance FROM customeraccounts WHERE currentbalance > 0 "
                "GROUP BY 1"
            ),
            r"is not right\. For example",
        ),
    ],
    "5.2": [
        (lambda lab: pivot(lab, index="state", columns="accountstatus"), "swap index and columns"),
        (
            lambda lab: pivot(lab, "SELECT state, accountstatus FROM customeraccounts WHERE state <> 'CA'"),
            "states are missing from the columns",
        ),
        (
            lambda lab: pivot(lab, "SELECT DISTINCT state, accountstatus FROM customeraccounts"),
            "do not include all accounts",
        ),
        (
            lambda lab: pivot(lab, "SELECT zipcode AS accountstatus, state FROM customeraccounts"),
            "rows 'Active', 'Closed' and 'Past Due'",
        ),
        ("accountstatus", "a table"),
    ],
    "5.3": [
        (
            {
                "How is the debt distributed across the statuses?": "heat map",
                "Which states have which statuses?": "heat map",
                "How did the number of rows change?": "line",
            },
            "shares of one sum",
        ),
        (
            {
                "How is the debt distributed across the statuses?": "pie",
                "Which states have which statuses?": "pie",
                "How did the number of rows change?": "line",
            },
            "two dimensions",
        ),
        (
            {
                "How is the debt distributed across the statuses?": "pie",
                "Which states have which statuses?": "heat map",
                "How did the number of rows change?": "pie",
            },
            "changes over time",
        ),
    ],
    "5.4": [
        ("Accounts by state and status", "does not name a state"),
        ("CA has 1 account past due", "another state has more"),
        ("NV has most accounts past due", "Also say how many"),
        ("Nevada has 2 past-due accounts", "CA for California"),
        ("NV has 2 accounts, more than any other state", "claims too much"),
    ],
}
