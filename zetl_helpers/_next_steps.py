"""Next steps that are added to AWS error messages, for errors that any AWS call can return."""

from __future__ import annotations

import difflib
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, ProfileNotFound

from zetl_helpers import _rights

_SIGN_IN = (
    "Your credentials are no longer valid. Sign in again, connect again with zetl.connect(), and repeat the step. It "
    "continues where it stopped."
)
_SIGN_IN_OR_REGION = f"{_SIGN_IN} If your credentials are new, check whether the Region is enabled for your account."
_QUOTA = (
    "A quota for this account and Region has been reached. Delete unused resources, or request a higher quota in the "
    "Service Quotas console, and repeat the step."
)
_REGION = (
    "The source, integration, database and bucket must be in the same Region. Set AWS_REGION to the lab's Region, or "
    "set ZETL_PREFIX to use different names for your lab."
)
_KEY = (
    "The KMS key cannot be used. The key must be enabled and in the lab's Region. The key's policy must contain the "
    "statements that zetl_helpers.keys.statements(lab, …) returns."
)

_TABLE = "If the lab's table does not exist yet, create it with zetl.source.create_table(lab), and repeat the step."

_BY_CODE = {
    **dict.fromkeys(
        (
            "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "InvalidAccessKeyId",
        ),
        _SIGN_IN,
    ),
    **dict.fromkeys(("InvalidClientTokenId", "UnrecognizedClientException"), _SIGN_IN_OR_REGION),
    **dict.fromkeys(
        (
            "IntegrationQuotaExceededFault", "LimitExceeded", "LimitExceededException", "LimitExceededFault",
            "ResourceNumberLimitExceededException", "ServiceQuotaExceededException", "TooManyBuckets",
        ),
        _QUOTA,
    ),
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"), _REGION
    ),
    "KMSKeyNotAccessibleFault": _KEY,
    # Only DynamoDB uses this code, so no service is specified.
    "TableNotFoundException": _TABLE,
}  # fmt: skip

# Other services use these codes for other resources.
_BY_SERVICE = {
    ("dynamodb", "ResourceNotFoundException"): _TABLE,
    ("s3", "NoSuchBucket"): (
        "If the lab's bucket does not exist yet, create it with zetl.target.create_bucket(lab), and repeat the step."
    ),
}


def add(parsed: dict[str, Any], model: Any, **_: object) -> None:
    """Add the next step to an AWS error message. The error's code and class do not change.

    This function is a handler for botocore's ``after-call`` event.
    """
    error = parsed.get("Error", {})
    if error.get("Code") in _rights.DENIED:
        action = _rights.action_of(model.service_model.service_name, model.name)
        error["Message"] = _rights.explain(error.get("Message", ""), action)
        return
    step = _BY_CODE.get(error.get("Code", "")) or _BY_SERVICE.get(
        (model.service_model.service_name, error.get("Code", ""))
    )
    if step and step not in error.get("Message", ""):
        error["Message"] = f"{error.get('Message', '')} {step}".strip()


def without_identity(error: BotoCoreError | ClientError, region: str) -> str:
    """Return advice for a caller whom AWS could not identify.

    Args:
        error: The error.
        region: The Region of the call.
    """
    if isinstance(error, NoCredentialsError):
        return (
            "There are no AWS credentials. Sign in (aws sso login, or aws configure), or set AWS_PROFILE to a profile "
            "with credentials, then run this cell again."
        )
    if isinstance(error, ProfileNotFound):
        return f"{error}. Set AWS_PROFILE to one of your profiles, or create one with aws configure sso."
    if isinstance(error, ClientError) and error.response["Error"]["Code"] in _BY_CODE:
        return f"AWS could not identify you: {error}"
    if isinstance(error, EndpointConnectionError) and region not in (known := _regions()):
        similar = difflib.get_close_matches(region, known, n=3)
        hint = f"Did you mean {' or '.join(similar)}?" if similar else "Check its spelling."
        return (
            f"Region {region} does not respond, and botocore's list of Regions does not contain it. {hint} Set "
            "AWS_REGION."
        )
    return f"AWS could not identify you ({error}). Sign in again, or set AWS_PROFILE, then run this cell again."


def _regions() -> list[str]:
    session = boto3.Session(region_name="us-east-1")
    return sorted(
        region for partition in session.get_available_partitions() for region in session.get_available_regions(
            "glue", partition_name=partition
        )
    )  # fmt: skip
