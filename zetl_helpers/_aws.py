"""Small things that every helper says to AWS in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError


class ForeignResourceError(Exception):
    """A thing has the lab's name and does not carry the lab's tag: it belongs to somebody else and is left alone."""


@contextmanager
def absent(*codes: str) -> Iterator[None]:
    """Go on when AWS says, with one of these error codes, that a thing is not there."""
    try:
        yield
    except ClientError as error:
        if error_code(error) not in codes:
            raise


def error_code(error: ClientError) -> str:
    """Return the name that AWS gives an error."""
    return str(error.response["Error"]["Code"])


def tag_list(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Write tags as most services want them."""
    return [{key: name, value: text} for name, text in tags.items()]


def tag_dict(tags: list[dict[str, Any]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Read tags as most services list them."""
    return {tag[key]: tag[value] for tag in tags}
