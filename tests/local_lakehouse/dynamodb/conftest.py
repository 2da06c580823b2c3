from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local_lakehouse.backend.moto_backend import Backend


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend("us-east-1")
    yield backend
    backend.close()


@pytest.fixture
def dynamodb(backend: Backend) -> Any:
    return backend.clients.client("dynamodb")


@pytest.fixture
def orders(dynamodb: Any) -> Any:
    """Provide a client and create the table `orders`, whose local and global indexes have different projections."""
    dynamodb.create_table(
        TableName="orders", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "h", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"},
            {"AttributeName": "colour", "AttributeType": "S"}, {"AttributeName": "at", "AttributeType": "S"},
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by_at", "Projection": {"ProjectionType": "KEYS_ONLY"},
                "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_colour", "KeySchema": [{"AttributeName": "colour", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
            }
        ],
    )  # fmt: skip
    return dynamodb
