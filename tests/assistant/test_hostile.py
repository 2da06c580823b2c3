"""Tests that the assistant declines sixty hostile prompts and rejects hostile statements from a model."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from zetl_helpers import assistant
from zetl_helpers.assistant import _catalog
from zetl_helpers.assistant._checks import RejectedError, check
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

_HERE = Path(__file__).parent
_PROMPTS = json.loads((_HERE / "hostile.json").read_text(encoding="utf-8"))
_STATEMENTS = json.loads((_HERE / "hostile_sql.json").read_text(encoding="utf-8"))


def test_list_contains_sixty_distinct_prompts() -> None:
    assert len(set(_PROMPTS)) == 60


@pytest.mark.parametrize("prompt", _PROMPTS)
def test_declines_hostile_prompt(assistant_lab: Lab, prompt: str) -> None:
    suggestion = assistant.ask(assistant_lab, prompt)
    assert suggestion.sql is None
    assert suggestion.explanation
    assert not suggestion.confident


@pytest.mark.parametrize("statement", _STATEMENTS)
def test_rejects_hostile_statement(assistant_lab: Lab, statement: str) -> None:
    with pytest.raises(RejectedError):
        check(assistant_lab, _catalog.read(assistant_lab), statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT state, COUNT(*) FROM customeraccounts GROUP BY state",
        'SELECT * FROM "awsdatacatalog"."customerdb"."customeraccounts" LIMIT 5',
        'SELECT * FROM "customeraccounts$snapshots"',
        "WITH t AS (SELECT state FROM customeraccounts) SELECT * FROM t",
        "SELECT a FROM (SELECT state AS a FROM payments UNION ALL SELECT state FROM customeraccounts)",
    ],
)
def test_accepts_statement_on_lab_tables(assistant_lab: Lab, statement: str) -> None:
    check(assistant_lab, _catalog.read(assistant_lab), statement)


def test_checks_statement_in_workgroup_with_managed_results(assistant_lab: Lab) -> None:
    athena = assistant_lab.client("athena")
    managed_results = {"ManagedQueryResultsConfiguration": {"Enabled": True}}
    athena.create_work_group(Name="managed", Configuration=managed_results)
    requests: list[dict[str, Any]] = []
    athena.meta.events.register(
        "provide-client-params.athena.StartQueryExecution", lambda params, **_: requests.append(params)
    )
    managed = dataclasses.replace(assistant_lab, workgroup="managed")

    check(managed, _catalog.read(managed), "SELECT state FROM customeraccounts")
    assert ["ResultConfiguration" in request for request in requests] == [False]
    check(assistant_lab, _catalog.read(assistant_lab), "SELECT state FROM customeraccounts")
    assert ["ResultConfiguration" in request for request in requests] == [False, True]
