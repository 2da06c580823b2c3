"""Tests that a denial is explained with the missing action and the policy statement that allows it."""

import pytest
from botocore.exceptions import ClientError

from tests.fakes import FakeOperation
from zetl_helpers import _rights, lakehouse, permissions
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

WHO = "User: arn:aws:sts::123456789012:assumed-role/Ana/me is not authorized to perform: "
ASK = "Run zetl policies to write the policies with the names of your resources. Ask an account administrator"


def test_explain_finds_action_in_learner_policies() -> None:
    text = _rights.explain(f"{WHO}iam:PassRole on resource: arn:aws:iam::123456789012:role/zETLTargetRole because no …")
    advice = "For a policy that allows it, see policies/learner_build_permissions.json, statement PassTarget"
    assert f"You are missing iam:PassRole. {advice}" in text
    assert ASK in text


def test_explain_names_all_statements_with_action() -> None:
    text = _rights.explain(f"{WHO}iam:GetRole on resource: arn")
    assert "statement LookAfterTargetRole or policies/learner_use_permissions.json, statement SeeOneself" in text


def test_explain_is_idempotent() -> None:
    once = _rights.explain(f"{WHO}glue:GetTable")
    assert _rights.explain(once) == once


def test_explain_reports_that_no_policy_contains_action() -> None:
    assert "No policy in policies/ contains this action" in _rights.explain(f"{WHO}ec2:RunInstances on resource: *")


@pytest.mark.parametrize(
    ("why", "above"),
    [
        ("with an explicit deny in a service control policy", "explicit deny"),
        ("because no permissions boundary allows the s3:GetObject action", "permissions boundary"),
        ("because no session policy allows the s3:GetObject action", "session policy"),
    ],
)
def test_explain_names_overriding_policy_type(why: str, above: str) -> None:
    text = _rights.explain(f'{WHO}s3:GetObject on resource: "arn:aws:s3:::some/key" {why}')
    assert f"which a policy denies ({above}). Ask an account administrator" in text
    assert "learner_build" not in text


def test_explain_suggests_grant_for_lake_formation() -> None:
    text = _rights.explain("Insufficient Lake Formation permission(s) on customeraccounts", "glue:GetTable")
    assert text.endswith("A Lake Formation administrator can grant the permission, as described in chapter 3.")
    assert _rights.explain(text) == text


def test_explain_does_not_change_other_messages() -> None:
    assert _rights.explain("SYNTAX_ERROR: line 1:1") == "SYNTAX_ERROR: line 1:1"


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("s3", "HeadBucket", "s3:ListBucket"),
        ("s3", "HeadObject", "s3:GetObject"),
        ("resourcegroupstaggingapi", "GetResources", "tag:GetResources"),
        ("glue", "GetTable", "glue:GetTable"),
    ],
)
def test_operation_is_mapped_to_iam_action(service: str, operation: str, action: str) -> None:
    assert _rights.action_of(service, operation) == action


def test_explain_infers_unnamed_action_from_operation(lab: Lab) -> None:
    FakeOperation(lab, "glue", "GetTable").fail("AccessDeniedException", message="Access denied")
    with pytest.raises(ClientError) as error:
        lakehouse.schema(lab)
    advice = "For a policy that allows it, see policies/learner_build_permissions.json"
    assert f"Access denied You are missing glue:GetTable. {advice}" in str(error.value)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"


def test_explain_knows_every_learner_action(lab: Lab) -> None:
    for name in _rights.LEARNER_POLICIES:
        for statement in _rights.statements(name, permissions.render(lab, name)):
            for action in statement.actions:
                assert f"{statement.policy}, statement {statement.sid}" in _rights.explain(
                    f"{WHO}{action} on resource: x"
                )
