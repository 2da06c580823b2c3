"""Opt-ins of hybrid access mode: which principals Lake Formation decides about, for which resources.

AWS: https://docs.aws.amazon.com/lake-formation/latest/dg/hybrid-access-mode.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.protocol.wire import Caller, Fault


class LakeFormationService:
    """Keeps opt-ins; all else of Lake Formation is moto's."""

    name = "lakeformation"

    def __init__(self) -> None:
        self._opt_ins: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._calls: dict[str, Callable[[dict[str, Any], Caller], dict[str, Any]]] = {
            "CreateLakeFormationOptIn": self._create,
            "DeleteLakeFormationOptIn": self._delete,
            "ListLakeFormationOptIns": self._list,
        }

    @property
    def operations(self) -> frozenset[str]:
        """The operations answered here."""
        return frozenset(self._calls)

    def call(self, operation: str, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one request."""
        with self._lock:
            return self._calls[operation](request, caller)

    def dump(self) -> dict[str, Any]:
        """Return all opt-ins as a document."""
        with self._lock:
            return {"opt_ins": list(self._opt_ins)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over the document that `dump` returned."""
        with self._lock:
            self._opt_ins = list(state.get("opt_ins", ()))

    def _create(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        wanted = {"Resource": request["Resource"], "Principal": request["Principal"]}
        if not self._matching(wanted):
            self._opt_ins.append({**wanted, "LastModified": datetime.now(UTC), "LastUpdatedBy": caller.arn})
        return {}

    def _delete(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        found = self._matching({"Resource": request["Resource"], "Principal": request["Principal"]})
        if not found:
            principal = request["Principal"].get("DataLakePrincipalIdentifier")
            raise Fault("EntityNotFoundException", f"{principal} has not opted in for this resource.")
        self._opt_ins = [one for one in self._opt_ins if one not in found]
        return {}

    def _list(self, request: dict[str, Any], caller: Caller) -> dict[str, Any]:
        wanted = {name: value for name, value in request.items() if name in ("Resource", "Principal")}
        return {"LakeFormationOptInsInfoList": self._matching(wanted)}

    def _matching(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in self._opt_ins if all(one[name] == value for name, value in wanted.items())]
