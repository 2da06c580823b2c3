"""Tests that the instructor's kit matches the notebooks."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zetl_helpers.cli import main
from zetl_helpers.course import kit
from zetl_helpers.course.kit import chapters, material, plans
from zetl_helpers.course.kit.chapters import Chapter
from zetl_helpers.course.kit.guide import _plain

pytestmark = pytest.mark.once

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    written = kit.write(NOTEBOOKS, tmp_path_factory.mktemp("kit"))
    return {page.stem: page.read_text(encoding="utf-8") for page in written}


def changed(tmp_path: Path, name: str, change: Callable[[dict[str, Any]], object]) -> Path:
    """Write a changed copy of a chapter, and return the copy's path."""
    original = next(path for path in NOTEBOOKS if path.stem == name)
    notebook = json.loads(original.read_text(encoding="utf-8"))
    change(notebook)
    copy = tmp_path / original.name
    copy.write_text(json.dumps(notebook), encoding="utf-8")
    return copy


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestChapter:
    def test_material_matches_sections(self, path: Path) -> None:
        assert material.load(chapters.read(path))

    def test_material_lists_problems_or_questions(self, path: Path) -> None:
        found = material.load(chapters.read(path)).values()
        assert any(entry.breaks or entry.asked for entry in found)

    def test_page_lists_sections_with_minutes(self, path: Path, pages: dict[str, str]) -> None:
        page = pages[path.stem]
        for section in chapters.read(path).sections:
            assert f"| {section.heading} | {section.minutes} |" in page
            assert f"\n## {section.heading}\n" in page


def test_expected_outputs_match_notebooks(pages: dict[str, str]) -> None:
    assert "\nproperties of table CustomerAccounts in database customerdb: created\n" in pages["02_integration"]


def test_expected_outputs_show_whole_rows_of_wide_tables(pages: dict[str, str]) -> None:
    assert [name for name, page in pages.items() if re.search(r"\\$", page, re.MULTILINE)] == []
    assert "\n0   CUST0001    ACC326093      CA     94110    " in pages["04_query_with_athena"]


def test_every_key_point_has_a_talking_point(tmp_path: Path, pages: dict[str, str]) -> None:
    assert all("**Say, for each point**" in pages[path.stem] for path in NOTEBOOKS)

    def add(notebook: dict[str, Any]) -> None:
        cell = next(cell for cell in notebook["cells"] if cell["metadata"].get("zetl", {}).get("kind") == "key-points")
        cell["source"].append("\n- One more.")

    with pytest.raises(kit.MaterialError, match=r"has 4 talking points for 5 key points\. Write one for each"):
        material.load(chapters.read(changed(tmp_path, "12_clean_up", add)))


def test_checkpoint_after_exercise_shows_feedback_on_answer(pages: dict[str, str]) -> None:
    assert "| feedback on their own answer |" in pages["04_query_with_athena"]


def test_kit_contains_answers_to_exercises(pages: dict[str, str]) -> None:
    assert "**A right answer**" in pages["04_query_with_athena"]
    assert pages["04_query_with_athena"].count("## Exercise") == pages["04_query_with_athena"].count("**Hints**")


def test_material_matches_chapters() -> None:
    folder = Path(material.__file__).parent / "material"
    assert [path.stem for path in sorted(folder.iterdir())] == [path.stem for path in NOTEBOOKS]


def test_reports_renamed_section(tmp_path: Path) -> None:
    def rename(notebook: dict[str, Any]) -> None:
        cell = next(cell for cell in notebook["cells"] if "".join(cell["source"]).startswith("## The history"))
        cell["source"] = ["## The past\n"]

    path = changed(tmp_path, "04_query_with_athena", rename)
    with pytest.raises(kit.MaterialError, match=r"without talking points: \['The past'\]; .*: \['The history'\]"):
        material.load(chapters.read(path))


def test_reports_chapter_without_material(tmp_path: Path) -> None:
    path = changed(tmp_path, "12_clean_up", lambda notebook: None).rename(tmp_path / "14_more.ipynb")
    with pytest.raises(kit.MaterialError, match=r"Write kit/material/14_more\.toml"):
        material.load(chapters.read(path))


@pytest.mark.parametrize(("heading", "minutes"), [("Two hours", 120), ("Half a day", 240), ("A day", 420)])
def test_plan_fills_available_time_and_includes_setup_and_slack(
    heading: str, minutes: int, pages: dict[str, str]
) -> None:
    table = pages["index"].partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d):(\d\d) \| (\d+) \| (.+?) \|", table, re.MULTILINE)
    now = 0
    for hours, rest, length, _ in rows:
        assert int(hours) * 60 + int(rest) == now
        now += int(length)
    assert now == minutes
    assert rows[0][3].startswith("Setup")
    assert rows[-1][3].startswith("12")
    slack = sum(int(length) for _, _, length, what in rows if what.startswith("Slack"))
    assert 0.15 <= slack / minutes <= 0.20
    assert f"{slack} of {minutes} minutes are slack" in table


@pytest.mark.parametrize("minutes", [120, 240, 420])
def test_plan_has_a_break_at_least_every_two_hours(minutes: int) -> None:
    slots = plans.plan([chapters.read(path) for path in NOTEBOOKS], minutes)
    since = longest = 0
    for slot in slots:
        since = 0 if slot.what == "Break" else since + slot.minutes
        longest = max(longest, since)
    assert longest <= 120


def test_suggested_cuts_are_in_the_plan_and_save_thirty_minutes() -> None:
    read = [chapters.read(path) for path in NOTEBOOKS]
    slots = plans.plan(read, 240)
    found = plans.cuts(read, slots)
    assert all(what.split(" of ", 1)[1] in {slot.what for slot in slots} for what, _ in found)
    assert sum(minutes for _, minutes in found) >= 30
    assert not any("12 ·" in what for what, _ in found)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_checkpoints_are_ten_to_fifteen_minutes_apart(path: Path) -> None:
    chapter = chapters.read(path)
    minutes = [0, *(checkpoint.minute for checkpoint in plans.checkpoints(chapter))]
    gaps = [after - before for before, after in itertools.pairwise(minutes)]
    assert all(10 <= gap <= 15 for gap in gaps[:-1])
    assert gaps[-1] <= 15
    assert minutes[-1] == chapter.minutes


def test_plan_rejects_insufficient_time() -> None:
    with pytest.raises(plans.PlanError, match=r"takes \d+ minutes, including slack, but only 30 are available"):
        plans.plan([chapters.read(path) for path in NOTEBOOKS], 30)


def test_long_plan_has_several_breaks() -> None:
    long = [Chapter(f"{n:02}", n, f"Chapter {n}", 70, "nothing", (), ()) for n in (0, 1, 2, 4, 12)]
    assert [slot.what for slot in plans.plan(long, 600)].count("Break") == 3


def test_command_writes_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NOTEBOOKS[0].parent)
    assert main(["kit", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "checklist.md").read_text().startswith("# Checklist for the end of the day")


def test_command_fails_without_notebooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["kit"]) == 1
    assert "Go to the tutorial's folder" in capsys.readouterr().err


def test_markdown_in_exercises_is_escaped() -> None:
    assert _plain('item["ShipmentID"]["S"] or a_b * 2') == r'item\["ShipmentID"\]\["S"\] or a\_b \* 2'


def test_exercise_ends_before_next_section(pages: dict[str, str]) -> None:
    exercise = pages["04_query_with_athena"].partition("Exercise 4.3")[2].partition("## Exercise 4.4")[0]
    assert "DIVISION_BY_ZERO" not in exercise


def test_checkpoint_rows_contain_no_backslashes(pages: dict[str, str]) -> None:
    rows = [row for page in pages.values() for row in re.findall(r"^\| \d+ min \|.*$", page, flags=re.MULTILINE)]
    assert rows
    assert [row for row in rows if "\\" in row] == []
