"""Tests of the supported and rejected features of the local lakehouse in docs/beyond-the-blog.md."""

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
def loaded(lab: Lab, lakehouse: Lakehouse) -> Lab:
    with without_waiting(lakehouse.zero_etl.refresh_now):
        chapters.catch_up(lab, 3)
    return lab


def test_any_iceberg_reader_reads_the_target_table(loaded: Lab) -> None:
    catalog = load_catalog(
        "local",
        type="glue",
        **{
            "glue.endpoint": str(loaded.endpoint),
            "glue.region": loaded.region,
            "glue.access-key-id": "test",
            "glue.secret-access-key": "test",
            "s3.endpoint": str(loaded.endpoint),
            "s3.region": loaded.region,
            "s3.access-key-id": "test",
            "s3.secret-access-key": "test",
        },
    )
    assert catalog.load_table("customerdb.customeraccounts").scan().to_arrow().num_rows == 25


def test_a_table_bucket_is_no_target_here_and_is_refused(loaded: Lab) -> None:
    with pytest.raises(ClientError, match=r"s3tablescatalog|TargetArn|not offered"):
        loaded.client("glue").create_integration(
            IntegrationName="tables",
            SourceArn=loaded.table_arn,
            TargetArn=f"arn:aws:glue:{loaded.region}:{loaded.account}:catalog/s3tablescatalog/zetl-tables",
        )


def test_tags_can_be_attached_and_a_grant_on_an_expression_is_refused_by_name(loaded: Lab) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    studio.add_administrator(loaded)
    names = {"lab": loaded, "project": SimpleNamespace(role_arn=studio.find_project(loaded).role_arn)}
    with pytest.raises(ClientError, match="LFTagPolicy"):
        exec(code, names)  # noqa: S102  (The code is on the page.)
    (tag,) = loaded.client("lakeformation").list_lf_tags()["LFTags"]
    assert (tag["TagKey"], tag["TagValues"]) == ("domain", ["accounts", "payments"])
