"""Rows in TPC-H's shape, drawn at random: the same ones for the same size."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa

_NATIONS = [
    "ALGERIA",
    "ARGENTINA",
    "BRAZIL",
    "CANADA",
    "EGYPT",
    "ETHIOPIA",
    "FRANCE",
    "GERMANY",
    "INDIA",
    "INDONESIA",
    "IRAN",
    "IRAQ",
    "JAPAN",
    "JORDAN",
    "KENYA",
    "MOROCCO",
    "MOZAMBIQUE",
    "PERU",
    "CHINA",
    "ROMANIA",
    "SAUDI_ARABIA",
    "VIETNAM",
    "RUSSIA",
    "UNITED_KINGDOM",
    "UNITED_STATES",
]
_NATION_REGIONS = (0, 1, 1, 1, 4, 0, 3, 3, 2, 2, 4, 4, 2, 4, 0, 0, 0, 1, 2, 3, 4, 2, 3, 3, 1)
_REGIONS = ("AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST")
_COLOURS = [
    "almond",
    "azure",
    "beige",
    "black",
    "blue",
    "brown",
    "coral",
    "cream",
    "forest",
    "green",
    "ivory",
    "khaki",
    "lemon",
    "linen",
    "maroon",
    "navy",
]
_START = date(1992, 1, 1)
_MONEY = pa.decimal128(15, 2)


def _money(chance: random.Random, low: int, high: int) -> Decimal:
    return Decimal(chance.randint(low * 100, high * 100)) / 100


def _table(columns: dict[str, tuple[pa.DataType, list[object]]]) -> pa.Table:
    return pa.table({name: pa.array(values, type_) for name, (type_, values) in columns.items()})


def tables(orders: int) -> dict[str, pa.Table]:
    """Return the eight tables, sized by the number of orders."""
    chance = random.Random(orders)  # noqa: S311 - the same rows at every run, not secrets
    suppliers, parts, customers = max(20, orders // 150), max(60, orders // 8), max(30, orders // 10)
    return {
        "region": _table({"r_regionkey": (pa.int32(), list(range(5))), "r_name": (pa.string(), list(_REGIONS))}),
        "nation": _table(
            {
                "n_nationkey": (pa.int32(), list(range(25))),
                "n_name": (pa.string(), [name.replace("_", " ") for name in _NATIONS]),
                "n_regionkey": (pa.int32(), list(_NATION_REGIONS)),
            }
        ),
        "supplier": _suppliers(chance, suppliers),
        "part": _parts(chance, parts),
        "partsupp": _partsupps(chance, parts, suppliers),
        "customer": _customers(chance, customers),
        **_orders(chance, orders, customers, parts, suppliers),
    }


def _suppliers(chance: random.Random, count: int) -> pa.Table:
    keys = range(1, count + 1)
    return _table(
        {
            "s_suppkey": (pa.int64(), list(keys)),
            "s_name": (pa.string(), [f"Supplier#{key:09}" for key in keys]),
            "s_address": (pa.string(), [f"street {key}" for key in keys]),
            "s_nationkey": (pa.int32(), [key % 25 for key in keys]),
            "s_phone": (pa.string(), [f"{10 + key % 25}-555-{key:04}" for key in keys]),
            "s_acctbal": (_MONEY, [_money(chance, -999, 9999) for _ in keys]),
            "s_comment": (pa.string(), ["the Customer Complaints" if key % 9 == 0 else "quick" for key in keys]),
        }
    )


def _parts(chance: random.Random, count: int) -> pa.Table:
    keys = range(1, count + 1)
    kinds = [
        f"{a} {b} {c}"
        for a in ("STANDARD", "SMALL", "MEDIUM", "ECONOMY", "PROMO")
        for b in ("ANODIZED", "POLISHED", "PLATED")
        for c in ("STEEL", "BRASS", "TIN")
    ]
    containers = [f"{a} {b}" for a in ("SM", "MED", "LG") for b in ("CASE", "BOX", "PACK", "PKG", "BAG")]
    return _table(
        {
            "p_partkey": (pa.int64(), list(keys)),
            "p_name": (pa.string(), [" ".join(chance.sample(_COLOURS, 3)) for _ in keys]),
            "p_mfgr": (pa.string(), [f"Manufacturer#{chance.randint(1, 5)}" for _ in keys]),
            "p_brand": (pa.string(), [f"Brand#{chance.choice((12, 23, 34, 45))}" for _ in keys]),
            "p_type": (pa.string(), [chance.choice(kinds) for _ in keys]),
            "p_size": (pa.int32(), [chance.choice((1, 3, 5, 9, 14, 15, 23, 45, 49)) for _ in keys]),
            "p_container": (pa.string(), [chance.choice(containers) for _ in keys]),
            "p_retailprice": (_MONEY, [_money(chance, 900, 2000) for _ in keys]),
        }
    )


def _partsupps(chance: random.Random, parts: int, suppliers: int) -> pa.Table:
    pairs = [(part, 1 + (part + step * 5) % suppliers) for part in range(1, parts + 1) for step in range(4)]
    return _table(
        {
            "ps_partkey": (pa.int64(), [part for part, _ in pairs]),
            "ps_suppkey": (pa.int64(), [supplier for _, supplier in pairs]),
            "ps_availqty": (pa.int32(), [chance.randint(1, 9999) for _ in pairs]),
            "ps_supplycost": (_MONEY, [_money(chance, 1, 1000) for _ in pairs]),
        }
    )


def _customers(chance: random.Random, count: int) -> pa.Table:
    keys = range(1, count + 1)
    segments = ("AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY")
    return _table(
        {
            "c_custkey": (pa.int64(), list(keys)),
            "c_name": (pa.string(), [f"Customer#{key:09}" for key in keys]),
            "c_address": (pa.string(), [f"road {key}" for key in keys]),
            "c_nationkey": (pa.int32(), [chance.randint(0, 24) for _ in keys]),
            "c_phone": (pa.string(), [f"{10 + key % 25}-555-{key:04}" for key in keys]),
            "c_acctbal": (_MONEY, [_money(chance, -999, 9999) for _ in keys]),
            "c_mktsegment": (pa.string(), [chance.choice(segments) for _ in keys]),
        }
    )


def _orders(chance: random.Random, count: int, customers: int, parts: int, suppliers: int) -> dict[str, pa.Table]:
    keys = range(1, count + 1)
    days = [_START + timedelta(days=chance.randint(0, 2400)) for _ in keys]
    priorities = ("1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW")
    orders = _table(
        {
            "o_orderkey": (pa.int64(), list(keys)),
            "o_custkey": (pa.int64(), [chance.randint(1, max(1, customers * 2 // 3)) for _ in keys]),
            "o_orderstatus": (pa.string(), [chance.choice("OFP") for _ in keys]),
            "o_totalprice": (_MONEY, [_money(chance, 1000, 400000) for _ in keys]),
            "o_orderdate": (pa.date32(), list(days)),
            "o_orderpriority": (pa.string(), [chance.choice(priorities) for _ in keys]),
            "o_shippriority": (pa.int32(), [0 for _ in keys]),
            "o_comment": (pa.string(), ["a special few requests" if key % 7 == 0 else "carefully" for key in keys]),
        }
    )
    lines = [(key, number) for key in keys for number in range(chance.randint(1, 7))]
    made = [chance.randint(1, parts) for _ in lines]
    shipped = [days[key - 1] + timedelta(days=chance.randint(1, 121)) for key, _ in lines]
    return {
        "orders": orders,
        "lineitem": _table(
            {
                "l_orderkey": (pa.int64(), [key for key, _ in lines]),
                "l_partkey": (pa.int64(), list(made)),
                "l_suppkey": (pa.int64(), [1 + (part + chance.randint(0, 3) * 5) % suppliers for part in made]),
                "l_linenumber": (pa.int32(), [number for _, number in lines]),
                "l_quantity": (_MONEY, [Decimal(chance.randint(1, 50)) for _ in lines]),
                "l_extendedprice": (_MONEY, [_money(chance, 900, 100000) for _ in lines]),
                "l_discount": (_MONEY, [Decimal(chance.randint(0, 10)) / 100 for _ in lines]),
                "l_tax": (_MONEY, [Decimal(chance.randint(0, 8)) / 100 for _ in lines]),
                "l_returnflag": (pa.string(), [chance.choice("ARN") for _ in lines]),
                "l_linestatus": (pa.string(), [chance.choice("OF") for _ in lines]),
                "l_shipdate": (pa.date32(), list(shipped)),
                "l_commitdate": (pa.date32(), [day + timedelta(days=chance.randint(-30, 60)) for day in shipped]),
                "l_receiptdate": (pa.date32(), [day + timedelta(days=chance.randint(1, 30)) for day in shipped]),
                "l_shipinstruct": (pa.string(), [chance.choice(("DELIVER IN PERSON", "NONE")) for _ in lines]),
                "l_shipmode": (pa.string(), [chance.choice(("AIR", "AIR REG", "MAIL", "SHIP", "RAIL")) for _ in lines]),
            }
        ),
    }
