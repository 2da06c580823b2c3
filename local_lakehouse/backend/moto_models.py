"""The service models and Regions for moto, which are loaded faster than by moto itself."""

from __future__ import annotations

import functools

from moto.core import base_backend, loaders, utils

from local_lakehouse.backend.clients import service_session
from local_lakehouse.service_models import ModelLoader


class _MotoLoader(ModelLoader, loaders.Loader):
    """A loader of botocore's models with moto's additions."""


@functools.cache
def _loader() -> _MotoLoader:
    return _MotoLoader([loaders.moto_root])


def load_faster() -> None:
    """Make moto use one loader and one session for all services."""
    utils.create_loader = _loader  # type: ignore[attr-defined]
    base_backend.AccountSpecificBackend.get_session = staticmethod(service_session)  # type: ignore[assignment]
