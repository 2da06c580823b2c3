"""A boto3 session whose clients can call only the local lakehouse."""

from __future__ import annotations

import functools
import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from local_lakehouse.service_models import ModelLoader, model_loader

__all__ = ["Directed", "local_session"]


class Directed(botocore.session.Session):  # type: ignore[misc]
    """A botocore session whose clients call only one address, even if settings or arguments specify another.

    Libraries such as awswrangler create their own clients from a lab's session. Without this class, only the
    environment variable ``AWS_ENDPOINT_URL`` would keep those clients from calling AWS, and a notebook can delete that
    variable.

    Args:
        endpoint: The local lakehouse's address.
    """

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}
        self._creating = threading.Lock()

    def get_component(self, name: str) -> Any:
        """Return a component of the session. All sessions share the service models, which are slow to load."""
        if name == "data_loader":
            return _models(self.get_config_variable("data_path"))
        return super().get_component(name)

    def create_client(self, service_name: str, *args: Any, **options: Any) -> Any:
        """Return a client for the session's address, even if the caller specifies a different endpoint.

        Calls with the same arguments return the same client. awswrangler requests about ten clients per query, and
        creating them would take longer than the query.
        """
        options["endpoint_url"] = self._endpoint
        comparable = {name: vars(value) if isinstance(value, Config) else value for name, value in options.items()}
        key = repr((service_name, args, sorted(comparable.items())))
        # A session cannot create two clients at the same time.
        with self._creating:
            if key not in self._clients:
                self._clients[key] = super().create_client(service_name, *args, **options)
            return self._clients[key]


@functools.cache
def _models(data_path: str | None) -> ModelLoader:
    return model_loader(data_path)


def local_session(endpoint: str, region: str, access_key: str, secret: str, token: str | None = None) -> boto3.Session:
    """Return a session for an identity of the local lakehouse."""
    return boto3.Session(access_key, secret, token, region_name=region, botocore_session=Directed(endpoint))
