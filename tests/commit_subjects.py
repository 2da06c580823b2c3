"""A script that checks commit subjects.

A subject must be imperative, have at most 72 characters, and not end in a period.

``python tests/commit_subjects.py --file MESSAGE`` checks one message. ``python tests/commit_subjects.py RANGE`` checks
the commits in a range.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

LONGEST = 72
# A subject can start with a scope, such as ``athena:``.
_SUBJECT = re.compile(r"(?:(?P<scope>[a-z][a-z0-9_, /-]*): )?(?P<rest>\S.*)")
_MERGES = ("Merge ", "Revert ", "fixup! ", "squash! ")
# These verb forms are not imperative.
_NOT_IMPERATIVE = re.compile(
    r"(?:added|fixed|changed|removed|renamed|moved|adds|fixes|changes|removes|adding|fixing)\b", re.I
)


def problems(subject: str) -> list[str]:
    """Return the problems with a commit's subject, or an empty list if there are none."""
    if subject.startswith(_MERGES):
        return []
    found = []
    if len(subject) > LONGEST:
        found.append(f"has {len(subject)} characters, but only {LONGEST} are allowed")
    if subject.endswith("."):
        found.append("ends in a period")
    match = _SUBJECT.fullmatch(subject)
    if match is None:
        found.append("is empty or begins with a space")
    elif _NOT_IMPERATIVE.match(match["rest"]):
        found.append(f"begins with {match['rest'].split()[0]!r} instead of an imperative")
    return found


def main(arguments: Sequence[str]) -> int:
    """Check subjects, and return 0 if all are valid."""
    if arguments[:1] == ["--file"]:
        subjects = Path(arguments[1]).read_text(encoding="utf-8").splitlines()[:1]
    else:
        log = subprocess.run(["git", "log", "--format=%s", *arguments], capture_output=True, text=True, check=True)
        subjects = log.stdout.splitlines()
    wrong = [(subject, problem) for subject in subjects for problem in problems(subject)]
    for subject, problem in wrong:
        print(f"{subject!r} {problem}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
