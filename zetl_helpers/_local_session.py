"""The boto3 session for the local lakehouse, whose clients cannot call any other address."""

from __future__ import annotations

import functools
from typing import Any

import boto3
import botocore.session

from local_lakehouse.service_models import ModelLoader, model_loader

__all__ = ["Directed", "local_session"]


class Directed(botocore.session.Session):  # type: ignore[misc]
    """A botocore session whose clients call only one address, regardless of environment, configuration and libraries.

    Libraries such as awswrangler create their own clients from a lab's session. Without this class, only the
    environment variable ``AWS_ENDPOINT_URL`` would keep those clients from calling AWS, and a notebook can delete that
    variable.

    Args:
        endpoint: The local lakehouse's address.
    """

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self._endpoint = endpoint

    def get_component(self, name: str) -> Any:
        """Return a component of the session. All sessions share the service models, which are slow to load."""
        if name == "data_loader":
            return _models(self.get_config_variable("data_path"))
        return super().get_component(name)

    def create_client(self, service_name: str, *args: Any, **options: Any) -> Any:
        """Create a client for the session's address, even if the caller specifies a different endpoint."""
        return super().create_client(service_name, *args, **{**options, "endpoint_url": self._endpoint})


@functools.cache
def _models(data_path: str | None) -> ModelLoader:
    return model_loader(data_path)


def local_session(endpoint: str, region: str, access_key: str, secret: str, token: str | None = None) -> boto3.Session:
    """Return a session for an identity of the local lakehouse."""
    return boto3.Session(access_key, secret, token, region_name=region, botocore_session=Directed(endpoint))
