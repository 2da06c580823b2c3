"""A lab with four tables: the course's accounts, payments and profiles, and a shop's shipments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import zetl_helpers as zetl
from zetl_helpers.lab import Lab
from zetl_helpers.payments import payments

Rows = list[tuple[Any, ...]]

COLUMNS = {
    "customeraccounts": {
        "customerid": "string", "accountnumber": "string", "state": "string", "zipcode": "string",
        "creditlimit": "double", "currentbalance": "double", "interestrate": "double",
        "lastpaymentdate": "string", "accountstatus": "string",
    },
    "payments": {
        "accountnumber": "string", "paymentid": "string", "state": "string", "category": "string",
        "amount": "double", "paidat": "string",
    },
    "profilesfull": {
        "customerid": "string", "name.given": "string", "name.family": "string", "address.city": "string",
        "address.geo.lat": "double", "verified": "boolean", "loyaltypoints": "double", "household.members": "double",
    },
    "shipments": {
        "shipment_id": "string", "carrier": "string", "origin_city": "string", "destination_city": "string",
        "weight_kg": "double", "cost": "decimal(10,2)", "parcels": "bigint", "express": "boolean",
        "status": "string", "shipped_on": "date",
    },
}  # fmt: skip


def rows() -> dict[str, Rows]:
    """Return the rows of each table."""
    return {
        "customeraccounts": [
            tuple(_value(item, name) for name in (
                "CustomerID", "AccountNumber", "State", "ZipCode", "CreditLimit", "CurrentBalance", "InterestRate",
                "LastPaymentDate", "AccountStatus",
            ))
            for item in zetl.source.items()
        ],
        "payments": [
            tuple(_value(item, name) for name in (
                "AccountNumber", "PaymentID", "State", "Category", "Amount", "PaidAt",
            ))
            for item in payments(240)
        ],
        "profilesfull": [
            ("CUST0001", "Theo", "Marchetti", "San Francisco", 37.7487, True, None, None),
            ("CUST0004", "Zoë", "Müller-Ōta", "Brooklyn", 40.6681, True, None, None),
            ("CUST0006", "Ines", "Okafor", "Seattle", None, False, None, 3.0),
            ("CUST0009", "Amara", "Whitfield", None, None, True, 9200.25, None),
            ("CUST0014", "Jonah", "Petrov", "Reno", 39.4913, None, 410.0, 1.0),
            ("CUST0023", "Lucía", "Abernathy", None, None, None, 0.0, None),
            ("CUST0027", None, None, None, None, None, None, None),
        ],
        "shipments": list(_shipments()),
    }  # fmt: skip


def _shipments() -> Iterable[tuple[Any, ...]]:
    carriers, origins = ("Northwind", "BlueLine", "Swift Freight"), ("Reno", "Denver", "Austin")
    destinations, statuses = ("Boston", "Miami", "Seattle", "Chicago"), ("Delivered", "In Transit", "Lost")
    for number in range(40):
        mixed = number * 17
        yield (
            f"SHP{number:04}", carriers[mixed % 3], origins[(mixed // 3) % 3], destinations[(mixed // 5) % 4],
            2.5 + (mixed % 23) * 1.25, Decimal(900 + (mixed * 131) % 7300) / 100, 1 + mixed % 6, mixed % 4 == 1,
            statuses[0 if mixed % 7 < 4 else 1 if mixed % 7 < 6 else 2], date(2026, 1, 5) + timedelta(days=mixed % 170),
        )  # fmt: skip


def _value(item: dict[str, dict[str, Any]], name: str) -> str | float | None:
    value = item.get(name)
    if value is None:
        return None
    return float(value["N"]) if "N" in value else str(value["S"])


def create(lab: Lab) -> None:
    """Create the lab's bucket and database, and use Athena to create and fill the tables."""
    zetl.target.create_bucket(lab)
    zetl.target.create_database(lab)
    data = rows()
    for table, columns in COLUMNS.items():
        described = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
        _run(
            lab,
            f"CREATE TABLE {lab.database}.{table} ({described}) LOCATION '{lab.location}/{table}/' "
            "TBLPROPERTIES ('table_type'='ICEBERG')",
        )
        values = ", ".join(f"({', '.join(map(_literal, row))})" for row in data[table])
        _run(lab, f"INSERT INTO {lab.database}.{table} VALUES {values}")


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).upper()
        case float():
            return f"DOUBLE '{value}'"
        case Decimal():
            return f"DECIMAL '{value}'"
        case date():
            return f"DATE '{value}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return str(value)


def _run(lab: Lab, sql: str) -> None:
    athena = lab.client("athena")
    started = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": lab.database},
        ResultConfiguration={"OutputLocation": f"s3://{lab.bucket}/athena-results/"},
    )["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            break
    assert status["State"] == "SUCCEEDED", status
