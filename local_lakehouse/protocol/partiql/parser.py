"""A recursive-descent parser for PartiQL statements.

AWS: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from local_lakehouse.protocol.partiql.tokens import END, RESERVED, Token, malformed, tokens
from local_lakehouse.protocol.partiql.tree import (
    All,
    Append,
    Arithmetic,
    Between,
    Call,
    ChangeSet,
    Compare,
    Condition,
    Delete,
    Either,
    Exists,
    In,
    Insert,
    Is,
    Literal,
    NewValue,
    Not,
    Operand,
    Path,
    Remove,
    Select,
    Set,
    Size,
    Statement,
    TypedValue,
    Update,
)
from local_lakehouse.protocol.partiql.values import bag, invalid, number, struct

_DEEPEST = 50
_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_TESTS = ("ATTRIBUTE_TYPE", "BEGINS_WITH", "CONTAINS")
_TYPES = {
    "NULL": "NULL", "BOOLEAN": "BOOL", "BLOB": "B", "STRING": "S", "NUMERIC": "N", "STRUCT": "M", "TUPLE": "M",
    "LIST": "L", "MISSING": None,
}  # fmt: skip
_SET_FUNCTIONS = ("SET_ADD", "SET_DELETE")
_SETS = frozenset({"SS", "NS", "BS"})
_AFTER_OPERANDS = ("BETWEEN", "IN", "IS", "NOT")
_TABLE_PARTS = 2

T = TypeVar("T")


def parse(statement: str, parameters: Sequence[TypedValue] | None = None) -> Statement:
    """Parse a statement.

    Args:
        statement: The statement.
        parameters: The values for the statement's ``?`` placeholders, or None if only the structure matters.

    Raises:
        Fault: The statement has a syntax error or the wrong number of parameters (``ValidationException``).
    """
    reader = _Parser(list(tokens(statement)), parameters)
    found = reader.statement()
    reader.finish()
    return found


class _Parser:
    def __init__(self, found: list[Token], parameters: Sequence[TypedValue] | None) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._parameters = parameters
        self._used = 0

    def statement(self) -> Statement:
        if self._takes("SELECT"):
            return self._select()
        if self._takes("INSERT"):
            return self._insert()
        if self._takes("UPDATE"):
            return self._update()
        if self._takes("DELETE"):
            return self._delete()
        if self._takes("EXISTS"):
            self._expect("(")
            self._expect("SELECT")
            select = self._select()
            self._expect(")")
            return Exists(select)
        raise malformed("Expected data manipulation")

    def finish(self) -> None:
        """Check that the statement ends at this token and that each parameter is used."""
        if self._next() is not END:
            raise malformed(f"Unexpected token after expression: {self._next().text}")
        if self._parameters is not None and self._used != len(self._parameters):
            raise invalid("Number of parameters in request and statement don't match.")

    def _select(self) -> Select:
        paths = None if self._takes("*") else tuple(self._several(self._path))
        if paths is not None and self._is("*"):
            raise invalid("Other attributes should not be present in the projection when '*' is used.")
        if self._is("AS"):
            raise invalid("Aliasing is not supported")
        self._expect("FROM")
        table, index = self._table()
        where = self._where()
        order: tuple[tuple[str, bool], ...] = ()
        if self._takes("ORDER"):
            self._expect("BY")
            order = tuple(self._several(self._ordering))
        return Select(table, index, paths, where, order)

    def _ordering(self) -> tuple[str, bool]:
        path = self._path()
        if len(path.steps) > 1:
            raise invalid("Argument to ORDER BY must be of type VariableReference. Type: Path")
        descending = self._takes("DESC")
        if not descending:
            self._takes("ASC")
        return str(path.steps[0]), descending

    def _insert(self) -> Insert:
        self._expect("INTO")
        table = self._single_table()
        if self._is("VALUES"):
            raise invalid(
                "Unsupported operation: Inserting multiple items in a single statement is not supported, "
                'use "INSERT INTO tableName VALUE item" instead'
            )
        self._expect("VALUE")
        if not self._is("{") and not self._is("?"):
            raise invalid(
                "Unsupported format in item expression. Please use struct format {...} to express item values for "
                "insert statement."
            )
        value = self._literal()
        if "M" not in value and self._parameters is not None:
            raise invalid("Unsupported format in item expression.")
        if self._is("RETURNING"):
            raise invalid("RETURNING is not supported in INSERT")
        return Insert(table, value.get("M", {}))

    def _update(self) -> Update:
        table = self._single_table()
        actions: list[Set | Remove] = []
        where: Condition | None = None
        while True:
            if self._takes("SET"):
                actions += self._several(self._assignment)
            elif self._takes("REMOVE"):
                actions += self._several(lambda: Remove(self._path()))
            elif where is None and self._is("WHERE"):
                where = self._where()
            else:
                break
        if not actions:
            raise invalid("Only SET and REMOVE are supported in update expressions at this time")
        return Update(table, tuple(actions), where, self._returning())

    def _assignment(self) -> Set:
        path = self._path()
        self._expect("=")
        return Set(path, self._new_value())

    def _delete(self) -> Delete:
        self._expect("FROM")
        table = self._single_table()
        where = self._where()
        returning = self._returning()
        if returning not in (None, "ALL_OLD"):
            shown = str(returning).replace("UPDATED", "MODIFIED").replace("_", " ")
            raise invalid(
                f"Invalid returning clause: RETURNING {shown} *. "
                "Only RETURNING ALL OLD * is allowed in DELETE statements."
            )
        return Delete(table, where, returning)

    def _returning(self) -> str | None:
        if not self._takes("RETURNING"):
            return None
        extent = "ALL" if self._takes("ALL") else "UPDATED" if self._takes("MODIFIED") else None
        version = "NEW" if self._takes("NEW") else "OLD" if self._takes("OLD") else None
        if extent is None or version is None or not self._takes("*"):
            raise invalid("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause")
        return f"{extent}_{version}"

    def _table(self) -> tuple[str, str | None]:
        names = [self._name()]
        while self._takes("."):
            names.append(self._name())
        if len(names) > _TABLE_PARTS:
            raise invalid("A path may contain at most 2 components in the FROM clause")
        if self._is(","):
            raise malformed("Only select from a single table or index is supported.")
        return names[0], names[1] if len(names) > 1 else None

    def _single_table(self) -> str:
        table, index = self._table()
        if index is not None:
            raise invalid("This operation is not supported on an index")
        return table

    def _where(self) -> Condition | None:
        return self._either() if self._takes("WHERE") else None

    def _either(self) -> Condition:
        return self._deeper(lambda: self._joined("OR", self._all, Either))

    def _all(self) -> Condition:
        return self._joined("AND", self._negation, All)

    def _joined(self, word: str, part: Callable[[], Condition], kind: Callable[[Any], Condition]) -> Condition:
        found = [part()]
        while self._takes(word):
            found.append(part())
        return found[0] if len(found) == 1 else kind(tuple(found))

    def _negation(self) -> Condition:
        if self._takes("NOT"):
            return Not(self._deeper(self._negation))
        if self._is("(") and not self._is_operand():
            self._expect("(")
            found = self._either()
            self._expect(")")
            return found
        return self._predicate()

    def _is_operand(self) -> bool:
        """Return whether the next parenthesized expression is an operand of a comparison and not a condition."""
        depth = 0
        for at in range(self._at, len(self._tokens)):
            token = self._tokens[at]
            if token.kind == "symbol":
                depth += (token.value == "(") - (token.value == ")")
            if depth == 0:
                after = self._tokens[at + 1] if at + 1 < len(self._tokens) else END
                return after.value in _COMPARISONS or (after.kind == "word" and after.value in _AFTER_OPERANDS)
        return False

    def _predicate(self) -> Condition:
        token = self._next()
        if token.kind == "word" and token.value in _TESTS and self._ahead("("):
            return self._call()
        if token.kind == "word" and token.value == "EXISTS":
            raise malformed("EXISTS can only be used in ExecuteTransaction write requests.")
        left = self._operand()
        if self._takes("IS"):
            return self._type_test(left)
        negated = self._takes("NOT")
        found: Condition
        if self._takes("BETWEEN"):
            low = self._operand()
            self._expect("AND")
            found = Between(left, low, self._operand())
        elif self._takes("IN"):
            found = In(left, self._options())
        elif not negated and self._next().value in _COMPARISONS and self._next().kind == "symbol":
            found = Compare(_COMPARISONS[self._advance().value], left, self._operand())
        else:
            raise malformed(f"Unexpected token in expression: {self._next().text}")
        return Not(found) if negated else found

    def _call(self) -> Condition:
        name = self._advance().value.lower()
        self._expect("(")
        path = self._path()
        self._expect(",")
        argument = self._operand()
        self._expect(")")
        return Call(name, path, argument)

    def _type_test(self, operand: Operand) -> Condition:
        negated = self._takes("NOT")
        token = self._advance()
        if token.kind != "word" or token.value not in _TYPES:
            raise invalid(
                f"Unsupported data type for IS operator: {token.text}. Supported data types are "
                "[MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, STRUCT, TUPLE, LIST]"
            )
        if not isinstance(operand, Path):
            raise invalid("The left hand side argument to IS must be a Variable Reference, Literal, or Path")
        found = Is(operand, _TYPES[token.value])
        return Not(found) if negated else found

    def _options(self) -> tuple[Operand, ...]:
        closing = ")" if self._takes("(") else "]"
        if closing == "]":
            self._expect("[")
        options = () if self._is(closing) else tuple(self._several(self._operand))
        self._expect(closing)
        if not options:
            raise invalid(
                "IN operator must have a left hand argument of type Variable Reference and right hand argument of "
                "type Seq with at least one member"
            )
        return options

    def _operand(self) -> Operand:
        token = self._next()
        if token.value == "(" and token.kind == "symbol":
            self._advance()
            found = self._deeper(self._operand)
            self._expect(")")
            return found
        if token.value == "SIZE" and token.kind == "word" and self._ahead("("):
            self._advance()
            self._advance()
            path = self._path()
            self._expect(")")
            return Size(path)
        if token.kind == "word" and token.value == "MISSING":
            raise invalid("MISSING must be compared using IS operator")
        if token.kind == "quoted" or (token.kind == "word" and token.value not in ("TRUE", "FALSE", "NULL")):
            if token.kind == "word" and self._ahead("("):
                raise invalid(f"Unrecognized function: {token.text}")
            return self._path()
        return Literal(self._literal())

    def _new_value(self) -> NewValue:
        found = self._deeper(self._term)
        while self._is("+") or self._is("-"):
            found = Arithmetic(self._advance().value, found, self._term())
        return found

    def _term(self) -> NewValue:
        token = self._next()
        if self._takes("("):
            found = self._new_value()
            self._expect(")")
            return found
        if token.kind == "word" and self._ahead("("):
            if token.value == "LIST_APPEND":
                left, right = self._arguments(self._new_value)
                return Append(left, right)
            if token.value in _SET_FUNCTIONS:
                return self._changed_set(token.value)
        operand = self._operand()
        if isinstance(operand, Size):
            raise invalid("Unsupported operator in Update Expression. Operator: SIZE")
        return operand

    def _changed_set(self, name: str) -> ChangeSet:
        path, members = self._arguments(self._operand)
        verb = name.partition("_")[2]
        if not isinstance(path, Path):
            raise invalid(f"The first argument to {name} must equal the assignment value")
        if not isinstance(members, Literal) or (self._parameters is not None and not members.value.keys() & _SETS):
            raise invalid(f"The second argument to {name} must be a value with type SET")
        return ChangeSet(verb, path, members)

    def _arguments(self, part: Callable[[], T]) -> tuple[T, T]:
        self._advance()
        self._expect("(")
        left = part()
        self._expect(",")
        right = part()
        self._expect(")")
        return left, right

    def _path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while True:
            if self._takes("."):
                steps.append(self._name())
            elif self._takes("["):
                token = self._advance()
                if token.kind == "number" and token.value.isdecimal():
                    steps.append(int(token.value))
                elif token.kind == "text":
                    steps.append(token.value)
                else:
                    raise malformed("Unexpected path component")
                self._expect("]")
            else:
                return Path(tuple(steps))

    def _name(self) -> str:
        token = self._advance()
        if token.kind == "word":
            if token.value.lower() in RESERVED:
                raise malformed(f"Unexpected keyword: {token.text}")
            return token.text
        if token.kind != "quoted":
            raise malformed(f"Expected identifier, found {token.text}")
        if not token.value:
            raise malformed("Path component cannot be an empty string")
        return token.value

    def _literal(self) -> TypedValue:
        return self._deeper(self._plain_literal)

    def _plain_literal(self) -> TypedValue:
        token = self._advance()
        if token.kind == "text":
            return {"S": token.value}
        if token.kind == "number":
            return number(token.value)
        if token.kind == "word" and token.value in ("TRUE", "FALSE"):
            return {"BOOL": token.value == "TRUE"}
        if token.kind == "word" and token.value == "NULL":
            return {"NULL": True}
        if token.kind == "symbol":
            match token.value:
                case "-" | "+" if self._next().kind == "number":
                    return number(token.value + self._advance().value)
                case "?":
                    return self._parameter()
                case "[":
                    return {"L": self._members("]", self._literal)}
                case "<<":
                    return bag(self._members(">>", self._literal))
                case "{":
                    return {"M": struct(self._members("}", self._member))}
        raise malformed(f"Unexpected token in expression: {token.text}")

    def _member(self) -> tuple[str, TypedValue]:
        token = self._advance()
        if token.kind not in ("text", "quoted"):
            raise malformed(f"Tuple keys must be of type String. Found {token.text}")
        self._expect(":")
        return token.value, self._literal()

    def _members(self, closing: str, part: Callable[[], T]) -> list[T]:
        found = [] if self._is(closing) else self._several(part)
        self._expect(closing)
        return found

    def _parameter(self) -> TypedValue:
        self._used += 1
        if self._parameters is None:
            return {"NULL": True}
        if self._used > len(self._parameters):
            raise invalid("Number of parameters in request and statement don't match.")
        found: Mapping[str, Any] = self._parameters[self._used - 1]
        return found

    def _several(self, part: Callable[[], T]) -> list[T]:
        found = [part()]
        while self._takes(","):
            found.append(part())
        return found

    def _deeper(self, part: Callable[[], T]) -> T:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise malformed("Expressions are nested too deeply")
        try:
            return part()
        finally:
            self._depth -= 1

    def _next(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else END

    def _ahead(self, value: str) -> bool:
        return self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].text == value

    def _advance(self) -> Token:
        token = self._next()
        self._at += 1
        return token

    def _is(self, value: str) -> bool:
        return self._next().value == value and self._next().kind in ("word", "symbol")

    def _takes(self, value: str) -> bool:
        if not self._is(value):
            return False
        self._at += 1
        return True

    def _expect(self, value: str) -> None:
        if not self._takes(value):
            raise malformed(f"Expected {value}, found {self._next().text}")
