"""Tests of exercises that cause a fault, of the accepted fixes, and of the restored lab."""

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
    """Provide the exercise of the test's chapter after causing its fault, and restore the lab after the test."""
    question = chapter(request.param).q4
    question.break_it()
    yield question
    question.put_back()


def whole(lab: Lab) -> tuple[str, int, str, str]:
    """Return the state that faults can change: integration status, row count, role policy and grants."""
    policy = lab.client("iam").get_role_policy(RoleName=lab.role, PolicyName=POLICY_NAME)["PolicyDocument"]
    grants = zetl.studio.grants(lab, zetl.studio.find_project(lab))
    rows = zetl.query(lab, "SELECT COUNT(*) AS n FROM customeraccounts")["n"].iloc[0]
    return zetl.integration.require(lab)["Status"], int(rows), json.dumps(policy), grants.to_json()


def test_these_chapters_break_something() -> None:
    assert {number for number, exercises in ALL.items() if any(exercise.fault for exercise in exercises)} == set(FAULTS)


@pytest.mark.parametrize("number", FAULTS)
def test_before_the_break_there_is_nothing_to_check(number: int, chapter: Callable[[int], Chapter]) -> None:
    outcome = chapter(number).q4.check()
    assert outcome.status == "not attempted"
    assert "Nothing is broken yet: run ex.q4.break_it()" in outcome.message


@pytest.mark.parametrize("number", FAULTS)
def test_the_solution_repairs_it_and_the_lab_is_as_before(
    number: int, chapter: Callable[[int], Chapter], exercised: Lab
) -> None:
    before = whole(exercised)
    ex = chapter(number)
    project = zetl.studio.find_project(exercised)
    namespace = {"zetl": zetl, "lab": exercised, "ex": ex, "project": project}
    steps, _, check = ex.q4.exercise.answer.rpartition("\n")
    exec(steps, namespace)  # noqa: S102
    outcome = eval(check, namespace)  # noqa: S307
    assert (outcome.status, ex.q4.state) == ("correct", "correct")
    assert whole(exercised) == before
    again = ex.q4.check()
    assert again.status == "correct"
    assert "already solved this exercise. To do it again, run ex.q4.break_it()" in again.message


@pytest.mark.parametrize("number", FAULTS)
def test_what_is_broken_shows_and_is_put_back(number: int, chapter: Callable[[int], Chapter], exercised: Lab) -> None:
    before = whole(exercised)
    question = chapter(number).q4
    broken = question.break_it()
    assert FAULTS[number] in broken.code
    assert broken.text == ("The grants of the project's role are now:" if number == 3 else "The integration reports:")
    assert question.check().status == "incorrect"
    assert repr(question.put_back()) == "Fixed. The lab is restored."
    assert whole(exercised) == before


@pytest.mark.parametrize("broken", [2], indirect=True)
def test_recovery_must_be_on(broken: Question, exercised: Lab) -> None:
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
def test_grants_must_be_enough_and_no_more(
    broken: Question, exercised: Lab, granted: list[str], revoked: list[str], says: str
) -> None:
    role = {"DataLakePrincipalIdentifier": zetl.studio.find_project(exercised).role_arn}
    table = {"Table": {"DatabaseName": exercised.database, "Name": exercised.target_table}}
    formation = exercised.client("lakeformation")
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
def test_the_item_must_stay_with_one_state(broken: Question, exercised: Lab, removed: str, says: str) -> None:
    dynamodb = exercised.client("dynamodb")
    if removed == "all":
        dynamodb.delete_item(TableName=exercised.table, Key=COLLIDING)
    elif removed:
        dynamodb.update_item(
            TableName=exercised.table,
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
        ("s3:*", "arn:aws:s3:::{bucket}/*", "s3:* allows more actions than it needs"),
        ("s3:PutObject", "arn:aws:s3:::{bucket}", "which does not include the files"),
    ],
)
def test_the_role_may_write_there_and_no_more(
    broken: Question, exercised: Lab, action: str, resource: str, says: str
) -> None:
    iam = exercised.client("iam")
    statement = {"Effect": "Allow", "Action": action, "Resource": resource.format(bucket=exercised.bucket)}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=exercised.role, PolicyName="mine", PolicyDocument=document)
    try:
        assert says in broken.check().message
    finally:
        iam.delete_role_policy(RoleName=exercised.role, PolicyName="mine")


@pytest.mark.parametrize("broken", [8], indirect=True)
def test_a_policy_of_ones_own_counts(broken: Question, exercised: Lab) -> None:
    resource = f"arn:aws:s3:::{exercised.bucket}/{exercised.database}/*"
    statement = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = exercised.client("iam")
    iam.put_role_policy(RoleName=exercised.role, PolicyName="mine", PolicyDocument=document)
    assert broken.check().status == "correct"
    # Chapter 9 removes the permission again, but the removal has no effect if another policy grants the permission.
    assert iam.list_role_policies(RoleName=exercised.role)["PolicyNames"] == [POLICY_NAME]


@pytest.mark.parametrize("broken", [3], indirect=True)
def test_grants_that_are_too_wide_are_revoked(broken: Question, exercised: Lab) -> None:
    project = zetl.studio.find_project(exercised)
    exercised.client("lakeformation").grant_permissions(
        Principal={"DataLakePrincipalIdentifier": project.role_arn},
        Resource={"Table": {"DatabaseName": exercised.database, "Name": exercised.target_table}},
        Permissions=["ALL"],
    )
    assert "ALL" not in broken.break_it().code
    broken.put_back()
    assert zetl.studio.grants(exercised, project)["permissions"].iloc[-1] == "DESCRIBE, SELECT"


# No other chapter needs chapter 3's grants, so catching up does not restore them.
@pytest.mark.parametrize("number", sorted({*FAULTS} - {3}))
def test_catching_up_fixes_what_a_learner_left_broken(
    number: int, chapter: Callable[[int], Chapter], exercised: Lab
) -> None:
    before = whole(exercised)
    chapter(number).q4.break_it()
    assert zetl.catch_up(exercised, 9) == "Ready for chapter 9."
    zetl.integration.wait_until_recovered(exercised)
    assert whole(exercised)[0] == "ACTIVE"
    assert whole(exercised)[2:] == before[2:]


def test_an_integration_that_has_failed_for_good_is_made_again(exercised: Lab) -> None:
    old = zetl.integration.integration_id(exercised)
    item = {**COLLIDING, "State": {"S": "NV"}, "a:b": {"S": "no column"}}
    exercised.client("dynamodb").put_item(TableName=exercised.table, Item=item)
    assert "status: FAILED" in zetl.integration.wait_until_attention(exercised)
    zetl.catch_up(exercised, 9)
    assert zetl.integration.require(exercised)["Status"] == "ACTIVE"
    assert zetl.integration.integration_id(exercised) != old
    assert zetl.query(exercised, "SELECT COUNT(*) AS n FROM customeraccounts")["n"].tolist() == [25]
