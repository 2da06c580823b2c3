"""The Lake Formation filter for requests to the Data Catalog."""

from __future__ import annotations

import json
from collections.abc import Callable

from local_lakehouse.backend.clients import current_actor, is_from_service
from local_lakehouse.lake_formation.governance import Governance
from local_lakehouse.protocol.faults import Answer, Fault, fail
from local_lakehouse.protocol.request import Request

_FILTERED = ("GetDatabases", "GetTable", "GetTables", "SearchTables")


class GovernedCatalog:
    """A filter that checks requests to the Data Catalog and records the resources that they create and delete.

    Args:
        governance: The access checks of Lake Formation.
        changed: A function that saves Lake Formation's state after it changes.
    """

    def __init__(self, governance: Governance, changed: Callable[[], object] = lambda: None) -> None:
        self._governance = governance
        self._changed = changed

    def __call__(self, request: Request, serve: Callable[[], Answer]) -> Answer:
        """Execute one request.

        Args:
            request: The request.
            serve: A function that executes the request with moto.
        """
        actor = current_actor()
        operation = request.operation
        try:
            if actor is not None:
                self._governance.check(operation, request.parameters, actor.principal)
            answer = serve()
            if answer.status != 200:
                return answer
            if self._governance.note(operation, request.parameters, actor.principal if actor else None):
                self._changed()
            # Athena needs the complete layout of a table's files, and it omits unreadable columns from its results.
            if actor is None or operation not in _FILTERED or (operation == "GetTable" and is_from_service(request)):
                return answer
            seen = self._governance.visible(operation, json.loads(answer.body), actor.principal)
        except Fault as fault:
            return fail(request.service, request.method, fault)
        body = json.dumps(seen).encode()
        headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
        return Answer(answer.status, [*headers, ("Content-Length", str(len(body)))], body)
