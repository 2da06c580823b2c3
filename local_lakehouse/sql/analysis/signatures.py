"""Overload resolution, which matches parameter patterns against argument types.

Patterns have the syntax of Trino's signatures, such as ``bigint``, ``array(T)`` and ``function(T,boolean)``. A capital
letter matches any type, and ``T:orderable`` restricts the match. ``decimal``, ``varchar``, ``timestamp`` and ``time``
match any length or precision.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from local_lakehouse.sql import types
from local_lakehouse.sql.analysis.typed import Typed
from local_lakehouse.sql.types import Type, can_coerce, common_type

Emit = str | Callable[[Sequence[Typed]], str]
Result = str | Callable[[Sequence[Typed]], Type]

_CONSTRAINTS: dict[str, Callable[[Type], bool]] = {
    "": lambda type_: type_.name != "function",
    "orderable": types.is_orderable,
    "comparable": types.is_comparable,
    "row": lambda type_: type_.name == "row",
    "row_or_unknown": lambda type_: type_.name in ("row", "unknown"),
    "array": lambda type_: type_.name == "array",
    "integer": types.is_integer,
}


@dataclass(frozen=True)
class Pattern:
    """A pattern for a parameter's type, which is a name, a variable with its constraint, or a structure."""

    name: str
    children: tuple[Pattern, ...] = ()
    constraint: str = ""

    @property
    def is_variable(self) -> bool:
        """Whether the pattern is a variable, whose name is a single letter."""
        return len(self.name) == 1


@dataclass(frozen=True)
class Signature:
    """A function signature.

    Args:
        name: The function's name.
        parameters: The patterns of the function's parameters.
        result: The type of the result, as a pattern or a function of the arguments.
        emit: The SQL for the call, as a template with ``{0}``, ``{1}`` …, or a function of the arguments.
        variadic: Whether the last parameter can be repeated.
        fails: Whether evaluating the call can fail.
        kind: The function's kind: ``scalar``, ``aggregate`` or ``window``.
        volatile: Whether two calls with the same arguments can return different results.
    """

    name: str
    parameters: tuple[Pattern, ...]
    result: Result
    emit: Emit
    variadic: bool = False
    fails: bool = False
    kind: str = "scalar"
    volatile: bool = False

    def __str__(self) -> str:
        """Return the signature in the format used in error messages."""
        return f"{self.name}({', '.join(map(_written, self.parameters))})"

    def expanded(self, count: int) -> tuple[Pattern, ...] | None:
        """Return the parameter patterns for the given number of arguments, or None if the number does not match."""
        if self.variadic and count >= len(self.parameters) - 1:
            extra = count - len(self.parameters) + 1
            return self.parameters[:-1] + self.parameters[-1:] * extra
        return self.parameters if count == len(self.parameters) else None


def _written(pattern: Pattern) -> str:
    if pattern.children:
        return f"{pattern.name}({','.join(map(_written, pattern.children))})"
    return "decimal(p,s)" if pattern.name == "decimal" else pattern.name


@functools.cache
def pattern(text: str) -> Pattern:
    """Parse a pattern."""
    text = text.strip()
    if not text.endswith(")"):
        name, _, constraint = text.partition(":")
        return Pattern(name, (), constraint)
    name, _, inner = text[:-1].partition("(")
    return Pattern(name, tuple(pattern(part) for part in _split(inner)))


def _split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    return [part for part in (*parts, text[start:]) if part.strip()]


def patterns(text: str) -> tuple[Pattern, ...]:
    """Parse a list of parameter patterns."""
    return tuple(pattern(part) for part in _split(text))


@dataclass
class Binding:
    """The types of a signature's type variables in one call."""

    coerce: bool
    variables: dict[str, Type] = field(default_factory=dict)

    def match(self, wanted: Pattern, given: Type) -> bool:
        """Return whether an argument's type matches a pattern, and bind the pattern's variables."""
        if wanted.is_variable:
            return self._match_variable(wanted, given)
        if given == types.UNKNOWN:
            # A NULL has no length, so it becomes a varchar.
            return self.coerce and wanted.name != "char"
        if wanted.children:
            if given.name != wanted.name or len(given.children) != len(wanted.children):
                return False
            return all(self.match(mine, its) for mine, its in zip(wanted.children, given.children, strict=False))
        if given.name == wanted.name:
            return True
        return self.coerce and _widens(given, wanted.name)

    def _match_variable(self, wanted: Pattern, given: Type) -> bool:
        known = self.variables.get(wanted.name)
        if given == types.UNKNOWN:
            self.variables.setdefault(wanted.name, types.UNKNOWN)
            return True
        if not _CONSTRAINTS[wanted.constraint](given):
            return False
        if known is None or known in (given, types.UNKNOWN):
            self.variables[wanted.name] = given
            return True
        common = common_type(known, given)
        if common is None or not self.coerce:
            return False
        self.variables[wanted.name] = common
        return True

    def type_of(self, wanted: Pattern, given: Type) -> Type:
        """Return the type to which an argument is converted."""
        if wanted.is_variable:
            return self.variables.get(wanted.name, types.UNKNOWN)
        if wanted.children:
            inside = given.children if given.name == wanted.name else (types.UNKNOWN,) * len(wanted.children)
            children = tuple(self.type_of(mine, its) for mine, its in zip(wanted.children, inside, strict=False))
            return Type(wanted.name, (), children)
        if given.name == wanted.name:
            return given
        return _default(wanted.name, given)

    def result(self, wanted: Pattern) -> Type:
        """Return the result type that a pattern describes."""
        if wanted.is_variable:
            return self.variables.get(wanted.name, types.UNKNOWN)
        if wanted.children:
            children = tuple(map(self.result, wanted.children))
            return types.row(children) if wanted.name == "row" else Type(wanted.name, (), children)
        return _default(wanted.name, types.UNKNOWN)


def _widens(given: Type, wanted: str) -> bool:
    if wanted == "decimal":
        return types.is_integer(given)
    if wanted == "varchar":
        return types.is_text(given)
    if wanted in ("timestamp", "timestamp with time zone"):
        return given.name in ("date", "timestamp")
    if wanted == "time with time zone":
        return given.name == "time"
    return can_coerce(given, _default(wanted, given))


def _default(name: str, given: Type) -> Type:
    if name == "decimal":
        return types.as_decimal(given) if types.is_integer(given) else types.decimal(1, 0)
    if name in ("timestamp", "timestamp with time zone"):
        precision = given.precision if given.name.startswith("timestamp") else (0 if given.name == "date" else 3)
        return Type(name, (precision,))
    if name in ("time", "time with time zone"):
        return Type(name, (given.precision if given.name.startswith("time") else 3,))
    return Type(name)
