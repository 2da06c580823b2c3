"""A pytest plugin for PyAthena's tests: PyArrow's client of S3 is told of the endpoint, which it does not look up."""

from __future__ import annotations

import functools
import os

from pyarrow import fs

# By path, not by host name: no host of the bucket's name exists.
fs.S3FileSystem = functools.partial(
    fs.S3FileSystem,
    endpoint_override=os.environ["AWS_ENDPOINT_URL"].partition("://")[2],
    scheme="http",
    force_virtual_addressing=False,
)
