"""Tests that each finding of the policy linter has low severity or is explained in policies/README.md."""

import re
from pathlib import Path
from typing import Any

import pytest

from local_lakehouse.lakehouse import Lakehouse
from tests.conftest import connect_to
from tests.permissions.linter import findings
from zetl_helpers import _documents, permissions
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

README = Path(__file__).parents[2] / "policies" / "README.md"
# AWS limits a managed policy to this many characters, not counting white space.
MANAGED = 6144


def excused() -> set[tuple[str, str, str]]:
    """Return the document, the beginning of the ``Sid`` and the finding from each row of the README's table."""
    table = README.read_text(encoding="utf-8").partition("## Linter findings")[2].partition("\n## ")[0]
    rows = [[re.findall(r"`([^`]+)`", cell) for cell in row.split("|")[1:4]] for row in table.splitlines()]
    return {
        (document, sid.rstrip("…"), kind)
        for documents, sids, kinds in (row for row in rows if len(row) == 3)
        for document in documents
        for sid in sids
        for kind in kinds
    }


def documents(lab: Lab) -> dict[str, dict[str, Any]]:
    return {f"{name}.json": permissions.render(lab, name) for name in _documents.policy_names()}


@pytest.mark.parametrize("prefix", ["", "ana"])
def test_findings_match_documented_reasons(lakehouse: Lakehouse, tmp_path: Path, prefix: str) -> None:
    reasons = excused()
    assert reasons
    found = findings(documents(connect_to(lakehouse.url, prefix)), tmp_path)
    known = {
        entry: reason
        for entry in found
        for reason in reasons
        if (entry.document, entry.kind) == (reason[0], reason[2]) and entry.sid.startswith(reason[1])
    }
    assert [item for item in found if item not in known] == []
    assert reasons - set(known.values()) == set()


def test_linter_finds_overly_broad_statements(tmp_path: Path) -> None:
    statement = {"Sid": "All", "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
    misspelled = {"Sid": "No", "Effect": "Allow", "Action": "glue:CreateIntegrations", "Resource": "*"}
    found = findings({"wide.json": {"Version": "2012-10-17", "Statement": [statement, misspelled]}}, tmp_path)
    assert {"missing_required_condition", "invalid_action"} <= {entry.kind for entry in found}


@pytest.mark.parametrize("prefix", ["", "averylongprefix1"])
def test_policies_fit_size_limit_for_managed_policies(lakehouse: Lakehouse, prefix: str) -> None:
    for name, document in documents(connect_to(lakehouse.url, prefix)).items():
        assert len(re.sub(r"\s", "", str(document))) <= MANAGED, name


def test_wildcard_resources_are_documented() -> None:
    described = README.read_text(encoding="utf-8").partition("## Why a resource is `*`")[2].partition("\n## ")[0]
    templates = {name: _documents.policy_template(name).template for name in _documents.policy_names()}
    stars = {sid for text in templates.values() for sid in re.findall(r'"Sid": "(\w+)"[^}]*?"Resource": "\*"', text)}
    assert stars
    assert {sid for sid in stars if f"`{sid}`" not in described} == set()
