"""Tests that the project's loader returns the same data as the botocore loader."""

import os
from pathlib import Path

import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader, create_loader

from local_lakehouse.protocol.services import PROTOCOLS
from local_lakehouse.service_models import model_loader


@pytest.mark.parametrize("service", PROTOCOLS)
@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
def test_service_data_matches_the_botocore_data(service: str, kind: str) -> None:
    assert model_loader().load_service_model(service, kind) == Loader().load_service_model(service, kind)


def test_available_services_match_the_botocore_services() -> None:
    for kind in ("service-2", "endpoint-rule-set-1"):
        assert model_loader().list_available_services(kind) == Loader().list_available_services(kind)


def test_endpoint_data_matches_the_botocore_data() -> None:
    assert model_loader().load_data("endpoints") == Loader().load_data("endpoints")


def test_unknown_names_raise_botocore_errors() -> None:
    with pytest.raises(UnknownServiceError):
        model_loader().load_service_model("nothing", "service-2")
    with pytest.raises(DataNotFoundError):
        model_loader().load_data("nothing")


def test_user_folders_take_precedence(tmp_path: Path) -> None:
    folder = tmp_path / "glue" / "2017-03-31"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {}, "mine": true}')
    path = os.pathsep.join([str(tmp_path), "~/no-such-folder"])
    for loader in (model_loader(path), create_loader(path)):
        assert loader.load_service_model("glue", "service-2")["mine"]
