"""Small things that every helper says to AWS in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from zetl_helpers._errors import UserError
from zetl_helpers._wait import WaitTimeoutError, wait_for

T = TypeVar("T")


class ForeignResourceError(UserError):
    """A thing has the lab's name and does not carry the lab's tag: it belongs to somebody else and is left alone."""


@contextmanager
def absent(*codes: str) -> Iterator[None]:
    """Go on when AWS says, with one of these error codes, that a thing is not there."""
    try:
        yield
    except ClientError as error:
        if error_code(error) not in codes:
            raise


def make(create: Callable[[], object], check: Callable[[], object], *codes: str) -> None:
    """Make a thing that was not there, or find it made.

    botocore repeats a request whose answer got lost, and then meets its own work.

    Args:
        create: Makes the thing.
        check: Looks whose it is when AWS says that it is there; what is false lets AWS's error stand.
        codes: The error codes with which AWS says that.
    """
    try:
        create()
    except ClientError as error:
        if error_code(error) not in codes or not check():
            raise


def settled(what: str, act: Callable[[], T], passing: Callable[[ClientError], bool], *, timeout: float = 60) -> T:
    """Do what AWS refuses at first because it is eventually consistent: what was made just now is not known everywhere.

    Args:
        what: What is waited for, as the end of "waiting for …".
        act: Makes the call.
        passing: Tells from an error whether it passes by itself.
        timeout: Seconds until AWS's error is taken for its last word.

    Returns:
        What `act` returned.

    Raises:
        ClientError: The last error, when it did not pass.
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
    """Return a test for errors with one of these codes."""
    return lambda error: error_code(error) in codes


def error_code(error: ClientError) -> str:
    """Return the name that AWS gives an error."""
    return str(error.response["Error"]["Code"])


def tag_list(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Write tags as most services want them."""
    return [{key: name, value: text} for name, text in tags.items()]


def tag_dict(tags: list[dict[str, Any]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Read tags as most services list them."""
    return {tag[key]: tag[value] for tag in tags}
