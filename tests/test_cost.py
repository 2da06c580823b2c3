"""Tests that the cost estimate follows the published prices and never decreases with more usage."""

import json
import math
import re
from datetime import date
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zetl_helpers import charts, cost

INTERVALS = st.integers(cost.SHORTEST_REFRESH, cost.LONGEST_REFRESH)
ARGUMENTS = st.fixed_dictionaries(
    {
        "items": st.integers(0, 10**10),
        "item_bytes": st.integers(0, 400 * 1024),
        "changes_per_day": st.floats(0, 10**9),
        "refresh_minutes": INTERVALS,
        "days": st.floats(0, 400),
        "queries_per_day": st.floats(0, 10**5),
    }
)


def amount(estimate: cost.Estimate, item: str) -> float:
    (found,) = [each.usd for each in estimate.items if each.item == item]
    return found


def at_least(more: cost.Estimate, less: cost.Estimate) -> bool:
    """Return whether each line in `more` costs at least as much as in `less`, apart from rounding errors."""
    return all(
        item.usd >= other.usd or math.isclose(item.usd, other.usd, rel_tol=1e-9)
        for item, other in zip(more.items, less.items, strict=True)
    )


@pytest.mark.parametrize(("minutes", "dollars"), [(15, 2.81), (60, 0.70), (1440, 0.03), (8640, 0.03)])
def test_idle_integration_incurs_minimum_export_cost(minutes: int, dollars: float) -> None:
    estimate = cost.estimate(0, 0, 0, minutes, queries_per_day=0)
    assert round(amount(estimate, "DynamoDB incremental exports"), 2) == dollars
    assert round(cost.idle_cost(minutes), 2) == dollars


def test_first_note_warns_about_idle_integration() -> None:
    warning, *_ = cost.estimate(50, 200, 3).notes
    assert "refreshes every 15 minutes costs about $2.81 a month per table" in warning
    assert warning.endswith("Delete the integration when you are done. Otherwise it keeps exporting.")


def test_terabyte_is_priced_by_size() -> None:
    estimate = cost.estimate(2**30, 924, changes_per_day=0, queries_per_day=0)
    assert amount(estimate, "DynamoDB PITR") == pytest.approx(0.20 * 1024)
    assert amount(estimate, "DynamoDB full export") == pytest.approx(0.10 * 1024)
    assert amount(estimate, "S3 storage") == pytest.approx(0.023 * 1024)


def test_lines_match_manual_calculation_for_one_gigabyte() -> None:
    spent = cost.estimate(2**20, 924, changes_per_day=96, refresh_minutes=15, queries_per_day=20)
    assert {line.item: line.usd for line in spent.items} == pytest.approx(
        {
            "DynamoDB PITR": 0.20 * 1,
            "DynamoDB full export": 0.10 * 1,
            "DynamoDB incremental exports": 0.10 * 28.125,  # There are 2,880 exports of 10 MB.
            # Each of 2,880 changes rewrites one of 16 buckets, which adds up to 180 copies of the table. On average, a
            # copy is stored for half a month.
            "S3 storage": 0.023 * 91,
            "S3 writes": 0.005 * (16 + 3 + 4 * 2880) / 1000,
            "S3 reads": 0.0004 * (4 * 2880 + 8 * 600) / 1000,
            "Athena queries": 5.00 * 600 / 1024,  # The 1 GB table is read 600 times.
            "Glue Data Catalog": 0.0,  # 17,400 requests are fewer than the million free requests.
            "CloudWatch Logs": 0.50 * 2880 * 3 * 600 / 2**30,
        }
    )


def test_exports_above_minimum_are_priced_by_changes() -> None:
    estimate = cost.estimate(10**6, 1024, changes_per_day=2**20, refresh_minutes=1440)
    assert amount(estimate, "DynamoDB incremental exports") == pytest.approx(0.10 * 30)


def test_tutorial_costs_about_ten_cents_a_day() -> None:
    estimate = cost.estimate(50, 200, changes_per_day=30, days=1)
    assert 0.09 < estimate.total < 0.13
    assert max(estimate.items, key=lambda item: item.usd).item == "DynamoDB incremental exports"


def test_table_lists_costs_and_total() -> None:
    estimate = cost.estimate(50, 200, 3)
    table = estimate.table()
    assert table["item"].tolist() == [
        "DynamoDB PITR",
        "DynamoDB full export",
        "DynamoDB incremental exports",
        "S3 storage",
        "S3 writes",
        "S3 reads",
        "Athena queries",
        "Glue Data Catalog",
        "CloudWatch Logs",
        "Total",
    ]
    assert table["usd"].iloc[-1] == pytest.approx(table["usd"].iloc[:-1].sum()) == estimate.total


def test_estimate_displays_amounts_and_warning() -> None:
    estimate = cost.estimate(50, 200, 3)
    for shown in (repr(estimate), estimate._repr_html_()):
        assert "DynamoDB incremental exports" in shown
        assert "$2.81" in shown
        assert "under one cent" in shown
        assert estimate.notes[0] in shown
    assert repr(estimate).splitlines()[9].split()[:2] == ["Total", f"${estimate.total:.2f}"]


def test_note_says_that_prices_in_other_regions_can_differ() -> None:
    assert any("eu-central-1 can differ" in note for note in cost.estimate(1, 1, 1, region="eu-central-1").notes)
    assert not any("stand in" in note for note in cost.estimate(1, 1, 1).notes)


@pytest.mark.parametrize("minutes", [0, 14, 8641])
def test_rejects_interval_out_of_range(minutes: int) -> None:
    with pytest.raises(ValueError, match=rf"{minutes} is out of range. AWS accepts 15 to 8640 minutes"):
        cost.estimate(1, 1, 1, minutes)


@pytest.mark.parametrize("name", ["items", "item_bytes", "changes_per_day", "days", "queries_per_day"])
@pytest.mark.parametrize("amount", [-1, math.inf, math.nan])
def test_rejects_impossible_amounts(name: str, amount: float) -> None:
    arguments: dict[str, Any] = {"items": 1, "item_bytes": 1, "changes_per_day": 1} | {name: amount}
    with pytest.raises(ValueError, match="zero or more"):
        cost.estimate(**arguments)


@given(ARGUMENTS)
def test_no_cost_is_negative(arguments: dict[str, Any]) -> None:
    estimate = cost.estimate(**arguments)
    assert all(item.usd >= 0 and item.quantity >= 0 and math.isfinite(item.usd) for item in estimate.items)
    assert math.isclose(estimate.total, sum(item.usd for item in estimate.items), rel_tol=1e-9)


@given(ARGUMENTS, st.sampled_from(["items", "item_bytes", "changes_per_day", "days", "queries_per_day"]), st.data())
def test_more_usage_never_costs_less(arguments: dict[str, Any], name: str, data: st.DataObject) -> None:
    most = {"items": 10**10, "item_bytes": 400 * 1024, "changes_per_day": 10**9, "days": 400, "queries_per_day": 10**5}
    now = arguments[name]
    kind = st.integers(now, most[name]) if isinstance(now, int) else st.floats(now, most[name])
    assert at_least(cost.estimate(**arguments | {name: data.draw(kind)}), cost.estimate(**arguments))


@given(ARGUMENTS, INTERVALS)
def test_longer_interval_never_costs_more(arguments: dict[str, Any], minutes: int) -> None:
    shorter, longer = sorted((minutes, arguments["refresh_minutes"]))
    often, seldom = (cost.estimate(**arguments | {"refresh_minutes": each}) for each in (shorter, longer))
    assert at_least(often, seldom)


def test_costs_by_interval_can_be_charted() -> None:
    costs = cost.by_interval(50, 200, 3, queries_per_day=0)
    assert sorted(set(costs["refresh_minutes"])) == [15, 60, 360, 1440]
    title = charts.cost_by_interval(costs).layout.title.text.replace("<br>", " ")
    assert title == "Refreshing every day instead of every 15 minutes saves $2.78 a month"


@pytest.mark.parametrize(
    ("scanned", "billed_mb"),
    [(0, 10), (1, 10), (10 * 2**20, 10), (10 * 2**20 + 1, 11), (2**40, 2**20)],
)
def test_query_cost_has_ten_megabyte_minimum(scanned: int, billed_mb: int) -> None:
    assert cost.query_cost(scanned) == pytest.approx(5.00 * billed_mb / 2**20)


def test_query_cost_rejects_negative_bytes() -> None:
    with pytest.raises(ValueError, match="-1 bytes"):
        cost.query_cost(-1)


def test_estimate_links_to_prices_and_names_region_and_dates() -> None:
    estimate = cost.estimate(50, 200, 3)
    note = estimate.notes[-1]
    links = "Check the current prices: https://aws"
    assert note.startswith(f"List prices in us-east-1 as of the date in each line. {links}")
    shown = estimate._repr_html_()
    for page in ("dynamodb/pricing/on-demand", "s3/pricing", "athena/pricing", "glue/pricing", "cloudwatch/pricing"):
        assert f"<a href='https://aws.amazon.com/{page}/'>https://aws.amazon.com/{page}/</a>" in shown
    assert all(re.search(r" per .*\(2026[\d-]*\)$", item.basis) for item in estimate.items)


def test_prices_have_page_source_and_date() -> None:
    prices = json.loads(resources.files("zetl_helpers").joinpath("data/prices.json").read_text(encoding="utf-8"))
    assert prices["currency"] == "USD"
    for entry in prices[cost.PRICED_REGION].values():
        assert entry["usd"] > 0
        assert re.fullmatch(r"https://aws\.amazon\.com/\w+/pricing/(on-demand/)?", entry["page"])
        assert entry["source"]
        assert date.fromisoformat((entry["date"] + "-01-01")[:10]).year == 2026


def test_import_costs_less_than_writes() -> None:
    assert cost.write_cost(100_000, 200) == pytest.approx(0.0625)
    assert cost.write_cost(1_000_000, 1025) == pytest.approx(1.25)
    assert cost.import_cost(2**20, 1024) == pytest.approx(0.15)
    assert cost.write_cost(0, 200) == cost.import_cost(0, 200) == 0
    with pytest.raises(ValueError, match="zero or more"):
        cost.write_cost(-1, 200)
