"""Ten published table designs, with made-up items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from zetl_helpers.preflight._items import Item, plain_json


@dataclass(frozen=True)
class Design:
    """A published table design.

    Args:
        name: The table's name.
        keys: The names of the key attributes, with the partition key first.
        items: The table's items in DynamoDB JSON.
        page: The page that publishes the design.
    """

    name: str
    keys: tuple[str, ...]
    items: tuple[Item, ...]
    page: str


def _design(name: str, keys: Sequence[str], page: str, *items: Mapping[str, Any]) -> Design:
    serialize = TypeSerializer().serialize
    typed = [{key: serialize(value) for key, value in item.items()} for item in items]
    return Design(name, tuple(keys), tuple(plain_json(typed)), page)


_GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"

PRODUCT_CATALOG = _design(
    "ProductCatalog", ["Id"], _GUIDE + "AppendixSampleTables.html",
    {"Id": 101, "Title": "Rivers", "ISBN": "111-0", "Authors": ["A. Ito"], "Price": 2, "Dimensions": "8 x 5",
     "PageCount": 300, "InPublication": True, "ProductCategory": "Book"},
    {"Id": 102, "Title": "Tides", "ISBN": "222-0", "Authors": ["B. Ek", "C. Roy"], "Price": 20, "InPublication": False,
     "ProductCategory": "Book"},
    {"Id": 201, "Title": "18-Bike-201", "Description": "201 description", "BicycleType": "Road", "Brand": "North",
     "Price": 100, "Color": ["Red", "Black"], "ProductCategory": "Bicycle"},
)  # fmt: skip

FORUM = _design(
    "Forum", ["Name"], _GUIDE + "AppendixSampleTables.html",
    {"Name": "Storage", "Category": "Web Services", "Threads": 2, "Messages": 4, "Views": 1000},
    {"Name": "Databases", "Category": "Web Services", "Threads": 0, "LastPostBy": None},
)  # fmt: skip

THREAD = _design(
    "Thread", ["ForumName", "Subject"], _GUIDE + "AppendixSampleTables.html",
    {"ForumName": "Databases", "Subject": "Thread 1", "Message": "First", "LastPostedBy": "User A",
     "LastPostedDateTime": "2026-09-22T19:58:22.514Z", "Views": 0, "Replies": 0, "RawResponse": 0,
     "Tags": {"index", "primarykey"}},
    {"ForumName": "Databases", "Subject": "Thread 2", "Message": "Second", "LastPostedBy": "User B",
     "LastPostedDateTime": "2026-09-15T19:58:22.514Z", "Views": 3, "Replies": 1, "RawResponse": 1, "Tags": {"items"}},
)  # fmt: skip

REPLY = _design(
    "Reply", ["Id", "ReplyDateTime"], _GUIDE + "AppendixSampleTables.html",
    {"Id": "Databases#Thread 1", "ReplyDateTime": "2026-09-15T19:58:22.947Z", "Message": "Reply 1", "PostedBy": "A"},
    {"Id": "Databases#Thread 1", "ReplyDateTime": "2026-09-22T19:58:22.947Z", "Message": "Reply 2", "PostedBy": "B"},
)  # fmt: skip

ORDERS = _design(
    "Shop", ["PK", "SK"], _GUIDE + "bp-modeling-nosql-B.html",
    {"PK": "CUSTOMER#1", "SK": "PROFILE", "name": "Ana", "email": "ana@example.com",
     "addresses": {"home": {"street": "1 Elm Street", "zip": "02139"}, "work": {"street": "2 Oak Street"}}},
    {"PK": "CUSTOMER#1", "SK": "ORDER#2026-10-01", "status": "SHIPPED", "total": Decimal("40.97"),
     "GSI1PK": "ORDER#1", "lines": [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]},
    {"PK": "CUSTOMER#2", "SK": "PROFILE", "name": "Ben", "addresses": {}},
)  # fmt: skip

REPOSITORIES = _design(
    "Repositories", ["PK", "SK"], _GUIDE + "bp-adjacency-graphs.html",
    {"PK": "REPO#ana#lake", "SK": "REPO#ana#lake", "type": "Repo", "stars": 12, "license": {"id": "mit", "open": True}},
    {"PK": "REPO#ana#lake", "SK": "ISSUE#00001", "type": "Issue", "state": "open", "stars": "n/a", "labels": {"bug"}},
    {"PK": "REPO#ana#lake", "SK": "PR#00002", "type": "PullRequest", "license": "none", "merged": False},
)  # fmt: skip

EMPLOYEES = _design(
    "Employee", ["LoginAlias"], _GUIDE + "workbench.SampleModels.html",
    {"LoginAlias": "johns", "FirstName": "John", "LastName": "Stiles", "ManagerLoginAlias": "NA",
     "Skills": ["executive assistant"], "Salary": {"amount": 5200, "currency": "USD"}},
    {"LoginAlias": "marthar", "FirstName": "Martha", "LastName": "Rivera", "ManagerLoginAlias": "johns",
     "Skills": ["software", "management", 3], "Salary": {"amount": "confidential"}},
)  # fmt: skip

SKI_LIFTS = _design(
    "SkiLifts", ["Lift", "Metadata"], _GUIDE + "workbench.SampleModels.html",
    {"Lift": "Resort Data", "Metadata": "07/03/26", "TotalUniqueLiftRiders": 7788, "AverageSnowCoverageInches": 50,
     "AvalancheDanger": "Considerable", "OpenLifts": {23, 46, 77}},
    {"Lift": "Lift 46", "Metadata": "Static Lift Data", "LiftNumber": 46, "Length": Decimal("1500.5"),
     "ExperiencedRidersOnly": True},
)  # fmt: skip

MOVIES = _design(
    "Movies", ["year", "title"], _GUIDE + "GettingStarted.html",
    {"year": 2013, "title": "Rush Hour Blues", "info": {
        "directors": ["D. Lee"], "release_date": "2013-09-02T00:00:00Z", "rating": Decimal("8.3"),
        "genres": ["Action", "Drama"], "rank": 2, "running_time_secs": 7380, "actors": ["E. Poe", "F. Cruz"]}},
    {"year": 2014, "title": "Quiet Snow", "info": {"rating": 7, "plot": "It snows.", "rank": 9, "genres": {"Drama"}}},
)  # fmt: skip

DEVICES = _design(
    "DeviceLog", ["DeviceId", "At"], _GUIDE + "bp-time-series.html",
    {"DeviceId": "d-1", "At": 1790000000, "state": {"battery": Decimal("0.81"), "gps": {"lat": 52, "lon": 13}},
     "raw": b"\x00\x01\xff", "checks": [b"a", b"b"]},
    {"DeviceId": "d-1", "At": 1790000060, "state": "offline", "serial": Decimal("12345678901234567890")},
    {"DeviceId": "d-2", "At": 1790000120, "state": {"battery": Decimal("0.5"), "gps": None, "errors": []}},
)  # fmt: skip

DESIGNS = (
    PRODUCT_CATALOG, FORUM, THREAD, REPLY, ORDERS, REPOSITORIES, EMPLOYEES, SKI_LIFTS, MOVIES, DEVICES,
)  # fmt: skip
