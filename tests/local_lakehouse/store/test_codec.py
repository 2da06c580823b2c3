import datetime
import re
from collections import OrderedDict, defaultdict
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_lakehouse.store.codec import ClassRules, Codec, DamagedDocumentError, Known, UnknownClassError, dumps, loads

pytestmark = pytest.mark.once


class Color(Enum):
    RED = "red"


class Pet:
    def __init__(self, name: str) -> None:
        self.name = name
        self.collar = object()


class UnknownClass:
    pass


KNOWN = Known(
    {"Color": Color, "Pet": Pet},
    {Pet: ClassRules(omit=frozenset({"collar"}), restore=lambda pet: setattr(pet, "collar", "new"))},
    {"OrderedDict": OrderedDict},
    {"list": list},
)
_keys = st.text() | st.integers() | st.booleans() | st.none() | st.tuples(st.text(), st.integers())
_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC))
    | st.dates()
    | st.timedeltas()
    | st.just(Color.RED)
    | st.frozensets(st.text() | st.integers())
)
_values = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(_keys, inner)
        | st.dictionaries(st.just("$") | st.text(), inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner).map(OrderedDict)
    ),
)


def round_trip(value: Any, known: Known = KNOWN) -> Any:
    codec = Codec(known)
    return codec.decode(loads(dumps(codec.encode(value))))


def typed(value: Any) -> Any:
    """Return a value together with the types of all its parts, because `==` ignores types."""
    if isinstance(value, dict):
        return type(value), [(typed(key), typed(member)) for key, member in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [typed(element) for element in value]
    return type(value), value


@given(_values)
def test_values_round_trip(value: Any) -> None:
    assert typed(round_trip(value)) == typed(value)


def test_default_dictionary_keeps_its_factory() -> None:
    kept = round_trip(defaultdict(list, a=[1]))
    assert kept["b"] == []


def test_pattern_is_recompiled() -> None:
    assert round_trip(re.compile("a.b", re.IGNORECASE)) == re.compile("a.b", re.IGNORECASE)


def test_object_is_restored_without_calling_its_constructor() -> None:
    pet = round_trip(Pet("Rex"))
    assert (type(pet), pet.name, pet.collar) == (Pet, "Rex", "new")


@pytest.mark.parametrize(
    "value", [UnknownClass(), [UnknownClass()], {"a": (UnknownClass(),)}, defaultdict(int), lambda: 0]
)
def test_encode_rejects_unknown_classes(value: Any) -> None:
    with pytest.raises(UnknownClassError, match="that can be stored"):
        Codec(KNOWN).encode(value)


@pytest.mark.parametrize(
    "text",
    [
        '{"$":"object","c":"os.system","f":{}}',
        '{"$":"object","c":"UnknownClass","f":{}}',
        '{"$":"enum","c":"builtins.eval","v":"x"}',
        '{"$":"reduce","v":["os.system","true"]}',
        '{"$":"ref","v":1}',
        "{",
    ],
)
def test_decode_rejects_unknown_classes(text: str) -> None:
    with pytest.raises(DamagedDocumentError):
        Codec(KNOWN).decode(loads(text))


def test_field_cannot_create_an_object() -> None:
    kept = Codec(KNOWN).decode(loads('{"$":"object","c":"Pet","f":{"name":{"$":"dict","v":[["__class__","os"]]}}}'))
    assert kept.name == {"__class__": "os"}
