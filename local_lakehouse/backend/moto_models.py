"""Faster loading of the service models, errors and Regions that moto uses."""

from __future__ import annotations

import functools

from moto.core import base_backend, errors, loaders, utils

from local_lakehouse.backend.clients import service_session
from local_lakehouse.service_models import ModelLoader


class _MotoLoader(ModelLoader, loaders.Loader):
    """A loader for botocore's models and moto's additions to these models."""


@functools.cache
def _loader() -> _MotoLoader:
    return _MotoLoader([loaders.moto_root])


@functools.cache
def _error_lookups() -> errors.ErrorLookupFactory:
    """Return the shared cache of errors. moto would create a cache for each error, which takes ten milliseconds."""
    return _ErrorLookupFactory()


_ErrorLookupFactory = errors.ErrorLookupFactory


def load_faster() -> None:
    """Make moto use one loader, one cache of errors and one session for all services."""
    utils.create_loader = _loader  # type: ignore[attr-defined]
    errors.ErrorLookupFactory = _error_lookups  # type: ignore[assignment,misc]
    base_backend.AccountSpecificBackend.get_session = staticmethod(service_session)  # type: ignore[assignment]
