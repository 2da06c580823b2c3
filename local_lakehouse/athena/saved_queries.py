"""Named queries and prepared statements."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.athena.faults import invalid_request, not_found
from local_lakehouse.athena.paging import page
from local_lakehouse.athena.workgroups import PRIMARY, WorkGroups

_MAX_PAGE = 50
_BAD_TOKEN = "Malformed nextPageToken {}"


class NamedQueries:
    """The account's named queries.

    Args:
        workgroups: The workgroups of the account.
    """

    def __init__(self, workgroups: WorkGroups) -> None:
        self._workgroups = workgroups
        self._queries: dict[str, dict[str, Any]] = {}
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``CreateNamedQuery``."""
        workgroup = request.get("WorkGroup", PRIMARY)
        self._workgroups.find(workgroup)
        with self._lock:
            token = request.get("ClientRequestToken")
            known = self._tokens.get(token) if token else None
            if known:
                return {"NamedQueryId": known}
            query_id = str(uuid.uuid4())
            query: dict[str, Any] = {
                key: request[key] for key in ("Name", "Description", "Database", "QueryString") if key in request
            }
            self._queries[query_id] = {**query, "NamedQueryId": query_id, "WorkGroup": workgroup}
            if token:
                self._tokens[token] = query_id
        return {"NamedQueryId": query_id}

    def _find(self, query_id: str) -> dict[str, Any]:
        with self._lock:
            found = self._queries.get(query_id)
        if found is None:
            raise invalid_request(f"NamedQuery {query_id} was not found", "NAMED_QUERY_NOT_FOUND")
        return found

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetNamedQuery``."""
        return {"NamedQuery": dict(self._find(request["NamedQueryId"]))}

    def batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``BatchGetNamedQuery``."""
        with self._lock:
            found = {item: self._queries.get(item) for item in request["NamedQueryIds"]}
        missing = [
            {
                "NamedQueryId": entry,
                "ErrorCode": "INTERNAL_FAILURE",
                "ErrorMessage": f"NamedQuery {entry} was not found",
            }
            for entry, query in found.items()
            if query is None
        ]
        return {"NamedQueries": [dict(each) for each in found.values() if each], "UnprocessedNamedQueryIds": missing}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``ListNamedQueries``."""
        workgroup = request.get("WorkGroup", PRIMARY)
        self._workgroups.find(workgroup)
        with self._lock:
            ids = [
                query["NamedQueryId"] for query in reversed(self._queries.values()) if query["WorkGroup"] == workgroup
            ]
        chosen, token = page(ids, request, _MAX_PAGE, message=_BAD_TOKEN)
        return {"NamedQueryIds": chosen, **({"NextToken": token} if token else {})}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``UpdateNamedQuery``."""
        query = self._find(request["NamedQueryId"])
        with self._lock:
            query.update({key: request[key] for key in ("Name", "Description", "QueryString") if key in request})
        return {}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``DeleteNamedQuery``."""
        self._find(request["NamedQueryId"])
        with self._lock:
            del self._queries[request["NamedQueryId"]]
        return {}

    def dump(self) -> dict[str, Any]:
        """Return all named queries as plain data."""
        with self._lock:
            return {"queries": copy.deepcopy(self._queries), "tokens": dict(self._tokens)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the state that `dump` returned, or an empty state in a new lakehouse."""
        with self._lock:
            self._queries, self._tokens = dict(state.get("queries", {})), dict(state.get("tokens", {}))


class PreparedStatements:
    """The account's prepared statements.

    Args:
        workgroups: The workgroups of the account.
    """

    def __init__(self, workgroups: WorkGroups) -> None:
        self._workgroups = workgroups
        self._statements: dict[tuple[str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def find(self, workgroup: str, name: str) -> dict[str, Any] | None:
        """Return a prepared statement, or None if it does not exist."""
        with self._lock:
            return self._statements.get((workgroup, name))

    def put(self, workgroup: str, name: str, query: str, description: str | None = None) -> None:
        """Store a prepared statement, and replace any statement with the same name."""
        statement = {
            "StatementName": name,
            "QueryStatement": query,
            "WorkGroupName": workgroup,
            "LastModifiedTime": datetime.now(UTC),
        }
        if description is not None:
            statement["Description"] = description
        with self._workgroups.changing(), self._lock:
            self._statements[workgroup, name] = statement

    def remove(self, workgroup: str, name: str) -> bool:
        """Delete a prepared statement, and return whether it existed."""
        with self._workgroups.changing(), self._lock:
            return self._statements.pop((workgroup, name), None) is not None

    def _known(self, request: dict[str, Any]) -> dict[str, Any]:
        workgroup, name = request["WorkGroup"], request["StatementName"]
        self._workgroups.find(workgroup)
        found = self.find(workgroup, name)
        if found is None:
            raise not_found(f"PreparedStatement {name} was not found in workGroup {workgroup}", name)
        return found

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``CreatePreparedStatement``."""
        workgroup, name = request["WorkGroup"], request["StatementName"]
        self._workgroups.find(workgroup)
        if self.find(workgroup, name):
            raise invalid_request(f"PreparedStatement {name} already exists in workGroup {workgroup}")
        self.put(workgroup, name, request["QueryStatement"], request.get("Description"))
        return {}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``GetPreparedStatement``."""
        return {"PreparedStatement": dict(self._known(request))}

    def batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``BatchGetPreparedStatement``."""
        workgroup = request["WorkGroup"]
        self._workgroups.find(workgroup)
        found = {name: self.find(workgroup, name) for name in request["PreparedStatementNames"]}
        missing = [
            {
                "StatementName": name,
                "ErrorCode": "STATEMENT_NOT_FOUND",
                "ErrorMessage": f"PreparedStatement {name} was not found",
            }
            for name, statement in found.items()
            if statement is None
        ]
        return {
            "PreparedStatements": [dict(entry) for entry in found.values() if entry],
            "UnprocessedPreparedStatementNames": missing,
        }

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``UpdatePreparedStatement``."""
        self._known(request)
        self.put(request["WorkGroup"], request["StatementName"], request["QueryStatement"], request.get("Description"))
        return {}

    def delete(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``DeletePreparedStatement``."""
        self._known(request)
        self.remove(request["WorkGroup"], request["StatementName"])
        return {}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer ``ListPreparedStatements``."""
        self._workgroups.find(request["WorkGroup"])
        with self._lock:
            listed = [
                {"StatementName": statement["StatementName"], "LastModifiedTime": statement["LastModifiedTime"]}
                for (workgroup, _), statement in sorted(self._statements.items())
                if workgroup == request["WorkGroup"]
            ]
        chosen, token = page(listed, request, _MAX_PAGE, message=_BAD_TOKEN)
        return {"PreparedStatements": chosen, **({"NextToken": token} if token else {})}

    def dump(self) -> dict[tuple[str, str], Any]:
        """Return all prepared statements as plain data."""
        with self._lock:
            return copy.deepcopy(self._statements)

    def load(self, state: Mapping[tuple[str, str], Any]) -> None:
        """Restore the state that `dump` returned, or an empty state in a new lakehouse."""
        with self._lock:
            self._statements = dict(state)
