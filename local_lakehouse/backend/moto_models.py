"""Faster loading of the service models and Regions that moto uses."""

from __future__ import annotations

import functools

from moto.core import base_backend, loaders, utils

from local_lakehouse.backend.clients import service_session
from local_lakehouse.service_models import ModelLoader


class _MotoLoader(ModelLoader, loaders.Loader):
    """A loader for botocore's models and moto's additions to these models."""


@functools.cache
def _loader() -> _MotoLoader:
    return _MotoLoader([loaders.moto_root])


def load_faster() -> None:
    """Make moto use one loader and one session for all services."""
    utils.create_loader = _loader  # type: ignore[attr-defined]
    base_backend.AccountSpecificBackend.get_session = staticmethod(service_session)  # type: ignore[assignment]
