"""Trial installations of the built wheel and source distribution in empty environments.

Run them with ``python -m tests.release.try_wheel``. Each environment contains the latest versions that pip finds for
the ranges in pyproject.toml, like a normal installation. The script needs only the standard library and pip, and runs
on every system, so that CI can test each Python version.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = "Scripts" if sys.platform == "win32" else "bin"


class TrialError(Exception):
    """A failed trial, with the failed step and its output."""


class Environment:
    """An empty virtual environment in a separate folder, with an empty working folder."""

    def __init__(self, folder: Path, distribution: str) -> None:
        self._bin = folder / "venv" / BIN
        self._work = folder / "work"
        self._work.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        self.run("python", "-m", "pip", "install", "-q", "--disable-pip-version-check", distribution)

    def run(self, command: str, *words: str, status: int = 0, **environment: str) -> str:
        """Run a command in the environment and return its output."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ZETL_", "PYTHONPATH"))
        }
        done = subprocess.run(
            [str(self._bin / command), *words],
            cwd=self._work, env=kept | environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode != status or "Traceback" in done.stdout:
            raise TrialError(
                f"{command} {' '.join(words)} exited with status {done.returncode} instead of {status}:\n{done.stdout}"
            )
        return done.stdout

    def expect(self, text: str, command: str, *words: str, status: int = 0, **environment: str) -> None:
        """Run a command, and check that its output contains the given text."""
        printed = self.run(command, *words, status=status, **environment)
        if text not in printed:
            raise TrialError(f"{command} {' '.join(words)} did not print {text!r}. It printed:\n{printed}")

    def has(self, name: str) -> bool:
        """Return whether the working folder contains a file."""
        return (self._work / name).is_file()


def install(extras: str) -> str:
    return f"Install it with: pip install 'zetl-helpers[{extras}]'"


def bare(environment: Environment) -> None:
    """Check that, without extras, only the AWS target works, and commands that need extras say how to install them."""
    environment.run("python", "-c", "import local_lakehouse, zetl_helpers; zetl_helpers.connect")
    environment.expect("zetl ", "zetl", "--version")
    # Without fork, the local lakehouse is not supported, so there is nothing to install.
    start = "pip install 'zetl-helpers[local]'" if hasattr(os, "fork") else "run it in WSL"
    environment.expect(start, "zetl", "local", "start", status=1)
    environment.expect(start, "zetl", "cleanup", status=1)
    run = install("local,notebooks") if hasattr(os, "fork") else "run it in WSL"
    environment.expect(run, "zetl", "run", status=1)
    environment.expect(install("local,notebooks"), "zetl", "kit", status=1)
    environment.expect(install("local,notebooks,site"), "zetl", "site", status=1)
    nobody = {"ZETL_TARGET": "aws", "AWS_REGION": "us-east-1", "AWS_PROFILE": "nobody", "AWS_CONFIG_FILE": os.devnull}
    environment.expect("Set AWS_PROFILE to one of your profiles", "zetl", "cleanup", status=1, **nobody)


def local(environment: Environment) -> None:
    """Check an environment with the local lakehouse."""
    environment.expect("http://127.0.0.1:", "zetl", "local", "start", "--port", "0")
    try:
        environment.expect("AWS_ENDPOINT_URL=http://127.0.0.1:", "zetl", "env")
        environment.expect("All resources of the lab are deleted.", "zetl", "cleanup")
    finally:
        environment.run("zetl", "local", "stop")
    environment.expect(install("local,notebooks"), "zetl", "run", status=1)


def notebooks(environment: Environment) -> None:
    """Check that one command runs the tutorial in an environment that contains the notebooks."""
    printed = environment.run("zetl", "run")
    print(printed)
    first = environment.run("zetl", "kit").strip()
    for page in ("build/tutorial/index.html", "build/tutorial/12_clean_up.html", first):
        if not environment.has(page):
            raise TrialError(f"zetl did not write {page}.")
    environment.expect(install("local,notebooks,site"), "zetl", "site", status=1)


TRIALS: Mapping[str, tuple[str, Callable[[Environment], None]]] = {
    "bare": ("", bare),
    "local": ("[local]", local),
    "notebooks": ("[local,notebooks]", notebooks),
}


def build(out: Path) -> tuple[Path, Path]:
    """Build the source distribution, build the wheel from it, and return the paths of the wheel and the source."""
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="zetl-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder) / BIN / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "build"], check=True)
        subprocess.run([python, "-m", "build", "--outdir", str(out), str(ROOT)], check=True, stdout=subprocess.DEVNULL)
    (wheel,), (source,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, source


def check_files(wheel: Path) -> None:
    """Check that the wheel contains exactly the files of the packages, policies, sample data and notebooks."""
    built = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {path.as_posix() for package in ("local_lakehouse", "zetl_helpers") for path in files(package)}
    wanted |= {f"zetl_helpers/{path.as_posix()}" for folder in ("policies", "sample_data") for path in files(folder)}
    wanted |= {f"zetl_helpers/tutorial/{path.as_posix()}" for path in files("notebooks")}
    built = {name for name in built if not name.startswith("zetl_helpers/tutorial/") or name.endswith(".ipynb")}
    # A folder's Markdown files are for readers of the repository, so the wheel may leave them out.
    if different := sorted(name for name in wanted ^ built if not name.endswith(".md")):
        raise TrialError(f"{wheel.name} and the repository differ in {', '.join(different)}")


def files(folder: str) -> list[Path]:
    left_out = ("__pycache__", ".ipynb_checkpoints")
    found = (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file())
    return [path for path in found if not any(part in left_out for part in path.parts)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help=f"{', '.join(TRIALS)} or source (default: all)")
    parser.add_argument("--wheel", type=Path, help="a wheel that is already built")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "dist", help="default: build/dist")
    options = parser.parse_args()
    source: Path | None = None
    wheel = options.wheel
    if wheel is None:
        wheel, source = build(options.out)
        check_files(wheel)
        print(f"built {wheel.name} and {source.name}", flush=True)
    with tempfile.TemporaryDirectory(prefix="zetl-") as folder:
        for name in options.trials or [*TRIALS, "source"]:
            extras, trial = TRIALS.get(name, ("", bare))
            distribution = source if name == "source" and source else wheel
            trial(Environment(Path(folder) / name, f"zetl-helpers{extras} @ {distribution.resolve().as_uri()}"))
            print(f"{name}: passed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
