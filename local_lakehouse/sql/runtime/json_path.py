"""The parser for the path language of the SQL/JSON functions.

https://trino.io/docs/current/functions/json.html#json-path-language

A path yields a sequence of items. In lax mode, arrays are unwrapped where necessary and missing parts are skipped. In
strict mode, both cases are errors. Predicates use three-valued logic, and an error inside a predicate makes its result
unknown.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from local_lakehouse.sql.runtime.json_path_steps import (
    Context,
    Predicate,
    Step,
    UnsupportedPath,
    arithmetic,
    attempt,
    both,
    comparison,
    constant,
    either,
    elements,
    filtered,
    last_place,
    members,
    method,
    signed,
    starts_with,
)

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+(?:[eE][+-]?\d+)?)|"(?P<string>(?:[^"\\]|\\.)*)"
    |\$(?P<variable>[A-Za-z_][A-Za-z0-9_]*)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<symbol>==|!=|<>|<=|>=|&&|\|\||[$@.\[\]()?,*+\-/%<>!]))""",
    re.VERBOSE,
)
_COMPARISONS = {"==", "<>", "!=", "<", ">", "<=", ">="}
_METHODS = {"type", "size", "double", "ceiling", "floor", "abs", "keyvalue"}
_REFUSED_METHODS = {"datetime"}


class PathSyntaxError(ValueError):
    """A path is invalid."""


@dataclass(frozen=True)
class Path:
    """A parsed path."""

    lax: bool
    step: Step
    variables: frozenset[str]

    def find(self, root: Any, parameters: dict[str, list[Any]]) -> list[Any]:
        """Return the values at the path.

        Raises:
            PathFailure: Evaluation fails.
        """
        return self.step(Context(root, parameters, self.lax))


@functools.lru_cache(maxsize=512)
def read_path(text: str) -> Path:
    """Parse a path.

    Raises:
        PathSyntaxError: The text is not a path.
        UnsupportedPath: The path is not supported.
    """
    return _Reader(text).path()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise PathSyntaxError(text)
            self._tokens.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            place = match.end()
        self._place = 0
        self._text = text
        self._variables: set[str] = set()

    def path(self) -> Path:
        mode = self._take()
        if mode not in (("name", "lax"), ("name", "strict")):
            raise PathSyntaxError(self._text)
        step = self._expression()
        if self._place < len(self._tokens):
            raise PathSyntaxError(self._text)
        return Path(mode[1] == "lax", step, frozenset(self._variables))

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._place += 1
        return token

    def _accept(self, text: str, kind: str = "symbol") -> bool:
        if self._peek() != (kind, text):
            return False
        self._place += 1
        return True

    def _expect(self, text: str, kind: str = "symbol") -> None:
        if not self._accept(text, kind):
            raise PathSyntaxError(self._text)

    def _expression(self) -> Step:
        left = self._product()
        while self._peek() in (("symbol", "+"), ("symbol", "-")):
            left = arithmetic(self._take()[1], left, self._product())
        return left

    def _product(self) -> Step:
        left = self._signed()
        while self._peek() in (("symbol", "*"), ("symbol", "/"), ("symbol", "%")):
            left = arithmetic(self._take()[1], left, self._signed())
        return left

    def _signed(self) -> Step:
        if self._peek() in (("symbol", "+"), ("symbol", "-")):
            return signed(self._take()[1], self._signed())
        return self._accessors(self._primary())

    def _primary(self) -> Step:
        kind, text = self._take()
        if kind == "number":
            return constant(_number(text))
        if kind == "string":
            return constant(_unescaped(text))
        if kind == "variable":
            self._variables.add(text)
            return lambda context: context.parameters[text]
        if (kind, text) == ("symbol", "$"):
            return lambda context: [context.root]
        if (kind, text) == ("symbol", "@"):
            return lambda context: [context.item]
        if (kind, text) == ("symbol", "("):
            inner = self._expression()
            self._expect(")")
            return inner
        if kind == "name" and text in ("null", "true", "false"):
            return constant({"null": None, "true": True, "false": False}[text])
        if (kind, text) == ("name", "last"):
            return last_place
        raise PathSyntaxError(self._text)

    def _accessors(self, base: Step) -> Step:
        while True:
            if self._accept("."):
                base = self._member(base)
            elif self._accept("["):
                base = self._subscripts(base)
            elif self._accept("?"):
                self._expect("(")
                predicate = self._predicate()
                self._expect(")")
                base = filtered(base, predicate)
            else:
                return base

    def _member(self, base: Step) -> Step:
        if self._accept("*"):
            return members(base, None)
        kind, text = self._take()
        if kind == "string":
            return members(base, _unescaped(text))
        if kind != "name":
            raise PathSyntaxError(self._text)
        if self._accept("("):
            if text in _REFUSED_METHODS:
                raise UnsupportedPath(self._text)
            if text not in _METHODS:
                raise PathSyntaxError(self._text)
            self._expect(")")
            return method(base, text)
        return members(base, text)

    def _subscripts(self, base: Step) -> Step:
        if self._accept("*"):
            self._expect("]")
            return elements(base, [])
        subscripts = []
        while True:
            first = self._expression()
            subscripts.append((first, self._expression() if self._accept("to", "name") else None))
            if not self._accept(","):
                break
        self._expect("]")
        return elements(base, subscripts)

    def _predicate(self) -> Predicate:
        left = self._conjunction()
        while self._accept("||"):
            left = either(left, self._conjunction())
        return left

    def _conjunction(self) -> Predicate:
        left = self._negation()
        while self._accept("&&"):
            left = both(left, self._negation())
        return left

    def _negation(self) -> Predicate:
        if not self._accept("!"):
            return self._test()
        inner = self._exists() if self._peek() == ("name", "exists") else self._grouped()
        return lambda context: None if (found := inner(context)) is None else not found

    def _exists(self) -> Predicate:
        self._expect("exists", "name")
        self._expect("(")
        inner = self._expression()
        self._expect(")")
        return attempt(lambda context: bool(inner(context)))

    def _grouped(self) -> Predicate:
        self._expect("(")
        inner = self._predicate()
        self._expect(")")
        return inner

    def _test(self) -> Predicate:
        if self._peek() == ("name", "exists") and self._peek(1) == ("symbol", "("):
            return self._exists()
        if self._peek() == ("symbol", "("):
            # A parenthesis can start a predicate or a path. If the text cannot be parsed as a predicate, it is parsed
            # as a path.
            mark = self._place
            try:
                inner = self._grouped()
                if self._accept("is", "name"):
                    self._expect("unknown", "name")
                    return lambda context: inner(context) is None
                if self._peek()[1] not in _COMPARISONS | {"+", "-", "*", "/", "%", ".", "[", "?", "starts"}:
                    return inner
            except PathSyntaxError:
                pass
            self._place = mark
        left = self._expression()
        kind, text = self._take()
        if kind == "symbol" and text in _COMPARISONS:
            return comparison({"!=": "<>"}.get(text, text), left, self._expression())
        if (kind, text) == ("name", "starts"):
            self._expect("with", "name")
            return starts_with(left, self._primary())
        if (kind, text) == ("name", "like_regex"):
            raise UnsupportedPath(self._text)
        raise PathSyntaxError(self._text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.replace('""', '"'))


def _number(text: str) -> Any:
    if "e" in text.lower():
        return float(text)
    return Decimal(text) if "." in text else int(text)
