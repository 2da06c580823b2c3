"""Conversion of Python values to JSON and back, without executing stored content.

Every value has exactly one JSON form. Values without a native JSON form become objects whose ``$`` member identifies
the kind of value. Objects are rebuilt field by field, and only if the codec knows their class.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

_KIND = "$"
_PLAIN = (type(None), bool, int, float, str)

Plain = Any
"""A value that JSON can represent."""

Encode = Callable[[Any], Plain]
Decode = Callable[[Plain], Any]


class UnknownClassError(TypeError):
    """A value cannot be stored because the codec does not know its class."""


class DamagedDocumentError(ValueError):
    """A stored document was changed or damaged."""


@dataclass(frozen=True)
class ClassRules:
    """The stored form of a class's objects.

    Args:
        omit: The fields that are not stored.
        added: A function that returns additional fields, which are stored so that `restore` can use them.
        restore: A function that recreates the omitted fields of a rebuilt object.
        encode: A function that returns the value to store instead of the fields.
        decode: A function that creates an object from the result of `encode`.
    """

    omit: frozenset[str] = frozenset()
    added: Callable[[Any], Mapping[str, Any]] | None = None
    restore: Callable[[Any], None] | None = None
    encode: Callable[[Any, Encode], Plain] | None = None
    decode: Callable[[Plain, Decode], Any] | None = None


@dataclass(frozen=True)
class Known:
    """The classes that a codec can rebuild.

    Args:
        classes: The classes, keyed by their stored names.
        rules: The rules for classes that need special treatment.
        mappings: The dictionary classes, whose objects are created without arguments.
        factories: The default factories of `defaultdict` objects.
    """

    classes: Mapping[str, type] = field(default_factory=dict)
    rules: Mapping[type, ClassRules] = field(default_factory=dict)
    mappings: Mapping[str, type] = field(default_factory=dict)
    factories: Mapping[str, Callable[[], Any]] = field(default_factory=dict)


class Codec:
    """A codec between Python values and a form that JSON can represent.

    Args:
        known: The classes that can be rebuilt.
        refer: A function that returns the reference to an object's separate document, or None for an object that is
            stored in its parent's document.
        resolve: A function that returns the object for a reference.
    """

    def __init__(
        self,
        known: Known,
        refer: Callable[[Any], int | None] = lambda _: None,
        resolve: Callable[[int], Any] | None = None,
    ) -> None:
        self._known = known
        self._names = {class_: name for name, class_ in known.classes.items()}
        self._mapping_names = {class_: name for name, class_ in known.mappings.items()}
        self._factory_names = {factory: name for name, factory in known.factories.items()}
        self._referable = frozenset(
            name for name, class_ in known.classes.items() if known.rules.get(class_, _NO_RULES).encode is None
        )
        self._refer = refer
        self._resolve = resolve

    def encode(self, value: Any) -> Plain:
        """Return a value in a form that JSON can represent.

        Raises:
            UnknownClassError: The value contains an object of an unknown class.
        """
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is list:
            return [self.encode(element) for element in value]
        if kind is dict:
            if all(type(key) is str for key in value) and _KIND not in value:
                return {key: self.encode(member) for key, member in value.items()}
            return self._pairs("dict", value)
        encode = _SIMPLE.get(kind)
        if encode is not None:
            name, content = encode(value)
            return {_KIND: name, "v": content}
        return self._composed(value, kind)

    def decode(self, plain: Plain) -> Any:
        """Rebuild a value from the result of `encode`.

        Raises:
            DamagedDocumentError: The input is not a valid encoded value.
        """
        if isinstance(plain, list):
            return [self.decode(element) for element in plain]
        if not isinstance(plain, dict):
            return plain
        kind = plain.get(_KIND)
        if kind is None:
            return {key: self.decode(member) for key, member in plain.items()}
        simple = _FROM_SIMPLE.get(kind)
        if simple is not None:
            return simple(plain["v"])
        return self._recompose(kind, plain)

    def fields(self, value: Any) -> Plain:
        """Return an object's class and fields, even when `encode` would return only a reference to the object."""
        class_ = type(value)
        name = self._names.get(class_)
        if name is None:
            raise UnknownClassError(f"{class_.__module__}.{class_.__qualname__} is not a class that can be stored")
        rules = self._known.rules.get(class_, _NO_RULES)
        if rules.encode is not None:
            return {_KIND: "object", "c": name, "v": rules.encode(value, self.encode)}
        kept = {key: self.encode(member) for key, member in vars(value).items() if key not in rules.omit}
        if rules.added is not None:
            kept.update({key: self.encode(member) for key, member in rules.added(value).items()})
        return {_KIND: "object", "c": name, "f": kept}

    @property
    def referable(self) -> frozenset[str]:
        """The names of classes whose objects can be stored as separate documents."""
        return self._referable

    def blank(self, plain: Plain) -> Any:
        """Create an object of the class in the result of `fields`, without setting its fields."""
        class_ = self._class(plain)
        return object.__new__(class_)

    def fill(self, target: Any, plain: Plain, *, restore: bool = True) -> Any:
        """Set an object's fields to those in the result of `fields`."""
        vars(target).update({key: self.decode(member) for key, member in plain["f"].items()})
        if restore:
            self.restore(target)
        return target

    def restore(self, target: Any) -> None:
        """Recreate an object's fields that are not stored."""
        rules = self._known.rules.get(type(target), _NO_RULES)
        if rules.restore is not None:
            rules.restore(target)

    def _class(self, plain: Plain) -> type:
        try:
            return self._known.classes[plain["c"]]
        except KeyError as error:
            raise DamagedDocumentError(f"{plain.get('c')!r} is not a class that can be stored") from error

    def _pairs(self, kind: str, value: Mapping[Any, Any]) -> Plain:
        return {_KIND: kind, "v": [[self.encode(key), self.encode(member)] for key, member in value.items()]}

    def _composed(self, value: Any, kind: type) -> Plain:
        if kind is tuple:
            return {_KIND: "tuple", "v": [self.encode(element) for element in value]}
        if kind in (set, frozenset):
            elements = sorted((self.encode(element) for element in value), key=dumps)
            return {_KIND: kind.__name__, "v": elements}
        if kind is defaultdict:
            factory = self._factory_names.get(value.default_factory)
            if factory is None:
                raise UnknownClassError(f"{value.default_factory} is not a factory that can be stored")
            return {**self._pairs("defaultdict", value), "d": factory}
        if kind in self._mapping_names:
            return {**self._pairs("mapping", value), "c": self._mapping_names[kind]}
        if isinstance(value, Enum):
            if kind not in self._names:
                raise UnknownClassError(f"{kind.__module__}.{kind.__qualname__} is not a class that can be stored")
            return {_KIND: "enum", "c": self._names[kind], "v": value.name}
        reference = self._refer(value)
        return self.fields(value) if reference is None else {_KIND: "ref", "v": reference}

    def _recompose(self, kind: str, plain: Plain) -> Any:
        match kind:
            case "ref" if self._resolve is not None:
                return self._resolve(plain["v"])
            case "object":
                return self._object(plain)
            case "tuple":
                return tuple(self.decode(element) for element in plain["v"])
            case "set":
                return {self.decode(element) for element in plain["v"]}
            case "frozenset":
                return frozenset(self.decode(element) for element in plain["v"])
            case "enum":
                return self._class(plain)[plain["v"]]  # type: ignore[index]
            case "dict":
                return dict(self._decoded_pairs(plain))
            case "defaultdict":
                return defaultdict(self._known.factories[plain["d"]], self._decoded_pairs(plain))
            case "mapping":
                mapping = self._known.mappings[plain["c"]]()
                for key, member in self._decoded_pairs(plain):
                    mapping[key] = member
                return mapping
        raise DamagedDocumentError(f"{kind!r} is not a known kind of value")

    def _object(self, plain: Plain) -> Any:
        rules = self._known.rules.get(self._class(plain), _NO_RULES)
        if rules.decode is not None:
            return rules.decode(plain["v"], self.decode)
        return self.fill(self.blank(plain), plain)

    def _decoded_pairs(self, plain: Plain) -> list[tuple[Hashable, Any]]:
        return [(self.decode(key), self.decode(member)) for key, member in plain["v"]]


def dumps(plain: Plain) -> str:
    """Return the JSON for the result of `Codec.encode`."""
    return json.dumps(plain, separators=(",", ":"), check_circular=False)


def loads(text: str) -> Plain:
    """Parse the JSON that `dumps` returned.

    Raises:
        DamagedDocumentError: The text is not JSON.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise DamagedDocumentError(str(error)) from error


def _pattern(value: re.Pattern[str]) -> tuple[str, Plain]:
    return "pattern", [value.pattern, value.flags & ~re.UNICODE.value]


_NO_RULES = ClassRules()
_SIMPLE: Mapping[type, Callable[[Any], tuple[str, Plain]]] = {
    bytes: lambda value: ("bytes", base64.b64encode(value).decode()),
    bytearray: lambda value: ("bytearray", base64.b64encode(value).decode()),
    datetime.datetime: lambda value: ("datetime", value.isoformat()),
    datetime.date: lambda value: ("date", value.isoformat()),
    datetime.timedelta: lambda value: ("timedelta", [value.days, value.seconds, value.microseconds]),
    Decimal: lambda value: ("decimal", str(value)),
    re.Pattern: _pattern,
    uuid.UUID: lambda value: ("uuid", str(value)),
}
_FROM_SIMPLE: Mapping[str, Callable[[Plain], Any]] = {
    "bytes": base64.b64decode,
    "bytearray": lambda content: bytearray(base64.b64decode(content)),
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "timedelta": lambda content: datetime.timedelta(*content),
    "decimal": Decimal,
    "pattern": lambda content: re.compile(*content),
    "uuid": uuid.UUID,
}
PLAIN_VALUES = Known(mappings={"OrderedDict": OrderedDict})
"""The known classes for plain values, which do not contain other objects."""
