"""Tests that moto receives the same models and Regions from the project's loaders as from the original loaders."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core import errors, loaders, utils
from moto.core.base_backend import AccountSpecificBackend

from local_lakehouse.backend.clients import ServiceClients
from local_lakehouse.backend.dispatch import HANDLERS
from local_lakehouse.backend.moto_models import load_faster


@pytest.fixture(autouse=True)
def use_fast_loaders() -> None:
    load_faster()


@pytest.mark.parametrize("service", HANDLERS)
def test_model_contains_the_additions_from_moto(service: str) -> None:
    loaded = utils._load_service_model(service, "service-2")
    assert loaded == loaders.create_loader().load_service_model(service, "service-2")


def test_regions_match_the_botocore_regions() -> None:
    session, own = AccountSpecificBackend.get_session(), boto3.Session()
    for partition in own.get_available_partitions():
        for service in ("dynamodb", "iam"):
            known = own.get_available_regions(service, partition)
            assert session.get_available_regions(service, partition) == known


def test_errors_of_a_service_are_collected_once(clients: ServiceClients, monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[str] = []
    collect = errors.ErrorLookupFactory()._create_error_lut

    def note(model: Any) -> errors.ErrorLookup:
        collected.append(model.service_name)
        return collect(model)

    monkeypatch.setattr(errors.ErrorLookupFactory(), "_create_error_lut", note)
    monkeypatch.setattr(errors.ErrorLookupFactory(), "_error_lut_cache", {})
    for name in ("first", "second"):
        with pytest.raises(ClientError, match="NoSuchEntity"):
            clients.client("iam").get_role(RoleName=name)
    assert collected == ["iam"]
