"""Amazon Athena's operations, including SQL execution.

AWS: https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from local_lakehouse.athena.data_catalogs import DataCatalogs
from local_lakehouse.athena.executions import Executions
from local_lakehouse.athena.query_operations import QueryOperations
from local_lakehouse.athena.result_files import ResultFiles
from local_lakehouse.athena.reuse import ReusableResults
from local_lakehouse.athena.runner import Runner
from local_lakehouse.athena.saved_queries import NamedQueries, PreparedStatements
from local_lakehouse.athena.tables.lake import Lake
from local_lakehouse.athena.workgroups import WorkGroups
from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.iceberg.local_files import copies_folder
from local_lakehouse.lake_formation.governance import Governance
from local_lakehouse.protocol.wire import Caller
from local_lakehouse.sql.workers.pool import WorkerPool

Operation = Callable[[dict[str, Any]], dict[str, Any]]

# The smallest thread stack (2 MB) has room for this many calls. Each level of parentheses requires about twenty
# nested calls.
_CALLS = 3_000


class AthenaService:
    """The local implementation of Amazon Athena.

    Args:
        clients: The AWS clients for the lakehouse.
        workers: The pool of processes that run queries. The code that creates the pool must stop it.
        governance: Lake Formation's access checks, or None to disable them.
    """

    name = "athena"

    def __init__(self, clients: ServiceClients, workers: WorkerPool, governance: Governance | None = None) -> None:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _CALLS))
        lake = Lake(clients, governance, reads_local_files=copies_folder() in workers.limits.readable)
        self._workgroups = WorkGroups(clients)
        self._named = NamedQueries(self._workgroups)
        self._prepared = PreparedStatements(self._workgroups)
        self._executions = Executions(clients.documents.database)
        results = ResultFiles(clients)
        self._runner = Runner(lake, self._prepared, results, ReusableResults(self._executions, clients), workers)
        queries = QueryOperations(clients, self._executions, self._workgroups, self._runner, results)
        catalogs = DataCatalogs(lake)
        self._answers: dict[str, Operation] = {
            "StartQueryExecution": queries.start,
            "GetQueryExecution": queries.get,
            "BatchGetQueryExecution": queries.batch_get,
            "ListQueryExecutions": queries.list_executions,
            "StopQueryExecution": queries.stop,
            "GetQueryResults": queries.results,
            "GetQueryRuntimeStatistics": queries.runtime_statistics,
            "GetWorkGroup": self._workgroups.get,
            "ListWorkGroups": self._workgroups.list,
            "CreateWorkGroup": self._workgroups.create,
            "UpdateWorkGroup": self._workgroups.update,
            "DeleteWorkGroup": self._workgroups.delete,
            "TagResource": self._workgroups.tag,
            "UntagResource": self._workgroups.untag,
            "ListTagsForResource": self._workgroups.list_tags,
            "CreateNamedQuery": self._named.create,
            "GetNamedQuery": self._named.get,
            "BatchGetNamedQuery": self._named.batch_get,
            "ListNamedQueries": self._named.list,
            "UpdateNamedQuery": self._named.update,
            "DeleteNamedQuery": self._named.delete,
            "CreatePreparedStatement": self._prepared.create,
            "GetPreparedStatement": self._prepared.get,
            "BatchGetPreparedStatement": self._prepared.batch_get,
            "UpdatePreparedStatement": self._prepared.update,
            "DeletePreparedStatement": self._prepared.delete,
            "ListPreparedStatements": self._prepared.list,
            "GetDataCatalog": catalogs.get,
            "ListDataCatalogs": catalogs.list,
            "GetDatabase": catalogs.get_database,
            "ListDatabases": catalogs.list_databases,
            "GetTableMetadata": catalogs.get_table,
            "ListTableMetadata": catalogs.list_tables,
            "ListEngineVersions": catalogs.list_engine_versions,
        }

    @property
    def operations(self) -> frozenset[str]:
        """The operations that are implemented here. moto executes Athena's other operations."""
        return frozenset(self._answers)

    @property
    def finished(self) -> int:
        """The number of executions that have ended, which can change between requests."""
        return self._runner.finished

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Execute one validated request and return its result, or raise a `Fault`."""
        return self._answers[operation](request)

    def stop(self) -> None:
        """Stop running executions."""
        self._runner.stop()

    def dump(self) -> dict[str, Any]:
        """Return workgroups, named queries and prepared statements as documents."""
        return {
            "workgroups": self._workgroups.dump(),
            "named": self._named.dump(),
            "prepared": self._prepared.dump(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore the documents that `dump` returned."""
        self._workgroups.load(state.get("workgroups", {}))
        self._named.load(state.get("named", {}))
        self._prepared.load(state.get("prepared", {}))

    def save_again(self) -> None:
        """Retry all saves that failed.

        Raises:
            StorageError: An execution still could not be saved.
        """
        self._executions.save_again()
