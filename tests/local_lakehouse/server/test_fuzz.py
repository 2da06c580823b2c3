"""Whatever is sent, the lakehouse answers, with something that its services say, and lives."""

from __future__ import annotations

import time

import pytest

from tests.local_lakehouse.server.fuzzing import Fuzzer, prepared


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_that_is_sent_breaks_it(seed: int) -> None:
    lakehouse = prepared()
    fuzzer = Fuzzer(lakehouse, seed)
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            state = fuzzer.random.getstate()
            found = fuzzer.step()
            assert found is None or found.status != 500, (state, found)
        assert fuzzer.alive()
    finally:
        lakehouse.stop()
