"""Queries with Athena, and a table's schema, files and snapshots."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import awswrangler as wr
import pandas as pd

from zetl_helpers import _check_queries, _query_advice, _result_texts, _rights
from zetl_helpers._bucket_settings import RESULTS_PREFIX
from zetl_helpers._errors import as_sentence
from zetl_helpers._steps import Step
from zetl_helpers.lab import Lab

__all__ = [
    "QueryError",
    "difference",
    "objects",
    "query",
    "query_history",
    "save_query",
    "saved_queries",
    "schema",
    "snapshots",
    "time_between",
]

_POLL_SECONDS = 0.1

# Comments and parentheses can precede a statement's first word, and EXPLAIN ANALYZE runs the statement that follows it.
_GAP = r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
_FIRST_WORD = re.compile(
    rf"{_GAP}(?:EXPLAIN\b{_GAP}ANALYZE\b{_GAP}(?:VERBOSE\b{_GAP})?)?(\w+)", re.DOTALL | re.IGNORECASE
)
# A statement with any other first word, even a typo, is passed to Athena. EXECUTE can run any prepared statement.
_CHANGES = (
    "ALTER", "CREATE", "DEALLOCATE", "DELETE", "DROP", "EXECUTE", "INSERT", "MERGE", "MSCK", "OPTIMIZE", "PREPARE",
    "UNLOAD", "UPDATE", "VACUUM",
)  # fmt: skip


class QueryError(Exception):
    """A query failed, or it would have changed data. The message comes from Athena or says what to do."""


def query(lab: Lab, sql: str, **params: Any) -> pd.DataFrame:
    """Run a read-only statement with Athena in the lab's database.

    Args:
        lab: The lab.
        sql: The statement, in which ``:name`` is the placeholder for a parameter.
        params: The parameters' values, keyed by name. Pass a snapshot ID as an int and a time as a naive datetime in
            UTC.

    Returns:
        The result's rows. Text columns are ``string`` and contain ``<NA>`` only for NULL, doubles are ``float64``, and
        bigints are ``Int64``, so that snapshot IDs are exact. ``frame.query_metadata`` contains Athena's
        ``QueryExecution``.

    Raises:
        QueryError: The statement would change data or a table, or Athena rejected it or failed to run it.

    See https://docs.aws.amazon.com/athena/latest/ug/select.html
    """
    _require_reading(sql)
    try:
        rows = wr.athena.read_sql_query(
            sql,
            database=lab.database,
            # By default, awswrangler wraps the statement in a CREATE TABLE, and "t$snapshots" has types that a table
            # cannot have.
            ctas_approach=False,
            params=params or None,
            s3_output=_check_queries.folder(_results(lab)),
            workgroup=lab.workgroup,
            boto3_session=lab.session,
            athena_query_wait_polling_delay=_POLL_SECONDS,
        )
    except wr.exceptions.QueryFailed as error:
        raise QueryError(_query_advice.add(lab, _rights.explain(str(error)), sql)) from None
    except lab.client("athena").exceptions.InvalidRequestException as error:
        message = _explained(lab, error.response["Error"]["Message"])
        raise QueryError(_query_advice.add(lab, message, sql)) from None
    except wr.exceptions.UnsupportedType as error:
        raise QueryError(
            f"awswrangler can't read this result: {as_sentence(error)} Give each column a type, such as "
            "CAST(x AS varchar)."
        ) from None
    # awswrangler reads only results in rows and columns. The result of SHOW, DESCRIBE or EXPLAIN is text.
    execution: Mapping[str, Any] = rows.__dict__["query_metadata"]
    return _text_rows(lab, rows) if _is_text(execution) else _result_texts.restore(lab, rows)


def _is_text(execution: Mapping[str, Any]) -> bool:
    """Return whether an execution's result is text, such as the plan that EXPLAIN returns."""
    if location := _location(execution):
        return location.endswith(".txt")
    # Results that Athena manages have no location. For a statement such as SHOW FUNCTIONS, whose result has no row of
    # column names, awswrangler discards the first row of a managed result.
    return execution["StatementType"] != "DML" or execution.get("SubstatementType") == "EXPLAIN"


def _text_rows(lab: Lab, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a result that awswrangler cannot read, as strings."""
    execution = rows.query_metadata
    pages = list(
        lab.client("athena").get_paginator("get_query_results").paginate(QueryExecutionId=execution["QueryExecutionId"])
    )
    names = [column["Name"] for column in pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
    texts = [
        # DESCRIBE separates the values in a row with tabs.
        "\t".join(value.get("VarCharValue", "") for value in row["Data"]).split("\t", len(names) - 1)
        for page in pages
        for row in page["ResultSet"]["Rows"]
    ]
    # The result of EXPLAIN, like that of a query, starts with a row of column names.
    if execution["StatementType"] == "DML":
        del texts[:1]
    # Leading spaces are kept, because they indent a plan or a definition.
    filled = [[text.rstrip() for text in row] + [""] * (len(names) - len(row)) for row in texts]
    frame = pd.DataFrame(filled, columns=names, dtype="string")
    # Assigning the attribute would make pandas warn about a new column.
    frame.__dict__["query_metadata"] = execution
    return frame


def _require_reading(sql: str) -> None:
    """Check that a statement is read-only, because only the integration may write to the target table.

    Raises:
        QueryError: The statement begins with a word such as ``UPDATE``.
    """
    word = _FIRST_WORD.match(sql)
    if word and word[1].upper() in _CHANGES:
        raise QueryError(
            f"zetl.query only reads data, but this statement begins with {word[1]}, so it was not run. Only the "
            "integration writes to the target table. To change rows, change the items at the source."
        )


def _explained(lab: Lab, message: str) -> str:
    """Add the next step to an Athena message that is about permissions or the workgroup."""
    if re.search(r"work\s?group\b.*not found", message, re.IGNORECASE):
        return (
            f"Workgroup {lab.workgroup}: {message} Choose a workgroup that Athena lists (run zetl settings "
            f"workgroup=NAME, and restart the kernel), or ask an administrator of this account to create "
            f"{lab.workgroup}."
        )
    return _rights.explain(message)


def schema(lab: Lab) -> pd.DataFrame:
    """Return the target table's columns as the Data Catalog lists them.

    Args:
        lab: The lab.

    Returns:
        One row for each column, with the columns ``column``, ``type`` and ``field id`` (Iceberg's permanent number for
        the column).
    """
    table = lab.client("glue").get_table(DatabaseName=lab.database, Name=lab.target_table)["Table"]
    columns = [
        column
        for column in table["StorageDescriptor"]["Columns"]
        # The Data Catalog still lists dropped Iceberg columns, but marks them.
        if column.get("Parameters", {}).get("iceberg.field.current", "true") == "true"
    ]
    return pd.DataFrame(
        {
            "column": [column["Name"] for column in columns],
            "type": [column["Type"] for column in columns],
            "field id": [int(column["Parameters"]["iceberg.field.id"]) for column in columns],
        }
    )


def objects(lab: Lab) -> pd.DataFrame:
    """List the target table's objects in S3.

    Args:
        lab: The lab.

    Returns:
        One row for each object, with the columns ``folder`` (``data`` or ``metadata``), ``object`` (the name),
        ``bytes`` and ``key``.
    """
    prefix = f"{lab.database}/{lab.target_table}/"
    pages = lab.client("s3").get_paginator("list_objects_v2").paginate(Bucket=lab.bucket, Prefix=prefix)
    found = [item for page in pages for item in page.get("Contents", [])]
    return pd.DataFrame(
        {
            "folder": [item["Key"].removeprefix(prefix).split("/")[0] for item in found],
            "object": [item["Key"].rpartition("/")[2] for item in found],
            "bytes": [item["Size"] for item in found],
            "key": [item["Key"] for item in found],
        }
    )


def snapshots(lab: Lab) -> pd.DataFrame:
    """Return the target table's snapshots, oldest first.

    Args:
        lab: The lab.

    Returns:
        One row for each snapshot, with the columns ``committed_at`` (UTC), ``snapshot_id`` and ``parent_id``
        (``Int64``), ``operation``, ``manifest_list`` and ``summary`` (a dictionary of strings).

    See https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-table-data.html
    """
    frame = query(lab, f'SELECT * FROM "{lab.target_table}$snapshots" ORDER BY committed_at')  # noqa: S608
    return frame.assign(summary=frame["summary"].map(_parse_map))


def time_between(earlier: pd.Timestamp, later: pd.Timestamp) -> datetime:
    """Return the time halfway between two times, as a naive datetime in UTC for use as a query parameter.

    Args:
        earlier: A time with a time zone, such as a snapshot's ``committed_at``.
        later: A later time with a time zone.
    """
    middle = earlier + (later - earlier) / 2
    moment: datetime = middle.tz_convert("UTC").tz_localize(None).floor("ms").to_pydatetime()
    return moment


def difference(lab: Lab, before: int, after: int) -> pd.DataFrame:
    """Compare two versions of the target table, row by row.

    Args:
        lab: The lab.
        before: The earlier snapshot's ID.
        after: The later snapshot's ID.

    Returns:
        One row for each row that is in only one of the versions or differs between them. The columns are ``change``
        (``added``, ``removed`` or ``changed``), ``customerid``, ``accountnumber`` and ``columns`` (the names of the
        columns that differ).
    """
    old, new = (_version(lab, snapshot) for snapshot in (before, after))
    rows = []
    for key in sorted({*old.index, *new.index}):
        if key not in old.index:
            rows.append(("added", *key, ""))
        elif key not in new.index:
            rows.append(("removed", *key, ""))
        elif changed := _changed_columns(old.loc[key], new.loc[key]):
            rows.append(("changed", *key, ", ".join(changed)))
    return pd.DataFrame(rows, columns=["change", "customerid", "accountnumber", "columns"])


def query_history(lab: Lab, *, newest: int = 10) -> pd.DataFrame:
    """Return the latest query executions of the workgroup, excluding exercise checks.

    Args:
        lab: The lab.
        newest: The maximum number of executions.

    Returns:
        One row for each execution, newest first, with the columns ``state``, ``statement`` (such as ``SELECT``),
        ``query``, ``scanned bytes``, ``milliseconds``, ``submitted`` (UTC) and ``query_execution_id``.

    See https://docs.aws.amazon.com/athena/latest/APIReference/API_ListQueryExecutions.html
    """
    athena = lab.client("athena")
    rows: list[dict[str, Any]] = []
    for page in athena.get_paginator("list_query_executions").paginate(WorkGroup=lab.workgroup):
        if ids := page["QueryExecutionIds"]:
            executions = athena.batch_get_query_execution(QueryExecutionIds=ids)["QueryExecutions"]
            by_id = {entry["QueryExecutionId"]: entry for entry in executions}
            found = [by_id[entry] for entry in ids if entry in by_id]
            rows += [_history_row(entry) for entry in found if not _check_queries.is_marked(_location(entry))]
        if len(rows) >= newest:
            break
    return pd.DataFrame(rows[:newest])


def save_query(lab: Lab, name: str, sql: str, description: str) -> Step:
    """Save a named query, which then appears in the Athena console and the Studio.

    Args:
        lab: The lab.
        name: The query's name.
        sql: The statement.
        description: The query's description.

    Returns:
        The step and its outcome.

    See https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateNamedQuery.html
    """
    athena = lab.client("athena")
    with lab.recording() as calls:
        found = saved_queries(lab).get(name)
        if found is None:
            athena.create_named_query(
                Name=name, Database=lab.database, QueryString=sql, Description=description, WorkGroup=lab.workgroup
            )
            return Step(f"saved query {name!r}", "created", calls)
        if found["QueryString"] == sql:
            return Step(f"saved query {name!r}", "already there", calls)
        athena.update_named_query(
            NamedQueryId=found["NamedQueryId"], Name=name, Description=description, QueryString=sql
        )
    return Step(f"saved query {name!r}", "changed", calls)


def saved_queries(lab: Lab) -> dict[str, Mapping[str, Any]]:
    """Return the saved queries of the lab's database as ``GetNamedQuery`` returns them, keyed by name."""
    athena = lab.client("athena")
    found: dict[str, Mapping[str, Any]] = {}
    for page in athena.get_paginator("list_named_queries").paginate(WorkGroup=lab.workgroup):
        for entry in page["NamedQueryIds"]:
            saved = athena.get_named_query(NamedQueryId=entry)["NamedQuery"]
            if saved["Database"] == lab.database:
                found[saved["Name"]] = saved
    return found


def _results(lab: Lab) -> str:
    """Return the location for query results, which is in the lab's bucket so that cleanup finds the results."""
    return f"s3://{lab.bucket}/{RESULTS_PREFIX}"


def _location(execution: Mapping[str, Any]) -> str:
    return str(execution.get("ResultConfiguration", {}).get("OutputLocation", ""))


def _version(lab: Lab, snapshot: int) -> pd.DataFrame:
    sql = f"SELECT * FROM {lab.target_table} FOR VERSION AS OF {int(snapshot)}"  # noqa: S608  (an int)
    return query(lab, sql).set_index(["customerid", "accountnumber"])


def _changed_columns(old: pd.Series[Any], new: pd.Series[Any]) -> list[str]:
    """Return the names of the columns in which two versions of a row differ. A missing column counts as NULL."""
    changed = []
    for column in new.index.union(old.index, sort=False):
        one, other = old.get(column), new.get(column)
        if pd.isna(one) != pd.isna(other) or (not pd.isna(one) and one != other):
            changed.append(str(column))
    return changed


def _history_row(execution: Mapping[str, Any]) -> dict[str, Any]:
    status, statistics = execution["Status"], execution.get("Statistics", {})
    return {
        "state": status["State"],
        "statement": execution.get("SubstatementType", execution.get("StatementType", "")),
        "query": " ".join(execution["Query"].split()),
        "scanned bytes": statistics.get("DataScannedInBytes", 0),
        "milliseconds": statistics.get("TotalExecutionTimeInMillis", 0),
        "submitted": status["SubmissionDateTime"],
        "query_execution_id": execution["QueryExecutionId"],
    }


def _parse_map(text: str) -> dict[str, str]:
    """Parse a map of strings in Athena's text format: ``{a=1, b=2}``."""
    pairs = (pair.partition("=") for pair in text.strip("{}").split(", ") if pair)
    return {key: value for key, _, value in pairs}
