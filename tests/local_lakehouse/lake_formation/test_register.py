"""Tests that changes to Lake Formation's state do not disturb queries that read it without a lock."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from local_lakehouse.lake_formation.governance import Governance
from local_lakehouse.lake_formation.register import Location, Register
from local_lakehouse.lake_formation.resources import EVERYBODY, Resource

pytestmark = pytest.mark.once

NOW = datetime(2026, 1, 2, tzinfo=UTC)
TABLE, OTHER = Resource("table", "shop", "orders"), Resource("table", "shop", "items")
ANALYST = "arn:aws:iam::123456789012:role/Analyst"
PLACE = Location("arn:aws:s3:::sales/orders", "arn:aws:iam::123456789012:role/Reader", False, NOW)
CHANGES: dict[str, Callable[[Register], object]] = {
    "grant": lambda register: register.grant(ANALYST, OTHER, ["SELECT", "DESCRIBE"], ["SELECT"]),
    "grant of another permission": lambda register: register.grant(ANALYST, TABLE, ["INSERT"], []),
    "grant option": lambda register: register.grant(ANALYST, TABLE, ["DESCRIBE"], ["DESCRIBE"]),
    "revoke": lambda register: register.revoke(ANALYST, TABLE, ["DESCRIBE"], []),
    "revoke of a grant option": lambda register: register.revoke(ANALYST, TABLE, ["ALTER"], ["ALTER"]),
    "opt in": lambda register: register.opt_in(ANALYST, OTHER, NOW, ANALYST),
    "opt out": lambda register: register.opt_out(ANALYST, TABLE),
    "register a location": lambda register: register.register_location(replace(PLACE, arn="arn:aws:s3:::other")),
    "change a location": lambda register: register.register_location(replace(PLACE, hybrid=True)),
    "deregister a location": lambda register: register.deregister_location(PLACE.arn),
    "create a table": lambda register: register.created(OTHER, ANALYST),
    "delete a table": lambda register: register.deleted(TABLE),
    "delete a database": lambda register: register.deleted(Resource("database", "shop")),
}


@pytest.fixture
def register() -> Register:
    register = Register()
    register.created(TABLE, None)
    register.grant(ANALYST, TABLE, ["DESCRIBE", "ALTER"], ["ALTER"])
    register.opt_in(ANALYST, TABLE, NOW, ANALYST)
    register.register_location(PLACE)
    return register


@pytest.mark.parametrize("change", CHANGES)
def test_change_replaces_dictionaries_that_a_query_may_be_reading(register: Register, change: str) -> None:
    read = [getattr(register, entry.name) for entry in fields(register)]
    before = copy.deepcopy(read)
    unchanged = copy.deepcopy(register)

    CHANGES[change](register)

    assert register != unchanged
    assert read == before


def test_query_can_continue_while_a_table_is_being_created(register: Register) -> None:
    held = register.held(EVERYBODY, TABLE)
    first = next(held)
    register.created(OTHER, None)

    assert [first, *held] == list(register.held(EVERYBODY, TABLE))


class Watched(Register):
    """A register that checks, after each change, whether a reader would see a new or deleted table without grants."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if len(self.__dict__) == len(fields(self)):
            assert not Governance(self).checks(ANALYST, OTHER), f"after a change of {name}"


def test_reader_never_sees_a_table_without_its_default_grants() -> None:
    watched = Watched()
    watched.created(OTHER, None)
    assert OTHER in watched.creators
    watched.deleted(OTHER)
    assert OTHER not in watched.creators


def test_opting_in_again_keeps_the_first_opt_in(register: Register) -> None:
    register.opt_in(ANALYST, TABLE, datetime(2027, 1, 1, tzinfo=UTC), "another")

    assert register.opt_ins[ANALYST, TABLE] == (NOW, ANALYST)
    assert register.opt_out(ANALYST, TABLE)
    assert not register.opt_out(ANALYST, TABLE)
