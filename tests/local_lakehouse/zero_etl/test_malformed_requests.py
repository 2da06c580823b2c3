"""Tests that invalid requests, generated from the service model, return an error that the model contains."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_lakehouse.protocol.wire import Fault, parse, service_model
from tests.local_lakehouse.zero_etl.conftest import DATABASE_ARN, LEARNER, ROLE_ARN, World, table_arn
from tests.local_lakehouse.zero_etl.documented_behavior import covers

_MODEL = service_model("glue")
_OPERATIONS = sorted(name for name in _MODEL.operation_names if "Integration" in name)
_LIKELY = [
    DATABASE_ARN,
    table_arn("Orders"),
    ROLE_ARN,
    "Orders",
    "15",
    "arn:aws:glue:us-east-1:123456789012:integration:" + "0" * 36,
    "Status",
    "identity",
]
_ODD = ["", " ", "x" * 5000, "☃", "\x00", "../..", "arn:", "arn:aws:glue:::database/", "'; DROP TABLE", "%s{0}"]
_WRONG: list[Any] = [None, 0, -1, 10**18, 1.5, True, [], {}, [[]], {"a": {}}, [None]]


def _value(shape: Shape, chance: random.Random, wrong: float, depth: int = 0) -> Any:
    if chance.random() < wrong:
        return chance.choice(_WRONG + _ODD)
    if isinstance(shape, StructureShape):
        kept = [
            name
            for name in shape.members
            if chance.random() < 0.6 or (name in shape.required_members and chance.random() < 0.9)
        ]
        members = {name: _value(shape.members[name], chance, wrong, depth + 1) for name in kept}
        return {**members, "Unknown": 1} if chance.random() < 0.1 else members
    if isinstance(shape, ListShape):
        return [_value(shape.member, chance, wrong, depth + 1) for _ in range(chance.choice([0, 1, 1, 2, 60]))]
    if isinstance(shape, MapShape):
        return {_value(shape.key, chance, 0): _value(shape.value, chance, wrong, depth + 1)}
    if shape.type_name == "string":
        return chance.choice(_LIKELY + _ODD + list(getattr(shape, "enum", [])))
    return {"boolean": chance.random() < 0.5, "integer": chance.choice([-1, 0, 1, 100, 101])}[shape.type_name]


def _requests() -> Iterator[tuple[int, str, Any]]:
    chance = random.Random(20260101)  # noqa: S311  (The sequence is fixed and is not a secret.)
    for number in range(240):
        operation = _OPERATIONS[number % len(_OPERATIONS)]
        shape = _MODEL.operation_model(operation).input_shape
        assert shape is not None
        yield number, operation, _value(shape, chance, wrong=0.08)


@pytest.mark.parametrize("part", range(4))
@covers("modeled-errors")
def test_invalid_requests_cause_modeled_errors(world: World, part: int) -> None:
    world.create_table("Orders")
    faults = []
    for number, operation, document in _requests():
        if number % 4 == part:
            try:
                world.service.call(operation, parse(_MODEL.operation_model(operation), document), LEARNER)
            except Fault as fault:
                faults.append((number, operation, fault))
    assert len(faults) >= 50
    for number, operation, found in faults:
        modeled = {error.name for error in _MODEL.operation_model(operation).error_shapes}
        assert found.code in modeled | {"SerializationException"}, (number, operation)
        assert found.message
        assert found.status == 400
