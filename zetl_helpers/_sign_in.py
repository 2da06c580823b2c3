"""Recovery when an AWS session expires during a wait."""

from __future__ import annotations

import boto3
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    ProfileNotFound,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

ENDED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired")
_FAILURES = (CredentialRetrievalError, SSOTokenLoadError, TokenRetrievalError, UnauthorizedSSOTokenError)

HINT = (
    "Your AWS session has ended. Sign in again in a terminal (aws sso login, or write new keys to your profile), and "
    "this cell will continue automatically. If your keys are environment variables, interrupt the cell, set new keys, "
    "connect again with zetl.connect(), and run the cell again. It continues where it stopped."
)

_sessions: list[boto3.Session] = []


def remember(session: boto3.Session) -> None:
    """Remember a session, so that `renew` can update its credentials after it has expired.

    Args:
        session: The session of a lab on AWS. It replaces any session that was remembered earlier.
    """
    _sessions[:] = [session]


def has_ended(error: ClientError | BotoCoreError) -> bool:
    """Return whether an error means that the session has expired and that the user must sign in again."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in ENDED
    return isinstance(error, _FAILURES)


def renew() -> None:
    """Check whether the user has signed in again, and update the expired session's credentials.

    Credentials that boto3 refreshes automatically, such as those from ``aws sso login``, are renewed at the next call.
    This function reads all other credentials again, because boto3 reads them only once.
    """
    for session in _sessions:
        held = session.get_credentials()
        if held is None or isinstance(held, RefreshableCredentials):
            continue
        name = session.profile_name if session.profile_name in session.available_profiles else None
        try:
            fresh = boto3.Session(profile_name=name).get_credentials()
        except ProfileNotFound:
            # The credentials file is still being written.
            continue
        if fresh is not None:
            frozen = fresh.get_frozen_credentials()
            # All clients share this credentials object.
            held.access_key, held.secret_key, held.token = frozen.access_key, frozen.secret_key, frozen.token
