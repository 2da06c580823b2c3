"""Python functions in DuckDB, for results that neither DuckDB's functions nor macros can reproduce."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any

import pyarrow as pa

_ZONED = "STRUCT(i TIMESTAMP, z VARCHAR)"
_FINE = "STRUCT(u TIMESTAMP, p INTEGER)"
_FINE_TIME = "STRUCT(u TIME, p INTEGER)"
_ZONED_TIME = "STRUCT(n BIGINT, o INTEGER)"
_FINE_ZONED = "STRUCT(i TIMESTAMP, z VARCHAR, p INTEGER)"
_ARROW = {
    "BOOLEAN": pa.bool_(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "BLOB": pa.binary(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "VARCHAR[]": pa.list_(pa.string()),
    "VARCHAR[][]": pa.list_(pa.list_(pa.string())),
    "BIGINT[][]": pa.list_(pa.list_(pa.int64())),
    "MAP(VARCHAR, VARCHAR)": pa.map_(pa.string(), pa.string()),
    "MAP(VARCHAR, VARCHAR[])": pa.map_(pa.string(), pa.list_(pa.string())),
    _ZONED: pa.struct([("i", pa.timestamp("us")), ("z", pa.string())]),
    _FINE: pa.struct([("u", pa.timestamp("us")), ("p", pa.int32())]),
    _FINE_TIME: pa.struct([("u", pa.time64("us")), ("p", pa.int32())]),
    _ZONED_TIME: pa.struct([("n", pa.int64()), ("o", pa.int32())]),
    _FINE_ZONED: pa.struct([("i", pa.timestamp("us")), ("z", pa.string()), ("p", pa.int32())]),
}
_SHORT = {
    "b": "BOOLEAN",
    "i": "INTEGER",
    "n": "BIGINT",
    "d": "DOUBLE",
    "s": "VARCHAR",
    "x": "BLOB",
    "D": "DATE",
    "t": "TIMESTAMP",
    "S": "VARCHAR[]",
    "G": "VARCHAR[][]",
    "C": "BIGINT[][]",
    "m": "MAP(VARCHAR, VARCHAR)",
    "M": "MAP(VARCHAR, VARCHAR[])",
    "z": _ZONED,
    "f": _FINE,
    "F": _FINE_TIME,
    "T": _ZONED_TIME,
    "Z": _FINE_ZONED,
}
_FAILURE = "ATHENA|{name}|{message}|ANEHTA"


class AthenaError(ValueError):
    """A function failed with one of Athena's error names."""

    def __init__(self, message: str, name: str = "INVALID_FUNCTION_ARGUMENT") -> None:
        super().__init__(_FAILURE.format(name=name, message=message))


@dataclass(frozen=True)
class Udf:
    """A Python function with its parameter and result types in DuckDB."""

    name: str
    function: Callable[..., Any]
    parameters: Sequence[str]
    result: str


_UDFS: list[Udf] = []


def udf(signature: str, *, nulls: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a scalar function in DuckDB.

    Args:
        signature: A letter for each parameter, a colon, and a letter for the result. The letters are b (boolean), i
            (integer), n (bigint), d (double), s (text), x (bytes), D (date), t (timestamp), S (strings), G (lists of
            strings), C (lists of bigints), m (map of strings), M (map of lists of strings) and z (timestamp with its
            zone). The letters for types with picoseconds are f (timestamp), F (time), T (time with its zone) and Z
            (timestamp with its zone).
        nulls: Whether the function is called for rows with NULL arguments. If not, the result for these rows is NULL.

    Raises:
        ValueError: The signature contains an unknown letter.
    """
    parameters, _, result = signature.partition(":")
    if unknown := {*parameters, result} - _SHORT.keys():
        raise ValueError(f"{signature!r}: add {sorted(unknown)} to the type letters in {__name__}")

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        arrow = _ARROW[_SHORT[result]]

        def vectorized(*columns: Any) -> Any:
            rows = zip(*(column.to_pylist() for column in columns), strict=False)
            results = [None if None in row and not nulls else function(*row) for row in rows]
            try:
                return pa.array(results, arrow)
            except UnicodeEncodeError as error:
                # JSON can contain unpaired surrogates.
                raise AthenaError(
                    "The local Athena does not support strings with an unpaired surrogate", "NOT_SUPPORTED"
                ) from error

        # DuckDB derives the number of parameters from the signature.
        kinds = [Parameter(f"p{place}", Parameter.POSITIONAL_ONLY) for place in range(len(parameters))]
        vectorized.__signature__ = Signature(kinds)  # type: ignore[attr-defined]
        types = [_SHORT[letter] for letter in parameters]
        _UDFS.append(Udf("athena_" + function.__name__.rstrip("_"), vectorized, types, _SHORT[result]))
        return function

    return register


def all_udfs() -> list[Udf]:
    """Return all registered functions."""
    return list(_UDFS)


@udf("s:n")
def raise_(message: str) -> int:
    """Raise the error that ``NAME|message`` describes."""
    name, text = message.split("|", 1)
    raise AthenaError(text, name)
