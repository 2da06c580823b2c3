"""Learn and do Amazon DynamoDB zero-ETL integration with Amazon SageMaker Lakehouse."""

from zetl_helpers import (
    attention,
    charts,
    cleanup,
    cost,
    doctor,
    integration,
    keys,
    lakehouse,
    maintenance,
    monitoring,
    permissions,
    source,
    studio,
    target,
)
from zetl_helpers.course import exercises
from zetl_helpers.course.chapters import catch_up
from zetl_helpers.lab import Lab, connect
from zetl_helpers.lakehouse import query
from zetl_helpers.tables import table

__all__ = [
    "Lab",
    "attention",
    "catch_up",
    "charts",
    "cleanup",
    "connect",
    "cost",
    "doctor",
    "exercises",
    "integration",
    "keys",
    "lakehouse",
    "maintenance",
    "monitoring",
    "permissions",
    "query",
    "source",
    "studio",
    "table",
    "target",
]
