"""Deterministically generated card payments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["payments"]

_STATES = ("CA", "CO", "FL", "IL", "MA", "NV", "NY", "TX", "WA")
_CATEGORIES = ("Groceries", "Travel", "Fuel", "Online", "Dining")
_FIRST_DAY = datetime(2025, 11, 1, tzinfo=UTC)
_DAYS = 364
# This prime is coprime to every modulus in `payments`, so that neighboring values differ and all values occur.
_STRIDE = 7919


def payments(count: int, *, first: int = 0, version: int = 0) -> Iterator[dict[str, Any]]:
    """Generate payments as DynamoDB JSON. The same number always produces the same payment.

    Args:
        count: The number of payments.
        first: The number of the first payment.
        version: The version of the payments. Each version has the same keys but different amounts.

    Yields: Items with the key attributes ``AccountNumber`` and ``PaymentID``, and with ``State``, ``Category``,
        ``Amount`` and ``PaidAt``. ``PaidAt`` is a time in the twelve months up to October 2026, as an ISO 8601 string
        in UTC.
    """
    for number in range(first, first + count):
        mixed = number * _STRIDE
        account = mixed % 9973
        paid = _FIRST_DAY + timedelta(days=mixed % _DAYS, seconds=mixed % 86_399)
        cents = 100 + (mixed + 911 * version) % 49_900
        yield {
            "AccountNumber": {"S": f"ACC{account:06}"},
            "PaymentID": {"S": f"PAY{number:09}"},
            "State": {"S": _STATES[account % len(_STATES)]},
            "Category": {"S": _CATEGORIES[number % len(_CATEGORIES)]},
            "Amount": {"N": f"{cents // 100}.{cents % 100:02}"},
            "PaidAt": {"S": f"{paid:%Y-%m-%dT%H:%M:%SZ}"},
        }
