"""Tests that policies are evaluated by the rules of IAM."""

from __future__ import annotations

from typing import Any

import pytest

from local_lakehouse.iam.authorization import (
    Ask,
    Decision,
    Principal,
    UnsupportedPolicyError,
    decide,
    parse_document,
    role_of,
)

pytestmark = pytest.mark.once

GLUE = Principal("Service", "glue.amazonaws.com")
SESSION = Principal("AWS", "arn:aws:sts::123456789012:assumed-role/Admin/learner")


def evaluate(statement: dict[str, Any] | list[dict[str, Any]], ask: Ask) -> Decision:
    return decide([{"Version": "2012-10-17", "Statement": statement}], ask)


def allow(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **elements}


OBJECT = Ask(
    "s3:GetObject", "arn:aws:s3:::b/k", GLUE, {"aws:SourceAccount": "1", "aws:SourceArn": "arn:aws:glue:r:1:x:y"}
)


@pytest.mark.parametrize(
    ("elements", "allowed"),
    [
        ({}, True),
        ({"Action": "S3:getobject"}, True),
        ({"Action": ["s3:Put*", "s3:Get*"]}, True),
        ({"Action": "s3:GetObjec?"}, True),
        ({"Action": "s3:PutObject"}, False),
        ({"Action": "*"}, True),
        ({"Resource": "arn:aws:s3:::b/*"}, True),
        ({"Resource": ["arn:aws:s3:::c/*", "arn:aws:s3:::b/k"]}, True),
        ({"Resource": "arn:aws:s3:::b"}, False),
        ({"Resource": "arn:aws:s3:::[b]/k"}, False),
        ({"Principal": {"Service": "glue.amazonaws.com"}}, True),
        ({"Principal": {"Service": ["ec2.amazonaws.com", "glue.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, False),
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, False),
        ({"NotPrincipal": {"Service": "ec2.amazonaws.com"}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}, True),
        ({"Condition": {"StringEquals": {"AWS:sourceaccount": ["2", "1"]}}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "2"}}}, False),
        ({"Condition": {"StringEquals": {"aws:Other": "2"}}}, False),
        ({"Condition": {"StringEqualsIfExists": {"aws:Other": "2"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:SourceAccount": "2"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:Other": "2"}}}, True),
        ({"Condition": {"StringLike": {"aws:SourceArn": "arn:aws:glue:*"}}}, True),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:glue:*:1:x:*"}}}, True),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:glue:r:1:x:y"}}}, True),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:1:x:*"}}}, False),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:*"}}}, False),
        ({"Condition": {"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:*:1:x:*"}}}, True),
        ({"Condition": {"Null": {"aws:Other": "true"}}}, True),
        ({"Condition": {"Null": {"aws:SourceArn": "true"}}}, False),
        (
            {
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": "1"},
                    "StringLike": {"aws:SourceArn": "arn:aws:s3:*"},
                }
            },
            False,
        ),
        ({"Resource": "arn:aws:s3:::${aws:SourceAccount}/k"}, False),
    ],
)
def test_statement_elements_match_the_request(elements: dict[str, Any], allowed: bool) -> None:
    assert evaluate(allow(**elements), OBJECT) is (Decision.ALLOWED if allowed else Decision.NOT_ALLOWED)


def test_not_action_and_not_resource_exclude_their_values() -> None:
    statement = {"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::c/*"}
    assert evaluate(statement, OBJECT) is Decision.ALLOWED
    assert evaluate(statement, Ask("s3:PutObject", "arn:aws:s3:::b/k")) is Decision.NOT_ALLOWED
    assert evaluate(statement, Ask("s3:GetObject", "arn:aws:s3:::c/k")) is Decision.NOT_ALLOWED


def test_deny_overrides_allow_in_any_policy() -> None:
    deny = {**allow(), "Effect": "Deny"}
    assert evaluate([allow(), deny], OBJECT) is Decision.DENIED
    assert decide([{"Statement": allow()}, {"Statement": [deny]}], OBJECT) is Decision.DENIED


def test_policy_variable_is_replaced() -> None:
    ask = Ask("s3:GetObject", "arn:aws:s3:::bucket-1/k", context={"aws:SourceAccount": "1"})
    assert evaluate(allow(Resource="arn:aws:s3:::bucket-${aws:SourceAccount}/*"), ask) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("named", "matches"),
    [
        ("arn:aws:iam::123456789012:role/Admin", True),
        ("arn:aws:sts::123456789012:assumed-role/Admin/learner", True),
        ("123456789012", True),
        ("arn:aws:iam::123456789012:root", True),
        ("arn:aws:iam::123456789012:role/Other", False),
        ("arn:aws:iam::999999999999:root", False),
    ],
)
def test_session_matches_its_role_and_account(named: str, matches: bool) -> None:
    ask = Ask("s3:GetObject", "x", SESSION)
    assert (evaluate(allow(Principal={"AWS": named}), ask) is Decision.ALLOWED) == matches


def test_role_of_a_session_is_returned() -> None:
    assert role_of(SESSION.name) == "arn:aws:iam::123456789012:role/Admin"
    assert role_of("arn:aws:iam::123456789012:user/u") is None


def test_unsupported_operators_and_invalid_documents_are_rejected() -> None:
    with pytest.raises(UnsupportedPolicyError, match="NumericLessThan"):
        evaluate(allow(Condition={"NumericLessThan": {"s3:max-keys": "10"}}), OBJECT)
    with pytest.raises(UnsupportedPolicyError, match="not valid JSON"):
        parse_document("'{}'")
    with pytest.raises(UnsupportedPolicyError, match="not a JSON object"):
        parse_document("[]")


@pytest.mark.parametrize(
    "condition",
    [
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
        {"StringEquals": {"aws:ResourceTag/team": "blue"}},
        {"StringNotEquals": {"aws:ResourceTag/team": "blue"}},
        {"Null": {"aws:ResourceTag/team": "true"}},
        {"StringEquals": {"aws:SourceAccount": "${aws:PrincipalTag/account}"}},
        {"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}},
    ],
)
def test_unknown_condition_disables_allow_statements_but_not_deny_statements(condition: dict[str, Any]) -> None:
    ask = Ask("s3:GetObject", "arn:aws:s3:::b/k", GLUE, {"aws:SourceAccount": "1"}, known=("aws:SourceArn",))
    assert evaluate(allow(Condition=condition), ask) is Decision.NOT_ALLOWED
    assert evaluate({**allow(Condition=condition), "Effect": "Deny"}, ask) is Decision.DENIED


def test_condition_on_an_absent_known_key_is_evaluated() -> None:
    ask = Ask("s3:GetObject", "arn:aws:s3:::b/k", GLUE, known=("aws:RequestTag/*",))
    assert evaluate(allow(Condition={"StringNotEquals": {"AWS:RequestTag/team": "x"}}), ask) is Decision.ALLOWED
    assert evaluate(allow(Condition={"StringEquals": {"aws:RequestTag/team": "x"}}), ask) is Decision.NOT_ALLOWED


@pytest.mark.parametrize(
    ("named", "may"),
    [
        ("123456789012", False),
        ("arn:aws:iam::123456789012:root", False),
        ("arn:aws:iam::123456789012:role/Admin", True),
        ("arn:aws:iam::123456789012:role/some/path/Admin", True),
        ("*", True),
    ],
)
def test_principal_without_account_access_must_be_named(named: str, may: bool) -> None:
    ask = Ask("s3:GetObject", "arn:aws:s3:::b/k", Principal("AWS", SESSION.name, by_account=False))
    assert (evaluate(allow(Principal={"AWS": named}), ask) is Decision.ALLOWED) == may
