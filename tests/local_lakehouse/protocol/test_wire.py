import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.protocol import wire
from local_lakehouse.protocol.wire import Fault

CREATE = wire.service_model("glue").operation_model("CreateIntegration")
DESCRIBE = wire.service_model("glue").operation_model("DescribeIntegrations")
START = wire.service_model("athena").operation_model("StartQueryExecution")
GOOD = {"IntegrationName": "i", "SourceArn": "arn:s", "TargetArn": "arn:t"}


def refused(operation: Any, document: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        wire.parse(operation, document)
    return caught.value


def test_valid_request_is_unchanged() -> None:
    assert wire.parse(CREATE, GOOD) == GOOD


def test_unknown_members_are_ignored() -> None:
    assert wire.parse(CREATE, {**GOOD, "Colour": "blue"}) == GOOD


def test_null_member_is_omitted() -> None:
    assert wire.parse(CREATE, {**GOOD, "Description": None}) == GOOD


def test_error_names_the_missing_member() -> None:
    fault = refused(CREATE, {"IntegrationName": "i", "SourceArn": "arn:s"})
    assert fault.code == "ValidationException"
    assert fault.message == (
        "1 validation error detected: Value null at 'targetArn' failed to satisfy constraint: Member must not be null"
    )


def test_error_names_every_violated_constraint() -> None:
    fault = refused(CREATE, {**GOOD, "IntegrationName": "", "Description": "x" * 1001})
    assert fault.message.startswith("2 validation errors detected: ")
    assert "length greater than or equal to 1" in fault.message
    assert "length less than or equal to 1000" in fault.message


def test_error_lists_the_enum_values() -> None:
    operation = wire.service_model("glue").operation_model("CreateIntegrationTableProperties")
    document = {"ResourceArn": "arn:t", "TableName": "T", "TargetTableConfig": {"UnnestSpec": "TOP_LEVEL"}}
    assert "Member must satisfy enum value set: [TOPLEVEL, FULL, NOUNNEST]" in refused(operation, document).message


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("IntegrationName", 7, "INTEGER_VALUE can not be converted to a String"),
        ("IntegrationName", ["a"], "LIST_VALUE can not be converted to a String"),
        ("Tags", "a=b", "STRING_VALUE can not be converted to a List"),
        ("IntegrationConfig", True, "BOOLEAN_VALUE can not be converted to a Structure"),
    ],
)
def test_wrong_json_type_causes_a_serialization_error(member: str, value: object, message: str) -> None:
    fault = refused(CREATE, {**GOOD, member: value})
    assert (fault.code, fault.message) == ("SerializationException", message)


def test_boolean_is_not_accepted_as_a_number() -> None:
    assert refused(DESCRIBE, {"MaxRecords": True}).code == "SerializationException"


def test_body_that_is_not_json_is_rejected() -> None:
    with pytest.raises(Fault, match="not valid JSON"):
        wire.parse_json(b"{")


def test_response_has_the_shape_that_the_model_defines() -> None:
    created = datetime(2026, 11, 1, 12, 0, 0, 123000, tzinfo=UTC)
    known = {**GOOD, "IntegrationArn": "arn:i", "Status": "CREATING"}
    answer = wire.answer(CREATE, {**known, "CreateTime": created, "Unknown": 1, "Description": None}, "1.1")
    assert json.loads(answer.body) == {**known, "CreateTime": 1793534400.123}
    assert ("Content-Type", "application/x-amz-json-1.1") in answer.headers


def test_error_response_contains_the_members_of_the_error() -> None:
    answer = wire.as_json(Fault("InvalidRequestException", "no", AthenaErrorCode="INVALID_INPUT"), "1.1")
    assert answer.status == 400
    body = json.loads(answer.body)
    assert (body["__type"], body["message"], body["AthenaErrorCode"]) == (
        "InvalidRequestException",
        "no",
        "INVALID_INPUT",
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from([*CREATE.input_shape.members, *START.input_shape.members])


def parsed_or_refused(operation: Any, document: object) -> dict[str, Any] | str:
    try:
        return wire.parse(operation, document)
    except Fault as fault:
        return fault.code


@given(document=JSON | st.dictionaries(MEMBERS, JSON))
def test_any_document_is_parsed_or_rejected(document: object) -> None:
    for operation in (CREATE, START, DESCRIBE):
        outcome = parsed_or_refused(operation, document)
        assert outcome in ("SerializationException", "ValidationException") or set(outcome) <= set(
            operation.input_shape.members
        )
