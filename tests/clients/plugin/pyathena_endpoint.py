"""A pytest plugin that sets the endpoint of PyArrow's S3 client for PyAthena's tests."""

from __future__ import annotations

import functools
import os

from pyarrow import fs

# The requests are path-style, because a host name that contains the bucket's name does not resolve.
fs.S3FileSystem = functools.partial(
    fs.S3FileSystem,
    endpoint_override=os.environ["AWS_ENDPOINT_URL"].partition("://")[2],
    scheme="http",
    force_virtual_addressing=False,
)
