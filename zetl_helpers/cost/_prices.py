"""List prices, and the cost sheet with one line per cost item."""

from __future__ import annotations

import html
import json
import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypedDict

import pandas as pd

PRICED_REGION = "us-east-1"
MB, GB, TB = 2**20, 2**30, 2**40
LEAST_EXPORT = 10 * MB
LEAST_SCAN = 10 * MB
# DynamoDB adds this number of bytes to each item's size when it bills storage:
# https://aws.amazon.com/dynamodb/pricing/on-demand/
ITEM_OVERHEAD = 100
DAYS_A_MONTH = 30
_LINK, _ANCHOR = re.compile(r"https://[\w./-]+\w/?"), r"<a href='\g<0>'>\g<0></a>"


class Price(TypedDict):
    """One entry of data/prices.json."""

    usd: float
    unit: str
    page: str
    source: str
    date: str


@dataclass(frozen=True)
class CostItem:
    """One line of a cost sheet."""

    item: str
    quantity: float
    unit: str
    usd: float
    """The amount for the whole period."""
    basis: str
    """The calculation behind the quantity, and the list price with its date."""


@dataclass(frozen=True, repr=False)
class Sheet:
    """The costs by item, which a notebook shows as a table with notes.

    Args:
        items: The lines.
        notes: The limitations of the figures.
        period: The period, and the Region of the prices.
    """

    items: tuple[CostItem, ...]
    notes: tuple[str, ...]
    period: str

    @property
    def total(self) -> float:
        """The sum of all items in US dollars."""
        return math.fsum(item.usd for item in self.items)

    def table(self) -> pd.DataFrame:
        """Return one row per cost item, and a last row with the total.

        Returns:
            Columns ``item``, ``quantity``, ``unit``, ``usd`` (US dollars) and ``basis``.
        """
        rows = [(each.item, each.quantity, each.unit, each.usd, each.basis) for each in self.items]
        rows.append(("Total", math.nan, "", self.total, self.period))
        return pd.DataFrame(rows, columns=["item", "quantity", "unit", "usd", "basis"])

    def __repr__(self) -> str:
        lines = [f"{item:<30}{amount:>14}  {basis}" for item, amount, basis in self._rows()]
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{item}</td><td>{amount}</td><td style='text-align:left'>{basis}</td></tr>"
            for item, amount, basis in (map(html.escape, row) for row in self._rows())
        )
        notes = "".join(f"<li>{_LINK.sub(_ANCHOR, html.escape(note))}</li>" for note in self.notes)
        return f"<table><tr><th>item</th><th>US dollars</th><th>basis</th></tr>{rows}</table><ul>{notes}</ul>"

    def _rows(self) -> list[tuple[str, str, str]]:
        rows = [(each.item, _dollars(each.usd), each.basis) for each in self.items]
        return [*rows, ("Total", _dollars(self.total), self.period)]


def billed_scan(scanned_bytes: int) -> int:
    """Return the bytes that Athena bills for one query, rounded up to whole megabytes, with a minimum of 10 MB.

    See https://aws.amazon.com/athena/pricing/
    """
    return max(LEAST_SCAN, math.ceil(scanned_bytes / MB) * MB)


def line(item: str, name: str, quantity: float, unit: str, basis: str) -> CostItem:
    """Price a quantity.

    Args:
        item: The cost item.
        name: The name of the price in ``data/prices.json``.
        quantity: The quantity.
        unit: The price's unit.
        basis: The calculation behind the quantity.
    """
    entry = prices()[name]
    usd = entry["usd"]
    listed = f"{usd:.2f}" if usd == round(usd, 2) else f"{usd:g}"
    return CostItem(
        item=item,
        quantity=quantity,
        unit=unit,
        usd=quantity * usd,
        basis=f"{basis}; ${listed} per {entry['unit']} ({entry['date']})",
    )


def _dollars(amount: float) -> str:
    return "under one cent" if 0 < amount < 0.005 else f"${amount:,.2f}"


def price(name: str) -> float:
    """Return a list price in US dollars."""
    return prices()[name]["usd"]


@cache
def prices() -> dict[str, Price]:
    """Return all list prices, keyed by name."""
    content = resources.files("zetl_helpers").joinpath("data/prices.json").read_text(encoding="utf-8")
    prices: dict[str, Price] = json.loads(content)[PRICED_REGION]
    return prices


def price_notes(region: str) -> tuple[str, ...]:
    """Return notes with the Region of the prices and with links to the current prices.

    Args:
        region: The AWS Region of the lab.
    """
    pages = ", ".join(dict.fromkeys(entry["page"] for entry in prices().values()))
    other = (
        ()
        if region == PRICED_REGION
        else (f"The prices are for {PRICED_REGION}. Prices in {region} can differ, so check them first.",)
    )
    return (*other, f"List prices in {PRICED_REGION} as of the date in each line. Check the current prices: {pages}")
