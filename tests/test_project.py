"""Tests that the project's files are consistent with each other."""

import glob
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setuptools import find_packages

from tests.release import lock

ROOT = Path(__file__).parent.parent

# These packages have different names on conda-forge and on the Python Package Index.
CONDA_NAMES = {"duckdb": "python-duckdb", "xxhash": "python-xxhash"}


def requirements(*groups: str) -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    for group in groups:
        lines += project["optional-dependencies"][group]
    found = [Requirement(line) for line in lines]
    return {CONDA_NAMES.get(entry.name, entry.name): normal(str(entry.specifier)) for entry in found}


def normal(specifier: str) -> str:
    return ",".join(sorted(part.strip().replace("==", "=") for part in specifier.split(",")))


def test_conda_environment_matches_pyproject() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    packages = [line for line in listed if isinstance(line, str)]
    found = {}
    for line in packages:
        name, specifier = re.fullmatch(r"([a-z0-9-]+)(.*)", line).groups()  # type: ignore[union-attr]
        found[name] = normal(specifier)
    python, pip = found.pop("python"), found.pop("pip")
    assert (python, pip) == (">=3.11", "")
    assert found == requirements("local", "notebooks")


def test_aws_target_needs_only_four_packages() -> None:
    assert set(requirements()) == {"boto3", "awswrangler", "pandas", "plotly"}


def pins(*names: str) -> dict[str, str]:
    return {
        canonicalize_name(pin.partition("==")[0]): pin.partition("==")[2]
        for name in names
        for pin in lock.pins((ROOT / "constraints" / f"{name}.txt").read_text())
    }


@pytest.mark.parametrize("name", lock.LOCKS)
def test_lock_pins_direct_dependencies_within_their_ranges(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = lock.LOCKS[name].extras
    lines = [line for extra in extras for line in project["optional-dependencies"][extra]]
    found = pins(name)
    for line in [*project["dependencies"], *lines] if extras else lock.LOCKS[name].packages:
        wanted = Requirement(line)
        pin = found.get(canonicalize_name(wanted.name))
        assert pin, f"{wanted.name} is not pinned in {name}.txt: make lock"
        assert wanted.specifier.contains(pin), f"{wanted.name} {pin} of {name}.txt is out of range: make lock"


@pytest.mark.parametrize("name", lock.LOCKS)
def test_lock_has_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / "constraints" / f"{name}.txt").read_text()
    assert (
        re.findall(r"^(?!#|    --hash=sha256:[0-9a-f]{64}|[\w.-]+==\S+(?: ; [^\\]+)? \\$).+", text, re.MULTILINE) == []
    )
    assert "://" not in text
    assert len(re.findall(r"\\\n    --hash", text)) >= len(lock.pins(text))


@pytest.mark.parametrize(("name", "beside"), [(name, each.beside) for name, each in lock.LOCKS.items() if each.beside])
def test_locks_installed_together_have_same_versions(name: str, beside: str) -> None:
    first, second = pins(beside), pins(name)
    assert {package for package in first.keys() & second.keys() if first[package] != second[package]} == set()


def test_studio_lock_matches_image() -> None:
    image = {
        "pandas": "2.3.3", "numpy": "1.26.4", "pyarrow": "21.0.0", "boto3": "1.43.56", "awswrangler": "3.17.1",
        "duckdb": "1.5.1", "pyiceberg": "0.11.1", "plotly": "6.0.1", "ipykernel": "7.3.0",
        "jupyterlab": "4.5.10", "pytest": "9.1.1",
    }  # fmt: skip
    found = pins("studio")
    assert {name: found[name] for name in image} == image


def test_make_targets_have_descriptions() -> None:
    text = (ROOT / "Makefile").read_text()
    explained = set(re.findall(r"^([a-z-]+):.*## ", text, flags=re.MULTILINE))
    assert {"tutorial", "test", "lab", "bench", "notebooks", "lock", "release-check", "clean", "help"} <= explained


@pytest.mark.parametrize("package", ["local_lakehouse", "zetl_helpers"])
def test_folders_with_code_are_packages(package: str) -> None:
    discovered = set(find_packages(str(ROOT), include=[f"{package}*"]))
    assert {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / package).rglob("*.py")} == discovered


@pytest.mark.parametrize("package", ["local_lakehouse", "zetl_helpers"])
def test_non_python_files_are_package_data(package: str) -> None:
    discovered = find_packages(str(ROOT), include=[f"{package}*"])
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    packed = {
        Path(path)
        for name in discovered
        for pattern in patterns.get(name, ())
        for path in glob.glob(f"{ROOT.joinpath(*name.split('.'))}/{pattern}", recursive=True)  # noqa: PTH207  (setuptools does the same.)
    }
    there = {path for path in (ROOT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in there if path.suffix not in (".py", ".md")} == {path for path in packed if path.is_file()}
