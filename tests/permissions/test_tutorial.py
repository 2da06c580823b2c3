"""Tests that no call in the tutorial is denied, and that no permission is unused, in each kind of account."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from tests.contract.tutorial import NOTEBOOKS, run_notebooks
from tests.permissions.callers import ROLE, checked_permissions, last_check, learner_policies, replace_policies
from tests.permissions.unused_permissions import denied, unused
from zetl_helpers import _rights
from zetl_helpers._wait import without_waiting
from zetl_helpers.course import classroom
from zetl_helpers.lab import Lab

pytestmark = [pytest.mark.long, pytest.mark.once]

README = Path(__file__).parents[2] / "policies" / "README.md"


def excused() -> list[tuple[str, str]]:
    """Return each statement and its unused part from the README's table of permissions that only AWS requires."""
    table = README.read_text(encoding="utf-8").partition("shows that they are used:")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", table, re.MULTILINE)


@dataclass(frozen=True)
class Account:
    """An account in which a learner works through the tutorial.

    Args:
        governed: Whether Lake Formation governs the account.
        policies: The learner's policies.
        prepared: Whether an instructor has changed the account-wide settings for a class.
        studio: Whether the account has a SageMaker Unified Studio domain.
        left_out: The numbers of the chapters that the learner does not run.
        again: Whether each chapter runs twice, so that the second run finds the resources from the first run.
        needed: The parts of the policies that are unused in all other accounts, and must be used in this account.
        idle: The parts of the policies that are unused only in this account.
    """

    governed: bool = False
    policies: tuple[str, ...] = _rights.LEARNER_POLICIES
    prepared: bool = False
    studio: bool = True
    left_out: tuple[str, ...] = ()
    again: bool = False
    needed: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()


# These parts are unused in an account without SageMaker Unified Studio, because there is no project.
NO_PROJECT = (
    "SeeWithoutResource: datazone:GetConnection",
    "SeeWithoutResource: datazone:ListConnections",
    "SeeWithoutResource: datazone:ListProjects",
)
ACCOUNTS = {
    "default": Account(again=True),
    "governed": Account(
        governed=True,
        needed=("lakeformation:GetDataAccess", "ReadWhereLakeFormationGoverns: *"),
        # Lake Formation governs all resources, so opt-ins are not needed, and only an administrator may grant
        # permissions.
        idle=(
            "LookAfterTargetRole: iam:UntagRole",
            "ShareInLakeFormation: lakeformation:CreateLakeFormationOptIn",
            "ShareInLakeFormation: lakeformation:DeleteLakeFormationOptIn",
            "ShareInLakeFormation: lakeformation:PutDataLakeSettings",
        ),
    ),
    "without Studio": Account(
        studio=False,
        left_out=("03",),
        # There is no project to share the table with.
        idle=(
            "LookAfterTargetRole: iam:UntagRole",
            *NO_PROJECT,
            "ShareInLakeFormation: *",
            "ShareInLakeFormation: lakeformation:CreateLakeFormationOptIn",
            "ShareInLakeFormation: lakeformation:DeleteLakeFormationOptIn",
            "ShareInLakeFormation: lakeformation:DeregisterResource",
            "ShareInLakeFormation: lakeformation:GrantPermissions",
            "ShareInLakeFormation: lakeformation:PutDataLakeSettings",
            "ShareInLakeFormation: lakeformation:RegisterResource",
            "ShareInLakeFormation: lakeformation:RevokePermissions",
        ),
    ),
    "class, without Studio": Account(
        policies=_rights.CLASS_POLICIES,
        prepared=True,
        studio=False,
        left_out=("03",),
        idle=("LookAfterTargetRole: iam:UntagRole", *NO_PROJECT),
    ),
}


def delete_every_domain(administrator: Lab) -> None:
    """Remove SageMaker Unified Studio from an account."""
    datazone = administrator.client("datazone")
    for domain in datazone.list_domains()["items"]:
        for project in datazone.list_projects(domainIdentifier=domain["id"])["items"]:
            datazone.delete_project(domainIdentifier=domain["id"], identifier=project["id"])
        datazone.delete_domain(identifier=domain["id"])
    assert datazone.list_domains()["items"] == []


@contextmanager
def enforcing_lakehouse(account: Account) -> Iterator[Lakehouse]:
    """Run a lakehouse that enforces IAM, with the account's properties."""
    lakehouse = Lakehouse(Settings(paused=True, enforce_iam=True, governed=account.governed))
    lakehouse.start()
    try:
        administrator = connect_to(lakehouse.url)
        if not account.studio:
            delete_every_domain(administrator)
        if account.prepared:
            classroom.prepare(administrator)
        yield lakehouse
    finally:
        lakehouse.stop()


@pytest.mark.parametrize("account", ACCOUNTS.values(), ids=ACCOUNTS)
def test_learner_policies_grant_exactly_what_is_needed(account: Account) -> None:
    known = [
        (statement, part)
        for statement, part in excused()
        if not account.needed or not f"{statement}: {part}".endswith(account.needed)
    ]
    chapters = [path for path in NOTEBOOKS if not path.name.startswith(account.left_out or ("-",))]
    with enforcing_lakehouse(account) as lakehouse:
        administrator = connect_to(lakehouse.url)
        documents = learner_policies(administrator, names=account.policies)
        replace_policies(administrator, documents)
        before = last_check(lakehouse)
        with without_waiting(lakehouse.zero_etl.refresh_now):
            # The second run of a chapter finds the resources from the first run.
            run_notebooks(
                connect_to(lakehouse.url), paths=[path for path in chapters for _ in range(2 if account.again else 1)]
            )
        # Chapter 3 also runs queries with the project's role, and the one that precedes the grant is denied.
        checked = checked_permissions(lakehouse, after=before, of=ROLE)
    assert denied(checked) == [], "add the missing permissions to policies/learner_*.json, as narrow as AWS allows"
    idle = {
        permission
        for permission in unused(documents, checked)
        if not any(permission.partition(":")[0] == statement and permission.endswith(part) for statement, part in known)
    }
    assert idle == set(account.idle), "remove unused permissions from policies/learner_*.json"
