"""A parser for DynamoDB expressions. The parser does not resolve names, values or types.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

_LONGEST = 4096
_MOST_OPERATORS = 300
_LONGEST_PATH = 32
_LARGEST_INDEX = 2**31 - 1
# An expression of comparisons reaches the limit of 300 operators at this depth. Python's recursion limit is higher.
_DEEPEST = 150
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<placeholder>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<index>[0-9]+)|(?P<sign><>|<=|>=|[-=<>+.,()\[\]])|(?P<other>.)",
    re.DOTALL,
)
_COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})

T = TypeVar("T")


class SyntaxFault(Exception):
    """An expression has a syntax error. The message uses DynamoDB's wording."""


@dataclass(frozen=True)
class Token:
    """A token and its position."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        """The keyword, or an empty string for other tokens."""
        upper = self.text.upper()
        return upper if self.kind == "name" and upper in _KEYWORDS else ""


@dataclass(frozen=True)
class Path:
    """A document path of unresolved names and list indexes."""

    parts: tuple[str | int, ...]


@dataclass(frozen=True)
class Name:
    """The document path of a legacy parameter, which is a single literal attribute name."""

    name: str


@dataclass(frozen=True)
class Placeholder:
    """A placeholder for a value, such as ``:v``."""

    name: str


@dataclass(frozen=True)
class Literal:
    """A literal value, as in legacy parameters."""

    value: Any


@dataclass(frozen=True)
class Call:
    """A function and its operands."""

    name: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Compare:
    """A comparison of two operands."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Between:
    """A ``BETWEEN`` condition with inclusive bounds."""

    operand: Node
    low: Node
    high: Node


@dataclass(frozen=True)
class In:
    """An ``IN`` condition, in which an operand must equal one of several other operands."""

    operand: Node
    options: tuple[Node, ...]


@dataclass(frozen=True)
class Logic:
    """Conditions joined by ``AND`` or ``OR``, or a condition negated by ``NOT``."""

    operator: str
    conditions: tuple[Node, ...]


@dataclass(frozen=True)
class Arithmetic:
    """A sum or difference in an update expression."""

    operator: str
    left: Node
    right: Node


Node = Path | Name | Placeholder | Literal | Call | Compare | Between | In | Logic | Arithmetic


@dataclass(frozen=True)
class Action:
    """The update of one path.

    Args:
        section: The section of the expression, which is ``SET``, ``REMOVE``, ``ADD`` or ``DELETE``.
        path: The path.
        operand: The value to set, add or delete, or None for ``REMOVE``.
    """

    section: str
    path: Path | Name
    operand: Node | None = None


@functools.lru_cache(maxsize=512)
def condition(text: str) -> Node:
    """Parse a condition, filter or key condition expression.

    Raises:
        SyntaxFault: The expression has a syntax error.
    """
    return _read(text, _Parser.condition)


@functools.lru_cache(maxsize=512)
def projection(text: str) -> tuple[Path, ...]:
    """Parse a projection expression.

    Raises:
        SyntaxFault: The expression has a syntax error.
    """
    return _read(text, _Parser.projection)


@functools.lru_cache(maxsize=512)
def update(text: str) -> tuple[Action, ...]:
    """Parse an update expression.

    Raises:
        SyntaxFault: The expression has a syntax error.
    """
    return _read(text, _Parser.update)


def _read(text: str, rule: Callable[[_Parser], T]) -> T:
    if not text.strip():
        raise SyntaxFault("The expression can not be empty;")
    if len(text.encode()) > _LONGEST:
        raise SyntaxFault(
            f"Expression size has exceeded the maximum allowed size; expression size: {len(text.encode())}"
        )
    parser = _Parser(text)
    found = rule(parser)
    parser.expect_end()
    if parser.redundant:
        raise SyntaxFault("The expression has redundant parentheses;")
    return found


class _Parser:
    """A recursive-descent parser for one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[Token] = []
        self._position = 0
        self._depth = 0
        self._operators = 0
        self.redundant = False
        for match in _TOKEN.finditer(text):
            if match.lastgroup != "space":
                self._tokens.append(Token(str(match.lastgroup), match[0], match.start(), match.end()))
        self._tokens.append(Token("end", "<EOF>", len(text), len(text)))

    # Rules.

    def condition(self) -> Node:
        found = [self._conjunction()]
        while self._take_keyword("OR"):
            self._count_operator()
            found.append(self._conjunction())
        return found[0] if len(found) == 1 else Logic("OR", tuple(found))

    def projection(self) -> tuple[Path, ...]:
        return tuple(self._list(self._path))

    def update(self) -> tuple[Action, ...]:
        actions: list[Action] = []
        seen: set[str] = set()
        while self._peek.kind != "end":
            section = self._peek.keyword
            if section not in ("SET", "REMOVE", "ADD", "DELETE"):
                raise self._unexpected()
            self._position += 1
            if section in seen:
                raise SyntaxFault(f'The "{section}" section can only be used once in an update expression;')
            seen.add(section)
            actions += self._list(functools.partial(self._action, section))
        return tuple(actions)

    def _action(self, section: str) -> Action:
        path = self._path()
        if section == "SET":
            self._expect("=")
            return Action(section, path, self._sum())
        if section == "REMOVE":
            return Action(section, path)
        value = self._next()
        if value.kind != "value":
            self._position -= 1
            raise self._unexpected()
        return Action(section, path, Placeholder(value.text))

    def _sum(self) -> Node:
        left = self._term()
        if self._peek.text in ("+", "-"):
            operator = self._next().text
            self._count_operator()
            return Arithmetic(operator, left, self._term())
        return left

    def _term(self) -> Node:
        if self._take("("):
            with_depth = self._nested(self._sum)
            self._expect(")")
            return with_depth
        return self._operand()

    def _conjunction(self) -> Node:
        found = [self._negation()]
        while self._take_keyword("AND"):
            self._count_operator()
            found.append(self._negation())
        return found[0] if len(found) == 1 else Logic("AND", tuple(found))

    def _negation(self) -> Node:
        if self._take_keyword("NOT"):
            self._count_operator()
            return Logic("NOT", (self._nested(self._negation),))
        if self._peek.text == "(":
            return self._parenthesized()
        return self._comparison(self._operand())

    def _parenthesized(self) -> Node:
        """Parse a condition in parentheses, or a comparison whose operand is in parentheses."""
        self._expect("(")
        doubled = self._peek.text == "("
        found = self._nested(self.condition)
        if doubled and self._tokens[self._position - 1].text == ")" and self._peek.text == ")":
            # The parentheses are redundant in ``((a))``, but not in ``((a) AND (b))``.
            self.redundant = self.redundant or self._spans_inside()
        self._expect(")")
        return self._comparison(found) if isinstance(found, Path | Placeholder | Call) else found

    def _spans_inside(self) -> bool:
        """Return whether the last closed pair of parentheses starts directly after the outer opening parenthesis."""
        depth = 0
        for position in range(self._position - 1, -1, -1):
            text = self._tokens[position].text
            depth += (text == ")") - (text == "(")
            if depth == 0:
                return position > 0 and self._tokens[position - 1].text == "("
        return False

    def _comparison(self, left: Node) -> Node:
        token = self._peek
        if token.text in _COMPARATORS:
            self._position += 1
            self._count_operator()
            return Compare(token.text, left, self._right_operand())
        if self._take_keyword("BETWEEN"):
            self._count_operator()
            low = self._right_operand()
            if not self._take_keyword("AND"):
                raise self._unexpected()
            return Between(left, low, self._right_operand())
        if self._take_keyword("IN"):
            self._count_operator()
            self._expect("(")
            options = self._list(self._operand)
            self._expect(")")
            return In(left, tuple(options))
        if isinstance(left, Call) or self._peek.text == ")":
            return left
        raise self._unexpected()

    def _right_operand(self) -> Node:
        if self._take("("):
            found = self._nested(self._right_operand)
            self._expect(")")
            return found
        return self._operand()

    def _operand(self) -> Node:
        token = self._peek
        if token.kind == "value":
            self._position += 1
            return Placeholder(token.text)
        if token.kind == "name" and not token.keyword and self._tokens[self._position + 1].text == "(":
            self._position += 2
            self._count_operator()
            operands = self._nested(lambda: self._list(self._operand))
            self._expect(")")
            return Call(token.text, tuple(operands))
        return self._path()

    def _path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while True:
            if self._take("."):
                parts.append(self._name())
            elif self._take("["):
                index = self._next()
                if index.kind != "index":
                    self._position -= 1
                    raise self._unexpected()
                if len(index.text) > len(str(_LARGEST_INDEX)) or int(index.text) > _LARGEST_INDEX:
                    raise SyntaxFault(f"List index is not within the allowable range; index: [{index.text}]")
                parts.append(int(index.text))
                self._expect("]")
            elif len(parts) > _LONGEST_PATH:
                raise SyntaxFault(f"The document path has too many nesting levels; nesting levels: {len(parts)}")
            else:
                return Path(tuple(parts))

    def _name(self) -> str:
        token = self._next()
        if token.kind not in ("name", "placeholder"):
            self._position -= 1
            raise self._unexpected()
        return token.text

    # Tokens.

    @property
    def _peek(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        token = self._tokens[self._position]
        if token.kind != "end":
            self._position += 1
            return token
        raise self._unexpected()

    def _take(self, text: str) -> bool:
        if self._peek.text == text:
            self._position += 1
            return True
        return False

    def _take_keyword(self, keyword: str) -> bool:
        if self._peek.keyword == keyword:
            self._position += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._unexpected()

    def expect_end(self) -> None:
        if self._peek.kind != "end":
            raise self._unexpected()

    def _list(self, rule: Callable[[], T]) -> list[T]:
        found = [rule()]
        while self._take(","):
            found.append(rule())
        return found

    def _nested(self, rule: Callable[[], T]) -> T:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise SyntaxFault("The expression is nested too deeply;")
        found = rule()
        self._depth -= 1
        return found

    def _count_operator(self) -> None:
        """Count an operator or function.

        Raises:
            SyntaxFault: The expression has too many operators and functions.
        """
        self._operators += 1
        if self._operators > _MOST_OPERATORS:
            raise SyntaxFault(f"The expression contains too many operators; operator count: {self._operators}")

    def _unexpected(self) -> SyntaxFault:
        token = self._peek
        first = self._tokens[max(0, self._position - 1)].start
        last = self._tokens[min(self._position + 1, len(self._tokens) - 1)].end
        return SyntaxFault(f'Syntax error; token: "{token.text}", near: "{self._text[first:last].strip()}"')
