"""Tests for results that are cached until a setting changes."""

from collections.abc import Callable

import pytest

from local_lakehouse.backend.clients import reads
from local_lakehouse.backend.settings import _DATA, _LARGEST, _RECORDS, SettingsCache, changes_settings
from local_lakehouse.lakehouse import Lakehouse
from local_lakehouse.protocol.services import PROTOCOLS, operation_names
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once


def test_result_is_cached_until_a_setting_changes() -> None:
    settings, answers = SettingsCache(), iter("abc")

    def look() -> str:
        return next(answers)

    assert [settings.result("policy", look), settings.result("policy", look)] == ["a", "a"]
    settings.changed()
    assert settings.result("policy", look) == "b"
    assert settings.result("role", look) == "c", "each key has its own result"


def test_result_is_not_cached_if_a_setting_changes_meanwhile() -> None:
    settings, answers = SettingsCache(), iter("ab")

    def look() -> str:
        settings.changed()
        return next(answers)

    assert [settings.result("policy", look), settings.result("policy", lambda: "new")] == ["a", "new"]


def test_error_is_not_cached() -> None:
    settings = SettingsCache()
    with pytest.raises(ZeroDivisionError):
        settings.result("policy", lambda: 1 // 0)
    assert settings.result("policy", lambda: 1) == 1


def test_listed_data_operations_exist_and_are_write_operations() -> None:
    assert set(PROTOCOLS) >= _RECORDS
    for service, operations in _DATA.items():
        assert operations <= operation_names(service)
        assert not any(reads(operation) for operation in operations)


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("dynamodb", "UpdateTable"),
        ("dynamodb", "PutResourcePolicy"),
        ("glue", "UpdateDatabase"),
        ("glue", "CreateTable"),
        ("iam", "DetachRolePolicy"),
        ("kms", "CreateAlias"),
        ("lakeformation", "RevokePermissions"),
        ("resourcegroupstaggingapi", "TagResources"),
        ("s3", "DeleteBucketPolicy"),
    ],
)
def test_other_writes_change_settings(service: str, operation: str) -> None:
    assert changes_settings(service, operation)


@pytest.mark.parametrize(
    "write",
    [
        lambda lab: lab.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}"),
        lambda lab: lab.client("lakeformation").put_data_lake_settings(DataLakeSettings={"DataLakeAdmins": []}),
    ],
    ids=["moto", "a service of the project"],
)
def test_cached_result_is_discarded_before_the_commit(
    lab: Lab, lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch, write: Callable[[Lab], object]
) -> None:
    """A write that changes a setting discards cached results before its commit.

    Otherwise, a check that reads one setting before the commit and another after the commit could cache its result.
    """
    settings, database, seen = lakehouse.backend.clients.settings, lakehouse.backend.database, list[str]()
    settings.result("policy", lambda: "old")
    hooks = [lambda: seen.append(settings.result("policy", lambda: "new")), *database._before_commit]
    monkeypatch.setattr(database, "_before_commit", hooks)
    write(lab)
    assert seen[0] == "new"


def test_number_of_cached_results_is_limited() -> None:
    settings = SettingsCache()
    for number in range(_LARGEST + 1):
        settings.result(number, lambda: None)
    assert len(settings._results) == 1
