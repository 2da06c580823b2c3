"""Execution of notebooks on a fresh local lakehouse, and the pages created from them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import nbformat
from plotly.offline import get_plotlyjs

from local_lakehouse import daemon
from zetl_helpers.course import _notebook_execution, _notebook_figures, _notebook_pages
from zetl_helpers.course._notebook_pages import Outcome

_PLOTLY_JS = "plotly.min.js"
# In a wheel, the notebooks and the files that they link to are in this folder (see setup.py).
_PACKAGED = Path(__file__).parents[1] / "tutorial"

# The cleanup chapter would show nothing in an empty account, and opening the chapter does not create resources.
_ONE_OF_EVERYTHING = """
import zetl_helpers as zetl
lab = zetl.connect()
zetl.catch_up(lab, 9)
zetl.studio.add_administrator(lab)
zetl.studio.share_with_project(lab, zetl.studio.find_project(lab))
zetl.lakehouse.save_query(lab, "Credit use by place", "SELECT 1", "A query")
zetl.query(lab, "SELECT 1")
zetl.monitoring.create_alarm(lab)
"""
_PREPARATION = {"12_clean_up": _ONE_OF_EVERYTHING}


def find() -> list[Path]:
    """Return the tutorial's notebooks, in order.

    They are in the folder ``notebooks``, in the current folder, or in the installed package.
    """
    for folder in (Path("notebooks"), Path(), _PACKAGED / "notebooks"):
        found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
        if found:
            return found
    return []


def tutorial() -> Path | None:
    """Return the current or the packaged folder, whichever contains ``mkdocs.yml``. If neither does, return None."""
    return next((folder for folder in (Path(), _PACKAGED) if (folder / "mkdocs.yml").exists()), None)


def is_packaged(notebook: Path) -> bool:
    """Return whether a notebook belongs to the installed package, which is read-only."""
    return notebook.absolute().is_relative_to(_PACKAGED)


def run(paths: Sequence[Path], out: Path, *, world: Callable[[], AbstractContextManager[object]] | None = None) -> int:
    """Run notebooks in order on one fresh local lakehouse.

    Args:
        paths: The notebooks, which are not changed.
        out: The folder for the executed notebooks, their pages and an index.
        world: A function that returns a context manager for the kernels' environment. Defaults to `fresh_lakehouse`.

    Returns:
        0 if all cells ran, or 1 if a cell failed.
    """
    out.mkdir(parents=True, exist_ok=True)
    texts: dict[str, Path] = {}
    with (world or fresh_lakehouse)():
        outcomes = list(_run_all(paths, out, texts))
    (out / _PLOTLY_JS).write_text(get_plotlyjs(), encoding="utf-8")
    _notebook_pages.write_texts(texts, out)
    _notebook_pages.write_index(outcomes, out)
    _print_table(outcomes)
    print(f"\nOpen {out / 'index.html'} in a browser.")
    return 1 if any(outcome.error for outcome in outcomes) else 0


def store_outputs(paths: Sequence[Path]) -> int:
    """Run notebooks, each on a separate local lakehouse prepared by `prepare`, and store the outputs in the notebooks.

    Args:
        paths: The notebooks.

    Returns:
        0 if all cells ran, or 1 if a cell failed. If a cell fails, its notebook and all later notebooks are left
        unchanged.
    """
    for path in paths:
        with fresh_lakehouse():
            prepare(path.stem)
            (executed,) = _notebook_execution.execute([path])
        notebook, error = executed.notebook, executed.error
        if error:
            print(f"{path}: {error}")
            return 1
        _notebook_figures.add_static_images(notebook)
        nbformat.write(_tidy(notebook), path)
        print(path)
    return 0


def prepare(notebook: str) -> None:
    """Create the resources that a notebook's stored outputs need, except those that its first cell creates.

    Args:
        notebook: The file's name without its extension.

    Raises:
        subprocess.CalledProcessError: The local lakehouse rejected a request.
    """
    if notebook in _PREPARATION:
        # This code runs in a separate process, like a kernel, because connecting changes the environment.
        subprocess.run([sys.executable, "-c", _PREPARATION[notebook]], check=True)  # noqa: S603


def kernel_environment(state: Path) -> dict[str, str]:
    """Return the environment variables that connect a notebook's kernel to the lakehouse that is using a state folder.

    Args:
        state: The state folder.
    """
    return {
        "ZETL_STATE_DIR": str(state),
        "ZETL_TARGET": "local",
        # A figure is stored as data, because its JavaScript page would take up megabytes and differ between runs.
        "PLOTLY_RENDERER": "plotly_mimetype",
        # Whether a wait is long enough for a progress line depends on the computer.
        "ZETL_PROGRESS": "off",
        # No one clicks a link while a whole notebook is running, and a stored link would lead nowhere.
        "ZETL_CONSOLE": "off",
    }


@contextmanager
def fresh_lakehouse(*, enforce_iam: bool = False, governed: bool = False) -> Iterator[daemon.Running]:
    """Start a separate lakehouse that the notebooks' kernels connect to.

    Args:
        enforce_iam: Whether the lakehouse checks requests against IAM policies.
        governed: Whether Lake Formation governs its account.
    """
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="zetl-") as folder:
        state = Path(folder)
        running, _ = daemon.start(state, port=0, enforce_iam=enforce_iam, governed=governed)
        os.environ.update(kernel_environment(state))
        try:
            yield running
        finally:
            os.environ.clear()
            os.environ.update(before)
            daemon.stop(state)


def _run_all(paths: Sequence[Path], out: Path, texts: dict[str, Path]) -> Iterator[Outcome]:
    """Run notebooks. While a notebook is running, the pages of the previous notebooks are being written."""
    with ThreadPoolExecutor(max_workers=1) as writer:
        pages = []
        for path, executed in zip(paths, _notebook_execution.execute(paths), strict=True):
            notebook, error = executed.notebook, executed.error
            print(f"{path.stem}: {error or 'done'}", flush=True)
            pages.append(writer.submit(_write_page, notebook, path, out))
            cells = sum(cell.cell_type == "code" for cell in notebook.cells)
            yield Outcome(path, _notebook_pages.title(notebook, path), cells, executed.seconds, error)
        for page in pages:
            texts |= page.result()


def _write_page(notebook: nbformat.NotebookNode, path: Path, out: Path) -> dict[str, Path]:
    nbformat.write(notebook, out / path.name)
    _notebook_figures.add_interactive_html(notebook, _PLOTLY_JS)
    return _notebook_pages.write(notebook, path, out)


def _tidy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove metadata that differs between runs or computers."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def _print_table(outcomes: Sequence[Outcome]) -> None:
    print(f"\n{'notebook':<28}{'cells':>6}{'seconds':>9}")
    for outcome in outcomes:
        print(f"{outcome.path.stem:<28}{outcome.cells:>6}{outcome.seconds:>9.1f}  {outcome.error}".rstrip())
    print(f"{'all':<28}{sum(entry.cells for entry in outcomes):>6}{sum(item.seconds for item in outcomes):>9.1f}")
