"""The exercises for chapter 7, about querying earlier versions of a table with SQL."""

from __future__ import annotations

from typing import Any

from zetl_helpers import lakehouse
from zetl_helpers.course.exercises.answers import Value
from zetl_helpers.course.exercises.api import Execution
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.course.exercises.readings import Word
from zetl_helpers.course.exercises.sql import Slip, Sql
from zetl_helpers.lab import Lab

_LOST = """SELECT customerid, state, creditlimit
FROM customeraccounts FOR VERSION AS OF :first
WHERE customerid = 'CUST0002'"""

_BALANCES = """SELECT 'first' AS version, SUM(currentbalance) AS total_balance
FROM customeraccounts FOR VERSION AS OF :first
UNION ALL
SELECT 'last', SUM(currentbalance)
FROM customeraccounts FOR VERSION AS OF :last"""

_NEW_STATES = """SELECT DISTINCT state FROM customeraccounts FOR VERSION AS OF :last
EXCEPT
SELECT DISTINCT state FROM customeraccounts FOR VERSION AS OF :first"""


def _ends(lab: Lab) -> dict[str, Any]:
    found = lakehouse.snapshots(lab)["snapshot_id"]
    if len(found) < 2:
        raise IncorrectError("The table has a single snapshot so far. zetl.catch_up(lab, 7) creates a second snapshot.")
    return {"first": int(found.iloc[0]), "last": int(found.iloc[-1])}


def _first(lab: Lab) -> dict[str, Any]:
    return {"first": _ends(lab)["first"]}


EXERCISES = (
    Exercise(
        title="Bring back what was deleted",
        kind="use the API",
        by_api=True,
        judge=Execution(
            Sql(
                _LOST,
                one_row_for="deleted customer",
                key=("customerid",),
                params=_first,
                slips=(
                    Slip(
                        _LOST.replace(" FOR VERSION AS OF :first", ""),
                        "That is the current table, without CUST0002. Specify the first version.",
                    ),
                    Slip(
                        _LOST.replace("\nWHERE customerid = 'CUST0002'", ""),
                        "That is the whole first version. The question asks for CUST0002.",
                    ),
                    Slip(_LOST.replace("CUST0002", "CUST0001"), "That is CUST0001, who was changed, not deleted."),
                ),
            )
        ),
        hints=(
            "Deleted rows are in the version before the deletion.",
            "FOR VERSION AS OF follows the name of the table and needs the ID of the snapshot.",
            "start_query_execution accepts the statement as QueryString; an f-string fills in {first}.",
        ),
        answer='import boto3\n\nanswer = boto3.client("athena").start_query_execution(\n    QueryString=f"""'
        + _LOST.replace(":first", "{first}")
        + '''""",
    QueryExecutionContext={"Database": lab.database},
    WorkGroup=lab.workgroup,
    ResultConfiguration={"OutputLocation": f"s3://{lab.bucket}/athena-results/"},
)["QueryExecutionId"]
# With the CLI: aws athena start-query-execution --query-string "SELECT … FOR VERSION AS OF …"
#   --query-execution-context Database=customerdb --result-configuration OutputLocation=s3://…''',
        why="A snapshot keeps its rows until it expires. You can read what was deleted by mistake, and write it "
        "to the source again.",
    ),
    Exercise(
        title="The moment of a commit",
        kind="predict",
        judge=Value(
            Word(
                {
                    "first": ("1", "1st", "the first", "first one", "first snapshot", "the first snapshot", "v1"),
                    "second": ("2", "2nd", "the second", "second one", "second snapshot", "the second snapshot", "v2"),
                    "error": ("an error", "fails", "exception"),
                },
                known=("both", "none"),
            ),
            lambda _: "second",
            wrong={
                "first": "Athena reads the newest snapshot that is not later than the given time. "
                "Is the second snapshot later?",
                "error": "Only a moment before the first snapshot causes an error.",
                "both": "A query reads one version of a table, unless it names the table twice.",
            },
            otherwise='The answer is "first", "second" or "error".',
        ),
        hints=(
            "Athena reads the newest snapshot that is not later than the given time.",
            "A snapshot is not later than the moment of its own commit.",
        ),
        answer='answer = "second"',
        why="The moment itself is included: a snapshot committed at noon is visible as of noon.",
    ),
    Exercise(
        title="The total debt, before and after",
        kind="write the SQL",
        judge=Sql(
            _BALANCES,
            one_row_for="version",
            key=("version",),
            params=_ends,
            slips=(
                Slip(
                    _BALANCES.replace(":first", ":last"),
                    "Both rows read the last version: each half of the statement needs a FOR VERSION AS OF clause.",
                ),
                Slip(
                    _BALANCES.replace("'first' AS", "'last' AS").replace("SELECT 'last', SUM", "SELECT 'first', SUM"),
                    "The names of the two rows are swapped.",
                ),
                Slip(
                    _BALANCES.replace("SUM(currentbalance)", "SUM(creditlimit)"),
                    "These are the credit limits, but the question asks how much is owed.",
                ),
            ),
        ),
        hints=(
            "Use UNION ALL to combine two statements that return one row each.",
            "SELECT 'first' AS version, SUM(currentbalance) AS total_balance FROM … FOR VERSION AS OF {first}",
            "The second half is the same, but with 'last' and {last}.",
        ),
        answer='answer = f"""\n' + _BALANCES.replace(":first", "{first}").replace(":last", "{last}") + '\n"""',
        why="Each reference to a table in a statement can name a different version, so no copy is needed.",
    ),
    Exercise(
        title="New states",
        kind="write the SQL",
        judge=Sql(
            _NEW_STATES,
            one_row_for="state that is in the last version and not in the first",
            key=("state",),
            params=_ends,
            slips=(
                Slip(
                    _NEW_STATES.replace(":last", ":other").replace(":first", ":last").replace(":other", ":first"),
                    "The result is empty. If the first version precedes EXCEPT, swap the two versions: no state has "
                    "disappeared.",
                ),
                Slip(
                    "SELECT DISTINCT state FROM customeraccounts FOR VERSION AS OF :last",
                    "These are all states in the last version. Remove the states that are also in the first version.",
                ),
                Slip(
                    _NEW_STATES.replace("EXCEPT", "INTERSECT"),
                    "These are the states that are in both versions. EXCEPT removes rows; INTERSECT keeps the rows "
                    "that are in both.",
                ),
            ),
        ),
        hints=(
            "Find all states in the last version that are not in the first version.",
            "EXCEPT between two statements removes the rows that the second statement returns.",
            "SELECT state … FOR VERSION AS OF {last} EXCEPT SELECT state … FOR VERSION AS OF {first}",
        ),
        answer='answer = f"""\n' + _NEW_STATES.replace(":first", "{first}").replace(":last", "{last}") + '\n"""',
        why="EXCEPT compares whole rows and returns each row once. The only new state is the new customer's state.",
    ),
)
