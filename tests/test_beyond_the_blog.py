"""Tests for the features in docs/beyond-the-blog.md that the local lakehouse supports or rejects."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from pyiceberg.catalog import load_catalog

from local_lakehouse.lakehouse import Lakehouse
from zetl_helpers import studio
from zetl_helpers._wait import without_waiting
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab

PAGE = (Path(__file__).parents[1] / "docs" / "beyond-the-blog.md").read_text(encoding="utf-8")


@pytest.fixture
def loaded_lab(lab: Lab, lakehouse: Lakehouse) -> Lab:
    with without_waiting(lakehouse.zero_etl.refresh_now):
        chapters.catch_up(lab, 3)
    return lab


def test_pyiceberg_reads_target_table(loaded_lab: Lab) -> None:
    catalog = load_catalog(
        "local",
        type="glue",
        **{
            "glue.endpoint": str(loaded_lab.endpoint),
            "glue.region": loaded_lab.region,
            "glue.access-key-id": "test",
            "glue.secret-access-key": "test",
            "s3.endpoint": str(loaded_lab.endpoint),
            "s3.region": loaded_lab.region,
            "s3.access-key-id": "test",
            "s3.secret-access-key": "test",
        },
    )
    assert catalog.load_table("customerdb.customeraccounts").scan().to_arrow().num_rows == 25


def test_rejects_table_bucket_as_target(loaded_lab: Lab) -> None:
    with pytest.raises(ClientError, match=r"s3tablescatalog|TargetArn|not offered"):
        loaded_lab.client("glue").create_integration(
            IntegrationName="tables",
            SourceArn=loaded_lab.table_arn,
            TargetArn=f"arn:aws:glue:{loaded_lab.region}:{loaded_lab.account}:catalog/s3tablescatalog/zetl-tables",
        )


def test_attaches_lf_tags_and_rejects_grant_on_expression(loaded_lab: Lab) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    studio.add_administrator(loaded_lab)
    names = {"lab": loaded_lab, "project": SimpleNamespace(role_arn=studio.find_project(loaded_lab).role_arn)}
    with pytest.raises(ClientError, match="LFTagPolicy"):
        exec(code, names)  # noqa: S102  (The code is on the page.)
    (tag,) = loaded_lab.client("lakeformation").list_lf_tags()["LFTags"]
    assert (tag["TagKey"], tag["TagValues"]) == ("domain", ["accounts", "payments"])
