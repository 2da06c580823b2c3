"""Tests for the registration of Python functions in DuckDB."""

import pytest

from local_lakehouse.sql.runtime.udf import udf

pytestmark = pytest.mark.once


def test_signature_with_unknown_letter_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"'sw:d': add \['w'\] to the type letters"):
        udf("sw:d")
