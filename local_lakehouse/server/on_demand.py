"""Services that are created on their first request, because their libraries take seconds to import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from local_lakehouse.loading import load
from local_lakehouse.protocol.request import Caller
from local_lakehouse.protocol.wire import Service
from local_lakehouse.store.locks import FairLock

S = TypeVar("S", bound=Service)


class OnDemand(Generic[S]):
    """A service of the lakehouse that is created when it is first needed.

    Args:
        name: The service's name in botocore.
        operations: The service's operations.
        module: The service's module, which is imported before the lock is acquired.
        make: A function that creates the service.
        lock: The database's lock, which is held while the service is created.
        prepare: A function that performs slow work outside the lock before the service is created.
    """

    def __init__(
        self,
        name: str,
        operations: frozenset[str],
        module: str,
        make: Callable[[], S],
        lock: FairLock,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.operations = operations
        self._module = module
        self._make = make
        self._lock = lock
        self._prepare = prepare
        self._made: S | None = None

    @property
    def made(self) -> S | None:
        """The service, or None if it has not been created yet."""
        return self._made

    def get(self) -> S:
        """Return the service, and create it on first use."""
        if self._made is None:
            load(self._module)
            self._prepare()
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return self._made

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Execute a request with the service."""
        return self.get().call(operation, request, caller)


ATHENA = frozenset(
    {
        "BatchGetNamedQuery", "BatchGetPreparedStatement", "BatchGetQueryExecution", "CreateNamedQuery",
        "CreatePreparedStatement", "CreateWorkGroup", "DeleteNamedQuery", "DeletePreparedStatement", "DeleteWorkGroup",
        "GetDataCatalog", "GetDatabase", "GetNamedQuery", "GetPreparedStatement", "GetQueryExecution",
        "GetQueryResults", "GetQueryRuntimeStatistics", "GetTableMetadata", "GetWorkGroup", "ListDataCatalogs",
        "ListDatabases", "ListEngineVersions", "ListNamedQueries", "ListPreparedStatements", "ListQueryExecutions",
        "ListTableMetadata", "ListTagsForResource", "ListWorkGroups", "StartQueryExecution", "StopQueryExecution",
        "TagResource", "UntagResource", "UpdateNamedQuery", "UpdatePreparedStatement", "UpdateWorkGroup",
    }
)  # fmt: skip
ZERO_ETL = frozenset(
    {
        "CreateIntegration", "CreateIntegrationResourceProperty", "CreateIntegrationTableProperties",
        "DeleteIntegration", "DeleteIntegrationResourceProperty", "DeleteIntegrationTableProperties",
        "DescribeInboundIntegrations", "DescribeIntegrations", "GetIntegrationResourceProperty",
        "GetIntegrationTableProperties", "GetTags", "ListIntegrationResourceProperties",
        "ListIntegrationTableProperties", "ModifyIntegration", "TagResource", "UntagResource",
        "UpdateIntegrationResourceProperty", "UpdateIntegrationTableProperties",
    }
)  # fmt: skip
EXPORTS = frozenset({"DescribeExport", "ExportTableToPointInTime", "ListExports"})
IMPORTS = frozenset({"DescribeImport", "ImportTable", "ListImports"})
PARTIQL = frozenset({"BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction"})
STREAMS = frozenset({"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"})
