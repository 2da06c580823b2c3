"""Tests for preflight's findings about a table's resource policy, compared with the local zero-ETL service's checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_lakehouse.iam.authorization import Ask, Decision, Principal, decide
from zetl_helpers import permissions, preflight, source
from zetl_helpers.lab import Lab
from zetl_helpers.preflight import Finding
from zetl_helpers.preflight._findings import of_table
from zetl_helpers.preflight._source_policy import ACTIONS

ACCOUNT = "123456789012"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/Orders"
INTEGRATION = f"arn:aws:glue:us-east-1:{ACCOUNT}:integration:0a1b2c3d-0000-4000-8000-0123456789ab"
ANY_INTEGRATION = f"arn:aws:glue:us-east-1:{ACCOUNT}:integration:*"
EXPORT = "dynamodb:DescribeExport"
ALL = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": list(ACTIONS), "Resource": "*"}
DENY = {"Effect": "Deny", "Principal": "*", "Action": EXPORT, "Resource": "*"}

Statement = dict[str, Any]


def allow(**changes: Any) -> Statement:
    return {**ALL, **changes}


def when(operator: str, key: str, value: Any) -> Statement:
    return {"Condition": {operator: {key: value}}}


def findings(*statements: Statement) -> list[Finding]:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    description = {"TableArn": TABLE}
    return list(of_table(description, recoverable=True, aws_managed_key=False, policy=policy))


def service_allows(*statements: Statement) -> bool:
    """Return whether the local zero-ETL service accepts a policy."""
    context = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": INTEGRATION}
    glue = Principal("Service", "glue.amazonaws.com")
    asks = [Ask(action, TABLE, glue, context) for action in ACTIONS]
    return all(decide([{"Statement": list(statements)}], ask) is Decision.ALLOWED for ask in asks)


@pytest.mark.parametrize(
    "statements",
    [
        [allow()],
        [allow(Action="dynamodb:*")],
        [allow(Action=["dynamodb:describe*", "dynamodb:ExportTable?oPointInTime"])],
        [allow(Action=ACTIONS[:2]), allow(Action=EXPORT)],
        [allow(Resource=TABLE)],
        [allow(Principal={"Service": ["a.amazonaws.com", "glue.amazonaws.com"]})],
        [allow(Principal="*")],
        [allow(**when("StringEquals", "aws:SourceAccount", ACCOUNT))],
        [allow(**when("StringEquals", "AWS:sourceaccount", ["1", ACCOUNT]))],
        [allow(**when("ArnLike", "aws:SourceArn", ANY_INTEGRATION))],
        [allow(**when("StringLike", "aws:SourceArn", ANY_INTEGRATION))],
        [allow(**when("ArnLike", "aws:SourceArn", "arn:aws:glue:*:${aws:SourceAccount}:integration:*"))],
        [allow(**when("StringNotEquals", "aws:SourceAccount", "999999999999"))],
        [allow(**when("Null", "aws:SourceArn", "false"))],
        [allow(), {**DENY, "Action": "dynamodb:DeleteTable"}],
        [allow(), {**DENY, **when("StringNotEquals", "aws:SourceAccount", ACCOUNT)}],
        [allow(), {**DENY, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}],
        [allow(), {**DENY, **when("ArnNotLike", "aws:SourceArn", ANY_INTEGRATION)}],
        [allow(), {**DENY, "Resource": f"{TABLE}/index/*"}],
    ],
    ids=json.dumps,
)
def test_policy_that_allows_the_export_has_no_findings(statements: list[Statement]) -> None:
    assert service_allows(*statements)
    assert findings(*statements) == []


@pytest.mark.parametrize(
    ("statements", "missing"),
    [
        ([], ", ".join(ACTIONS)),
        ([allow(Action=ACTIONS[:2])], EXPORT),
        ([allow(Action="dynamodb:Describe*")], ACTIONS[1]),
        ([allow(Principal={"Service": "zetl.glue.amazonaws.com"})], ", ".join(ACTIONS)),
        ([allow(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/glue.amazonaws.com"})], ", ".join(ACTIONS)),
        ([allow(Resource=f"{TABLE}s")], ", ".join(ACTIONS)),
        ([allow(**when("StringEquals", "aws:SourceAccount", "999999999999"))], ", ".join(ACTIONS)),
        ([allow(**when("StringEquals", "aws:SourceArn", ANY_INTEGRATION))], ", ".join(ACTIONS)),
        ([allow(**when("ArnLike", "aws:SourceArn", TABLE))], ", ".join(ACTIONS)),
        ([allow(**when("ArnLike", "aws:SourceArn", ANY_INTEGRATION.replace("us-east-1", "eu-west-1")))],
         ", ".join(ACTIONS)),
        ([allow(**when("StringLike", "aws:SourceArn", "arn:aws:glue:*:999999999999:integration:*"))],
         ", ".join(ACTIONS)),
        ([allow(**when("Null", "aws:SourceAccount", "true"))], ", ".join(ACTIONS)),
    ],
    ids=json.dumps,
)  # fmt: skip
def test_reports_missing_actions(statements: list[Statement], missing: str) -> None:
    assert not service_allows(*statements)
    (finding,) = findings(*statements)
    assert (finding.severity, finding.code) == ("error", "SOURCE_ACCESS_DENIED")
    assert f"Missing for integrations in this account: {missing}. Add" in finding.message
    assert finding.message.endswith(f"aws:SourceAccount {ACCOUNT} and aws:SourceArn {ANY_INTEGRATION}.")


@pytest.mark.parametrize(
    "deny",
    [
        DENY,
        {**DENY, "Principal": {"Service": "glue.amazonaws.com"}},
        {**DENY, **when("StringEquals", "aws:SourceAccount", ACCOUNT)},
        {**DENY, **when("ArnLike", "aws:SourceArn", "arn:aws:glue:*:*:integration:*")},
        {"Effect": "Deny", "NotPrincipal": {"AWS": ACCOUNT}, "NotAction": list(ACTIONS[:2]), "Resource": "*"},
    ],
    ids=json.dumps,
)
def test_reports_deny_statement(deny: Statement) -> None:
    assert not service_allows(allow(), deny)
    (finding,) = findings(allow(), deny)
    assert (finding.severity, finding.code) == ("error", "SOURCE_ACCESS_DENIED")
    assert f"A Deny statement in the table's resource policy applies to glue.amazonaws.com for {EXPORT}" in (
        finding.message
    )


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        ([allow(**when("StringEquals", "aws:SourceArn", INTEGRATION))], "aws:SourceArn"),
        ([allow(**when("ArnLike", "aws:SourceArn", INTEGRATION[:-4] + "*"))], "aws:SourceArn"),
        ([allow(**when("StringEquals", "aws:SourceOrgID", "o-1"))], "aws:SourceOrgID"),
        ([allow(**when("NumericLessThan", "aws:SourceAccount", "5"))], "aws:SourceAccount"),
        ([allow(Principal={"AWS": "*"})], "Principal"),
        ([allow(), {**DENY, **when("StringNotEquals", "aws:SourceOrgID", "o-1")}], "aws:SourceOrgID"),
    ],
    ids=json.dumps,
)
def test_warns_about_conditions_that_cannot_be_evaluated(statements: list[Statement], reason: str) -> None:
    (finding,) = findings(*statements)
    assert (finding.severity, finding.code) == ("warning", "SOURCE_ACCESS_UNDECIDED")
    assert f"that this check cannot evaluate: {reason}." in finding.message


def test_deny_of_requests_without_tls_does_not_affect_glue() -> None:
    assert findings(allow(), {**DENY, **when("Bool", "aws:SecureTransport", "false")}) == []


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda text: text, set()),
        (lambda text: text.replace("dynamodb:DescribeExport", "dynamodb:DescribeBackup"), {"SOURCE_ACCESS_DENIED"}),
        (lambda text: text.replace(f'"aws:SourceAccount": "{ACCOUNT}"', '"aws:SourceAccount": "210987654321"'),
         {"SOURCE_ACCESS_DENIED"}),
    ],
)  # fmt: skip
def test_table_is_ready_only_if_its_policy_allows_the_export(
    lab: Lab, change: Callable[[str], str], codes: set[str]
) -> None:
    source.create_table(lab)
    source.load_items(lab)
    source.enable_pitr(lab)
    policy = change(json.dumps(permissions.render(lab, "table_resource_policy")))
    lab.client("dynamodb").put_resource_policy(ResourceArn=lab.table_arn, Policy=policy)
    report = preflight.of_table(lab, lab.table)
    assert {finding.code for finding in report.findings if finding.severity == "error"} == codes
    assert report.ready == (not codes)
