"""The exercises for chapter 3, about principals, administrators and grants."""

from __future__ import annotations

from typing import Any

from zetl_helpers.course.exercises import faults
from zetl_helpers.course.exercises.answers import Value
from zetl_helpers.course.exercises.engine import Exercise, IncorrectError
from zetl_helpers.course.exercises.readings import Entries, Items, Principal, Word
from zetl_helpers.lab import Lab

_PRINCIPAL = "arn:aws:iam::111122223333:role/Analyst"
ADMINISTRATORS = ("arn:aws:iam::111122223333:role/DataOwner", "arn:aws:iam::111122223333:role/Security")
"""The existing administrators in exercise 3.2."""


_LIST = Items(Principal(), "a list of principals, each given as an ARN", ("DataLakeSettings", "DataLakeAdmins"))


def _judge_administrators(_: Lab, answer: Any) -> None:
    given = _LIST(answer)
    lost = [administrator for administrator in ADMINISTRATORS if administrator not in given]
    if lost:
        raise IncorrectError(f"{lost[0]} would no longer be an administrator: PutDataLakeSettings replaces the list.")
    if any(":assumed-role/" in entry for entry in given):
        raise IncorrectError("One entry is a session. Name the role itself, as in exercise 3.1.")
    if _PRINCIPAL not in given:
        raise IncorrectError("The other two administrators are still in the list, but role/Analyst is missing.")
    if len(given) != len(set(given)):
        raise IncorrectError("One administrator is in the list twice.")
    if len(given) > 3:
        raise IncorrectError("The list contains a principal that the question does not name.")


def _judge_grants(lab: Lab, answer: Any) -> None:
    permission = Word(dict.fromkeys(_PERMISSIONS, ()), known=("SUPER", *_permissions(lab)))
    granted = Items(permission, "a list of permissions", ("Permissions",))
    given = Entries({"database": granted, "table": granted})(answer)
    for thing, needed in _NEEDED.items():
        if wide := [entry for entry in given[thing] if entry in ("ALL", "SUPER")]:
            raise IncorrectError(f"With {wide[0]} on the {thing}, the project could drop it.")
        if missing := sorted(needed - set(given[thing])):
            raise IncorrectError(f"{missing[0]} on the {thing} is missing: {_EFFECTS[thing, missing[0]]}")
        if extra := sorted(set(given[thing]) - needed):
            raise IncorrectError(f"The question does not ask for {extra[0]} on the {thing}.")


def _permissions(lab: Lab) -> list[str]:
    """Return the names of all Lake Formation permissions. They depend on the botocore version."""
    return list(lab.client("lakeformation").meta.service_model.shape_for("Permission").enum)


# The permissions on databases and tables.
_PERMISSIONS = ("ALL", "ALTER", "CREATE_TABLE", "DELETE", "DESCRIBE", "DROP", "INSERT", "SELECT")
_NEEDED = {"database": {"DESCRIBE"}, "table": {"DESCRIBE", "SELECT"}}
_EFFECTS = {
    ("database", "DESCRIBE"): "the project should see the database.",
    ("table", "DESCRIBE"): "the project should see the table, not only query it.",
    ("table", "SELECT"): "the project should be able to query the table.",
}


EXERCISES = (
    Exercise(
        title="From a session to a principal",
        kind="predict",
        judge=Value(
            Principal(),
            lambda _: _PRINCIPAL,
            wrong={
                "arn:aws:sts::111122223333:assumed-role/Analyst/laptop": "That is the session itself.",
                "arn:aws:sts::111122223333:role/Analyst": "Roles belong to IAM, not to STS. Look at the third part "
                "of the ARN.",
                "arn:aws:iam::111122223333:assumed-role/Analyst": "An IAM ARN contains role/, not assumed-role/.",
                "arn:aws:iam::111122223333:role/Analyst/laptop": "The last part, laptop, is only the name of the "
                "session.",
                "arn:aws:iam::111122223333:role/laptop": "laptop is the name of the session. The role's name "
                "precedes it.",
                "arn:aws:iam::111122223333:user/Analyst": "Analyst is a role, not a user.",
                "arn:aws:iam::111122223333:user/laptop": "laptop is not a user. It is the name of the session.",
            },
            otherwise="The answer should have the form arn:aws:iam::account:role/name, with the session's account and "
            "role, and without the session's name.",
        ),
        hints=(
            "Compare the two rows of the table above: three parts of the ARN differ.",
            "sts becomes iam, assumed-role becomes role, and the session's name is dropped.",
        ),
        answer=f'answer = "{_PRINCIPAL}"',
        why="STS returns the ARN of a role's session. Policies and grants need the role itself, which belongs to IAM. "
        "If a role has a path, its ARN contains the path, so the helper gets the ARN from IAM.",
    ),
    Exercise(
        title="One more administrator",
        kind="complete",
        judge=_judge_administrators,
        hints=(
            "PutDataLakeSettings replaces the whole list. What happens to administrators who are not in the new list?",
            "existing + [...] keeps the existing administrators.",
            "The new administrator is the role, not its session, as in the answer to exercise 3.1.",
        ),
        answer=f'answer = existing + ["{_PRINCIPAL}"]',
        why="Account-wide settings must be read, changed and written back as a whole. Otherwise, the two existing "
        "roles would no longer be administrators.",
    ),
    Exercise(
        title="Read and nothing more",
        kind="complete",
        judge=_judge_grants,
        hints=(
            "DESCRIBE makes a resource visible, and SELECT allows queries.",
            "The database should be visible. The table should be visible, and the project should be able to query it.",
        ),
        answer='answer = {"database": ["DESCRIBE"], "table": ["DESCRIBE", "SELECT"]}',
        why="DESCRIBE makes the database and the table visible. SELECT allows queries. ALL would also let the project "
        "drop the table.",
    ),
    Exercise(
        title="A project that can no longer query the table",
        kind="break and repair",
        judge=faults.judge_grants,
        hints=(
            "zetl.studio.grants(lab, project) shows the project role's permissions. Which permission is missing?",
            "The Lake Formation operation is GrantPermissions: grant_permissions in boto3.",
            "Pass Resource={'Table': {'DatabaseName': …, 'Name': …}}, and pass Permissions as a list with one entry.",
        ),
        answer="""ex.q4.break_it()
import boto3

boto3.client("lakeformation").grant_permissions(
    Principal={"DataLakePrincipalIdentifier": zetl.studio.find_project(lab).role_arn},
    Resource={"Table": {"DatabaseName": lab.database, "Name": lab.target_table}},
    Permissions=["SELECT"],
)
# With the CLI: aws lakeformation grant-permissions --principal DataLakePrincipalIdentifier=ARN
#   --resource '{"Table": {"DatabaseName": "customerdb", "Name": "customeraccounts"}}' --permissions SELECT
ex.q4.check()""",
        why="A grant names a principal, a resource and the permissions. Granting again changes nothing.",
        fault=faults.GRANTS,
        by_api=True,
    ),
)
