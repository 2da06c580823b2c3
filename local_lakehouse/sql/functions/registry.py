"""The registry of all functions, keyed by name."""

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
    """Register a function signature.

    Args:
        names: The function's names, separated by spaces.
        parameters: The patterns of the function's parameters.
        result: The pattern of the result type, or a function that derives the type from the arguments.
        emit: The SQL template for a call, or a function that returns the SQL.
        variadic: Whether the last parameter can be repeated.
        fails: Whether evaluation can fail.
        kind: The function's kind: ``scalar``, ``aggregate`` or ``window``.
        volatile: Whether two calls with the same arguments can return different results.
    """
    for name in names.split():
        signature = Signature(name, patterns(parameters), result, emit, variadic, fails, kind, volatile)
        _SIGNATURES[name].append(signature)


def signatures(name: str) -> list[Signature]:
    """Return a function's signatures, or an empty list if the function does not exist."""
    return _SIGNATURES.get(name, [])


def is_aggregate(name: str) -> bool:
    """Return whether a function is an aggregate."""
    return any(signature.kind == "aggregate" for signature in signatures(name))


def is_window(name: str) -> bool:
    """Return whether a function requires ``OVER``."""
    return any(signature.kind == "window" for signature in signatures(name))


def all_names() -> list[str]:
    """Return the names of all functions."""
    return sorted(_SIGNATURES)
