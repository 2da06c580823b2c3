"""The result of a helper, with its API calls."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from zetl_helpers._calls import boto3_code, changing, cli_commands

# A long request scrolls in a box, so that it does not push the rest of the chapter down.
_CODE = "style='max-height:24em;overflow:auto;text-align:left'"

Did = Literal["created", "already there", "changed", "deleted", "already gone", "still needed"]


@dataclass(frozen=True)
class Step:
    """One step of a helper.

    Args:
        thing: The resource, such as ``table CustomerAccounts``.
        did: The step's outcome for the resource.
        calls: The AWS operations that the step called, such as ``dynamodb.DescribeTable``, in order and without
            duplicates.
        details: Further information, such as the response from AWS, a complete policy or the IDs of new resources.
        note: A sentence about a setting that the step did not change, or an empty string.
    """

    thing: str
    did: Did
    calls: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "calls", tuple(dict.fromkeys(self.calls)))

    def __str__(self) -> str:
        return f"{self.thing}: {self.did}" + (f". {self.note}" if self.note else "")

    def __repr__(self) -> str:
        return f"{self}\n    by {' · '.join(self.calls) or 'no call'}"

    def _repr_html_(self) -> str:
        calls = " · ".join(f"<code>{html.escape(call)}</code>" for call in self.calls) or "no call"
        note = f". {html.escape(self.note)}" if self.note else ""
        head = f"<b>{html.escape(self.thing)}</b>: {self.did}{note}<br><small>API calls: {calls}</small>"
        shown = changing(self.calls)
        if not shown:
            return head
        code, commands = (html.escape(text) for text in (boto3_code(shown), cli_commands(shown)))
        return (
            f"{head}<details><summary>The same with boto3</summary><pre {_CODE}>{code}</pre></details>"
            f"<details><summary>The same with the AWS CLI</summary><pre {_CODE}>{commands}</pre></details>"
        )


def ensured(found: object, wanted: object) -> Did:
    """Derive a step's outcome from the resource's desired state and its state before the step."""
    if found == wanted:
        return "already there"
    return "created" if found is None else "changed"
