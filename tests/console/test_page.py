"""Tests that the built page matches its sources and loads nothing from other hosts."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from zetl_helpers.console.server import STATIC, _plotly

pytestmark = pytest.mark.once

SOURCES = Path(__file__).parents[2] / "console_web"


def fingerprint() -> str:
    """Return a hash of the names and contents of the sources. `build.mjs` computes the same hash."""
    names = [path.relative_to(SOURCES).as_posix() for path in (SOURCES / "src").rglob("*") if path.is_file()]
    digest = hashlib.sha256()
    for name in sorted([*names, "build.mjs", "package-lock.json", "package.json", "tsconfig.json"]):
        content = hashlib.sha256((SOURCES / name).read_bytes()).hexdigest()
        digest.update(f"{name}\n{content}\n".encode())
    return digest.hexdigest()


def versions(lock: str) -> set[tuple[str, str]]:
    """Return the packages in a lock file, with their versions."""
    packages = json.loads((SOURCES / lock).read_text())["packages"]
    return {(name, package["version"]) for name, package in packages.items() if name}


def test_page_is_built_from_current_sources() -> None:
    built = json.loads((STATIC / "build.json").read_text())["sources"]
    assert built == fingerprint(), "Build the page again: make console-page"


def test_build_is_reproducible(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (SOURCES / "node_modules" / ".package-lock.json").exists():
        pytest.skip("node or console_web/node_modules is missing. Run: make console-page")
    assert versions("node_modules/.package-lock.json") <= versions("package-lock.json"), "Install: make console-page"
    subprocess.run([node, "build.mjs", str(tmp_path / "out")], cwd=SOURCES, check=True)
    again = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert again == {path.name: path.read_bytes() for path in STATIC.iterdir()}


def test_page_does_not_refer_to_other_hosts() -> None:
    # XML namespaces are names, not addresses.
    names = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "http://www.w3.org/1998/Math/MathML"}
    html = (STATIC / "index.html").read_text()
    assert not re.search(r"(src|href)=\"(?!/|data:,)", html)
    for path in STATIC.glob("app*.js"):
        assert set(re.findall(r"https?://[\w./-]+", path.read_text())) - names == set()


def test_compressed_page_is_smaller_than_3_mb() -> None:
    plotly = _plotly()
    assert plotly is not None
    assert sum(len(gzip.compress(path.read_bytes())) for path in (*STATIC.iterdir(), plotly)) < 3_000_000


def test_lock_file_contains_no_registry_urls() -> None:
    assert '"resolved"' not in (SOURCES / "package-lock.json").read_text()
