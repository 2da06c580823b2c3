"""A pytest plugin for awswrangler's tests, which read the names of existing resources from CloudFormation."""

from __future__ import annotations

import importlib
import os

# `tests` is the package in awswrangler's checkout, because that checkout is first on the import path.
_utils = importlib.import_module("tests._utils")


def _outputs() -> dict[str, str]:
    return {
        "Region": "us-east-1",
        "BucketName": os.environ["CLIENT_SUITES_BUCKET"],
        "GlueDatabaseName": "aws_sdk_pandas",
        "KmsKeyArn": os.environ["CLIENT_SUITES_KEY"],
        "LogGroupName": "/client-suites",
        "LogStream": "client-suites",
    }


_utils.extract_cloudformation_outputs = _outputs  # type: ignore[attr-defined]
