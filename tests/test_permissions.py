import dataclasses
import json
from fnmatch import fnmatch
from pathlib import Path

import pytest

from zetl_helpers import _documents, permissions, studio
from zetl_helpers._aws import ForeignResourceError, tag_dict, tag_list
from zetl_helpers._role_tags import REGION_TAG
from zetl_helpers.lab import TAG_KEY, Lab

OTHER_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


def test_caller_principal_of_session_is_its_role(lab: Lab) -> None:
    assert permissions.caller_principal(lab) == "arn:aws:iam::123456789012:role/Admin"


def test_caller_principal_includes_role_path(lab: Lab) -> None:
    lab.client("iam").create_role(RoleName="Analyst", Path="/people/", AssumeRolePolicyDocument="{}")
    session = dataclasses.replace(lab, caller="arn:aws:sts::123456789012:assumed-role/Analyst/me")
    assert permissions.caller_principal(session) == "arn:aws:iam::123456789012:role/people/Analyst"


def test_caller_principal_omits_path_of_inaccessible_role(lab: Lab) -> None:
    session = dataclasses.replace(lab, caller="arn:aws:sts::123456789012:assumed-role/Hidden/me")
    assert permissions.caller_principal(session) == "arn:aws:iam::123456789012:role/Hidden"


def test_caller_principal_of_user_is_the_user(lab: Lab) -> None:
    user = dataclasses.replace(lab, caller="arn:aws:iam::123456789012:user/anna")
    assert permissions.caller_principal(user) == "arn:aws:iam::123456789012:user/anna"


def test_create_target_role_is_idempotent_and_reverts_changes(lab: Lab) -> None:
    assert [step.did for step in permissions.create_target_role(lab)] == ["created", "created"]
    assert [step.did for step in permissions.create_target_role(lab)] == ["already there", "already there"]
    lab.client("iam").delete_role_policy(RoleName=lab.role, PolicyName=permissions.POLICY_NAME)
    assert [step.did for step in permissions.create_target_role(lab)] == ["already there", "created"]
    lab.client("iam").update_assume_role_policy(RoleName=lab.role, PolicyDocument=OTHER_TRUST)
    assert [step.did for step in permissions.create_target_role(lab)] == ["changed", "already there"]


def test_create_target_role_rejects_foreign_role(lab: Lab) -> None:
    lab.client("iam").create_role(RoleName=lab.role, AssumeRolePolicyDocument="{}")
    with pytest.raises(ForeignResourceError, match="Role zETLTargetRole exists but doesn't have the tag"):
        permissions.create_target_role(lab)


def region_of_role(lab: Lab) -> str | None:
    tags = tag_dict(lab.client("iam").list_role_tags(RoleName=lab.role)["Tags"])
    assert tags[TAG_KEY] == "tutorial"
    return tags.get(REGION_TAG)


def test_target_role_is_tagged_with_its_region(lab: Lab) -> None:
    permissions.create_target_role(lab)
    assert region_of_role(lab) == "us-east-1"


def test_target_role_from_earlier_version_is_tagged_with_region(lab: Lab) -> None:
    permissions.create_target_role(lab)
    lab.client("iam").untag_role(RoleName=lab.role, TagKeys=[REGION_TAG])
    assert [step.did for step in permissions.create_target_role(lab)] == ["changed", "already there"]
    assert region_of_role(lab) == "us-east-1"
    assert [step.did for step in permissions.create_target_role(lab)] == ["already there", "already there"]


def test_rejects_untagged_target_role_whose_policy_is_for_another_region(lab: Lab) -> None:
    permissions.create_target_role(lab)
    iam = lab.client("iam")
    iam.untag_role(RoleName=lab.role, TagKeys=[REGION_TAG])
    policy = iam.get_role_policy(RoleName=lab.role, PolicyName=permissions.POLICY_NAME)["PolicyDocument"]
    text = json.dumps(policy).replace("us-east-1", "eu-central-1")
    iam.put_role_policy(RoleName=lab.role, PolicyName=permissions.POLICY_NAME, PolicyDocument=text)
    with pytest.raises(ForeignResourceError, match=r"its policy zETLTargetPolicy is for eu-central-1, so it belongs"):
        permissions.create_target_role(lab)
    found = iam.get_role_policy(RoleName=lab.role, PolicyName=permissions.POLICY_NAME)["PolicyDocument"]
    assert found == json.loads(text)
    assert REGION_TAG not in {tag["Key"] for tag in iam.get_role(RoleName=lab.role)["Role"]["Tags"]}


def test_rejects_target_role_of_lab_in_another_region(lab: Lab) -> None:
    permissions.create_target_role(lab)
    lab.client("iam").tag_role(RoleName=lab.role, Tags=tag_list({REGION_TAG: "eu-central-1"}))
    lab.client("iam").delete_role_policy(RoleName=lab.role, PolicyName=permissions.POLICY_NAME)
    message = r"a lab in eu-central-1\. This lab is in us-east-1\. .*Set AWS_REGION=eu-central-1 .*ZETL_PREFIX"
    for act in (
        permissions.create_target_role, permissions.role_exists, studio.add_administrator, studio.remove_administrator,
    ):  # fmt: skip
        with pytest.raises(ForeignResourceError, match=message):
            act(lab)
    assert lab.client("iam").list_role_policies(RoleName=lab.role)["PolicyNames"] == []
    assert region_of_role(lab) == "eu-central-1"


def test_all_policies_are_written_with_lab_names(lab: Lab, tmp_path: Path) -> None:
    written = permissions.write_all(lab, tmp_path / "new" / "folder")
    assert [path.stem for path in written] == _documents.policy_names()
    for path in written:
        text = path.read_text()
        assert "${" not in text.replace("${aws:PrincipalAccount}", "")
        assert json.loads(text)["Version"] == "2012-10-17"


def test_learner_boundary_matches_prefixed_tables_only(lab: Lab) -> None:
    statements = permissions.render(lab, "learner_boundary")["Statement"]
    resources = next(statement["Resource"] for statement in statements if statement["Sid"] == "SourceTables")
    patterns = [resource.rpartition("/")[2] for resource in resources]
    assert len(patterns) < len(lab.everywhere)
    for table in lab.everywhere:
        assert any(fnmatch(f"ana-{table.source}", pattern) for pattern in patterns)
        assert not any(fnmatch(table.source[1:], pattern) for pattern in patterns)
