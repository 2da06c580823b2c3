"""The nodes of PartiQL statements. Values are DynamoDB JSON, with bytes for binary values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

TypedValue = Mapping[str, Any]


@dataclass(frozen=True)
class Path:
    """An attribute path of member names and list indexes."""

    steps: tuple[str | int, ...]


@dataclass(frozen=True)
class Literal:
    """A literal value."""

    value: TypedValue


@dataclass(frozen=True)
class Size:
    """The size of the value at a path."""

    path: Path


Operand = Path | Literal | Size


@dataclass(frozen=True)
class Compare:
    """A comparison with ``=``, ``<>``, ``<``, ``<=``, ``>`` or ``>=``."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True)
class Between:
    """A ``BETWEEN`` condition with inclusive bounds."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True)
class In:
    """An ``IN`` condition, in which an operand equals one of several values."""

    operand: Operand
    options: tuple[Operand, ...]


@dataclass(frozen=True)
class Is:
    """A condition that a path's value has a type such as ``N`` or, if the type is None, that the value is missing."""

    path: Path
    tag: str | None


@dataclass(frozen=True)
class Call:
    """A call to ``begins_with``, ``contains`` or ``attribute_type``."""

    name: str
    path: Path
    argument: Operand


@dataclass(frozen=True)
class Not:
    """A negated condition."""

    condition: Condition


@dataclass(frozen=True)
class All:
    """Conditions joined by ``AND``."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Either:
    """Conditions joined by ``OR``."""

    conditions: tuple[Condition, ...]


Condition = Compare | Between | In | Is | Call | Not | All | Either


@dataclass(frozen=True)
class Arithmetic:
    """The sum or difference of two operands."""

    operator: str
    left: NewValue
    right: NewValue


@dataclass(frozen=True)
class Append:
    """A list with another list appended."""

    left: NewValue
    right: NewValue


@dataclass(frozen=True)
class ChangeSet:
    """A set with members added or removed."""

    verb: str
    path: Path
    members: Literal


NewValue = Path | Literal | Arithmetic | Append | ChangeSet


@dataclass(frozen=True)
class Set:
    """An assignment to a path."""

    path: Path
    value: NewValue


@dataclass(frozen=True)
class Remove:
    """The removal of a path."""

    path: Path


@dataclass(frozen=True)
class Select:
    """A ``SELECT`` statement.

    Args:
        table: The table's name or ARN.
        index: The index to read, or None for the table.
        paths: The projected paths, or None for whole items.
        where: The condition.
        order: The attributes to sort by, and whether each is descending.
    """

    verb: ClassVar[str] = "Select"
    table: str
    index: str | None
    paths: tuple[Path, ...] | None
    where: Condition | None
    order: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Insert:
    """An ``INSERT`` statement."""

    verb: ClassVar[str] = "Insert"
    index: ClassVar[None] = None
    table: str
    item: Mapping[str, TypedValue]


@dataclass(frozen=True)
class Update:
    """An ``UPDATE`` statement, where `returning` is a value of ``ReturnValues``."""

    verb: ClassVar[str] = "Update"
    index: ClassVar[None] = None
    table: str
    actions: tuple[Set | Remove, ...]
    where: Condition | None
    returning: str | None


@dataclass(frozen=True)
class Delete:
    """A ``DELETE`` statement, where `returning` is a value of ``ReturnValues``."""

    verb: ClassVar[str] = "Delete"
    index: ClassVar[None] = None
    table: str
    where: Condition | None
    returning: str | None


@dataclass(frozen=True)
class Exists:
    """An ``EXISTS(SELECT …)`` check in a transaction."""

    verb: ClassVar[str] = "Select"
    select: Select

    @property
    def table(self) -> str:
        """The table's name or ARN."""
        return self.select.table

    @property
    def index(self) -> str | None:
        """The index to read, or None for the table."""
        return self.select.index


Statement = Select | Insert | Update | Delete | Exists
