"""The Region of the lakehouse, which is determined only in this module."""

from __future__ import annotations

import os
from collections.abc import Mapping

_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_DEFAULT = "us-east-1"


def region_of(environment: Mapping[str, str] | None = None) -> str:
    """Return the Region from ``AWS_REGION`` or ``AWS_DEFAULT_REGION``, or us-east-1 if neither is set.

    The AWS CLI reads both variables, but boto3 reads only the second.
    """
    held = os.environ if environment is None else environment
    return next((held[name] for name in _VARIABLES if held.get(name)), _DEFAULT)


def region_source(environment: Mapping[str, str] | None = None) -> str:
    """Return the source of the Region, such as ``AWS_REGION``, for messages."""
    held = os.environ if environment is None else environment
    return next((name for name in _VARIABLES if held.get(name)), "the default")
