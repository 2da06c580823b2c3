"""Browser tests for the links from a chapter's card in JupyterLab to the pages of the practice console."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from local_lakehouse import daemon
from tests.browser.conftest import ROOT
from tests.browser.jupyter import JupyterLab, serve
from zetl_helpers.course.notebooks import kernel_environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

OPEN = "import zetl_helpers as zetl\n\nlab, ex = zetl.open_chapter(1)"


@pytest.fixture
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Provide JupyterLab with a learner's copy of chapter 01 and a fresh local lakehouse."""
    folder, home = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")
    (folder / "notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "01_setup.ipynb", folder / "notebooks")
    shutil.copytree(ROOT / "docs" / "images", folder / "docs" / "images")
    daemon.start(home / "state", port=0)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in kernel_environment(home / "state").items():
            patch.setenv(name, value)
        patch.delenv("ZETL_CONSOLE")
        with serve(folder, home) as url:
            yield url
    daemon.stop(home / "state")


def test_two_clicks_on_card_open_a_step(browser: Browser, jupyter: str) -> None:
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    notebook = JupyterLab(context.new_page(), jupyter).open("01_setup.ipynb")
    # The outputs are cleared because otherwise the cell's new execution number would equal the stored number.
    for item in ("Edit", "Clear Outputs of All Cells"):
        notebook.page.get_by_role("menuitem", name=item, exact=True).click()
    notebook.answer(0, OPEN)
    card = notebook.code_cells.nth(0)
    card.get_by_text("In the console: open a step").click()
    for title, heading in (("DynamoDB › Create table", "Create table"), ("IAM › Create role", "Create role")):
        with context.expect_page() as opened:
            card.get_by_role("link", name=title).click()
        opened.value.get_by_role("heading", name=heading, level=1).wait_for()
        opened.value.close()
    # The box below the step contains a picture of the step.
    box = notebook.panel.locator("blockquote", has_text="In the console: DynamoDB › Tables › Backups")
    assert box.get_by_role("img").evaluate("image => image.naturalWidth") == 960
    notebook.close()
    context.close()
