"""The whole tutorial as the learner: nothing is denied, and nothing of the learner's policies is idle."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import connect_to
from tests.rights.people import become, learners_policies, rights
from tests.rights.unused import denied, unused
from zetl_helpers import notebooks

README = Path(__file__).parents[2] / "policies" / "README.md"
CHAPTERS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def excused() -> dict[str, str]:
    """Read the README's table of what only AWS asks for: statement, and the end of its idle part."""
    table = README.read_text(encoding="utf-8").partition("Given, and not shown to be used:")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", table, re.MULTILINE))


@pytest.mark.timeout(900)  # all notebooks, one after the other
def test_the_learners_policies_are_enough_for_all_notebooks_and_no_more_than_enough(tmp_path: Path) -> None:
    known = excused()
    documents: list[dict[str, Any]] = []
    asked: list[dict[str, Any]] = []

    @contextmanager
    def learners_lakehouse() -> Iterator[None]:
        with notebooks.fresh_lakehouse(enforce_iam=True) as running:
            administrator = connect_to(running.url)
            documents[:] = learners_policies(administrator)
            become(administrator, documents)
            before = len(rights(running.url))
            yield
            asked[:] = rights(running.url)[before:]

    ran = notebooks.run(CHAPTERS, tmp_path, world=learners_lakehouse)
    assert denied(asked) == [], "add what is missing to policies/learner_*.json, as narrow as AWS lets it be"
    assert ran == 0
    idle = [one for one in unused(documents, asked) if not one.endswith(known.get(one.partition(":")[0], "\n"))]
    assert idle == [], "take what nobody needs out of policies/learner_*.json"
