from collections.abc import Iterator

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.assistant import schemas
from tests.conftest import connect_to
from zetl_helpers.lab import Lab


@pytest.fixture(scope="package")
def assistant_lab() -> Iterator[Lab]:
    """Provide a lab with the tables from `schemas`. All tests share this lab, so no test may change it."""
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    lab = connect_to(lakehouse.url)
    schemas.create(lab)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", lakehouse.url)
        yield lab
    lakehouse.stop()
