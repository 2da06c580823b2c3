"""Tests for preflight's findings, recommendations and output."""

import json
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from zetl_helpers import cli, preflight
from zetl_helpers._errors import UserError
from zetl_helpers.preflight import Report
from zetl_helpers.preflight._items import Item
from zetl_helpers.preflight._partitions import candidates

pytestmark = pytest.mark.once

PK = {"pk": {"S": "1"}}
ALL, UNTAGGED = {"FULL", "TOPLEVEL", "NOUNNEST"}, {"FULL", "TOPLEVEL"}


def codes(report: Report, severity: str) -> set[str]:
    return {finding.code for finding in report.findings if finding.severity == severity}


@pytest.mark.parametrize(
    ("items", "severity", "code", "modes"),
    [
        ([{**PK, "a:b": {"S": "x"}}], "error", "UNSUPPORTED_COLUMN_NAME", ALL),
        ([{**PK, "a": {"M": {"b:c": {"S": "x"}}}}], "error", "UNSUPPORTED_COLUMN_NAME", ALL),
        ([{**PK, "a": {"S": "x"}, "A": {"S": "x"}}], "error", "COLUMN_NAME_CONFLICT", ALL),
        ([{**PK, "a.b": {"S": "x"}, "a": {"M": {"b": {"S": "x"}}}}], "error", "COLUMN_NAME_CONFLICT", UNTAGGED),
        ([{**PK, "PK": {"S": "x"}}], "error", "COLUMN_NAME_CONFLICT", UNTAGGED),
        ([{**PK, **{f"a{n}": {"N": "1"} for n in range(1000)}}], "error", "TOO_MANY_COLUMNS", UNTAGGED),
        ([{**PK, "big": {"S": "x" * 410_000}}], "error", "ITEM_TOO_LARGE", set()),
        ([{**PK, "n": {"N": "1" * 39}}], "error", "NUMBER_NOT_SUPPORTED", set()),
        ([{**PK, "n": {"N": "12345678901234567890"}}], "warning", "NUMBER_PRECISION", set()),
        ([{**PK, "n": {"NS": ["0.1", "12345678901234567890"]}}], "warning", "NUMBER_PRECISION", set()),
        ([{**PK, "n": {"N": "1"}}, {"pk": {"S": "2"}, "n": {"S": "?"}}], "warning", "MIXED_TYPES", UNTAGGED),
        ([{**PK, "l": {"L": [{"N": "1"}]}}], "info", "LIST_ELEMENTS_ARE_TEXT", set()),
        ([{**PK, "gone": {"NULL": True}}], "info", "NO_COLUMN", set()),
        ([{**PK, "m": {"M": {}}}], "info", "NO_COLUMN", set()),
        ([{"pk": {"N": "1"}}], "info", "KEY_NOT_BUCKETED", set()),
        ([], "warning", "TABLE_EMPTY", set()),
    ],
)  # fmt: skip
def test_finding_has_code_severity_and_modes(items: Sequence[Item], severity: str, code: str, modes: set[str]) -> None:
    report = preflight.of_items(items, keys=["pk"])
    found = [finding for finding in report.findings if finding.code == code]
    assert found
    assert {finding.severity for finding in found} == {severity}
    assert {mode for finding in found for mode in finding.modes} == modes


@pytest.mark.parametrize("key", ["value", "Value"])
def test_key_named_value_requires_a_different_unnest_mode(key: str) -> None:
    report = preflight.of_items([{key: {"S": "a"}, "x": {"N": "1"}}], keys=[key])
    (conflict,) = [finding for finding in report.findings if finding.code == "COLUMN_NAME_CONFLICT"]
    assert conflict.modes == ("NOUNNEST",)
    assert conflict.message.startswith(f"{key} and all other attributes would have the same name in the target")
    assert conflict.message.endswith("Use another unnest mode.")


def test_plain_table_is_ready_without_findings() -> None:
    report = preflight.of_items([{**PK, "city": {"S": "Oslo"}, "n": {"N": "1.5"}}], keys=["pk"])
    assert codes(report, "error") == codes(report, "warning") == set()
    assert report.ready
    assert report.columns() == {"pk": "string", "city": "string", "n": "double"}


def test_table_is_ready_if_one_mode_has_no_errors() -> None:
    wide = preflight.of_items([{**PK, **{f"a{n}": {"N": "1"} for n in range(1000)}}], keys=["pk"])
    colon = preflight.of_items([{**PK, "a:b": {"S": "x"}}], keys=["pk"])
    assert (wide.ready, colon.ready) == (True, False)


@pytest.mark.parametrize(
    ("items", "keys"),
    [
        ([{"name": {"S": "a"}, "PK": {"S": "1"}, "SK": {"S": "2"}}], {"PK": "S", "SK": "S"}),
        ([{"id": {"N": "1"}, "v": {"S": "x"}}, {"id": {"N": "2"}, "v": {"S": "x"}}], {"id": "N"}),
        ([{"a": {"S": "1"}, "b": {"S": "1"}}, {"a": {"S": "1"}, "b": {"S": "2"}}, {"a": {"S": "2"}, "b": {"S": "1"}}],
         {"a": "S", "b": "S"}),
    ],
)  # fmt: skip
def test_guesses_keys_and_says_so(items: Sequence[Item], keys: dict[str, str]) -> None:
    report = preflight.of_items(items)
    assert report.keys == keys
    assert "KEYS_GUESSED" in codes(report, "info")


def test_reports_item_without_key() -> None:
    with pytest.raises(UserError, match="Item 2 has no valid key pk"):
        preflight.of_items([PK, {"other": {"S": "x"}}], keys=["pk"])
    with pytest.raises(UserError, match="The key cannot be guessed"):
        preflight.of_items([{"a": {"BOOL": True}}])


SHIPMENTS = Path(__file__).parents[2] / "sample_data" / "shipments.json"


def test_finds_the_five_problems_in_the_sample() -> None:
    report = preflight.of_file(SHIPMENTS)
    assert codes(report, "error") == {"COLUMN_NAME_CONFLICT", "UNSUPPORTED_COLUMN_NAME"}
    assert codes(report, "warning") == {"MIXED_TYPES", "NUMBER_PRECISION"}
    mixed = [finding.message.split()[0] for finding in report.findings if finding.code == "MIXED_TYPES"]
    assert mixed == ["WeightKg", "Tracking"]
    (time,) = [each for each in report.partitions if each.spec["FieldName"] == "ShippedAt"]
    assert "Items without this attribute: 1 of 40" in time.reason


def rows(*values: str, tag: str = "S") -> list[dict[str, Any]]:
    return [{"pk": {"S": str(number)}, "at": {tag: value}} for number, value in enumerate(values)]


GB = 2**30


def test_recommends_partitioning_by_day_when_partitions_are_large_enough() -> None:
    items = rows(*(f"2026-{month:02}-{day:02}T10:00:00Z" for month in (1, 2) for day in range(1, 29)))
    best = candidates(items, ["pk"], 56 * GB)[0]
    assert best.spec == {"FieldName": "at", "FunctionSpec": "day", "ConversionSpec": "iso"}
    assert (best.partitions, best.fits) == (56, True)


def test_recommends_partitioning_by_month_when_daily_partitions_are_too_small() -> None:
    items = rows(*(f"2026-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 29)))
    assert candidates(items, ["pk"], GB)[0].spec["FunctionSpec"] == "month"


@pytest.mark.parametrize(
    ("values", "conversion"),
    [(("1767225600", "1769904000"), "epoch_sec"), (("1767225600000", "1769904000000"), "epoch_milli")],
)
@pytest.mark.parametrize("tag", ["N", "S"])
def test_recognizes_epoch_timestamps(values: tuple[str, ...], conversion: str, tag: str) -> None:
    assert candidates(rows(*values, tag=tag), ["pk"], 10 * GB)[0].spec["ConversionSpec"] == conversion


def test_recommends_identity_partitioning_for_few_values() -> None:
    items = rows(*["north", "south"] * 10)
    assert candidates(items, ["pk"], 10 * GB)[0].spec == {"FieldName": "at", "FunctionSpec": "identity"}


@pytest.mark.parametrize(
    ("items", "size", "reason"),
    [
        (rows("2026-01-01", "2026-02-01"), 1000, "smaller than 64 MB are inefficient"),
        (rows("2026-01-01", "2026-01-01"), 10 * GB, "one partition"),
        (rows(*["a"] * 19, "b"), 10 * GB, "95% of the items"),
    ],
)
def test_explains_why_partitioning_is_not_suitable(items: Sequence[Item], size: int, reason: str) -> None:
    (found,) = [each for each in candidates(items, ["pk"], size) if each.spec["FieldName"] == "at"]
    assert not found.fits
    assert reason in found.reason


def test_attribute_missing_from_an_item_is_not_suitable_for_partitioning() -> None:
    (found,) = candidates([*rows("2026-01-01", "2026-02-01"), {"pk": {"S": "x"}}], ["pk"], 10 * GB)
    assert not found.fits
    assert "Items without this attribute: 1 of 3" in found.reason


class PageText(HTMLParser):
    """An HTML parser that collects the elements and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_page_escapes_attribute_names() -> None:
    name = "<script>alert(1)</script>"
    page = PageText(preflight.of_items([{**PK, name: {"S": "x"}}], name=name, keys=["pk"]).page())
    assert "script" not in page.elements
    assert name in page.texts


def test_command_prints_text_json_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = tmp_path / "items.json"
    items.write_text(json.dumps({**PK, "a": {"M": {"b": {"N": "1"}}}}))
    page = tmp_path / "page.html"

    assert cli.main(["preflight", "--file", str(items), "--keys", "pk", "--page", str(page)]) == 0
    assert "UnnestSpec FULL" in capsys.readouterr().out
    assert cli.main(["preflight", "--file", str(items), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["columns"]["FULL"][1] == {"name": "a.b", "type": "double", "source": "a{b}"}
    assert {"severity", "code", "message"} <= printed["findings"][0].keys()
    assert "a.b" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "expected_message"),
    [
        (["--file", "nothing.json"], "no file or folder"),
        (["--file", "items.json", "--refresh", "3"], "15"),
        (["--file", "items.json", "--page", "no/such/folder.html"], "cannot be written"),
    ],
)
def test_command_reports_errors(
    arguments: list[str],
    expected_message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("items.json").write_text(json.dumps(PK))
    assert cli.main(["preflight", *arguments]) == 1
    assert expected_message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected_message"),
    [
        (["MyTable", "--keys", "pk"], "argument --keys: not allowed with argument TABLE"),
        (["--file", "items.json", "--sample", "5"], "argument --sample: not allowed with argument --file"),
        (["--file", "items.json", "--sample", "10000"], "argument --sample: not allowed with argument --file"),
    ],
)
def test_command_rejects_options_without_effect(
    arguments: list[str], expected_message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["preflight", *arguments])
    assert stopped.value.code == 2
    assert expected_message in capsys.readouterr().err
