"""Tests that connecting does not import pandas, and that pandas shows full strings no matter when it is imported."""

import subprocess
import sys

import pytest

from local_lakehouse.lakehouse import Lakehouse

_SHOW = "from zetl_helpers import _frames; _frames.show_strings_in_full()"
_LONG = "text = 'x' * 200; import pandas as pd; assert text in repr(pd.DataFrame({'text': [text]}))"


def run(*lines: str) -> None:
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "before",
    ["import pandas", "import awswrangler", "", "import importlib.util; importlib.util.find_spec('pandas')"],
)
def test_shows_full_strings_regardless_of_when_pandas_is_imported(before: str) -> None:
    run(before, _SHOW, _LONG)


def test_find_spec_does_not_apply_options() -> None:
    run(_SHOW, _SHOW, "import importlib.util", "importlib.util.find_spec('pandas')", _LONG)


def test_pandas_keeps_its_loader() -> None:
    run(_SHOW, "import pandas, pkgutil, inspect", "assert pkgutil.get_data('pandas', '__init__.py')",
        "assert 'pandas' in inspect.getsource(pandas)")  # fmt: skip


def test_missing_pandas_is_reported_as_missing() -> None:
    run(_SHOW, "import sys, importlib.util", "sys.path.clear()", "assert importlib.util.find_spec('pandas') is None")


def test_connect_does_not_import_pandas_or_plotly(lakehouse: Lakehouse) -> None:
    run(
        "import os, sys, zetl_helpers",
        f"from zetl_helpers import lab; lab._find_local = lambda: {lakehouse.url!r}",
        "zetl_helpers.connect('local').client('glue')",
        "assert not {'pandas', 'numpy', 'pyarrow', 'plotly'} & set(sys.modules)",
        _LONG,
    )
