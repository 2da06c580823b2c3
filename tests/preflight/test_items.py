"""Tests for reading items in the formats that DynamoDB tools write."""

import gzip
import json
from pathlib import Path

import pytest

from zetl_helpers.preflight._items import UnreadableItemsError, read, size_of

pytestmark = pytest.mark.once

A, B = {"id": {"S": "a"}}, {"id": {"S": "b"}, "n": {"N": "1"}}


@pytest.mark.parametrize(
    "text",
    [
        f"{json.dumps(A)}\n\n{json.dumps(B)}\n",
        json.dumps({"Item": A}) + "\n" + json.dumps({"Item": B}),
        json.dumps([A, B]),
        json.dumps({"Items": [A, B], "Count": 2, "ScannedCount": 2}, indent=2),
        json.dumps({"Table": [{"PutRequest": {"Item": A}}, {"PutRequest": {"Item": B}}]}),
    ],
    ids=["items", "export", "array", "scan", "batch write"],
)
def test_reads_same_items_from_every_format(text: str, tmp_path: Path) -> None:
    plain, packed = tmp_path / "items.json", tmp_path / "items.json.gz"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    assert read(plain) == [A, B]
    assert read(packed) == [A, B]


def test_reads_export_from_folder(tmp_path: Path) -> None:
    data = tmp_path / "AWSDynamoDB" / "01234-abc" / "data"
    data.mkdir(parents=True)
    (data.parent / "manifest-files.json").write_text("{}")
    for name, item in (("x.json.gz", A), ("y.json.gz", B)):
        (data / name).write_bytes(gzip.compress(json.dumps({"Item": item}).encode()))
    assert read(tmp_path) == [A, B]


@pytest.mark.parametrize(
    ("text", "expected_message"),
    [
        ('{"id": "a"}', "not an item in DynamoDB JSON"),
        ('{"id": {"S": 1}}', "not an item in DynamoDB JSON"),
        (f'{json.dumps(A)}\n{{"id": {{"S": "b"}}', "line 2 is not JSON"),
        ('{"id": {"S": "a", "N": "1"}}', "not an item in DynamoDB JSON"),
        (json.dumps({"Metadata": {}, "Keys": A, "NewImage": A}), "incremental export"),
        ("[3]", "entry 1 is not an item"),
    ],
)
def test_reports_entries_that_are_not_items(text: str, expected_message: str, tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    path.write_text(text)
    with pytest.raises(UnreadableItemsError, match=expected_message):
        read(path)


def test_reports_missing_file_and_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UnreadableItemsError, match="no file or folder"):
        read(tmp_path / "none.json")
    with pytest.raises(UnreadableItemsError, match="no data files"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"id": {"S": "abc"}}, 5),
        ({"ü": {"S": "ü"}}, 4),
        ({"n": {"N": "0"}}, 2),
        ({"n": {"N": "-123.450"}}, 6),
        ({"b": {"B": "AAE="}}, 3),
        ({"t": {"BOOL": True}, "u": {"NULL": True}}, 4),
        ({"s": {"SS": ["a", "bc"]}}, 4),
        ({"m": {"M": {"k": {"S": "v"}}}}, 1 + 3 + 1 + 2),
        ({"l": {"L": [{"S": "v"}]}}, 1 + 3 + 1 + 1),
    ],
)
def test_item_sizes_match_dynamodb(item: dict[str, dict[str, object]], size: int) -> None:
    assert size_of(item) == size
