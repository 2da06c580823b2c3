"""The path language of SQL's JSON functions: reading a path, and finding what it leads to.

https://trino.io/docs/current/functions/json.html#json-path-language

A path yields a sequence of items. In lax mode arrays are unwrapped where they stand in the way and what is missing is
skipped; in strict mode either is an error. Predicates are three-valued: an error inside one makes it unknown.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+(?:[eE][+-]?\d+)?)|"(?P<string>(?:[^"\\]|\\.)*)"
    |\$(?P<variable>[A-Za-z_][A-Za-z0-9_]*)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<symbol>==|!=|<>|<=|>=|&&|\|\||[$@.\[\]()?,*+\-/%<>!]))""",
    re.VERBOSE,
)
_COMPARISONS = {"==", "<>", "!=", "<", ">", "<=", ">="}
_METHODS = {"type", "size", "double", "ceiling", "floor", "abs", "keyvalue"}
_REFUSED_METHODS = {"datetime"}
_BIGINT = 2**63
_INT = 2**31


class PathSyntaxError(ValueError):
    """A path that cannot be read."""


class UnsupportedPath(ValueError):
    """A path with a part that Trino knows and this reader does not."""


class PathFailure(ValueError):
    """A path that cannot be followed in a JSON value."""


@dataclass
class Context:
    """What a path is followed in.

    Args:
        root: The JSON value.
        parameters: The values passed to the path by name; a missing one is an empty sequence.
        lax: Whether arrays are unwrapped and missing parts skipped.
        item: The item that a filter looks at.
        last: The last place of the array that is subscripted.
    """

    root: Any
    parameters: dict[str, list[Any]]
    lax: bool
    item: Any = None
    last: int | None = None
    ids: list[int] = field(default_factory=lambda: [0])

    def at(self, **changes: Any) -> Context:
        """Return this context elsewhere in the value."""
        return Context(**{**self.__dict__, **changes})


Step = Callable[[Context], list[Any]]
Predicate = Callable[[Context], bool | None]


@dataclass(frozen=True)
class Path:
    """A path that was read."""

    lax: bool
    step: Step
    variables: frozenset[str]

    def find(self, root: Any, parameters: dict[str, list[Any]]) -> list[Any]:
        """Return what the path leads to.

        Raises:
            PathFailure: It cannot be followed.
        """
        return self.step(Context(root, parameters, self.lax))


@functools.lru_cache(maxsize=512)
def read_path(text: str) -> Path:
    """Read a path.

    Raises:
        PathSyntaxError: It is not a path.
        UnsupportedPath: It is one that is not supported.
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
            left = _arithmetic(self._take()[1], left, self._product())
        return left

    def _product(self) -> Step:
        left = self._signed()
        while self._peek() in (("symbol", "*"), ("symbol", "/"), ("symbol", "%")):
            left = _arithmetic(self._take()[1], left, self._signed())
        return left

    def _signed(self) -> Step:
        if self._peek() in (("symbol", "+"), ("symbol", "-")):
            return _sign(self._take()[1], self._signed())
        return self._accessors(self._primary())

    def _primary(self) -> Step:
        kind, text = self._take()
        if kind == "number":
            return _constant(_number(text))
        if kind == "string":
            return _constant(_unescaped(text))
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
            return _constant({"null": None, "true": True, "false": False}[text])
        if (kind, text) == ("name", "last"):
            return _last
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
                base = _filter(base, predicate)
            else:
                return base

    def _member(self, base: Step) -> Step:
        if self._accept("*"):
            return _members(base, None)
        kind, text = self._take()
        if kind == "string":
            return _members(base, _unescaped(text))
        if kind != "name":
            raise PathSyntaxError(self._text)
        if self._accept("("):
            if text in _REFUSED_METHODS:
                raise UnsupportedPath(self._text)
            if text not in _METHODS:
                raise PathSyntaxError(self._text)
            self._expect(")")
            return _method(base, text)
        return _members(base, text)

    def _subscripts(self, base: Step) -> Step:
        if self._accept("*"):
            self._expect("]")
            return _elements(base, [])
        subscripts = []
        while True:
            first = self._expression()
            subscripts.append((first, self._expression() if self._accept("to", "name") else None))
            if not self._accept(","):
                break
        self._expect("]")
        return _elements(base, subscripts)

    def _predicate(self) -> Predicate:
        left = self._conjunction()
        while self._accept("||"):
            left = _either(left, self._conjunction())
        return left

    def _conjunction(self) -> Predicate:
        left = self._negation()
        while self._accept("&&"):
            left = _both(left, self._negation())
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
        return _attempt(lambda context: bool(inner(context)))

    def _grouped(self) -> Predicate:
        self._expect("(")
        inner = self._predicate()
        self._expect(")")
        return inner

    def _test(self) -> Predicate:
        if self._peek() == ("name", "exists") and self._peek(1) == ("symbol", "("):
            return self._exists()
        if self._peek() == ("symbol", "("):
            # A parenthesis opens a predicate or a path; only one of them can be read to its end.
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
            return _comparison({"!=": "<>"}.get(text, text), left, self._expression())
        if (kind, text) == ("name", "starts"):
            self._expect("with", "name")
            return _starts_with(left, self._primary())
        if (kind, text) == ("name", "like_regex"):
            raise UnsupportedPath(self._text)
        raise PathSyntaxError(self._text)


def _constant(value: Any) -> Step:
    return lambda _: [value]


def _last(context: Context) -> list[Any]:
    if context.last is None:
        raise PathFailure("accessing the last array index with no enclosing array")
    return [context.last]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.replace('""', '"'))


def _number(text: str) -> Any:
    if "e" in text.lower():
        return float(text)
    return Decimal(text) if "." in text else int(text)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _unwrapped(context: Context, items: list[Any]) -> list[Any]:
    if not context.lax:
        return items
    return [part for item in items for part in (item if isinstance(item, list) else [item])]


def _numeric(value: Any) -> Any:
    if not _is_number(value) or (isinstance(value, int) and not -_BIGINT <= value < _BIGINT):
        raise PathFailure("invalid item type. Expected: NUMBER")
    return value


def _arithmetic(operator: str, left: Step, right: Step) -> Step:
    def step(context: Context) -> list[Any]:
        sides = [_unwrapped(context, side(context)) for side in (left, right)]
        if any(len(side) != 1 for side in sides):
            raise PathFailure("arithmetic binary expression requires singleton operands")
        return [_computed(operator, _numeric(sides[0][0]), _numeric(sides[1][0]))]

    return step


def _computed(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
        if operator in "/%" and right == 0:
            return float("nan") if operator == "%" or left == 0 else left * float("inf")
        if operator == "/":
            return left / right
        if operator == "%":
            return math.fmod(left, right)
        return left + right if operator == "+" else left - right if operator == "-" else left * right
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return _decimal(operator, Decimal(left), Decimal(right))
    if operator in "/%" and right == 0:
        _by_zero()
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1) if operator in "/%" else 0
    result = {"+": left + right, "-": left - right, "*": left * right, "/": quotient, "%": left - quotient * right}[
        operator
    ]
    size = _INT if all(-_INT <= side < _INT for side in (left, right)) else _BIGINT
    if not -size <= result < size:
        raise PathFailure("arithmetic overflow")
    return result


def _decimal(operator: str, left: Decimal, right: Decimal) -> Decimal:
    if operator == "/":
        # The scale of a quotient depends on the operands' declared types.
        raise UnsupportedPath("division of decimals")
    if operator == "%":
        if not right:
            _by_zero()
        return left % right
    return left + right if operator == "+" else left - right if operator == "-" else left * right


def _by_zero() -> NoReturn:
    raise PathFailure("Division by zero")


def _sign(sign: str, base: Step) -> Step:
    def step(context: Context) -> list[Any]:
        values = [_numeric(item) for item in _unwrapped(context, base(context))]
        return values if sign == "+" else [-value for value in values]

    return step


def _members(base: Step, key: str | None) -> Step:
    def step(context: Context) -> list[Any]:
        found: list[Any] = []
        for item in _unwrapped(context, base(context)):
            if not isinstance(item, dict):
                if not context.lax:
                    raise PathFailure("invalid item type. Expected: OBJECT")
            elif key is None:
                found.extend(item.values())
            elif key in item:
                found.append(item[key])
            elif not context.lax:
                raise PathFailure(f"missing member '{key}' in JSON object")
        return found

    return step


def _elements(base: Step, subscripts: list[tuple[Step, Step | None]]) -> Step:
    def step(context: Context) -> list[Any]:
        found: list[Any] = []
        for item in base(context):
            if not isinstance(item, list) and not context.lax:
                raise PathFailure("invalid item type. Expected: ARRAY")
            elements = item if isinstance(item, list) else [item]
            if not subscripts:
                found.extend(elements)
            elif elements:
                found.extend(_selected(context.at(last=len(elements) - 1), elements, subscripts))
            elif not context.lax:
                raise PathFailure("invalid array subscript for empty array")
        return found

    return step


def _selected(context: Context, elements: list[Any], subscripts: list[tuple[Step, Step | None]]) -> list[Any]:
    found: list[Any] = []
    for first, last in subscripts:
        start = _index(context, first)
        end = start if last is None else _index(context, last)
        inside = 0 <= start <= end < len(elements)
        if not inside and not context.lax:
            raise PathFailure(f"invalid array subscript: [{start}, {end}] for array of size {len(elements)}")
        if start <= end:
            found.extend(elements[max(0, start) : max(0, end + 1)])
    return found


def _index(context: Context, step: Step) -> int:
    values = step(context)
    if len(values) != 1:
        raise PathFailure("array subscript 'from' value must be singleton numeric")
    value = _numeric(values[0])
    return int(value) if isinstance(value, int) else int(Decimal(value).to_integral_value("ROUND_HALF_UP"))


def _filter(base: Step, predicate: Predicate) -> Step:
    def step(context: Context) -> list[Any]:
        items = _unwrapped(context, base(context))
        return [item for item in items if predicate(context.at(item=item)) is True]

    return step


def _method(base: Step, name: str) -> Step:
    def step(context: Context) -> list[Any]:
        items = base(context)
        if name == "type":
            return [_type_name(item) for item in items]
        if name == "size":
            return [_size(context, item) for item in items]
        items = _unwrapped(context, items)
        if name == "keyvalue":
            return [entry for item in items for entry in _entries(context, item)]
        return [_applied(name, item) for item in items]

    return step


def _type_name(item: Any) -> str:
    if item is None:
        return "null"
    names = ((bool, "boolean"), (str, "string"), (list, "array"), (dict, "object"))
    return next((name for kind, name in names if isinstance(item, kind)), "number")


def _size(context: Context, item: Any) -> int:
    if isinstance(item, list):
        return len(item)
    if not context.lax:
        raise PathFailure("invalid item type. Expected: ARRAY")
    return 1


def _entries(context: Context, item: Any) -> list[Any]:
    if not isinstance(item, dict):
        raise PathFailure("invalid item type. Expected: OBJECT")
    found = []
    for key, value in item.items():
        found.append({"name": key, "value": value, "id": context.ids[0]})
        context.ids[0] += 1
    return found


def _applied(name: str, item: Any) -> Any:
    if name == "double":
        try:
            return float(item if isinstance(item, str) else _numeric(item))
        except ValueError as error:
            raise PathFailure(f"cannot convert {item} to double") from error
    value = _numeric(item)
    if name == "abs":
        return abs(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return float(
            value if value != value or value in (float("inf"), float("-inf")) else _whole(name, Decimal(value))
        )
    return _whole(name, value)


def _whole(name: str, value: Decimal) -> Decimal:
    return value.to_integral_value("ROUND_CEILING" if name == "ceiling" else "ROUND_FLOOR")


def _attempt(test: Predicate) -> Predicate:
    def predicate(context: Context) -> bool | None:
        try:
            return test(context)
        except PathFailure:
            return None

    return predicate


def _both(left: Predicate, right: Predicate) -> Predicate:
    def predicate(context: Context) -> bool | None:
        sides = (left(context), right(context))
        return False if False in sides else None if None in sides else True

    return predicate


def _either(left: Predicate, right: Predicate) -> Predicate:
    def predicate(context: Context) -> bool | None:
        sides = (left(context), right(context))
        return True if True in sides else None if None in sides else False

    return predicate


def _comparison(operator: str, left: Step, right: Step) -> Predicate:
    def test(context: Context) -> bool | None:
        sides = [_unwrapped(context, side(context)) for side in (left, right)]
        return _compared(context, operator, *sides)

    return _attempt(test)


def _compared(context: Context, operator: str, left: list[Any], right: list[Any]) -> bool | None:
    if not left or not right:
        return False
    kinds = [{_category(item) for item in side} for side in (left, right)]
    if ("structure" in kinds[0] and kinds[1] - {"null"}) or ("structure" in kinds[1] and kinds[0] - {"null"}):
        return None
    found = operator == "==" and all("null" in side for side in kinds)
    if operator == "<>" and any("null" in mine and its - {"null"} for mine, its in (kinds, kinds[::-1])):
        found = True
    if found and context.lax:
        return True
    scalars = [[item for item in side if _category(item) == "scalar"] for side in (left, right)]
    for mine in scalars[0]:
        for its in scalars[1]:
            result = _pair(operator, mine, its)
            if result is None:
                return None
            found = found or result
            if found and context.lax:
                return True
    return found


def _category(item: Any) -> str:
    return "null" if item is None else "structure" if isinstance(item, dict | list) else "scalar"


def _pair(operator: str, left: Any, right: Any) -> bool | None:
    if _is_number(left) and _is_number(right):
        left, right = _numeric(left), _numeric(right)
        if isinstance(left, float) or isinstance(right, float):
            left, right = float(left), float(right)
    elif type(left) is not type(right):
        return None
    return bool(
        {
            "==": lambda: left == right,
            "<>": lambda: left != right,
            "<": lambda: left < right,
            ">": lambda: left > right,
            "<=": lambda: left <= right,
            ">=": lambda: left >= right,
        }[operator]()
    )


def _starts_with(whole: Step, prefix: Step) -> Predicate:
    def test(context: Context) -> bool | None:
        prefixes = prefix(context)
        if len(prefixes) != 1 or not isinstance(prefixes[0], str):
            return None
        found = False
        for item in _unwrapped(context, whole(context)):
            if not isinstance(item, str):
                return None
            found = found or item.startswith(prefixes[0])
            if found and context.lax:
                return True
        return found

    return _attempt(test)
