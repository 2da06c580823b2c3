"""Tests for stored notebooks, with rules that nbval does not check."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks import gallery

pytestmark = pytest.mark.once

NOTEBOOKS = sorted((Path(__file__).parent.parent.parent / "notebooks").glob("*.ipynb"))
NAMES = [
    "00_start_here", "01_setup", "02_integration", "03_studio", "04_query_with_athena", "05_visualize",
    "06_schema_evolution", "07_time_travel", "08_monitor", "09_break_and_repair", "10_nested_data", "11_scale",
    "12_clean_up", "13_your_own_table",
]  # fmt: skip


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


def test_all_chapters_exist() -> None:
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebook:
    def test_cells_were_run_in_order(self, path: Path) -> None:
        counts = [cell["execution_count"] for cell in cells(path, "code")]
        assert counts == list(range(1, len(counts) + 1)), f"run zetl run --store {path.stem[:2]}"

    def test_no_cell_is_excluded_from_comparison(self, path: Path) -> None:
        for cell in cells(path, "code"):
            assert not cell["metadata"].get("tags")
            assert "nbval" not in "".join(cell["source"]).lower()

    def test_outputs_contain_no_errors_or_warnings(self, path: Path) -> None:
        for cell in cells(path, "code"):
            for output in cell["outputs"]:
                assert output["output_type"] != "error"
                assert output.get("name") != "stderr"

    def test_first_cell_opens_chapter(self, path: Path) -> None:
        source = "".join(cells(path, "code")[0]["source"])
        assert source.endswith(f"import zetl_helpers as zetl\n\nlab, ex = zetl.open_chapter({int(path.stem[:2])})")
        assert "zetl.open_chapter(" not in "".join("".join(cell["source"]) for cell in cells(path, "code")[1:])

    def test_notebook_does_not_depend_on_target(self, path: Path) -> None:
        for cell in cells(path, "code"):
            assert not re.search(r"\btarget ==|ZETL_TARGET|lab\.target\b(?!_)|endpoint", "".join(cell["source"]))

    def test_notebook_contains_no_machine_paths_or_real_accounts(self, path: Path) -> None:
        text = re.sub(r'"image/jpeg": "[^"]+"', "", path.read_text())
        assert not re.search(r"/(home|root|Users|tmp|var)/", text)
        assert not re.search(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b", text)
        accounts = set(re.findall(r"(?<![\d.])\d{12}(?![\d.])", text))
        assert accounts <= {"123456789012", "111122223333"}  # Both are examples in the AWS documentation.
        assert "127.0.0.1" not in text

    def test_figures_have_text_and_static_image(self, path: Path) -> None:
        for cell in cells(path, "code"):
            for output in cell["outputs"]:
                data = output.get("data", {})
                if "application/vnd.plotly.v1+json" in data:
                    assert len("".join(data["text/plain"])) > 40
                    assert "image/jpeg" in data
                    assert "image/png" not in data

    def test_notebook_has_one_title_and_ordered_headings(self, path: Path) -> None:
        text = "\n".join("".join(cell["source"]) for cell in cells(path, "markdown"))
        levels = [len(marks) for marks in re.findall(r"^(#+) ", text, flags=re.MULTILINE)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))

    def test_links_to_other_files_are_valid(self, path: Path) -> None:
        text = "\n".join("".join(cell["source"]) for cell in cells(path, "markdown"))
        for link in re.findall(r"\]\(([^)]+)\)", text):
            if not link.startswith("https://"):
                file, _, anchor = link.partition("#")
                assert (path.parent / file).exists(), link
                assert not anchor or f'<a id="{anchor}">' in (path.parent / file).read_text(), link


KINDS = {"opening", "connect", "section", "console", "exercise", "answer", "key-points", "aws", "next"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestMetadata:
    def test_notebook_has_metadata(self, path: Path) -> None:
        about = json.loads(path.read_text())["metadata"]["zetl"]
        assert set(about) >= {"chapter", "minutes", "cost", "needs"}
        assert about["chapter"] == int(path.stem[:2])
        assert about["cost"]

    def test_head_matches_metadata(self, path: Path) -> None:
        about = json.loads(path.read_text())["metadata"]["zetl"]
        head = "".join(cells(path, "markdown")[0]["source"])
        assert f"**Minutes:** {about['minutes']}." in head
        assert f"**Cost on AWS:** {about['cost']}" in head
        needs = re.search(r"\*\*Needs:\*\* ([^.]*)", head)
        assert needs
        assert [int(number) for number in re.findall(r"\b\d\d\b", needs[1].split(";")[0])] == about["needs"]

    def test_cell_minutes_add_up_to_notebook_minutes(self, path: Path) -> None:
        notebook = json.loads(path.read_text())
        about = [cell["metadata"].get("zetl", {}) for cell in notebook["cells"]]
        total = sum(entry.get("minutes", 0) for entry in about)
        assert total == notebook["metadata"]["zetl"]["minutes"], "change the notebook's minutes (see CONTRIBUTING.md)"

    def test_cells_have_known_kinds_and_marked_cells_start_with_a_heading(self, path: Path) -> None:
        for cell in json.loads(path.read_text())["cells"]:
            about = cell["metadata"].get("zetl", {})
            assert about.get("kind") in {None, *KINDS}
            if cell["cell_type"] == "markdown":
                headings = [line for line in cell["source"] if line.startswith("#")]
                assert headings == ([cell["source"][0]] if about and about["kind"] != "console" else [])


@pytest.mark.parametrize("path", NOTEBOOKS[1:-1], ids=lambda path: path.stem)
def test_chapter_has_goals_first_and_next_steps_last(path: Path) -> None:
    all_cells = json.loads(path.read_text())["cells"]
    kinds = [cell["metadata"].get("zetl", {}).get("kind") for cell in all_cells]
    assert [kind for kind in kinds if kind][:2] == ["opening", "connect"]
    assert kinds[-3:] == ["key-points", "aws", "next"]
    assert "".join(all_cells[0]["source"]).count("\n- ") >= 3
    last = "".join(all_cells[-1]["source"])
    assert "**Read more:** [" in last
    assert re.search(r"https://docs\.aws\.amazon\.com/", last)
    (following,) = re.findall(r"\*\*Next:\*\* \[[^\]]+\]\((\w+\.ipynb)\)", last)
    assert NOTEBOOKS[NOTEBOOKS.index(path) + 1].name == following


def test_minutes_of_readme_paths_match_chapters() -> None:
    readme = (NOTEBOOKS[0].parent.parent / "README.md").read_text()
    found = {
        path.stem[:2]: [cell["metadata"].get("zetl", {}) for cell in cells(path, "markdown")] for path in NOTEBOOKS
    }
    whole = {chapter: sum(entry.get("minutes", 0) for entry in about) for chapter, about in found.items()}
    exercises = {
        chapter: sum(entry["minutes"] for entry in about if entry.get("kind") == "exercise")
        for chapter, about in found.items()
    }
    core = ("00", "01", "02", "04", "12")
    short = sum(whole[chapter] - exercises[chapter] for chapter in core)
    evening = sum(whole[chapter] for chapter in (*core, "06", "07", "08"))
    assert f"| {short}, with {90 - short} minutes left to explore |" in readme
    assert f"then chapters 06, 07 and 08 | {evening} |" in readme
    assert f"all fourteen chapters with their exercises | {sum(whole.values())} |" in readme
    for path in NOTEBOOKS:
        stated = re.search(r"exercises take (\d+) of the (\d+) minutes", "".join(cells(path, "markdown")[0]["source"]))
        chapter = path.stem[:2]
        minutes = tuple(map(int, stated.groups())) if stated else (0, whole[chapter])
        assert minutes == (exercises[chapter], whole[chapter]), (
            f"{path.name}: the exercises take {exercises[chapter]} of the {whole[chapter]} minutes, so state this "
            "in the first cell"
        )


def test_notebooks_use_full_path_to_zetl_command() -> None:
    for path in NOTEBOOKS:
        for cell in cells(path, "markdown"):
            for sentence in re.split(r"(?<=[.:])\s", "".join(cell["source"])):
                if "conda" not in sentence:
                    assert "`zetl " not in sentence, f"{path.name}: write .venv/bin/zetl in {sentence!r}"


def test_readme_and_chapter_0_list_chapter_minutes() -> None:
    readme = (NOTEBOOKS[0].parent.parent / "README.md").read_text()
    start = "".join("".join(cell["source"]) + "\n" for cell in cells(NOTEBOOKS[0], "markdown"))
    for path in NOTEBOOKS:
        head = "".join(cells(path, "markdown")[0]["source"])
        minutes = re.search(r"\*\*Minutes:\*\* (\d+)\.", head)
        assert minutes, path.name
        row = rf"\({path.name}\) \| .* \| {minutes[1]} \|"
        in_readme = re.search(rf"notebooks/{path.name}\) \| .* \| {minutes[1]} \|", readme) is not None
        assert in_readme, f"README.md: {path.name} has {minutes[1]} minutes"
        in_start = path == NOTEBOOKS[0] or re.search(row, start) is not None
        assert in_start, f"{NOTEBOOKS[0].name}: {path.name} has {minutes[1]} minutes"


def test_readme_gallery_matches_stored_figures() -> None:
    """The README's gallery contains the figures that the notebooks store."""
    assert {path.name for path in gallery.FOLDER.iterdir()} == set(gallery.FIGURES)
    for name, place in gallery.FIGURES.items():
        assert (gallery.FOLDER / name).read_bytes() == gallery.stored(*place), (
            f"{name}: run `.venv/bin/python -m tests.notebooks.gallery` to copy the stored figures"
        )


def test_freshness_figure_shows_at_least_thirty_refreshes() -> None:
    (path,) = [path for path in NOTEBOOKS if path.stem == "08_monitor"]
    (cell,) = [cell for cell in cells(path, "code") if "".join(cell["source"]).startswith("zetl.charts.freshness(")]
    figure = cell["outputs"][0]["data"]["application/vnd.plotly.v1+json"]
    assert len(figure["data"][0]["x"]) >= 30
