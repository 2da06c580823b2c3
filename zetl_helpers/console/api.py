"""The console's JSON API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zetl_helpers.console import calls, files, iceberg
from zetl_helpers.console.calls import CallError
from zetl_helpers.console.link import Link
from zetl_helpers.console.querybooks import QuerybookError, Querybooks
from zetl_helpers.console.values import to_json

Question = Mapping[str, Any]
# The page offers these templates from policies/ in its policy editors.
_POLICIES = ("catalog_resource_policy", "table_resource_policy", "target_role_permissions", "target_role_trust")


class Api:
    """The API that the console's page calls.

    Args:
        link: The connection to the lakehouse.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._querybooks = Querybooks(link.state / "console" / "querybooks")
        self._paths: dict[str, Callable[[Question], Any]] = {
            "assistant": self._assistant,
            "call": self._call,
            "iceberg": lambda asked: iceberg.metadata(link, _text(asked, "database"), _text(asked, "table")),
            "lab": self._lab,
            "manifests": lambda asked: iceberg.manifests(link, _text(asked, "location")),
            "policy": self._policy,
            "parquet": lambda asked: files.parquet(link, _text(asked, "bucket"), _text(asked, "key")),
            "querybooks/delete": lambda asked: self._querybooks.delete(_text(asked, "id")),
            "querybooks/get": lambda asked: self._querybooks.get(_text(asked, "id")),
            "querybooks/list": lambda _: self._querybooks.list(),
            "querybooks/save": self._querybooks.save,
            "same": self._same,
            "start": lambda _: link.start(),
            "status": lambda _: link.status(),
        }

    def answer(self, path: str, asked: Question) -> Any:
        """Respond to a request from the page.

        Args:
            path: The path after ``/api/``.
            asked: The request.

        Raises:
            CallError: The request failed. The error has a code, a message and a status.
            StoppedError: The lakehouse is not running.
        """
        if path not in self._paths:
            raise CallError("NotFound", f"The practice console has no /api/{path}.", 404)
        try:
            return self._paths[path](asked)
        except QuerybookError as error:
            raise CallError("Querybook", str(error)) from error

    def _call(self, asked: Question) -> Any:
        return calls.call(self._link, _text(asked, "service"), _text(asked, "operation"), _parameters(asked))

    def _same(self, asked: Question) -> Any:
        return calls.describe(_text(asked, "service"), _text(asked, "operation"), _parameters(asked))

    def _lab(self, _: Question) -> Any:
        lab = self._link.lab()
        names = (
            "account", "region", "caller", "prefix", "table", "database", "target_table", "bucket", "role",
            "integration", "project", "workgroup", "table_arn", "database_arn", "role_arn", "location", "tags",
        )  # fmt: skip
        return {name: getattr(lab, name) for name in names}

    def _policy(self, asked: Question) -> Any:
        from zetl_helpers import permissions

        name = _text(asked, "name")
        if name not in _POLICIES:
            raise CallError("NotFound", f"The practice console has no policy {name!r}.", 404)
        return permissions.render(self._link.lab(), name)

    def _assistant(self, asked: Question) -> Any:
        from botocore.exceptions import ClientError

        from zetl_helpers import assistant

        try:
            with self._link.answered():
                found = assistant.ask(self._link.lab(), _text(asked, "question"), asked.get("backend", "offline"))
        except ClientError as error:
            raise calls.refused(error) from error
        except (assistant.BedrockError, ValueError) as error:
            raise CallError("Assistant", str(error)) from error
        names = ("question", "sql", "explanation", "confident", "understood", "backend")
        return to_json({name: getattr(found, name) for name in names})


def _text(asked: Question, name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise CallError("InvalidQuestion", f"{name} is missing.")
    return value


def _parameters(asked: Question) -> Mapping[str, Any]:
    value = asked.get("params") or {}
    if not isinstance(value, Mapping):
        raise CallError("InvalidQuestion", "params is not an object.")
    return value
