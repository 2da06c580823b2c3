"""The exercises for chapter 4, about SQL with Athena."""

from __future__ import annotations

from zetl_helpers.course.exercises.answers import Value
from zetl_helpers.course.exercises.api import Execution
from zetl_helpers.course.exercises.engine import Exercise
from zetl_helpers.course.exercises.readings import Number
from zetl_helpers.course.exercises.sql import Slip, Sql
from zetl_helpers.lab import Lab
from zetl_helpers.lakehouse import query

_BY_STATUS = """SELECT accountstatus,
       COUNT(*) AS accounts,
       ROUND(AVG(interestrate), 2) AS average_rate
FROM customeraccounts
GROUP BY accountstatus"""

_LARGEST = """SELECT customerid, currentbalance
FROM customeraccounts
WHERE accountstatus = 'Past Due'
ORDER BY currentbalance DESC
LIMIT 3"""

_PAST_DUE = """SELECT state,
       ROUND(COUNT_IF(accountstatus = 'Past Due') * 100e0 / COUNT(*), 2) AS past_due_percentage
FROM customeraccounts
GROUP BY state"""

_CUT_OFF = (
    "The decimals are cut off: COUNT returns integers, and dividing two integers gives an integer. Multiply by 100e0 "
    "before dividing."
)

_HIGH_USE = """SELECT state, ROUND(SUM(currentbalance) * 100 / SUM(creditlimit), 2) AS balance_percentage
FROM customeraccounts
WHERE accountstatus <> 'Closed'
GROUP BY state
HAVING SUM(currentbalance) * 100 / SUM(creditlimit) > 50"""


def _quotient(lab: Lab) -> float:
    return float(query(lab, "SELECT 7 / 2 * 2e0 AS n")["n"].iloc[0])


EXERCISES = (
    Exercise(
        title="Interest by account status",
        kind="write the SQL",
        judge=Sql(
            _BY_STATUS,
            one_row_for="account status",
            key=("accountstatus",),
            slips=(
                Slip(
                    _BY_STATUS.replace("AVG(interestrate)", "AVG(DISTINCT interestrate)"),
                    "AVG(DISTINCT …) counts two accounts with the same rate as one.",
                ),
                Slip(
                    _BY_STATUS.replace("AVG(interestrate)", "SUM(interestrate)"),
                    "average_rate is a sum: AVG divides it by the number of accounts.",
                ),
                Slip(
                    _BY_STATUS.replace("COUNT(*)", "COUNT(DISTINCT state)"),
                    "accounts counts states. COUNT(*) counts the rows of each group.",
                ),
            ),
        ),
        hints=(
            "GROUP BY accountstatus returns one row for each account status.",
            "COUNT(*) counts the rows of a group, and AVG(interestrate) is their average rate.",
            "ROUND(AVG(interestrate), 2) AS average_rate",
        ),
        answer=f'answer = """\n{_BY_STATUS}\n"""',
        why="Every column of the result is either in GROUP BY or inside an aggregate.",
    ),
    Exercise(
        title="The three largest past-due debts",
        kind="use the API",
        by_api=True,
        judge=Execution(
            Sql(
                _LARGEST,
                one_row_for="customer",
                key=("customerid",),
                ordered=True,
                slips=(
                    Slip(
                        _LARGEST.replace(" DESC", ""),
                        "These are the three smallest debts: ORDER BY sorts in ascending order unless DESC follows.",
                    ),
                    Slip(
                        _LARGEST.replace("WHERE accountstatus = 'Past Due'\n", ""),
                        "These are the largest balances of all accounts: the filter on 'Past Due' is missing.",
                    ),
                    Slip(
                        _LARGEST.replace("ORDER BY currentbalance DESC", "ORDER BY customerid"),
                        "These are the first three customers by ID. Order them by the amount that they owe.",
                    ),
                ),
            )
        ),
        hints=(
            "start_query_execution accepts QueryString, QueryExecutionContext with the Database, and WorkGroup.",
            "ORDER BY currentbalance DESC sorts the rows by balance, the largest first.",
            "WHERE accountstatus = 'Past Due' ORDER BY currentbalance DESC LIMIT 3",
        ),
        answer=f'''import boto3

answer = boto3.client("athena").start_query_execution(
    QueryString="""{_LARGEST}""",
    QueryExecutionContext={{"Database": lab.database}},
    WorkGroup=lab.workgroup,
    ResultConfiguration={{"OutputLocation": f"s3://{{lab.bucket}}/athena-results/"}},
)["QueryExecutionId"]
# With the CLI: aws athena start-query-execution --query-string "SELECT …" --work-group primary
#   --query-execution-context Database=customerdb --result-configuration OutputLocation=s3://…''',
        why="StartQueryExecution returns immediately; GetQueryExecution returns the state. LIMIT without ORDER BY "
        "can return any of the rows, so the same query can return different rows tomorrow.",
    ),
    Exercise(
        title="A division",
        kind="predict",
        judge=Value(
            Number("1.5"),
            _quotient,
            wrong={
                7: "That is 3.5 × 2. In Athena, 7 / 2 divides two integers, and the result is an integer.",
                3: "That is 7 / 2. It is then multiplied by 2e0.",
                3.5: "That would be 7 / 2e0. Here, two integers are divided, and the result is multiplied.",
            },
            otherwise="Athena evaluates from left to right: first 7 / 2, then the result times 2e0.",
        ),
        hints=(
            "Division and multiplication are evaluated from left to right.",
            "7 / 2 divides two integers. What did the cell above return?",
        ),
        answer="answer = 6.0",
        why="7 / 2 is 3, because both are integers, and 3 * 2e0 is 6.0. The fraction is lost before the "
        "multiplication.",
    ),
    Exercise(
        title="The percentage of accounts past due",
        kind="write the SQL",
        judge=Sql(
            _PAST_DUE,
            one_row_for="state",
            key=("state",),
            slips=(
                Slip(
                    _PAST_DUE.replace("GROUP BY state", "WHERE accountstatus = 'Past Due'\nGROUP BY state"),
                    "Every state has 100%, because WHERE removed the other accounts before they were counted.",
                ),
                Slip(
                    _PAST_DUE.replace(
                        "GROUP BY state", "GROUP BY state HAVING COUNT_IF(accountstatus = 'Past Due') > 0"
                    ),
                    "States without a past-due account are missing. Their percentage is zero.",
                ),
                Slip(_PAST_DUE.replace("100e0", "100"), _CUT_OFF),
                Slip(_PAST_DUE.replace("* 100e0 / COUNT(*)", "/ COUNT(*) * 100"), _CUT_OFF),
                Slip(
                    _PAST_DUE.replace(
                        "COUNT_IF(accountstatus = 'Past Due') * 100e0", "COUNT_IF(accountstatus = 'Past Due') * 1e0"
                    ),
                    "These are fractions: multiply by 100e0 to get percentages.",
                ),
                Slip(
                    _PAST_DUE.replace("/ COUNT(*)", "/ (SELECT COUNT(*) FROM customeraccounts)"),
                    "That is the state's share of all accounts. Divide by the number of accounts in the same state.",
                ),
            ),
        ),
        hints=(
            "Count the past-due accounts with COUNT_IF, and divide by COUNT(*), both for the same state.",
            "Both counts are integers. Multiply by 100e0 before you divide.",
            "ROUND(COUNT_IF(accountstatus = 'Past Due') * 100e0 / COUNT(*), 2) AS past_due_percentage",
        ),
        answer=f'answer = """\n{_PAST_DUE}\n"""',
        why="COUNT_IF counts without removing rows, so a state without a past-due account has a percentage of 0. The "
        "number 100e0 is not an integer, so the division keeps its decimals.",
    ),
    Exercise(
        title="More than half of the credit",
        kind="write the SQL",
        judge=Sql(
            _HIGH_USE,
            one_row_for="state that uses more than half of its credit",
            key=("state",),
            slips=(
                Slip(
                    _HIGH_USE.replace("WHERE accountstatus <> 'Closed'\n", ""),
                    "The result includes closed accounts. Exclude them before the rows are grouped.",
                ),
                Slip(
                    _HIGH_USE.replace("\nHAVING SUM(currentbalance) * 100 / SUM(creditlimit) > 50", ""),
                    "The result includes states that use half of their credit or less. Filter the groups with HAVING.",
                ),
                Slip(
                    _HIGH_USE.replace(
                        "SUM(currentbalance) * 100 / SUM(creditlimit)", "AVG(currentbalance * 100 / creditlimit)"
                    ),
                    "That is the average of the accounts' percentages. Sum first, then divide.",
                ),
                Slip(
                    _HIGH_USE.replace(
                        "WHERE accountstatus <> 'Closed'\n",
                        "WHERE accountstatus <> 'Closed' AND currentbalance * 100 / creditlimit > 50\n",
                    ).replace("\nHAVING SUM(currentbalance) * 100 / SUM(creditlimit) > 50", ""),
                    "WHERE removed individual accounts before the sums were computed. Filter the groups with HAVING.",
                ),
            ),
        ),
        hints=(
            "First exclude closed accounts with WHERE. Then group, and filter the groups.",
            "WHERE filters rows before they are grouped; HAVING filters the groups.",
            "HAVING SUM(currentbalance) * 100 / SUM(creditlimit) > 50",
        ),
        answer=f'answer = """\n{_HIGH_USE}\n"""',
        why="WHERE filters rows and runs first. HAVING filters groups and can use aggregates.",
    ),
)
