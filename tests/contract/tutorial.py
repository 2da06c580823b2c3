"""A function that runs the cells of all notebooks in this process, in order."""

import contextlib
import io
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager

import zetl_helpers
from zetl_helpers import lab as lab_module
from zetl_helpers.lab import Lab

NOTEBOOKS = sorted((Path(__file__).parent.parent.parent / "notebooks").glob("*.ipynb"))


def run_notebooks(
    lab: Lab, begin: Callable[[str], object] = lambda _: None, *, paths: Sequence[Path] = NOTEBOOKS
) -> None:
    """Run the code cells of notebooks as a kernel would, but with a `connect` function that returns the given lab.

    Args:
        lab: The lab.
        begin: A function that is called with each notebook's name before the notebook runs.
        paths: The notebooks, in order. The default is all notebooks.
    """
    assert lab.endpoint
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zetl_helpers, "connect", lambda: lab)
        patch.setattr(os, "environ", {**os.environ, **lab_module.local_environment(lab.endpoint, lab.region)})
        for path in paths:
            begin(path.stem)
            _run(path)


def cells(path: Path) -> list[str]:
    """Return the code of a notebook's cells."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]


def _with_fewer_items(source: str) -> str:
    """Divide the numbers of items by 100, which does not change the set of AWS calls."""
    return re.sub(r"(^\w*ITEMS = \d[\d_]*|\bpayments\(\d+)00\b", r"\1", source, flags=re.MULTILINE)


def _without_pauses(source: str) -> str:
    """Remove the pauses between changes, during which a running lakehouse refreshes."""
    return re.sub(r"\btime\.sleep\([\d.]+\)", "pass", source)


def _run(path: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__", "display": print}
    transform = TransformerManager().transform_cell  # type: ignore[no-untyped-call]
    for number, source in enumerate(cells(path), 1):
        code = compile(
            transform(_without_pauses(_with_fewer_items(source))), f"{path.name}, code cell {number}", "exec"
        )
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, names)  # noqa: S102  (The notebooks are part of this project.)
