"""The Region, decided in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping

_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_DEFAULT = "us-east-1"


def region_of(environment: Mapping[str, str] | None = None) -> str:
    """Return the Region: what ``AWS_REGION`` says, else ``AWS_DEFAULT_REGION``, else us-east-1.

    AWS's command line reads both variables, boto3 the second only.
    """
    held = os.environ if environment is None else environment
    return next((held[name] for name in _VARIABLES if held.get(name)), _DEFAULT)


def region_source(environment: Mapping[str, str] | None = None) -> str:
    """Say where the Region comes from, such as ``AWS_REGION``; it is what a person has to change."""
    held = os.environ if environment is None else environment
    return next((name for name in _VARIABLES if held.get(name)), "the default")
