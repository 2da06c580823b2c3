"""Shared helpers for AWS calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from zetl_helpers._errors import UserError
from zetl_helpers._wait import WaitTimeoutError, wait_for

T = TypeVar("T")


class ForeignResourceError(UserError):
    """A resource has the lab's name but not the lab's tags, so it belongs to a different lab and is not changed."""


@contextmanager
def absent(*codes: str) -> Iterator[None]:
    """Ignore an AWS error with one of these codes, which mean that a resource does not exist."""
    try:
        yield
    except ClientError as error:
        if error_code(error) not in codes:
            raise


def make(create: Callable[[], object], check: Callable[[], object], *codes: str) -> None:
    """Create a resource, or accept that it already exists.

    If a response is lost, botocore retries the request, and the retry finds that the resource already exists.

    Args:
        create: A function that creates the resource.
        check: A function that is called if AWS reports that the resource exists. If the function returns a false value,
            the error is raised again.
        codes: The error codes that AWS returns if the resource already exists.
    """
    try:
        create()
    except ClientError as error:
        if error_code(error) not in codes or not check():
            raise


def settled(what: str, act: Callable[[], T], passing: Callable[[ClientError], bool], *, timeout: float = 60) -> T:
    """Retry a call that fails temporarily, for example because a new resource is not visible everywhere yet.

    Args:
        what: The text that follows "waiting for" in messages.
        act: A function that makes the call.
        passing: A function that returns whether an error is temporary.
        timeout: Maximum seconds to retry before the last error is raised.

    Returns:
        The value that `act` returned.

    Raises:
        ClientError: The error is not temporary, or the call still fails when the timeout expires.
    """
    last: list[ClientError] = []

    def attempt() -> tuple[T] | None:
        try:
            return (act(),)
        except ClientError as error:
            if not passing(error):
                raise
            last[:] = [error]
            return None

    try:
        return wait_for(what, attempt, timeout=timeout, every=1, hint="")[0]
    except WaitTimeoutError as waited:
        raise last[0] from waited


def one_of(*codes: str) -> Callable[[ClientError], bool]:
    """Return a function that checks whether an error has one of these codes."""
    return lambda error: error_code(error) in codes


def error_code(error: ClientError) -> str:
    """Return the code of an AWS error."""
    return str(error.response["Error"]["Code"])


def tag_list(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Convert a dictionary of tags to the list format that most services use."""
    return [{key: name, value: text} for name, text in tags.items()]


def tag_dict(tags: list[dict[str, Any]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Convert a list of tags, in the format that most services use, to a dictionary."""
    return {tag[key]: tag[value] for tag in tags}
