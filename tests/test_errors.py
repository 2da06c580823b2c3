"""Tests that messages from AWS and libraries become sentences."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from zetl_helpers._errors import as_sentence


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("No such stack", "No such stack."),
        ("No such stack.", "No such stack."),
        ("No such stack.\n", "No such stack."),
        ("Which stack?", "Which stack?"),
    ],
)
def test_sentence_ends_with_one_punctuation_mark(message: str, sentence: str) -> None:
    assert as_sentence(message) == sentence


def test_aws_error_becomes_a_sentence() -> None:
    error = ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded."}}, "ListTables")
    assert as_sentence(error).endswith("ListTables operation: Rate exceeded.")
