"""Checks of the account's Region, services, permissions, quotas, leftovers and cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from importlib import resources
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from zetl_helpers import _governed, _rights, cleanup, cost, permissions, studio, target
from zetl_helpers._aws import absent
from zetl_helpers._counts import counted
from zetl_helpers._errors import as_sentence
from zetl_helpers.doctor._check import Check
from zetl_helpers.lab import Lab


def _ask_iam(lab: Lab) -> None:
    with absent("NoSuchEntity"):
        lab.client("iam").get_role(RoleName=lab.role)


def _ask_glue(lab: Lab) -> None:
    # The learner can read the lab's database but cannot list all databases.
    with absent("EntityNotFoundException"):
        lab.client("glue").get_database(Name=lab.database)


_PROBES: tuple[tuple[str, Callable[[Lab], object]], ...] = (
    ("DynamoDB", lambda lab: lab.client("dynamodb").list_tables(Limit=1)),
    ("S3", lambda lab: lab.client("s3").list_buckets()),
    ("AWS Glue", _ask_glue),
    ("AWS Glue zero-ETL", lambda lab: lab.client("glue").describe_integrations()),
    ("Athena", lambda lab: lab.client("athena").get_work_group(WorkGroup=lab.workgroup)),
    ("Lake Formation", lambda lab: lab.client("lakeformation").get_data_lake_settings()),
    ("IAM", _ask_iam),
    ("CloudWatch Logs", lambda lab: lab.client("logs").describe_log_groups(limit=1)),
    ("CloudWatch", lambda lab: lab.client("cloudwatch").list_metrics(Namespace="AWS/Glue/ZeroETL")),
)


def region(lab: Lab) -> Check:
    """Check whether zero-ETL integrations are available in the Region."""
    if lab.target == "local":
        return Check(True, f"Region {lab.region}, simulated by the local lakehouse; set AWS_REGION to use another")
    known = _data("regions.json")
    return Check(
        lab.region in known["regions"],
        f"Region {lab.region}: AWS Glue zero-ETL is available, according to the CloudFormation list dated "
        f"{known['date']}"
        if lab.region in known["regions"]
        else f"Region {lab.region}: AWS Glue zero-ETL is not available, according to the CloudFormation list dated "
        f"{known['date']}",
        f"Set AWS_REGION to one of these Regions: {', '.join(known['regions'])}.",
    )


def reach(lab: Lab) -> list[Check]:
    """Check that each service responds."""
    return [_probe(lab, name, probe) for name, probe in _PROBES]


def _probe(lab: Lab, name: str, probe: Callable[[Lab], object]) -> Check:
    def look() -> Check:
        probe(lab)
        return Check(True, f"{name} responds")

    return _unless_refused(f"{name} does not respond", look)


def _unless_refused(what: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except (ClientError, BotoCoreError) as error:
        return Check(False, what, f"{as_sentence(error)} Ask for the permissions in policies/, or sign in again.")


def for_member(lab: Lab) -> list[Check]:
    """Check that a member of a Studio project can use the project's workgroup and the shared table."""
    return [
        _probe(lab, "Athena", dict(_PROBES)["Athena"]),
        _unless_refused("the lab's table cannot be read", lambda: _shared(lab)),
    ]


def _shared(lab: Lab) -> Check:
    thing = f"table {lab.database}.{lab.target_table}"
    try:
        lab.client("glue").get_table(DatabaseName=lab.database, Name=lab.target_table)
    except lab.client("glue").exceptions.EntityNotFoundException:
        step = "Ask the administrator or instructor to run chapters 1 to 3 with the same ZETL_PREFIX."
        return Check(False, f"{thing} does not exist", step)
    return Check(True, f"{thing} is shared with this project")


def rights(lab: Lab) -> list[Check]:
    """Check each permission that the tutorial needs with IAM's policy simulator, and list the missing permissions."""
    try:
        in_class = target.class_is_prepared(lab)
        simulated = permissions.simulate(lab, _rights.CLASS_POLICIES if in_class else _rights.LEARNER_POLICIES)
    except (ClientError, BotoCoreError) as error:
        step = "Ask for iam:SimulatePrincipalPolicy, or continue. If a permission is missing, the error names it."
        return [Check(False, "permissions cannot be simulated", f"{as_sentence(error)} {step}")]
    missing = simulated[~simulated["allowed"]]
    if not missing.empty and permissions.simulate(lab, _rights.INSTRUCTOR_POLICIES)["allowed"].all():
        return [
            Check(
                True,
                "every permission that an instructor needs, according to the IAM policy simulator; the notebooks "
                "need a learner's permissions",
            )
        ]
    if missing.empty:
        if in_class:
            return [Check(True, "every permission that a learner in this class needs; the instructor runs chapter 3")]
        return [Check(True, "every permission that the tutorial needs, according to the IAM policy simulator")]
    return [
        Check(
            False,
            f"permissions are missing: {', '.join(dict.fromkeys(found['action']))}",
            f"See {policy}. zetl policies writes this policy with the names of your resources, so that an "
            "administrator can attach it.",
        )
        for policy, found in missing.groupby("policy", sort=False)
    ]


def governance(lab: Lab) -> Check:
    """Check whether Lake Formation governs the account and, if so, whether the lab has or can get its permissions."""
    return _unless_refused("Lake Formation does not return its settings", lambda: _governance(lab))


def _governance(lab: Lab) -> Check:
    settings = lab.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    # Lake Formation can govern an existing database even if it will not govern new databases, and vice versa.
    governed = _governed.is_governed(lab)
    if not _governed.governs_new_things(settings) and not governed:
        return Check(True, "Lake Formation lets IAM control access to the lab's database and tables")
    me = permissions.caller_principal(lab)
    if me in {administrator["DataLakePrincipalIdentifier"] for administrator in settings.get("DataLakeAdmins", [])}:
        return Check(
            True, "Lake Formation governs this account; you are an administrator, and chapter 1 grants permissions"
        )
    lacking = _governed.missing(lab, me)
    if governed and not lacking:
        return Check(True, "Lake Formation governs this account; all permissions that the lab needs are granted")
    what = "; ".join(lacking) or "CREATE_DATABASE on the catalog, and the grants from chapter 1"
    return Check(
        False,
        f"Lake Formation governs this account, and you are not one of its administrators. Missing: {what}",
        "Ask a Lake Formation administrator for these grants, or become one with zetl.studio.add_administrator(lab) if "
        "the account is yours.",
    )


def project(lab: Lab) -> Check:
    """Check for the project in SageMaker Unified Studio, which only chapter 3 needs."""

    def look() -> Check:
        try:
            found = studio.find_project(lab)
        except studio.StudioError:
            return Check(
                True,
                f"optional: no project {lab.project} in SageMaker Unified Studio; chapter 3 explains how to create it",
            )
        return Check(True, f"project {found.name} in SageMaker Unified Studio")

    return _unless_refused("SageMaker Unified Studio does not respond", look)


def quotas(lab: Lab) -> list[Check]:
    """Compare the account's usage with the default quotas that a class or a busy account can reach."""
    return [
        _unless_refused(f"the usage of {name.replace('_', ' ')} cannot be counted", partial(_quota, lab, name, count))
        for name, count in _COUNTS.items()
    ]


def _quota(lab: Lab, name: str, count: Callable[[Lab], tuple[int, int]]) -> Check:
    quota = _data("quotas.json")["quotas"][name]
    used, needed = count(lab)
    return Check(
        used + needed <= quota["limit"],
        f"account-wide quota: {used:,} of {quota['limit']:,} {quota['unit']}",
        f"The lab needs {needed:,} more. Delete unused resources, or request a higher quota in the Service Quotas "
        f"console. {quota['source']}",
    )


def _tables(lab: Lab) -> tuple[int, int]:
    names = {name for page in lab.client("dynamodb").get_paginator("list_tables").paginate() for name in
             page["TableNames"]}  # fmt: skip
    return len(names), int(lab.table not in names)


def _buckets(lab: Lab) -> tuple[int, int]:
    names = {bucket["Name"] for bucket in lab.client("s3").list_buckets()["Buckets"]}
    return len(names), int(lab.bucket not in names)


def _catalog_policy(lab: Lab) -> tuple[int, int]:
    """Measure the size of the account's Data Catalog policy, because its limit is the first that a class reaches."""
    text = ""
    with absent("EntityNotFoundException"):
        text = lab.client("glue").get_resource_policy()["PolicyInJson"]
    if target.class_is_prepared(lab):
        return len(text.encode()), 0
    statements = permissions.render(lab, "catalog_resource_policy")["Statement"]
    missing = [statement for statement in statements if f'"{statement["Sid"]}"' not in text]
    return len(text.encode()), len(json.dumps(missing, separators=(",", ":")).encode()) if missing else 0


def _administrators(lab: Lab) -> tuple[int, int]:
    settings = lab.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
    names = {administrator["DataLakePrincipalIdentifier"] for administrator in settings.get("DataLakeAdmins", [])}
    return len(names), int(permissions.caller_principal(lab) not in names)


_COUNTS: dict[str, Callable[[Lab], tuple[int, int]]] = {
    "dynamodb_tables": _tables,
    "s3_buckets": _buckets,
    "catalog_policy_bytes": _catalog_policy,
    "lake_formation_administrators": _administrators,
}


def leftovers(lab: Lab) -> list[Check]:
    """Check whether resources from earlier runs are left and whether other resources use the lab's names."""
    try:
        found = cleanup.plan(lab)
    except (ClientError, BotoCoreError) as error:
        return [Check(False, "resources from earlier runs cannot be listed", f"{as_sentence(error)} Sign in again.")]
    checks = [
        Check(
            False,
            f"{entry.kind} {entry.name} has one of the lab's names but doesn't belong to the lab",
            f"Kept: {entry.why}. Set ZETL_PREFIX to use different names for your lab.",
        )
        for entry in found.foreign
    ]
    checks += [
        Check(
            False,
            f"{what} from earlier runs cannot be listed",
            f"{as_sentence(reason)} Ask for the permissions in policies/.",
        )
        for what, reason in found.unseen
    ]
    if found:
        things = counted(len(found), "resource")
        checks.append(
            Check(True, f"the lab has {things}; zetl cleanup --dry-run lists them, and chapter 12 deletes them")
        )
    elif not found.foreign and not found.unseen:
        checks.append(Check(True, "the lab has no resources yet"))
    return checks


def price() -> Check:
    """Report the daily cost of the tutorial on AWS, and the monthly cost of a forgotten integration."""
    day = cost.estimate(items=50, item_bytes=200, changes_per_day=30, days=1).total
    idle = cost.idle_cost(cost.SHORTEST_REFRESH)
    return Check(True, f"cost on AWS: about ${day:.2f} a day; a forgotten integration costs about ${idle:.2f} a month")


@cache
def _data(name: str) -> dict[str, Any]:
    text = resources.files("zetl_helpers").joinpath(f"data/{name}").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
