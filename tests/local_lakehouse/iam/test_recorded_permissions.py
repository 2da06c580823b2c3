"""Tests that every permission check is recorded, even if the same permission was checked before."""

import pytest

from local_lakehouse.iam.access import Access
from local_lakehouse.iam.rights import Rights

pytestmark = pytest.mark.once


def test_repeated_check_is_listed_as_new() -> None:
    rights = Rights()
    for action in ("s3:GetObject", "s3:PutObject"):
        rights.note("anna", Access(action, "arn"), allowed=True)
    before = max(right["number"] for right in rights.listed())
    # A denial between two known permissions would be missed if the list were sliced at its previous length.
    rights.note("anna", Access("s3:GetObject", "arn"), allowed=True)
    rights.note("anna", Access("s3:DeleteObject", "arn"), allowed=False)
    rights.note("anna", Access("s3:PutObject", "arn"), allowed=True)
    after = [right["action"] for right in rights.listed() if right["number"] > before]
    assert after == ["s3:GetObject", "s3:DeleteObject", "s3:PutObject"]


def test_checks_are_recorded_for_each_principal() -> None:
    rights = Rights()
    rights.note("anna", Access("s3:GetObject", "arn"), allowed=True)
    rights.note("project", Access("s3:GetObject", "arn"), allowed=False)
    assert [(right["principal"], right["allowed"]) for right in rights.listed()] == [("anna", True), ("project", False)]
