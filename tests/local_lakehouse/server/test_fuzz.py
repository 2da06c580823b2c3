"""Tests that no request crashes the lakehouse or causes an internal error."""

from __future__ import annotations

import pytest

from tests.local_lakehouse.server.fuzzing import Fuzzer, prepared

pytestmark = [pytest.mark.long, pytest.mark.once]

# These requests are the same on every machine. `make fuzz` sends different requests for a given time.
_REQUESTS = 4_000


@pytest.mark.parametrize("seed", [1, 2])
def test_random_requests_do_not_cause_internal_errors(seed: int) -> None:
    lakehouse = prepared()
    fuzzer = Fuzzer(lakehouse, seed)
    try:
        for _ in range(_REQUESTS):
            state = fuzzer.random.getstate()
            found = fuzzer.step()
            assert found is None or found.status != 500, (state, found)
        assert fuzzer.alive()
    finally:
        lakehouse.stop()
