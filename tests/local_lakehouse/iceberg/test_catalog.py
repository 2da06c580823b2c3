"""Tests for the catalog, its cache of manifests, and the private method of PyIceberg that the catalog overrides."""

from __future__ import annotations

import inspect

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestEntry, ManifestFile
from pyiceberg.table import Table

from local_lakehouse.iceberg.catalog import LakehouseCatalog, load_catalog
from local_lakehouse.iceberg.file_io import LakehouseFileIO
from local_lakehouse.iceberg.snapshots import live_entries
from tests.local_lakehouse.athena.conftest import Athena, accounts

__all__ = ["accounts"]


def test_catalog_overrides_the_method_that_pyiceberg_calls() -> None:
    assert list(inspect.signature(Catalog._load_file_io).parameters) == ["self", "properties", "location"]
    assert "_load_file_io" in vars(LakehouseCatalog)
    calls = inspect.getsource(GlueCatalog)
    assert "self._load_file_io(" in calls or "load_file_io(" not in calls


def test_table_property_cannot_select_the_file_io_class(accounts: Athena) -> None:
    catalog = load_catalog(accounts.clients)
    table: Table = catalog.load_table(("lab", "accounts"))
    with table.transaction() as transaction:
        transaction.set_properties({"py-io-impl": "tests.does_not_exist.FileIO"})

    assert isinstance(catalog.load_table(("lab", "accounts")).io, LakehouseFileIO)
    assert accounts.run("SELECT count(*) FROM accounts") == [["3"]]


def test_manifest_is_parsed_once(accounts: Athena, monkeypatch: pytest.MonkeyPatch) -> None:
    table: Table = load_catalog(accounts.clients).load_table(("lab", "accounts"))
    first = live_entries(table.metadata, table.io)

    def parse_again(manifest: ManifestFile, io: FileIO, discard_deleted: bool = True) -> list[ManifestEntry]:
        raise AssertionError(f"{manifest.manifest_path} is parsed again")

    monkeypatch.setattr(ManifestFile, "fetch_manifest_entry", parse_again)
    assert live_entries(table.metadata, table.io) == first
    assert len(first) == 1
