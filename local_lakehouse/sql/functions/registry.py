"""All functions by their names."""

from __future__ import annotations

from collections import defaultdict

from local_lakehouse.sql.analysis.signatures import Emit, Result, Signature, patterns

_SIGNATURES: dict[str, list[Signature]] = defaultdict(list)


def define(
    names: str,
    parameters: str,
    result: Result,
    emit: Emit,
    *,
    variadic: bool = False,
    fails: bool = False,
    kind: str = "scalar",
    volatile: bool = False,
) -> None:
    """Add a way to call a function.

    Args:
        names: The function's name, and its other names behind blanks.
        parameters: The patterns of its parameters.
        result: The pattern of its result, or what computes its type from the arguments.
        emit: Its SQL.
        variadic: Whether the last parameter may be repeated.
        fails: Whether computing it may fail.
        kind: ``scalar``, ``aggregate`` or ``window``.
        volatile: Whether two calls with the same arguments may differ.
    """
    for name in names.split():
        signature = Signature(name, patterns(parameters), result, emit, variadic, fails, kind, volatile)
        _SIGNATURES[name].append(signature)


def signatures(name: str) -> list[Signature]:
    """Return the ways to call a function, none if there is no such function."""
    return _SIGNATURES.get(name, [])


def is_aggregate(name: str) -> bool:
    """Return whether a function makes one value of many rows."""
    return any(signature.kind == "aggregate" for signature in signatures(name))


def is_window(name: str) -> bool:
    """Return whether a function needs ``OVER``."""
    return any(signature.kind == "window" for signature in signatures(name))


def all_names() -> list[str]:
    """Return the names of all functions."""
    return sorted(_SIGNATURES)
