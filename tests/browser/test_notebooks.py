"""Browser tests that open, run and check every notebook in JupyterLab."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local_lakehouse import daemon
from tests.browser.conftest import ROOT, SCREENSHOTS
from tests.browser.jupyter import JupyterLab, Notebook, serve
from zetl_helpers.course import exercises
from zetl_helpers.course.notebooks import kernel_environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, ViewportSize

# A browser on a busy machine is slow, so the timeouts are long enough that only a hanging test exceeds them.
pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(400)]

CHAPTERS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
EXERCISE = "04_query_with_athena.ipynb"
WIDE: "ViewportSize" = {"width": 1360, "height": 900}
NARROW: "ViewportSize" = {"width": 900, "height": 900}
PLOTLY = "application/vnd.plotly.v1+json"


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Provide JupyterLab with a copy of the notebooks and a fresh local lakehouse."""
    folder = tmp_path_factory.mktemp("course")
    home = tmp_path_factory.mktemp("home")
    for name in ("notebooks", "docs/images"):
        shutil.copytree(ROOT / name, folder / name)
    # The chapter lets readers change this number, and fewer items do not make the browser test less thorough.
    scale = folder / "notebooks" / "11_scale.ipynb"
    scale.write_text(scale.read_text().replace("ITEMS = 100_000", "ITEMS = 5_000"))
    daemon.start(home / "state", port=0)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in kernel_environment(home / "state").items():
            patch.setenv(name, value)
        patch.delenv("PLOTLY_RENDERER")  # A learner's installation does not set this variable.
        with serve(folder, home) as url:
            yield url
    daemon.stop(home / "state")


@pytest.fixture(scope="class")
def lab(browser: "Browser", jupyter: str) -> Iterator[JupyterLab]:
    """Open JupyterLab once for all chapters of a class, because loading its scripts takes seconds."""
    context = browser.new_context(viewport=WIDE)
    yield JupyterLab(context.new_page(), jupyter)
    context.close()


@pytest.fixture
def chapter(request: pytest.FixtureRequest, lab: JupyterLab) -> Iterator[Notebook]:
    """Open a chapter from JupyterLab's file browser, close it at the end, and check that no errors were logged."""
    errors_logged: list[str] = []

    def log(message: "ConsoleMessage") -> None:
        if message.type == "error":
            errors_logged.append(message.text)

    def log_exception(error: Exception) -> None:
        errors_logged.append(str(error))

    lab.page.on("console", log)
    lab.page.on("pageerror", log_exception)
    notebook = lab.open(request.param)
    yield notebook
    notebook.close()
    lab.page.remove_listener("console", log)
    lab.page.remove_listener("pageerror", log_exception)
    assert errors_logged == []


def outputs(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]


def check_stored_figures(chapter: Notebook, path: Path) -> None:
    chapter.page.set_viewport_size(NARROW)
    figures = chapter.panel.locator(".jp-RenderedPlotly")
    assert figures.count() == sum(PLOTLY in data for data in outputs(path))
    for figure in figures.all():
        figure.locator(".main-svg").first.wait_for()
    # JupyterLab first draws the figures, and resizes them to fit the window a moment later.
    fits = "figure => figure.scrollWidth <= figure.clientWidth + 2"
    chapter.page.wait_for_function(f"() => [...document.querySelectorAll('.jp-RenderedPlotly')].every({fits})")
    chapter.page.set_viewport_size(WIDE)


def run_and_check_outputs(chapter: Notebook, path: Path) -> None:
    chapter.run_all()
    errors = chapter.panel.locator("[data-mime-type='application/vnd.jupyter.error']")
    assert errors.all_inner_texts() == []
    stored = outputs(path)
    figures = chapter.panel.locator(".js-plotly-plot")
    assert figures.count() == sum(PLOTLY in data for data in stored)
    for figure in figures.all():
        assert figure.locator(".main-svg").first.is_visible()
    tables = chapter.panel.locator(".jp-OutputArea-output table:visible")
    assert tables.count() >= sum("<table" in "".join(data.get("text/html", "")) for data in stored)
    broken_images = (
        "() => [...document.images].filter(image => image.src && image.complete && !image.naturalWidth)"
        ".map(image => image.src)"
    )
    assert chapter.page.evaluate(broken_images) == []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    (figures.first if figures.count() else chapter.code_cells.last).scroll_into_view_if_needed()
    chapter.page.screenshot(path=SCREENSHOTS / f"{path.stem}.png")


def check_exercise(chapter: Notebook) -> None:
    cells = chapter.code_cells.all_inner_texts()
    position = next(number for number, text in enumerate(cells) if "ex.q3.check" in text)
    assert "not attempted" in cells[position]
    exercise = exercises.ALL[4][2]
    assert "incorrect" in chapter.answer(position, "answer = 1\nex.q3.check(answer)")
    assert "correct." in chapter.answer(position, f"{exercise.answer}\nex.q3.check(answer)")
    chapter.page.screenshot(path=SCREENSHOTS / "exercise.png")


def check(chapter: Notebook) -> None:
    """Check a chapter before and after all its cells run. In chapter 4, also check an exercise."""
    path = ROOT / "notebooks" / chapter.name
    check_stored_figures(chapter, path)
    run_and_check_outputs(chapter, path)
    if chapter.name == EXERCISE:
        check_exercise(chapter)


# All tests in a class run in one pytest worker, so two classes divide the chapters between two workers.
@pytest.mark.parametrize("chapter", CHAPTERS[:8], indirect=True)
class TestFirstHalf:
    def test_chapter_renders_before_and_after_running(self, chapter: Notebook) -> None:
        check(chapter)


@pytest.mark.parametrize("chapter", CHAPTERS[8:], indirect=True)
class TestSecondHalf:
    def test_chapter_renders_before_and_after_running(self, chapter: Notebook) -> None:
        check(chapter)
