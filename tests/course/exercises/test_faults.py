"""Tests for exercises that cause a fault: the accepted fixes, and the restored lab."""

import json
from collections.abc import Callable, Iterator

import pytest

import zetl_helpers as zetl
from zetl_helpers.course.exercises import ALL, Chapter
from zetl_helpers.course.exercises.engine import Question
from zetl_helpers.lab import Lab
from zetl_helpers.permissions import POLICY_NAME

FAULTS = {2: "ecovery is off", 3: "DESCRIBE", 6: "STATE", 8: "s3:PutObject"}
COLLIDING = {"CustomerID": {"S": "CUST9001"}, "AccountNumber": {"S": "ACC900001"}}


@pytest.fixture
def broken(request: pytest.FixtureRequest, chapter: Callable[[int], Chapter]) -> Iterator[Question]:
    """Provide the exercise for the test's chapter after causing its fault, and restore the lab after the test."""
    question = chapter(request.param).q4
    question.break_it()
    yield question
    question.put_back()


def lab_state(lab: Lab) -> tuple[str, int, str, str]:
    """Return the state that faults can change: integration status, row count, role policy and grants."""
    policy = lab.client("iam").get_role_policy(RoleName=lab.role, PolicyName=POLICY_NAME)["PolicyDocument"]
    grants = zetl.studio.grants(lab, zetl.studio.find_project(lab))
    rows = zetl.query(lab, "SELECT COUNT(*) AS n FROM customeraccounts")["n"].iloc[0]
    return zetl.integration.require(lab)["Status"], int(rows), json.dumps(policy), grants.to_json()


def test_every_chapter_with_a_fault_is_listed() -> None:
    assert {number for number, exercises in ALL.items() if any(exercise.fault for exercise in exercises)} == set(FAULTS)


@pytest.mark.parametrize("number", FAULTS)
def test_exercise_is_not_attempted_before_the_fault_is_caused(number: int, chapter: Callable[[int], Chapter]) -> None:
    outcome = chapter(number).q4.check()
    assert outcome.status == "not attempted"
    assert "Nothing is broken yet. Run ex.q4.break_it()" in outcome.message


@pytest.mark.parametrize("number", FAULTS)
def test_solution_fixes_fault_and_restores_lab(
    number: int, chapter: Callable[[int], Chapter], exercise_lab: Lab
) -> None:
    before = lab_state(exercise_lab)
    ex = chapter(number)
    project = zetl.studio.find_project(exercise_lab)
    namespace = {"zetl": zetl, "lab": exercise_lab, "ex": ex, "project": project}
    steps, _, check = ex.q4.exercise.answer.rpartition("\n")
    exec(steps, namespace)  # noqa: S102
    outcome = eval(check, namespace)  # noqa: S307
    assert (outcome.status, ex.q4.state) == ("correct", "correct")
    assert lab_state(exercise_lab) == before
    again = ex.q4.check()
    assert again.status == "correct"
    assert "already solved this exercise. To do it again, run ex.q4.break_it()" in again.message


@pytest.mark.parametrize("number", FAULTS)
def test_break_it_shows_fault_and_put_back_restores_lab(
    number: int, chapter: Callable[[int], Chapter], exercise_lab: Lab
) -> None:
    before = lab_state(exercise_lab)
    question = chapter(number).q4
    broken = question.break_it()
    assert FAULTS[number] in broken.code
    assert broken.text == ("The project role's grants are now:" if number == 3 else "The integration reports:")
    assert question.check().status == "incorrect"
    assert repr(question.put_back()) == "Fixed. The lab is restored."
    assert lab_state(exercise_lab) == before


@pytest.mark.parametrize("broken", [2], indirect=True)
def test_chapter_2_requires_point_in_time_recovery(broken: Question, exercise_lab: Lab) -> None:
    assert "Point-in-time recovery is still off" in broken.check().message


@pytest.mark.parametrize("broken", [3], indirect=True)
@pytest.mark.parametrize(
    ("granted", "revoked", "says"),
    [
        ([], [], "still lacks SELECT"),
        (["SELECT"], ["DESCRIBE"], "still lacks DESCRIBE"),
        (["SELECT", "DROP"], [], "it does not need: DROP"),
    ],
)
def test_chapter_3_requires_exactly_the_needed_grants(
    broken: Question, exercise_lab: Lab, granted: list[str], revoked: list[str], says: str
) -> None:
    role = {"DataLakePrincipalIdentifier": zetl.studio.find_project(exercise_lab).role_arn}
    table = {"Table": {"DatabaseName": exercise_lab.database, "Name": exercise_lab.target_table}}
    formation = exercise_lab.client("lakeformation")
    if granted:
        formation.grant_permissions(Principal=role, Resource=table, Permissions=granted)
    if revoked:
        formation.revoke_permissions(Principal=role, Resource=table, Permissions=revoked)
    try:
        assert says in broken.check().message
    finally:
        if "DROP" in granted:
            formation.revoke_permissions(Principal=role, Resource=table, Permissions=["DROP"])


@pytest.mark.parametrize("broken", [6], indirect=True)
@pytest.mark.parametrize(
    ("removed", "says"),
    [("", "still has both State and STATE"), ("State", "no longer has State"), ("all", "the customer is lost")],
)
def test_chapter_6_requires_item_with_only_one_state_attribute(
    broken: Question, exercise_lab: Lab, removed: str, says: str
) -> None:
    dynamodb = exercise_lab.client("dynamodb")
    if removed == "all":
        dynamodb.delete_item(TableName=exercise_lab.table, Key=COLLIDING)
    elif removed:
        dynamodb.update_item(
            TableName=exercise_lab.table,
            Key=COLLIDING,
            UpdateExpression="REMOVE #name",
            ExpressionAttributeNames={"#name": removed},
        )
    assert says in broken.check().message


@pytest.mark.parametrize("broken", [8], indirect=True)
@pytest.mark.parametrize(
    ("action", "resource", "says"),
    [
        ("s3:GetObject", "arn:aws:s3:::{bucket}/*", "No policy of role zETLTargetRole allows s3:PutObject"),
        ("s3:*", "arn:aws:s3:::{bucket}/*", "s3:* allows more actions than the role needs"),
        ("s3:PutObject", "arn:aws:s3:::{bucket}", "which does not include the files"),
    ],
)
def test_chapter_8_requires_exactly_the_needed_permission(
    broken: Question, exercise_lab: Lab, action: str, resource: str, says: str
) -> None:
    iam = exercise_lab.client("iam")
    statement = {"Effect": "Allow", "Action": action, "Resource": resource.format(bucket=exercise_lab.bucket)}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=exercise_lab.role, PolicyName="mine", PolicyDocument=document)
    try:
        assert says in broken.check().message
    finally:
        iam.delete_role_policy(RoleName=exercise_lab.role, PolicyName="mine")


@pytest.mark.parametrize("broken", [8], indirect=True)
def test_chapter_8_accepts_a_separate_policy(broken: Question, exercise_lab: Lab) -> None:
    resource = f"arn:aws:s3:::{exercise_lab.bucket}/{exercise_lab.database}/*"
    statement = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = exercise_lab.client("iam")
    iam.put_role_policy(RoleName=exercise_lab.role, PolicyName="mine", PolicyDocument=document)
    assert broken.check().status == "correct"
    # In chapter 9, the permission is removed again, which has no effect while another policy grants it. Therefore, this
    # exercise deletes the learner's additional policy.
    assert iam.list_role_policies(RoleName=exercise_lab.role)["PolicyNames"] == [POLICY_NAME]


@pytest.mark.parametrize("broken", [3], indirect=True)
def test_break_it_revokes_excessive_grants(broken: Question, exercise_lab: Lab) -> None:
    project = zetl.studio.find_project(exercise_lab)
    exercise_lab.client("lakeformation").grant_permissions(
        Principal={"DataLakePrincipalIdentifier": project.role_arn},
        Resource={"Table": {"DatabaseName": exercise_lab.database, "Name": exercise_lab.target_table}},
        Permissions=["ALL"],
    )
    assert "ALL" not in broken.break_it().code
    broken.put_back()
    assert zetl.studio.grants(exercise_lab, project)["permissions"].iloc[-1] == "DESCRIBE, SELECT"


# No other chapter needs chapter 3's grants, so catching up does not restore them.
@pytest.mark.parametrize("number", sorted({*FAULTS} - {3}))
def test_catch_up_fixes_unresolved_faults(number: int, chapter: Callable[[int], Chapter], exercise_lab: Lab) -> None:
    before = lab_state(exercise_lab)
    chapter(number).q4.break_it()
    assert zetl.catch_up(exercise_lab, 9) == "Ready for chapter 9."
    zetl.integration.wait_until_recovered(exercise_lab)
    assert lab_state(exercise_lab)[0] == "ACTIVE"
    assert lab_state(exercise_lab)[2:] == before[2:]


def test_catch_up_recreates_failed_integration(exercise_lab: Lab) -> None:
    old = zetl.integration.integration_id(exercise_lab)
    item = {**COLLIDING, "State": {"S": "NV"}, "a:b": {"S": "no column"}}
    exercise_lab.client("dynamodb").put_item(TableName=exercise_lab.table, Item=item)
    assert "status: FAILED" in zetl.integration.wait_until_attention(exercise_lab)
    zetl.catch_up(exercise_lab, 9)
    assert zetl.integration.require(exercise_lab)["Status"] == "ACTIVE"
    assert zetl.integration.integration_id(exercise_lab) != old
    assert zetl.query(exercise_lab, "SELECT COUNT(*) AS n FROM customeraccounts")["n"].tolist() == [25]
