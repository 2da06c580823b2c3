"""Functions that check a request against all constraints in the AWS service models.

Botocore checks types, required and unknown members, and minima, but not maxima, enums or patterns.
"""

from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from local_lakehouse.protocol import wire


def violations(operation: OperationModel, parameters: dict[str, Any]) -> list[str]:
    """Return a message for each value in a request that the operation's model does not allow."""
    shape = operation.input_shape
    if shape is None:
        return [f"{operation.name} takes no parameters"] if parameters else []
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        return [line for line in report.generate_report().splitlines() if line]
    return list(wire.violations(shape, parameters))


def unreadable_patterns(operation: OperationModel, parameters: dict[str, Any]) -> set[str]:
    """Return the patterns that apply to a request but cannot be checked here."""
    if operation.input_shape is None:
        return set()
    patterns = {shape.metadata.get("pattern") for shape, _ in _texts(operation.input_shape, parameters)}
    return {pattern for pattern in patterns if pattern and not wire.readable(pattern)}


def _texts(shape: Shape, value: Any) -> Iterator[tuple[Shape, Any]]:
    """Yield each string in a request, with its shape."""
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            yield from _texts(shape.members[name], member)
    elif isinstance(shape, ListShape):
        for item in value:
            yield from _texts(shape.member, item)
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _texts(shape.key, key)
            yield from _texts(shape.value, item)
    elif shape.type_name == "string":
        yield shape, value
