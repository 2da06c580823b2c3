from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import zetl_helpers as zetl
from tests.conftest import connect_to
from zetl_helpers._wait import without_waiting
from zetl_helpers.exercises import Chapter, Progress
from zetl_helpers.lab import Lab
from zetl_helpers.local.lakehouse import Lakehouse, Settings


@pytest.fixture(scope="package")
def exercised() -> Iterator[Lab]:
    """A lab with all that the chapters make; whoever waits for a refresh gets one."""
    lakehouse = Lakehouse(Settings(refresh_seconds=3600))
    lakehouse.start()
    with without_waiting(lakehouse.zero_etl.refresh_now), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
        patch.setattr(zetl.lakehouse, "_POLL_SECONDS", 0.01)
        lab = connect_to(lakehouse.url)
        zetl.catch_up(lab, 9)
        yield lab
    lakehouse.stop()


@pytest.fixture
def chapter(exercised: Lab, tmp_path: Path) -> Callable[[int], Chapter]:
    """A chapter's exercises with nothing done."""
    return lambda number: zetl.exercises.chapter(exercised, number, progress=Progress(tmp_path))
