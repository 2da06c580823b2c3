"""Preparations of moto's classes, which run when a module is requested."""

import sys
from types import ModuleType

import pytest

from local_lakehouse.backend import preparations


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that were applied; each can be requested once."""
    done: list[str] = []
    for name in ("early", "late"):
        module = ModuleType(name)
        module.apply = lambda name=name: done.append(name)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(preparations, "_MODULES", {})
    monkeypatch.setattr(preparations, "_carried_out", set())
    return done


def test_what_is_asked_for_before_a_service_is_there_waits_for_it(applied: list[str]) -> None:
    preparations.prepare("s3", "early")
    assert applied == []
    preparations.carry_out("s3")
    assert applied == ["early"]


def test_what_is_asked_for_once_a_service_is_there_is_done_at_once_and_once(applied: list[str]) -> None:
    preparations.carry_out("s3")
    preparations.prepare("s3", "late")
    preparations.prepare("s3", "late")
    assert applied == ["late"]
