"""The names and values in the expressions of one request. Each name and value must be defined and used.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from local_lakehouse.dynamodb.syntax import Name, Path, SyntaxFault
from local_lakehouse.dynamodb.values import Value, accept, invalid, require_name
from local_lakehouse.loading import load
from local_lakehouse.protocol.faults import Fault

Steps = tuple[str | int, ...]
T = TypeVar("T")

_NAME = re.compile(r"#[A-Za-z0-9_]+")
_VALUE = re.compile(r":[A-Za-z0-9_]+")


class ExpressionFault(Exception):
    """A syntactically correct expression is not valid. The message uses DynamoDB's wording."""


class Names:
    """The names and values of a request.

    Args:
        request: The request.
        expressions: The members of the request that contain expressions.

    Raises:
        Fault: The request has names or values but no expression, or the names or values are empty or invalid
            (``ValidationException``).
    """

    def __init__(self, request: Mapping[str, Any], expressions: tuple[str, ...]) -> None:
        self._names: Mapping[str, str] = request.get("ExpressionAttributeNames") or {}
        self._values: dict[str, Value] = {}
        self._used: set[str] = set()
        given = [name for name in ("ExpressionAttributeNames", "ExpressionAttributeValues") if name in request]
        if not given:
            return
        if all(request.get(name) is None for name in expressions):
            self._refuse_without_expressions(given[0], expressions)
        for name in given:
            if not request[name]:
                raise invalid(f"{name} must not be empty")
        for key, name in self._names.items():
            if not _NAME.fullmatch(key):
                raise invalid(f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{key}"')
            if not name:
                raise invalid(f'ExpressionAttributeNames contains invalid value: "" for key {key}')
            require_name(name)
        for key, value in (request.get("ExpressionAttributeValues") or {}).items():
            if not _VALUE.fullmatch(key):
                raise invalid(f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{key}"')
            try:
                self._values[key] = accept(value)[0]
            except Fault as fault:
                if fault.code != "ValidationException":
                    raise
                message = f"ExpressionAttributeValues contains invalid value: {fault.message} for key {key}"
                raise invalid(message) from fault

    @staticmethod
    def _refuse_without_expressions(given: str, expressions: tuple[str, ...]) -> None:
        if given == "ExpressionAttributeNames":
            raise invalid("ExpressionAttributeNames can only be specified when using expressions")
        takes_values = [name for name in expressions if name != "ProjectionExpression"]
        verb = "is" if len(takes_values) == 1 else "are"
        raise invalid(
            "ExpressionAttributeValues can only be specified when using expressions: "
            f"{' and '.join(takes_values)} {verb} null"
        )

    def read(self, kind: str, text: Any, read: Callable[[str], T]) -> T:
        """Parse an expression, and resolve its names and values.

        Args:
            kind: The name of the request's member, such as ``FilterExpression``.
            text: The expression.
            read: A function that parses the expression and resolves its names with this object.

        Raises:
            Fault: The expression has a syntax error or is not valid (``ValidationException``).
        """
        if not isinstance(text, str):
            raise Fault("SerializationException", f"{kind} must be a string")
        try:
            return read(text)
        except (SyntaxFault, ExpressionFault) as fault:
            raise invalid(f"Invalid {kind}: {fault}") from fault

    def steps(self, path: Path | Name) -> Steps:
        """Return a document path with its names resolved.

        Raises:
            ExpressionFault: A name is reserved, or not defined.
        """
        if isinstance(path, Name):
            return (path.name,)
        return tuple(part if isinstance(part, int) else self._name(part) for part in path.parts)

    def _name(self, written: str) -> str:
        if written.startswith("#"):
            if written not in self._names:
                raise ExpressionFault(
                    f"An expression attribute name used in the document path is not defined; attribute name: {written}"
                )
            self._used.add(written)
            return self._names[written]
        if written.upper() in reserved_words():
            raise ExpressionFault(f"Attribute name is a reserved keyword; reserved keyword: {written}")
        return written

    def value(self, name: str) -> Value:
        """Return a value by its name.

        Raises:
            ExpressionFault: The value is not defined.
        """
        if name not in self._values:
            raise ExpressionFault(
                f"An expression attribute value used in expression is not defined; attribute value: {name}"
            )
        self._used.add(name)
        return self._values[name]

    def require_use(self) -> None:
        """Reject names and values that no expression uses.

        Raises:
            Fault: ``ValidationException``.
        """
        for member, given in (("Names", self._names), ("Values", self._values)):
            unused = [key for key in given if key not in self._used]
            if unused:
                raise invalid(
                    f"Value provided in ExpressionAttribute{member} unused in expressions: keys: "
                    f"{{{', '.join(unused)}}}"
                )


@functools.cache
def reserved_words() -> frozenset[str]:
    """Return the reserved words, which cannot be used as attribute names in an expression."""
    # moto contains AWS's list of reserved words.
    words = load("moto.dynamodb.parsing.reserved_keywords").ReservedKeywords.get_reserved_keywords()
    return frozenset(word.upper() for word in words)


def shown(steps: Steps) -> str:
    """Format a document path the way DynamoDB's error messages do."""
    return f"[{', '.join(f'[{step}]' if isinstance(step, int) else step for step in steps)}]"


def require_apart(paths: list[Steps]) -> None:
    """Reject paths that overlap or that use the same value both as a list and as a map.

    Raises:
        ExpressionFault: Two paths conflict.
    """
    for position, path in enumerate(paths):
        for earlier in paths[:position]:
            both = f"path one: {shown(earlier)}, path two: {shown(path)}"
            together = min(len(path), len(earlier))
            if path[:together] == earlier[:together]:
                raise ExpressionFault(
                    f"Two document paths overlap with each other; must remove or rewrite one of these paths; {both}"
                )
            apart = next(i for i in range(together) if path[i] != earlier[i])
            if isinstance(path[apart], int) != isinstance(earlier[apart], int):
                raise ExpressionFault(
                    f"Two document paths conflict with each other; must remove or rewrite one of these paths; {both}"
                )
