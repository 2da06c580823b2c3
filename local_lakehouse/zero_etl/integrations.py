"""The definition and state of integrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from local_lakehouse.zero_etl.partitions import Rule
from local_lakehouse.zero_etl.problems import Problem
from local_lakehouse.zero_etl.replication import Memory

CREATING = "CREATING"
ACTIVE = "ACTIVE"
MODIFYING = "MODIFYING"
FAILED = "FAILED"
DELETING = "DELETING"
SYNCING = "SYNCING"
NEEDS_ATTENTION = "NEEDS_ATTENTION"

# These statuses last until a caller has seen them, but for at most three refresh intervals.
TRANSIENT = frozenset({CREATING, MODIFYING, DELETING})
STATUSES = frozenset({CREATING, ACTIVE, MODIFYING, FAILED, DELETING, SYNCING, NEEDS_ATTENTION})


@dataclass(frozen=True)
class LoadedAs:
    """The layout in which the target was loaded. A change to the layout requires a new load.

    Args:
        target_table: The Glue table.
        mode: The unnest mode.
        rules: The partitioning.
    """

    target_table: str
    mode: str
    rules: tuple[Rule, ...]


@dataclass
class Integration:
    """An integration.

    Args:
        identity: The integration's ID.
        arn: The integration's ARN.
        name: The integration's name.
        source_arn: The ARN of the DynamoDB table.
        table: The DynamoDB table's name.
        target_arn: The ARN of the Glue database.
        database: The Glue database's name.
        created: The creation time, in seconds since 1970.
        config: The integration's `IntegrationConfig`.
        options: The other members of the request, which are returned unchanged.
        tags: The integration's tags.
        status: One of `STATUSES`.
        errors: The problems to fix.
        since: The time at which the integration entered its current status, in seconds since 1970.
        seen: Whether a caller has read the status.
        loaded: The layout in which the target was loaded, or None before the first load.
        reload: Whether the target must be loaded again, because the recorded changes may be incomplete or cannot be
            applied.
        memory: The state of the replication.
        failures: The number of failed attempts since the integration entered the status `NEEDS_ATTENTION`.
        retry_at: The time of the next attempt, in seconds since 1970.
    """

    identity: str
    arn: str
    name: str
    source_arn: str
    table: str
    target_arn: str
    database: str
    created: float
    config: dict[str, Any]
    options: dict[str, Any]
    tags: dict[str, str]
    status: str = CREATING
    errors: tuple[Problem, ...] = ()
    since: float = 0.0
    seen: bool = False
    loaded: LoadedAs | None = None
    reload: bool = False
    memory: Memory = field(default_factory=Memory)
    failures: int = 0
    retry_at: float = 0.0

    def answer(self) -> dict[str, Any]:
        """Return the integration in the shape of `Integration`."""
        return {
            **self.inbound(),
            "IntegrationName": self.name,
            **self.options,
            "Tags": [{"key": key, "value": value} for key, value in self.tags.items()],
        }

    def inbound(self) -> dict[str, Any]:
        """Return the integration in the shape of `InboundIntegration`, which has neither a name nor tags."""
        return {
            "SourceArn": self.source_arn,
            "TargetArn": self.target_arn,
            "IntegrationArn": self.arn,
            "Status": self.status,
            "CreateTime": datetime.fromtimestamp(self.created, UTC),
            "IntegrationConfig": self.config,
            "Errors": [problem.answer() for problem in self.errors],
        }

    def dump(self) -> dict[str, Any]:
        """Return the integration as plain data."""
        return asdict(self)

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Integration:
        """Create an integration from the result of `dump`."""
        loaded = state["loaded"]
        return cls(
            **{
                **state,
                # States of earlier versions do not contain this member, and their loads discarded the recorded changes.
                "reload": state.get("reload", state["status"] in (SYNCING, NEEDS_ATTENTION)),
                "errors": tuple(Problem(**problem) for problem in state["errors"]),
                "loaded": loaded and LoadedAs(**{**loaded, "rules": tuple(Rule(**rule) for rule in loaded["rules"])}),
                "memory": Memory(**state["memory"]),
            }
        )
