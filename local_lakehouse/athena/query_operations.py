"""Operations that start, monitor and stop query executions, and read their results."""

from __future__ import annotations

import re
import uuid
from typing import Any

from botocore.exceptions import ClientError

from local_lakehouse.athena.executions import Execution, Executions
from local_lakehouse.athena.faults import invalid_request
from local_lakehouse.athena.paging import page
from local_lakehouse.athena.result_files import ResultFiles
from local_lakehouse.athena.results import Text
from local_lakehouse.athena.runner import Runner
from local_lakehouse.athena.statements import Kind, read_statement, strip_statement
from local_lakehouse.athena.workgroups import PRIMARY, WorkGroups
from local_lakehouse.athena.writes.properties import LOCATION_IS_ENFORCED
from local_lakehouse.backend.clients import ServiceClients, acting_for, require
from local_lakehouse.sql.failures import MalformedQuery
from local_lakehouse.sql.grammar import statement_tree as nodes

_LOCATION = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", re.DOTALL)
_NO_LOCATION = (
    "No output location provided. An output location is required either through the Workgroup result configuration "
    "setting or as an API input."
)
_MAX_PAGE = 50
_MAX_ROWS = 1000
_NOT_FINISHED = "Query has not yet finished. Current state: {}"
_NOT_SUCCESSFUL = "Query did not finish successfully. Final query state: {}"
# The maximum time that a status request waits for the query to finish. Clients poll only about once a second.
_PATIENCE_SECONDS = 0.2
_SUFFIXES = {
    "INSERT": "",
    "EXPLAIN": ".txt",
    "SHOW_FUNCTIONS": ".csv",
}


class QueryOperations:
    """The operations on query executions.

    Args:
        clients: The AWS clients for the lakehouse.
        executions: The account's executions.
        workgroups: The workgroups.
        runner: The execution runner.
        results: The results of the executions.
    """

    def __init__(
        self,
        clients: ServiceClients,
        executions: Executions,
        workgroups: WorkGroups,
        runner: Runner,
        results: ResultFiles,
    ) -> None:
        self._clients = clients
        self._executions = executions
        self._workgroups = workgroups
        self._runner = runner
        self._results = results

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``StartQueryExecution``."""
        group = self._workgroups.find(request.get("WorkGroup", PRIMARY))
        if group["State"] != "ENABLED":
            raise invalid_request(f"WorkGroup {group['Name']} is disabled.")
        token = request.get("ClientRequestToken")
        if not token:
            raise invalid_request("clientRequestToken is null or empty")
        execution_id = str(uuid.uuid4())
        identity = _identity(request)
        known, known_id = self._executions.claim(token, identity, execution_id)
        if known_id != execution_id:
            if known != identity:
                raise invalid_request("Idempotent parameters do not match", "IDEMPOTENT_PARAMETER_MISMATCH")
            return {"QueryExecutionId": known_id}
        try:
            execution = self._accept(request, group, execution_id)
            self._executions.add(execution)
        except Exception:
            self._executions.release(token)
            raise
        self._runner.submit(execution)
        return {"QueryExecutionId": execution_id}

    def _accept(self, request: dict[str, Any], group: dict[str, Any], execution_id: str) -> Execution:
        query = strip_statement(request["QueryString"])
        try:
            statement, kind = read_statement(query)
        except MalformedQuery as malformed:
            raise invalid_request(malformed.message, malformed.code) from malformed
        context = request.get("QueryExecutionContext", {})
        managed = self._workgroups.keeps_results(group)
        enforced = not managed and group["Configuration"].get("EnforceWorkGroupConfiguration", False)
        base, configuration = (
            (self._workgroups.managed_location(group), {}) if managed else self._output(request, group)
        )
        if enforced and _has_external_location(statement):
            raise invalid_request(LOCATION_IS_ENFORCED)
        return Execution(
            id=execution_id,
            query=query,
            statement_type=kind.statement_type,
            substatement_type=kind.substatement_type,
            workgroup=group["Name"],
            database=context.get("Database"),
            catalog=(context.get("Catalog") or "AwsDataCatalog").lower() if context else None,
            output_location=_object_location(base, execution_id, kind),
            result_configuration=configuration,
            parameters=list(request.get("ExecutionParameters", ())),
            reuse=request.get("ResultReuseConfiguration", {}),
            managed=managed,
            enforced_location=enforced,
            scan_limit=group["Configuration"].get("BytesScannedCutoffPerQuery"),
        )

    def _output(self, request: dict[str, Any], group: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the location and settings for the results."""
        own = group["Configuration"]["ResultConfiguration"]
        asked = request.get("ResultConfiguration", {})
        enforced = group["Configuration"].get("EnforceWorkGroupConfiguration")
        chosen = own if enforced or "OutputLocation" not in asked else asked
        location: str | None = chosen.get("OutputLocation")
        if location is None:
            raise invalid_request(_NO_LOCATION)
        if not _LOCATION.fullmatch(location):
            raise invalid_request("outputLocation is not a valid S3 path.")
        bucket = location.removeprefix("s3://").partition("/")[0]
        if bucket == self._workgroups.bucket:
            self._workgroups.ensure_bucket()
        self._check_bucket(bucket)
        settings = {**own, **({} if enforced else asked)}
        settings.pop("OutputLocation", None)
        return location.rstrip("/"), settings

    def _check_bucket(self, bucket: str) -> None:
        try:
            # Athena calls this S3 operation with the caller's permissions.
            require("s3:GetBucketLocation", f"arn:{self._clients.partition}:s3:::{bucket}")
            self._clients.settings.result((QueryOperations, bucket), lambda: self._location(bucket))
        except ClientError as error:
            raise invalid_request(f"Unable to verify/create output bucket {bucket}") from error

    def _location(self, bucket: str) -> str | None:
        with acting_for(None):
            found: str | None = self._clients.client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"]
        return found

    def _find(self, execution_id: str) -> Execution:
        found = self._executions.get(execution_id)
        if found is None:
            raise invalid_request(f"QueryExecution {execution_id} was not found", "QUERY_EXECUTION_NOT_FOUND")
        return found

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetQueryExecution``."""
        execution = self._find(request["QueryExecutionId"])
        self._runner.wait(execution, _PATIENCE_SECONDS)
        return {"QueryExecution": execution.document()}

    def batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``BatchGetQueryExecution``."""
        found = {entry: self._executions.get(entry) for entry in request["QueryExecutionIds"]}
        missing = [
            {
                "QueryExecutionId": item,
                "ErrorCode": "QUERY_EXECUTION_NOT_FOUND",
                "ErrorMessage": f"QueryExecution {item} was not found",
            }
            for item, execution in found.items()
            if execution is None
        ]
        documents = [execution.document() for execution in found.values() if execution]
        return {"QueryExecutions": documents, "UnprocessedQueryExecutionIds": missing}

    def list_executions(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``ListQueryExecutions``."""
        group = self._workgroups.find(request.get("WorkGroup", PRIMARY))
        ids = self._executions.ids_of(group["Name"])
        chosen, token = page(ids, request, _MAX_PAGE, message="Malformed nextPageToken {}")
        return {"QueryExecutionIds": chosen, **({"NextToken": token} if token else {})}

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``StopQueryExecution``."""
        self._runner.cancel(self._find(request["QueryExecutionId"]))
        return {}

    def runtime_statistics(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetQueryRuntimeStatistics``."""
        execution = self._find(request["QueryExecutionId"])
        statistics = execution.statistics()
        timeline = {
            key: statistics[key]
            for key in (
                "QueryQueueTimeInMillis",
                "ServicePreProcessingTimeInMillis",
                "QueryPlanningTimeInMillis",
                "EngineExecutionTimeInMillis",
                "ServiceProcessingTimeInMillis",
                "TotalExecutionTimeInMillis",
            )
        }
        rows = {"InputBytes": execution.scanned_bytes, "OutputRows": execution.row_count}
        return {"QueryRuntimeStatistics": {"Timeline": timeline, "Rows": rows}}

    def results(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetQueryResults``."""
        execution = self._find(request["QueryExecutionId"])
        if (request.get("MaxResults") or 0) > _MAX_ROWS:
            raise invalid_request("MaxResults is more than maximum allowed length 1000")
        named = execution.has_header and bool(execution.columns)
        header: list[list[Text]] = [[column["Label"] for column in execution.columns]] if named else []
        start, size = _result_page(execution, len(header), request)
        lead = header[start:]
        chosen = [*lead, *self._rows(execution, max(start - len(header), 0), size - len(lead))]
        # A full page is always followed by another page, which can be empty.
        token = str(start + size) if len(chosen) == size else None
        answer: dict[str, Any] = {
            "ResultSet": {
                "Rows": [_row(row, execution) for row in chosen],
                "ResultSetMetadata": {"ColumnInfo": execution.columns},
            }
        }
        if execution.update_count is not None:
            answer["UpdateCount"] = execution.update_count
        if token:
            answer["NextToken"] = token
        return answer

    def _rows(self, execution: Execution, start: int, count: int) -> list[list[Text]]:
        code = "INVALID_QUERY_EXECUTION_STATE"
        if not execution.final:
            raise invalid_request(_NOT_FINISHED.format(execution.state), code)
        if execution.state == "CANCELLED":
            raise invalid_request("Could not find results", "RESULT_NOT_FOUND")
        if execution.state == "FAILED":
            if execution.statement_type != "DML" and (execution.error or {}).get("ErrorCategory") == 1:
                return []
            raise invalid_request(_NOT_SUCCESSFUL.format(execution.state), code)
        try:
            rows = self._results.rows(execution, start, count)
        except ClientError as error:
            raise invalid_request(f"Query results cannot be read: {error.response['Error']['Message']}") from error
        if rows is None:
            raise invalid_request("Could not find results", "RESULT_NOT_FOUND")
        return rows


def _identity(request: dict[str, Any]) -> object:
    context = request.get("QueryExecutionContext", {})
    location = request.get("ResultConfiguration", {}).get("OutputLocation")
    return (request["QueryString"], context.get("Catalog"), context.get("Database"), location)


def _has_external_location(statement: nodes.Statement | None) -> bool:
    return isinstance(statement, nodes.CreateTableAs) and any(
        setting.name == "external_location" for setting in statement.properties
    )


def _object_location(base: str, execution_id: str, kind: Kind) -> str:
    if kind.substatement_type == "CREATE_TABLE_AS_SELECT":
        return f"{base}/tables/{execution_id}"
    default = ".csv" if kind.statement_type == "DML" else ".txt"
    return f"{base}/{execution_id}{_SUFFIXES.get(kind.substatement_type, default)}"


def _result_page(execution: Execution, header: int, request: dict[str, Any]) -> tuple[int, int]:
    """Return the index of the first row of a result page, and the page's maximum number of rows."""
    token = request.get("NextToken")
    if token is not None and not (token.isdigit() and int(token) <= execution.row_count + header):
        raise invalid_request(f"Malformed nextPageToken {token}")
    return int(token or 0), request.get("MaxResults") or _MAX_ROWS


def _row(row: list[Text], execution: Execution) -> dict[str, Any]:
    if execution.statement_type == "UTILITY":
        row = ["\t".join(text or "" for text in row)]
    return {"Data": [{} if text is None else {"VarCharValue": text} for text in row]}
