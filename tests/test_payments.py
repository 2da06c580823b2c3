"""Tests that generated payments are valid, are the same in every run, and cover all states, categories and months."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from zetl_helpers.payments import payments


@given(st.integers(0, 10**6), st.integers(0, 9))
def test_payments_are_deterministic(number: int, version: int) -> None:
    (result,) = payments(1, first=number, version=version)
    assert result == next(payments(1, first=number, version=version))
    assert (
        datetime(2025, 11, 1, tzinfo=UTC)
        <= datetime.fromisoformat(result["PaidAt"]["S"])
        < datetime(2026, 11, 2, tzinfo=UTC)
    )
    assert 1 <= float(result["Amount"]["N"]) < 500


def test_version_changes_only_amounts() -> None:
    for payment, other in zip(payments(200), payments(200, version=1), strict=True):
        assert payment["Amount"] != other["Amount"]
        assert {**payment, "Amount": None} == {**other, "Amount": None}


def test_all_states_categories_and_months_occur() -> None:
    many = list(payments(1000))
    assert len({(entry["AccountNumber"]["S"], entry["PaymentID"]["S"]) for entry in many}) == 1000
    assert len({item["State"]["S"] for item in many}) == 9
    assert len({each["Category"]["S"] for each in many}) == 5
    assert len({element["PaidAt"]["S"][:7] for element in many}) == 12
