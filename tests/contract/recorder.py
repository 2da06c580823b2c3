"""A recorder of all AWS calls in a session.

Each request is recorded before botocore serializes it, and each response after it arrives.
"""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.model import OperationModel

from tests.contract.constraints import violations
from zetl_helpers import lab as lab_module
from zetl_helpers._local_session import Directed
from zetl_helpers.lab import Lab

# The names of read-only operations begin with these words.
_READS = ("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Query", "Scan", "Simulate")


class ContractError(AssertionError):
    """A call that violates an AWS service model."""


@dataclass
class Call:
    """A recorded call."""

    model: OperationModel
    parameters: dict[str, Any]
    error: str | None = None

    @property
    def name(self) -> str:
        return f"{self.model.service_model.service_name}.{self.model.name}"

    @property
    def changes(self) -> bool:
        return not self.model.name.startswith(_READS)


class Recorder:
    """A recorder of a session's calls. In strict mode, a call that violates its model raises an error."""

    def __init__(self, session: boto3.Session, *, strict: bool = True) -> None:
        self.calls: list[Call] = []
        # The calls in each chapter, keyed by the notebook's name. Tests that run notebooks set this dictionary.
        self.chapters: dict[str, set[str]] = {}
        self._strict = strict
        # The handler is registered last, so that botocore's additions (such as idempotency tokens) are recorded too.
        session.events.register_last("before-parameter-build", self._note)
        session.events.register("after-call", self._answer)

    @property
    def names(self) -> set[str]:
        return {call.name for call in self.calls}

    @property
    def changes(self) -> list[str]:
        """Return the calls that change something, including rejected calls."""
        return [call.name for call in self.calls if call.changes]

    def _note(self, params: dict[str, Any], model: OperationModel, **_: Any) -> None:
        broken = violations(model, params) if self._strict else []
        if broken:
            raise ContractError(f"{model.service_model.service_name}.{model.name}: {'; '.join(broken)}")
        self.calls.append(Call(model, params))

    def _answer(self, parsed: dict[str, Any], model: OperationModel, **_: Any) -> None:
        if "Error" in parsed:
            call = next(call for call in reversed(self.calls) if call.model is model)
            call.error = parsed["Error"]["Code"]


def recorded_lab(url: str, prefix: str = "", region: str = "us-east-1", *, strict: bool = True) -> tuple[Lab, Recorder]:
    """Return a lab as `zetl.connect` does, and a recorder of all its calls, including the first."""
    session = boto3.Session(
        aws_access_key_id="LOCALLAKEHOUSE000000",
        aws_secret_access_key="not-a-secret",
        region_name=region,
        botocore_session=Directed(url),
    )
    recorder = Recorder(session, strict=strict)
    return lab_module._introduce("local", session, prefix, url), recorder
