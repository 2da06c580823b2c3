"""Tests that compare preflight's predictions with the columns and problems that the local zero-ETL service produces."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from local_lakehouse.lakehouse import Lakehouse
from local_lakehouse.testing import Clock, TestLakehouse
from local_lakehouse.zero_etl.problems import FailedForGoodError, NeedsAttentionError
from local_lakehouse.zero_etl.schemas import check_names, evolved
from local_lakehouse.zero_etl.typed import typed
from local_lakehouse.zero_etl.unnest import Column, unnest
from tests.preflight.table_designs import DESIGNS, Design
from zetl_helpers import preflight
from zetl_helpers.preflight._columns import MODES, layout
from zetl_helpers.preflight._items import Item
from zetl_helpers.preflight._shapes import survey


@pytest.fixture
def account(lakehouse: Lakehouse) -> TestLakehouse:
    """Provide a running lakehouse, and a clock that the tests control."""
    return TestLakehouse(lakehouse, Clock())


def create(account: TestLakehouse, design: Design, name: str) -> None:
    """Create a design's table with its items, and enable point-in-time recovery."""
    dynamodb = account.client("dynamodb")
    kinds = {key: next(iter(design.items[0][key])) for key in design.keys}
    roles = zip(design.keys, ("HASH", "RANGE"), strict=False)
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in roles],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in kinds.items()],
    )  # fmt: skip
    dynamodb.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for item in design.items:
        dynamodb.put_item(TableName=name, Item=bytes_of(item))


def bytes_of(item: Item) -> dict[str, Any]:
    """Convert an item for boto3, with binary values as bytes."""
    import base64

    def value(tagged: Mapping[str, Any]) -> dict[str, Any]:
        ((tag, content),) = tagged.items()
        match tag:
            case "B":
                return {tag: base64.b64decode(content)}
            case "BS":
                return {tag: [base64.b64decode(each) for each in content]}
            case "M":
                return {tag: {name: value(each) for name, each in content.items()}}
            case "L":
                return {tag: [value(each) for each in content]}
            case _:
                return {tag: content}

    return {name: value(each) for name, each in item.items()}


def columns(account: TestLakehouse, database: str, table: str) -> dict[str, str]:
    """Return the target's columns from the Data Catalog."""
    found = account.client("glue").get_table(DatabaseName=database, Name=table)["Table"]
    return {column["Name"]: column["Type"] for column in found["StorageDescriptor"]["Columns"]}


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_predicted_columns_match_service(design: Design, account: TestLakehouse) -> None:
    report = preflight.of_items(design.items, name=design.name, keys=design.keys)
    glue = account.client("glue")
    for mode in MODES:
        table, database = f"{design.name}-{mode}", f"db_{mode.lower()}"
        create(account, design, table)
        target = account.create_database(database)
        glue.create_integration_table_properties(
            ResourceArn=target, TableName=table, TargetTableConfig={"UnnestSpec": mode}
        )
        account.integrate(table, database)
        (created,) = glue.get_tables(DatabaseName=database)["TableList"]
        assert ordered(report.columns(mode)) == ordered(columns(account, database, created["Name"]))


def ordered(found: Mapping[str, str]) -> dict[str, str]:
    """Return types with struct fields sorted by name, because the field order depends on the order of the items."""
    return {name: _ordered(kind) for name, kind in found.items()}


def _ordered(kind: str) -> str:
    if not kind.startswith("struct<"):
        return kind
    fields, depth, start = [], 0, len("struct<")
    for position, letter in enumerate(kind):
        depth += (letter == "<") - (letter == ">")
        if (letter == "," and depth == 1) or (letter == ">" and depth == 0):
            name, _, inner = kind[start:position].partition(":")
            fields.append(f"{name}:{_ordered(inner)}")
            start = position + 1
    return f"struct<{','.join(sorted(fields))}>"


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_report_for_table_matches_report_for_items(design: Design, account: TestLakehouse) -> None:
    create(account, design, design.name)
    report = preflight.of_table(_Account(account), design.name)  # type: ignore[arg-type]
    expected = preflight.of_items(design.items, name=design.name, keys=design.keys)
    assert {mode: sorted(report.columns(mode)) for mode in MODES} == {
        mode: sorted(expected.columns(mode)) for mode in MODES
    }
    assert {finding.code for finding in report.findings} >= {"SOURCE_ACCESS_DENIED"}
    assert "POINT_IN_TIME_RECOVERY_DISABLED" not in {finding.code for finding in report.findings}


class _Account:
    """A lab with only the parts that preflight uses."""

    def __init__(self, account: TestLakehouse) -> None:
        self.client, self.region, self.account = account.client, account.region, account.account


# The names include every kind of conflict, and the values include every type.
NAMES = st.sampled_from(["a", "A", "b", "a.b", "c:d", "value", "S"])
NUMBERS = st.sampled_from(["0", "1", "-2.5", "1E+3"])
VALUES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of(
        st.builds(lambda text: {"S": text}, st.sampled_from(["", "x"])),
        st.builds(lambda number: {"N": number}, NUMBERS),
        st.builds(lambda truth: {"BOOL": truth}, st.booleans()),
        st.just({"NULL": True}),
        st.just({"B": "AAE="}),
        st.just({"SS": ["p", "q"]}),
        st.just({"NS": ["1", "2"]}),
        st.just({"BS": ["AA=="]}),
    ),
    lambda inner: st.one_of(
        st.builds(lambda members: {"M": members}, st.dictionaries(NAMES, inner, max_size=3)),
        st.builds(lambda elements: {"L": elements}, st.lists(inner, max_size=2)),
    ),
    max_leaves=6,
)
ITEMS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=5).map(
    lambda rows: [{**row, "pk": {"S": str(number)}} for number, row in enumerate(rows)]
)


@given(ITEMS, st.sampled_from(MODES))
def test_predicts_columns_and_problems_for_any_items(items: list[Item], mode: str) -> None:
    predicted = layout(survey(items, {"pk": "S"}), mode)
    actual = unnest(typed(items), {"pk": "S"}, mode).columns
    assert [(column.name, column.type) for column in predicted.columns] == [
        (column.name, catalog_type(column.values.type)) for column in actual
    ]
    assert problem_of(actual, mode) in {
        *(["COLUMN_NAME_CONFLICT"] if predicted.clashes else []),
        *(["UNSUPPORTED_COLUMN_NAME"] if predicted.colons else []),
        *([""] if not predicted.clashes and not predicted.colons else []),
    }


def problem_of(columns: Sequence[Column], mode: str) -> str:
    """Return the code of the service's first problem with columns, or an empty string if there is none."""
    try:
        check_names(columns, {}, mode)
        evolved(columns, None, 0)
    except NeedsAttentionError as error:
        return error.problems[0].code
    except FailedForGoodError as error:
        return error.problem.code
    return ""


def catalog_type(arrow: pa.DataType) -> str:
    """Return an Arrow type in the notation that the Data Catalog uses."""
    if pa.types.is_struct(arrow):
        return f"struct<{','.join(f'{field.name}:{catalog_type(field.type)}' for field in arrow)}>"
    if pa.types.is_list(arrow):
        return f"array<{catalog_type(arrow.value_type)}>"
    names = {"string": "string", "double": "double", "bool": "boolean", "binary": "binary"}
    return names[re.sub(r"large_", "", str(arrow))]
