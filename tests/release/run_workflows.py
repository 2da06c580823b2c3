"""A script that runs the commands of the CI workflows' jobs on this computer.

Run it with ``python tests/release/run_workflows.py [JOB…]``. Actions (checkout, uploads) are skipped, and so are jobs
for other systems and Python versions. The script prints the last lines of each job's log, and stores the logs in
build/workflows/.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "build" / "workflows"


@dataclass(frozen=True)
class Job:
    """A job in a workflow, with one combination of its matrix.

    Args:
        name: The names of the workflow, the job and the matrix combination.
        commands: The job's commands, in order.
        python: The Python version that the job requests, or an empty string if it requests none.
        obstacle: The reason that the job cannot run here, or an empty string if it can.
    """

    name: str
    commands: tuple[str, ...]
    python: str
    obstacle: str


def jobs() -> Iterator[Job]:
    """Yield all jobs in all workflows."""
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            for choice in choices(job.get("strategy", {}).get("matrix", {})):
                yield _job(f"{path.stem}.{name}" + "".join(f".{value}" for value in choice.values()), job, choice)


def choices(matrix: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the combinations of a matrix, and then the matrix's additional entries."""
    axes = {key: values for key, values in matrix.items() if key not in ("include", "exclude")}
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))
    yield from matrix.get("include", ())


def _job(name: str, job: Mapping[str, Any], choice: Mapping[str, str]) -> Job:
    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda match: choice[match[1]], text)

    steps = job["steps"]
    pythons = [filled(step["with"]["python-version"]) for step in steps if "setup-python" in step.get("uses", "")]
    system = filled(job["runs-on"]).partition("-")[0]
    obstacle = ""
    if system != "ubuntu":
        obstacle = f"needs {system}"
    elif "if" in job:
        obstacle = f"runs only if {job['if']}"
    elif pythons and interpreter(pythons[0]) is None:
        obstacle = f"needs Python {pythons[0]}"
    return Job(name, tuple(filled(step["run"]) for step in steps if "run" in step), "".join(pythons[:1]), obstacle)


def interpreter(version: str) -> Path | None:
    """Find a Python version in PATH or pyenv, and return the interpreter's folder, or None if there is none."""
    found = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [Path(found)] if found else []
    candidates += sorted(pyenv.glob(f"{version}.*/bin/python{version}"))
    for candidate in candidates:
        if subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
            return candidate.parent
    return None


def run(job: Job) -> bool:
    """Run a job's commands in a clone of the current commit, and return whether all commands succeeded."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log, folder = LOGS / f"{job.name.replace(' ', '-')}.log", LOGS / job.name.replace(" ", "-")
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    home = interpreter(job.python) if job.python else None
    environment = dict(os.environ)
    environment.pop("PYTHONPATH", None)
    if home:
        links = folder / ".python"
        links.mkdir()
        for name in ("python", "python3", f"python{job.python}"):
            (links / name).symlink_to(home / f"python{job.python}")
        environment["PATH"] = f"{links}{os.pathsep}{environment['PATH']}"
    with log.open("w", encoding="utf-8") as output:
        ok = all(
            subprocess.run(
                ["bash", "-eo", "pipefail", "-c", command], cwd=folder, env=environment, check=False,
                stdout=output, stderr=subprocess.STDOUT,
            ).returncode == 0
            for command in job.commands
        )  # fmt: skip
    print(f"{job.name}: {'passed' if ok else 'FAILED'}; {log.relative_to(ROOT)} ends:")
    print("".join(f"    {line}\n" for line in log.read_text(encoding="utf-8").splitlines()[-8:]), flush=True)
    shutil.rmtree(folder)
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="the beginning of a job's name (default: all jobs)")
    parser.add_argument("--list", action="store_true", help="only list the jobs")
    options = parser.parse_args()
    chosen = [job for job in jobs() if not options.jobs or job.name.startswith(tuple(options.jobs))]
    for job in chosen if options.list else ():
        print(f"{job.name}: {job.obstacle or ' && '.join(job.commands)}")
    if options.list:
        return 0
    for job in chosen:
        if job.obstacle:
            print(f"{job.name}: skipped ({job.obstacle})")
    failed = [job.name for job in chosen if not job.obstacle and not run(job)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
