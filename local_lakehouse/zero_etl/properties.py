"""The resource properties and table properties, which all integrations of a target share.

AWS: https://docs.aws.amazon.com/glue/latest/dg/zero-etl-using-apis.html
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_lakehouse.zero_etl.integrations import LoadedAs
from local_lakehouse.zero_etl.partitions import rules_of
from local_lakehouse.zero_etl.unnest import FULL


@dataclass
class Properties:
    """The properties of the account.

    Args:
        resources: The resource properties, keyed by resource ARN, in the format of `IntegrationResourceProperty`.
        tables: The table properties, keyed by resource ARN and source table, in the format of
            `IntegrationTableProperties`.
        tags: The tags of resource properties, keyed by the property's ARN.
    """

    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)

    def role(self, target_arn: str) -> str | None:
        """Return the ARN of a target's role, or None if the target has no resource property."""
        target = self._target(target_arn)
        return target.get("RoleArn")

    def event_bus(self, target_arn: str) -> str | None:
        """Return the event bus of a target, or None for the default bus."""
        return self._target(target_arn).get("EventBusArn")

    def layout(self, target_arn: str, table: str) -> LoadedAs:
        """Return a source table's layout in a target, or AWS's default layout if there are no table properties."""
        config = self.tables.get((target_arn, table), {}).get("TargetTableConfig", {})
        return LoadedAs(
            target_table=config.get("TargetTableName", table).lower(),
            mode=config.get("UnnestSpec", FULL),
            rules=rules_of(config.get("PartitionSpec", [])),
        )

    def dump(self) -> dict[str, Any]:
        """Return the properties as plain data."""
        return copy.deepcopy({"resources": self.resources, "tables": self.tables, "tags": self.tags})

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Properties:
        """Create properties from the result of `dump`."""
        return cls(**copy.deepcopy(dict(state)))

    def _target(self, target_arn: str) -> dict[str, Any]:
        target: dict[str, Any] = self.resources.get(target_arn, {}).get("TargetProcessingProperties", {})
        return target
