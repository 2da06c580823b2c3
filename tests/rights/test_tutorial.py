"""The whole tutorial as the learner, each chapter twice: nothing is denied, and nothing of the policies is idle."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import connect_to
from tests.rights.people import ROLE, become, learners_policies, newest, rights
from tests.rights.unused import denied, unused
from zetl_helpers.course import notebooks

ROOT = Path(__file__).parents[2]
README = ROOT / "policies" / "README.md"
CHAPTERS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def excused() -> list[tuple[str, str]]:
    """Read the README's table of what only AWS asks for: statement, and the end of its idle part."""
    table = README.read_text(encoding="utf-8").partition("Given, and not shown to be used:")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", table, re.MULTILINE)


def each_twice(folder: Path) -> list[Path]:
    """Return all chapters, each one followed by a copy that finds what the chapter left behind."""
    twice = []
    for chapter in CHAPTERS:
        again = folder / chapter.name.replace("_", "_again_", 1)
        # Pictures are found beside the notebooks.
        again.write_text(chapter.read_text().replace("../docs", str(ROOT / "docs")))
        twice += [chapter, again]
    return twice


@pytest.mark.timeout(900)  # all notebooks, one after the other
def test_every_chapter_runs_twice_and_the_learners_policies_are_enough_and_no_more_than_enough(tmp_path: Path) -> None:
    known = excused()
    documents: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []

    @contextmanager
    def learners_lakehouse() -> Iterator[None]:
        with notebooks.fresh_lakehouse(enforce_iam=True) as running:
            administrator = connect_to(running.url)
            documents[:] = learners_policies(administrator)
            become(administrator, documents)
            before = newest(running)
            yield
            # Chapter 3 also queries as the project's role, which is refused before the grant.
            asked[:] = rights(running, after=before, of=ROLE)

    ran = notebooks.run(each_twice(tmp_path), tmp_path / "out", world=learners_lakehouse)
    assert denied(asked) == [], "add what is missing to policies/learner_*.json, as narrow as AWS lets it be"
    assert ran == 0
    idle = [
        right
        for right in unused(documents, asked)
        if not any(right.partition(":")[0] == statement and right.endswith(part) for statement, part in known)
    ]
    assert idle == [], "take what nobody needs out of policies/learner_*.json"
