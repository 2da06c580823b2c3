"""The checks that a generated statement must pass before it is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from zetl_helpers._bucket_settings import RESULTS_PREFIX
from zetl_helpers._wait import wait_for
from zetl_helpers.assistant._model import Model
from zetl_helpers.lab import Lab

if TYPE_CHECKING:
    from sqlglot import exp

_METADATA = re.compile(r"\$(snapshots|history|files|manifests|partitions|refs)$")
_LONGEST = 10_000


class RejectedError(Exception):
    """A statement is rejected. The message says why."""


def check(lab: Lab, model: Model, sql: str) -> None:
    """Check a statement without running it.

    Args:
        lab: The lab.
        model: The lab's tables.
        sql: The statement.

    Raises:
        RejectedError: The statement is not a single SELECT over the lab's tables, or Athena does not accept it.

    See https://docs.aws.amazon.com/athena/latest/ug/athena-explain-statement.html
    """
    check_form(model, sql)
    _explain(lab, sql)


def check_form(model: Model, sql: str) -> None:
    """Check that a string is a single SELECT that reads only the lab's tables.

    Raises:
        RejectedError: The text is not a single SELECT over the lab's tables.
    """
    if len(sql) > _LONGEST:
        raise RejectedError("The statement is too long.")
    try:
        # Only the assistant needs the parser, which is an optional extra in an AWS-only installation.
        import sqlglot
        from sqlglot import exp
        from sqlglot.errors import SqlglotError
    except ImportError as error:
        raise ImportError("The assistant checks SQL with sqlglot. Install it: pip install sqlglot") from error
    try:
        statements = sqlglot.parse(sql, dialect="athena")
    except SqlglotError as error:
        raise RejectedError(f"The statement cannot be parsed: {str(error).splitlines()[0]}") from error
    if len(statements) != 1 or statements[0] is None:
        raise RejectedError("The text does not contain exactly one statement.")
    statement = statements[0]
    if not isinstance(statement, exp.Select | exp.SetOperation):
        raise RejectedError("The statement is not a SELECT.")
    for kind in (exp.DDL, exp.DML, exp.Command, exp.Into, exp.Lock):
        if any(found is not statement and not isinstance(found, exp.Query) for found in statement.find_all(kind)):
            raise RejectedError("The statement does more than read data.")
    for table in statement.find_all(exp.Table):
        _check_table(model, table)


def _check_table(model: Model, table: exp.Table) -> None:
    if table.this.key != "identifier":
        raise RejectedError(f"The statement reads from a function: {table.sql(dialect='athena')}.")
    name = table.name.lower()
    if not table.db and not table.catalog and name in _common_names(table):
        return
    catalog, database = table.catalog.lower(), table.db.lower()
    own = _METADATA.sub("", name) in {known.name for known in model.tables}
    if not own or database not in ("", model.database) or catalog not in ("", "awsdatacatalog"):
        raise RejectedError(f"{table.sql(dialect='athena')} is not a table of the lab.")


def _common_names(table: exp.Table) -> set[str]:
    """Return the names of the WITH queries that are visible to a table reference."""
    names: set[str] = set()
    place: Any = table
    while place is not None:
        found = place.args.get("with_") or place.args.get("with")
        if found is not None:
            names |= {common.alias.lower() for common in found.expressions}
        place = place.parent
    return names


def _explain(lab: Lab, sql: str) -> None:
    athena = lab.client("athena")
    try:
        group = athena.get_work_group(WorkGroup=lab.workgroup)["WorkGroup"].get("Configuration", {})
        # Athena rejects a location for results that it manages.
        managed = group.get("ManagedQueryResultsConfiguration", {}).get("Enabled", False)
        location = {"OutputLocation": f"s3://{lab.bucket}/{RESULTS_PREFIX}"}
        started = athena.start_query_execution(
            QueryString=f"EXPLAIN {sql}",
            QueryExecutionContext={"Database": lab.database},
            WorkGroup=lab.workgroup,
            **({} if managed else {"ResultConfiguration": location}),
        )["QueryExecutionId"]
    except ClientError as error:
        raise RejectedError(error.response["Error"]["Message"]) from error

    def look() -> dict[str, Any] | None:
        execution: dict[str, Any] = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]
        return execution["Status"] if execution["Status"]["State"] not in ("QUEUED", "RUNNING") else None

    status = wait_for("Athena to explain the statement", look, timeout=60, hint="Check the query history in Athena.")
    if status["State"] != "SUCCEEDED":
        raise RejectedError(status.get("StateChangeReason", "Athena does not accept the statement."))
