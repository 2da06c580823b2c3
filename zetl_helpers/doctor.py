"""Checks, before the first chapter and any time later, that everything the tutorial needs is there."""

from __future__ import annotations

from zetl_helpers import _doctor_account, _doctor_machine, _settings
from zetl_helpers._check import Check
from zetl_helpers._settings import SettingsError
from zetl_helpers.lab import ConnectionRefusedByLabError, Lab, connect

__all__ = ["Check", "examine", "report"]


def examine(lab: Lab | None = None) -> list[Check]:
    """Look at computer, target, services, quotas and what earlier runs left; nothing is changed.

    Args:
        lab: The lab; connects by itself unless given.

    Returns:
        The checks, in the order in which they should be mended; printing one shows a line.
    """
    try:
        local = lab.target == "local" if lab else _settings.target() == "local"
    except SettingsError as error:
        return [_doctor_machine.python(), Check(False, "target", str(error))]
    checks = [_doctor_machine.python(), *_doctor_machine.packages(local=local)]
    if local:
        looks = (_doctor_machine.disk(), _doctor_machine.memory(), _doctor_machine.still_pictures())
        checks += [look for look in looks if look is not None]
    if lab is None:
        try:
            lab = connect()
        except (ConnectionRefusedByLabError, SettingsError) as error:
            return [*checks, Check(False, f"target {'local' if local else 'aws'}", str(error))]
    return [*checks, *_account(lab)]


def _account(lab: Lab) -> list[Check]:
    return [
        Check(True, f"target {lab.target}: account {lab.account}, as {lab.caller}"),
        _doctor_account.region(lab),
        *_doctor_account.reach(lab),
        *_doctor_account.rights(lab),
        _doctor_account.project(lab),
        *_doctor_account.quotas(lab),
        *_doctor_account.leftovers(lab),
        _doctor_account.price(),
    ]


def report(checks: list[Check]) -> str:
    """Write checks as text, a line each."""
    return "\n".join(map(str, checks))
