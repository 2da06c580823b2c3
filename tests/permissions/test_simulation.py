"""Tests for `permissions.simulate`, which checks the caller's permissions with the IAM policy simulator."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.permissions.callers import learner_policies, replace_policies, without
from zetl_helpers import permissions
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once


@pytest.fixture
def enforcing_lakehouse() -> Iterator[Lakehouse]:
    lakehouse = Lakehouse(Settings(paused=True, enforce_iam=True))
    lakehouse.start()
    yield lakehouse
    lakehouse.stop()


def test_administrator_has_every_permission(lab: Lab) -> None:
    frame = permissions.simulate(lab)
    assert list(frame.columns) == ["action", "resource", "allowed", "policy"]
    assert frame["allowed"].dtype == bool
    assert frame["allowed"].all()
    assert {"iam:PassRole", "athena:StartQueryExecution"} <= set(frame["action"])


def test_learner_has_every_permission_and_may_run_simulation(enforcing_lakehouse: Lakehouse) -> None:
    lab = connect_to(enforcing_lakehouse.url)
    replace_policies(lab, learner_policies(lab))
    assert permissions.simulate(lab)["allowed"].all()


@pytest.mark.parametrize("action", ["iam:PassRole", "glue:CreateIntegration", "s3:GetObject"])
def test_result_names_missing_permission_and_statement(enforcing_lakehouse: Lakehouse, action: str) -> None:
    lab = connect_to(enforcing_lakehouse.url)
    replace_policies(lab, learner_policies(lab, without(action)))
    frame = permissions.simulate(lab)
    missing = frame[~frame["allowed"]]
    assert set(missing["action"]) == {action}
    assert all(missing["policy"].str.startswith("policies/learner_build_permissions.json, statement "))


def test_raises_error_without_permission_to_simulate(enforcing_lakehouse: Lakehouse) -> None:
    lab = connect_to(enforcing_lakehouse.url)
    replace_policies(lab, learner_policies(lab, without("iam:SimulatePrincipalPolicy")))
    advice = "For a policy that allows it, see .*, statement SeeOneself"
    with pytest.raises(ClientError, match=rf"You are missing iam:SimulatePrincipalPolicy\. {advice}"):
        permissions.simulate(lab)


def test_root_user_does_not_need_simulation(lakehouse: Lakehouse) -> None:
    lab = connect_to(lakehouse.url)
    object.__setattr__(lab, "caller", "arn:aws:iam::123456789012:root")
    assert permissions.simulate(lab)["allowed"].all()


def test_resource_results_override_action_result(lab: Lab) -> None:
    """The results for the resources take precedence over the result for the action.

    AWS may return a single result for each action, which contains the results for the resources.
    """
    iam = lab.client("iam")
    role = "arn:aws:iam::123456789012:role/Admin"
    response = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["s3:GetObject"], ResourceArns=["a", "b"]
    )
    assert [result["EvalResourceName"] for result in response["EvaluationResults"]] == ["a", "b"]

    def answer(params: dict[str, Any], **_: object) -> tuple[AWSResponse, dict[str, Any]]:
        members = params["body"].items()
        resources = [name for key, name in members if key.startswith("ResourceArns.member")]
        decisions = [{"EvalResourceName": name, "EvalResourceDecision": "implicitDeny"} for name in resources]
        results = [
            {"EvalActionName": name, "EvalDecision": "allowed", "ResourceSpecificResults": decisions}
            for key, name in members
            if key.startswith("ActionNames.member")
        ]
        return AWSResponse("", 200, {}, None), {"EvaluationResults": results, "IsTruncated": False}

    iam.meta.events.register("before-call.iam.SimulatePrincipalPolicy", answer)
    assert not permissions.simulate(lab)["allowed"].any()


class TestSimulatePrincipalPolicy:
    """Tests for the local lakehouse's responses to SimulatePrincipalPolicy, as boto3 returns them."""

    def ask(self, lab: Lab, **parameters: object) -> list[str]:
        role = "arn:aws:iam::123456789012:role/Analyst"
        answer = lab.client("iam").simulate_principal_policy(PolicySourceArn=role, **parameters)
        assert not answer["IsTruncated"]
        return [result["EvalDecision"] for result in answer["EvaluationResults"]]

    def make(self, lab: Lab, *statements: dict[str, object], **more: str) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        lab.client("iam").create_role(RoleName="Analyst", AssumeRolePolicyDocument="{}", **more)
        lab.client("iam").put_role_policy(RoleName="Analyst", PolicyName="own", PolicyDocument=document)

    def test_distinguishes_allow_deny_and_implicit_deny(self, lab: Lab) -> None:
        self.make(
            lab,
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"},
        )
        actions = ["s3:GetObject", "s3:PutObject", "glue:GetTable"]
        assert self.ask(lab, ActionNames=actions) == ["allowed", "explicitDeny", "implicitDeny"]

    def test_evaluates_conditions_with_context_entries(self, lab: Lab) -> None:
        condition = {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}
        self.make(lab, {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition})
        entry = {"ContextKeyName": "iam:PassedToService", "ContextKeyType": "string"}
        for service, decision in (("glue", "allowed"), ("lambda", "implicitDeny")):
            entries = [{**entry, "ContextKeyValues": [f"{service}.amazonaws.com"]}]
            assert self.ask(lab, ActionNames=["iam:PassRole"], ContextEntries=entries) == [decision]

    def test_applies_permissions_boundary(self, lab: Lab) -> None:
        only_s3 = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
        created = lab.client("iam").create_policy(PolicyName="limit", PolicyDocument=json.dumps(only_s3))
        everything: dict[str, object] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        self.make(lab, everything, PermissionsBoundary=created["Policy"]["Arn"])
        assert self.ask(lab, ActionNames=["s3:GetObject", "glue:GetTable"]) == ["allowed", "implicitDeny"]

    def test_applies_additional_policies(self, lab: Lab) -> None:
        self.make(lab, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
        deny = json.dumps({"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}})
        assert self.ask(lab, ActionNames=["s3:GetObject"], PolicyInputList=[deny]) == ["explicitDeny"]

    def test_raises_error_for_unknown_principal(self, lab: Lab) -> None:
        with pytest.raises(ClientError, match="NoSuchEntity"):
            self.ask(lab, ActionNames=["s3:GetObject"])

    def test_rejects_unsupported_parameters(self, lab: Lab) -> None:
        self.make(lab, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
        with pytest.raises(ClientError, match="does not evaluate ResourcePolicy in SimulatePrincipalPolicy"):
            self.ask(lab, ActionNames=["s3:GetObject"], ResourcePolicy="{}")
