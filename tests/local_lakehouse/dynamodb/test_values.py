"""Tests for values that DynamoDB stores, changes or rejects.

Numbers are compared with `decimal`, and item sizes with the rules that AWS documents.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.dynamodb import values
from local_lakehouse.protocol.faults import Fault

pytestmark = pytest.mark.once

NUMBERS = st.builds(
    lambda sign, digits, point, exponent: f"{sign}{digits[:point]}.{digits[point:]}0E{exponent}",
    st.sampled_from(["", "-", "+"]), st.text("0123456789", min_size=1, max_size=38), st.integers(1, 38),
    st.integers(-90, 80),
)  # fmt: skip


@given(NUMBERS)
def test_normalized_number_keeps_its_value_without_insignificant_zeros(text: str) -> None:
    normal = values.normal_number(text)
    assert Decimal(normal) == Decimal(text)
    assert not {"E", "+"} & set(normal)
    assert normal == "0" or not (normal.startswith("00") or ("." in normal and normal.endswith("0")))
    assert values.normal_number(normal) == normal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("b", "The parameter cannot be converted to a numeric value: b"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("1_000", "The parameter cannot be converted to a numeric value: 1_000"),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
        ("1E126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ("-1E99999999999999999999", "Number overflow. Attempting to store a number with magnitude larger than"),
        ("1E-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ],
)
def test_invalid_numbers_are_rejected(text: str, message: str) -> None:
    with pytest.raises(Fault) as raised:
        values.accept({"N": text})
    assert raised.value.code == "ValidationException"
    assert raised.value.message.startswith(message)


@pytest.mark.parametrize("text", ["9.9999999999999999999999999999999999999E125", "1E-130", "1" + "0" * 125])
def test_numbers_at_the_limits_are_accepted(text: str) -> None:
    assert Decimal(values.accept({"N": text})[0]["N"]) == Decimal(text)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"X": 1}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        ({"S": "a", "N": "1"}, "Supplied AttributeValue has more than one datatypes set"),
        ({"NULL": False}, "Null attribute value types must have the value of true"),
        ({"SS": []}, "An string set  may not be empty"),
        ({"NS": []}, "An number set  may not be empty"),
        ({"BS": []}, "Binary sets should not be empty"),
        ({"SS": ["a", "a"]}, "Input collection [a, a] contains duplicates."),
        ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
        ({"BS": ["AA==", "AA=="]}, "Input collection [AA==, AA==]of type BS contains duplicates."),
        ({"M": {"a": {"M": {"": {"S": "x"}}}}}, "Empty attribute name"),
        ({"L": [{"M": {"": {"S": "x"}}}]}, "Empty attribute name"),
    ],
)
def test_invalid_values_are_rejected(value: dict[str, Any], message: str) -> None:
    with pytest.raises(Fault) as raised:
        values.accept(value)
    assert (raised.value.code, message in raised.value.message) == ("ValidationException", True)


@pytest.mark.parametrize(
    "value",
    [None, [], "x", {"S": 1}, {"S": None, "N": 1}, {"N": 1}, {"B": "="}, {"B": 1}, {"BOOL": "true"}, {"NULL": 1},
     {"M": []}, {"L": {}}, {"SS": "a"}, {"SS": [1]}, {"NS": [1]}, {"BS": [1]}, {"L": ["x"]}],
)  # fmt: skip
def test_values_of_the_wrong_json_type_are_rejected(value: Any) -> None:
    with pytest.raises(Fault) as raised:
        values.accept(value)
    assert raised.value.code == "SerializationException"


def test_more_than_32_nesting_levels_are_rejected() -> None:
    def nested(depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {"S": "x"}
        for _ in range(depth):
            value = {"L": [value]}
        return value

    # The attribute is the first level.
    values.accept(nested(31))
    with pytest.raises(Fault, match="Nesting Levels have exceeded supported limits"):
        values.accept(nested(32))


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "né"}, 3), ({"N": "-12.50"}, 4), ({"N": "0"}, 1), ({"B": "AAEC"}, 3),
        ({"BOOL": True}, 1), ({"NULL": True}, 1),
        ({"M": {}}, 3), ({"L": []}, 3), ({"M": {"ab": {"S": "c"}}}, 3 + 2 + 1 + 1), ({"L": [{"S": "c"}]}, 3 + 1 + 1),
        ({"SS": ["a", "bc"]}, 3), ({"NS": ["1", "100"]}, 4), ({"BS": ["AA==", "AAE="]}, 3),
    ],
)  # fmt: skip
def test_size_follows_the_aws_rules(value: dict[str, Any], size: int) -> None:
    accepted, counted = values.accept(value)
    assert counted == size == values.size_of(accepted)


def test_comparison_ignores_number_format_and_set_order() -> None:
    assert values.equal({"N": "1"}, {"N": "1.00"})
    assert values.equal({"SS": ["a", "b"]}, {"SS": ["b", "a"]})
    assert values.equal({"L": [{"M": {"n": {"NS": ["1", "2"]}}}]}, {"L": [{"M": {"n": {"NS": ["2.0", "1"]}}}]})
    assert not values.equal({"S": "1"}, {"N": "1"})
    assert not values.equal({"BOOL": True}, {"NULL": True})
