import re
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient

from zetl_helpers.course import notebooks

pytestmark = [pytest.mark.long, pytest.mark.once]


def notebook(path: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_markdown_cell(sources[0]), *map(nbformat.v4.new_code_cell, sources[1:])]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_run_fails_and_shows_failing_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = notebook(
        tmp_path / "00_good.ipynb", "# Good\n\n[next](01_bad.ipynb) [word](../docs/glossary.md#arn)", "1 + 1"
    )
    bad = notebook(tmp_path / "01_bad.ipynb", "# Bad", "1 / 0")
    before = good.read_bytes()
    assert notebooks.run([good, bad], tmp_path / "out") == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert "ZeroDivisionError" in (tmp_path / "out" / "index.html").read_text()
    assert '<a href="01_bad.html">next</a>' in (tmp_path / "out" / "00_good.html").read_text()
    assert '<a href="../../docs/glossary.md#arn">word</a>' in (tmp_path / "out" / "00_good.html").read_text()
    assert good.read_bytes() == before


def test_pages_load_without_network_and_linked_documents_become_pages(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "words.md").write_text('# Words\n\n<a id="arn"></a>\n**ARN.** A [name](../LICENSE).')
    (tmp_path / "chapters").mkdir()
    path = notebook(tmp_path / "chapters" / "00_links.ipynb", "# Links\n\n[word](../docs/words.md#arn)")
    out = tmp_path / "out"
    assert notebooks.run([path], out) == 0
    page, words = (out / "00_links.html").read_text(), (out / "docs_words.html").read_text()
    assert '<a href="docs_words.html#arn">word</a>' in page
    assert '<a id="arn"></a>' in words
    assert '<a href="../LICENSE">name</a>' in words
    for text in (page, words):
        assert not re.search(r"https?://[^\"' ]*(cdn|unpkg)", text)
    index = (out / "index.html").read_text()
    assert "<a href='00_links.html'>00 · Links</a>" in index
    assert "To work through the notebooks, run <code>make lab</code>." in index
    assert re.search(r"local lakehouse on \d{4}-\d\d-\d\d\.", index)


def test_storing_outputs_does_not_change_failing_notebook(tmp_path: Path) -> None:
    bad = notebook(tmp_path / "00_bad.ipynb", "# Bad", "1 / 0")
    before = bad.read_bytes()
    assert notebooks.store_outputs([bad]) == 1
    assert bad.read_bytes() == before


def test_pictures_are_copied_next_to_pages(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "one.svg").write_text("<svg/>")
    (tmp_path / "chapters").mkdir()
    text = "# Pictures\n\n![one](../docs/one.svg) ![none](../docs/none.svg) [link](../docs/one.svg)"
    path = notebook(tmp_path / "chapters" / "00_pictures.ipynb", text)
    assert notebooks.run([path], tmp_path / "out") == 0
    page = (tmp_path / "out" / "00_pictures.html").read_text()
    assert 'src="images/one.svg"' in page
    assert 'src="../docs/none.svg"' in page
    assert (tmp_path / "out" / "images" / "one.svg").read_text() == "<svg/>"


def test_interrupted_run_leaves_no_kernel_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[AsyncKernelManager] = []

    def interrupt(client: NotebookClient) -> None:
        raise KeyboardInterrupt

    def record(client: NotebookClient) -> object:
        manager = create(client)
        assert isinstance(manager, AsyncKernelManager)
        started.append(manager)
        return manager

    create = NotebookClient.create_kernel_manager
    monkeypatch.setattr(NotebookClient, "create_kernel_manager", record)
    monkeypatch.setattr(NotebookClient, "execute", interrupt)
    paths = [notebook(tmp_path / f"0{number}_chapter.ipynb", "# Chapter", "1") for number in range(2)]
    with pytest.raises(KeyboardInterrupt):
        notebooks.run(paths, tmp_path / "out")
    assert len(started) == 2
    assert not any(run_sync(manager.is_alive)() for manager in started)
