"""Checks that the tutorial's requirements are met."""

from __future__ import annotations

from zetl_helpers import _settings
from zetl_helpers._settings import SettingsError
from zetl_helpers.doctor import _account_checks, _machine_checks
from zetl_helpers.doctor._check import Check
from zetl_helpers.lab import ConnectionRefusedByLabError, Lab, connect

__all__ = ["Check", "examine", "report"]


def examine(lab: Lab | None = None) -> list[Check]:
    """Check the computer, target, services, quotas and leftovers from earlier runs, without changing anything.

    Args:
        lab: The lab. Defaults to a new connection.

    Returns:
        The checks, in the order in which failures should be fixed. Printing a check shows its result and, after a
        failure, the next step.
    """
    try:
        local = lab.target == "local" if lab else _settings.target() == "local"
    except SettingsError as error:
        return [_machine_checks.python(), Check(False, "target", str(error))]
    checks = [_machine_checks.python(), *_machine_checks.packages(local=local)]
    if local:
        looks = (
            _machine_checks.disk(),
            _machine_checks.memory(),
            _machine_checks.still_pictures(),
            None if lab is not None and lab.place is not None else _machine_checks.space(),
        )
        checks += [look for look in looks if look is not None]
    if lab is None:
        try:
            lab = connect()
        except (ConnectionRefusedByLabError, SettingsError) as error:
            return [*checks, Check(False, f"target {'local' if local else 'aws'}", str(error))]
    return [*checks, *_account(lab)]


def _account(lab: Lab) -> list[Check]:
    who = Check(True, f"target {lab.target}: account {lab.account}, as {lab.caller}")
    if lab.place is not None and lab.is_members:
        return [who, Check(True, str(lab.place)), *_account_checks.for_member(lab)]
    place = (
        []
        if lab.place is None
        else [Check(lab.place.builds, str(lab.place), "To attach the policies, see policies/README.md.")]
    )
    return [
        who,
        *place,
        _account_checks.region(lab),
        *_account_checks.reach(lab),
        *_account_checks.rights(lab),
        _account_checks.governance(lab),
        _account_checks.project(lab),
        *_account_checks.quotas(lab),
        *_account_checks.leftovers(lab),
        _account_checks.price(),
    ]


def report(checks: list[Check]) -> str:
    """Return checks as text, one per line.

    Args:
        checks: The result of `examine`.

    Returns:
        The text.
    """
    return "\n".join(map(str, checks))
