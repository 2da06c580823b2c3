"""Tests that the sample data matches the chapters, the charts and the README."""

import base64
import json
import re
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

DATA = Path(__file__).parents[1] / "sample_data"
NINE = {
    "CustomerID": "S",
    "AccountNumber": "S",
    "State": "S",
    "ZipCode": "S",
    "CreditLimit": "N",
    "CurrentBalance": "N",
    "InterestRate": "N",
    "LastPaymentDate": "S",
    "AccountStatus": "S",
}
SEVEN = {
    "Email": "S",
    "PhoneNumber": "S",
    "CustomerSince": "S",
    "PreferredContact": "S",
    "RewardPoints": "N",
    "CreditScore": "N",
    "PaperlessBilling": "BOOL",
}


def read(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def items(name: str, table: str = "CustomerAccounts") -> list[dict[str, Any]]:
    return [request["PutRequest"]["Item"] for request in read(name)[table]]


def accounts() -> list[dict[str, Any]]:
    return items("items_1.json") + items("items_2.json")


def types(item: dict[str, Any]) -> dict[str, str]:
    return {name: next(iter(value)) for name, value in item.items()}


def text(item: dict[str, Any], name: str) -> str:
    (value,) = item[name].values()
    return str(value)


def with_bytes(value: Any) -> Any:
    """Return a value for boto3, with binary values as bytes instead of base64."""
    if isinstance(value, list):
        return [with_bytes(element) for element in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"B"}:
        return {"B": base64.b64decode(value["B"], validate=True)}
    if set(value) == {"BS"}:
        return {"BS": [base64.b64decode(element, validate=True) for element in value["BS"]]}
    return {name: with_bytes(member) for name, member in value.items()}


def validation_errors(operation: str, arguments: dict[str, Any]) -> str:
    """Return botocore's validation errors for the arguments of a DynamoDB operation, or an empty string."""
    model = botocore.session.get_session().get_service_model("dynamodb")
    report = ParamValidator().validate(arguments, model.operation_model(operation).input_shape)
    return str(report.generate_report())


@pytest.mark.parametrize("name", ["items_1.json", "items_2.json"])
def test_batch_is_a_valid_batch_write_of_25_items(name: str) -> None:
    assert len(items(name)) == 25
    assert validation_errors("BatchWriteItem", {"RequestItems": read(name)}) == ""


@pytest.mark.parametrize("name", ["table.json", "nested_table.json"])
def test_table_definition_is_valid_and_on_demand(name: str) -> None:
    assert validation_errors("CreateTable", read(name)) == ""
    assert read(name)["BillingMode"] == "PAY_PER_REQUEST"


def test_table_keys_match_blog() -> None:
    keys = {key["AttributeName"]: key["KeyType"] for key in read("table.json")["KeySchema"]}
    assert keys == {"CustomerID": "HASH", "AccountNumber": "RANGE"}


def test_accounts_have_nine_attributes_with_correct_types() -> None:
    assert all(types(item) == NINE for item in accounts())


def test_customer_ids_run_from_1_to_51_except_26() -> None:
    assert [text(item, "CustomerID") for item in accounts()] == [
        f"CUST{number:04}" for number in range(1, 52) if number != 26
    ]


def test_account_numbers_are_unique() -> None:
    numbers = [text(item, "AccountNumber") for item in accounts()]
    added = read("changes.json")["put_item"]["Item"]
    assert len({*numbers, text(added, "AccountNumber")}) == 51
    assert all(re.fullmatch(r"ACC\d{6}", number) for number in numbers)


def test_accounts_differ_in_more_than_their_keys() -> None:
    rest = [tuple(text(item, name) for name in list(NINE)[2:]) for item in accounts()]
    assert len(set(rest)) == len(rest)


def test_values_are_plausible() -> None:
    for item in accounts():
        balance, limit = Decimal(text(item, "CurrentBalance")), Decimal(text(item, "CreditLimit"))
        assert re.fullmatch(r"\d{5}", text(item, "ZipCode"))
        assert date(2026, 1, 1) <= date.fromisoformat(text(item, "LastPaymentDate")) <= date(2026, 10, 31)
        assert 0 <= balance < limit
        assert (balance == 0) == (text(item, "AccountStatus") == "Closed")
        assert 10 < Decimal(text(item, "InterestRate")) < 30


def test_each_zip_code_belongs_to_one_state() -> None:
    states: dict[str, set[str]] = {}
    for item in accounts():
        states.setdefault(text(item, "ZipCode"), set()).add(text(item, "State"))
    assert all(len(found) == 1 for found in states.values())


def test_first_batch_is_varied_enough_for_charts() -> None:
    first = items("items_1.json")
    cells = Counter((text(item, "State"), text(item, "AccountStatus")) for item in first)
    assert len({state for state, _ in cells}) >= 8
    assert {status for _, status in cells} == {"Active", "Past Due", "Closed"}
    assert len(set(cells.values())) >= 3
    late = Counter(text(item, "ZipCode") for item in first if text(item, "AccountStatus") == "Past Due")
    assert max(late.values()) > min(late.values())


@pytest.mark.parametrize(
    ("operation", "part"),
    [("PutItem", "put_item"), ("UpdateItem", "update_item"), ("DeleteItem", "delete_item")],
)
def test_changes_are_valid_requests_with_a_table(operation: str, part: str) -> None:
    arguments = read("changes.json")[part]
    assert "TableName" not in arguments
    assert validation_errors(operation, {"TableName": "CustomerAccounts", **arguments}) == ""


def test_put_adds_customer_with_seven_new_attributes() -> None:
    item = read("changes.json")["put_item"]["Item"]
    assert (text(item, "CustomerID"), text(item, "AccountNumber")) == ("CUST0026", "ACC839001")
    assert types(item) == NINE | SEVEN


def test_update_sets_the_seven_attributes() -> None:
    update = read("changes.json")["update_item"]
    names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
    assignments = update["UpdateExpression"].removeprefix("SET ").split(", ")
    assert assignments == [f"{name} = :{name[1:]}" for name in names]
    assert {names[f"#{key[1:]}"]: next(iter(value)) for key, value in values.items()} == SEVEN
    assert update["Key"] == {name: items("items_1.json")[0][name] for name in ("CustomerID", "AccountNumber")}
    assert text(update["Key"], "AccountNumber") == "ACC326093"


def test_delete_removes_customer_from_first_batch() -> None:
    key = read("changes.json")["delete_item"]["Key"]
    assert key == {name: items("items_1.json")[1][name] for name in ("CustomerID", "AccountNumber")}
    assert (text(key, "CustomerID"), text(key, "AccountNumber")) == ("CUST0002", "ACC578303")


def test_contacts_are_fictitious() -> None:
    for name in ("changes.json", "nested_items.json"):
        content = (DATA / name).read_text(encoding="utf-8")
        assert set(re.findall(r"@[\w.-]+", content)) == {"@example.com"}
        assert all(re.fullmatch(r"\d{3}-555-01\d\d", phone) for phone in re.findall(r"\d{3}-\d{3}-\d{4}", content))


def test_nested_items_contain_every_dynamodb_type() -> None:
    found: set[str] = set()

    def visit(value: dict[str, Any]) -> None:
        ((kind, content),) = value.items()
        found.add(kind)
        for member in content.values() if kind == "M" else content if kind == "L" else ():
            visit(member)

    profiles = items("nested_items.json", "CustomerProfiles")
    for profile in profiles:
        for value in profile.values():
            visit(value)
    assert found == {"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}
    assert len({text(profile, "CustomerID") for profile in profiles}) == len(profiles) == 7


def test_nested_items_are_a_valid_batch_write() -> None:
    assert validation_errors("BatchWriteItem", {"RequestItems": with_bytes(read("nested_items.json"))}) == ""


def test_readme_describes_every_file() -> None:
    described = (DATA / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in described for path in DATA.glob("*.json"))
