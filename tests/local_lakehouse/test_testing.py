"""The pytest fixture for other people's tests, used as docs/testing.md shows."""

import re
import subprocess
import sys
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def test_the_example_of_the_page_passes(tmp_path: Path) -> None:
    configuration, example = re.findall(r"```py(?:thon)?\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "conftest.py").write_text(configuration, encoding="utf-8")
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert f"{example.count('def test_')} passed" in run.stdout, run.stdout + run.stderr
