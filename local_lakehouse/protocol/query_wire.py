"""The AWS query protocol, with form requests and XML responses, based on botocore's service models.

AWS: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel

from local_lakehouse.loading import load
from local_lakehouse.protocol.faults import Answer, Fault, xml


class _Form(dict[str, str]):
    """A form that records which of its names were read."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        super().__init__(pairs)
        self.used: dict[str, str] = {}

    def get(self, name: str, default: Any = None) -> Any:
        """Return the form's value for a name, and record that the name was read."""
        if name in self:
            self.used[name] = self[name]
        return super().get(name, default)


def parse(operation: OperationModel, pairs: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Parse a form according to the operation's input shape, as moto's parser does.

    Args:
        operation: The operation.
        pairs: The form.

    Returns:
        The members, converted to the model's types, and the entries of the form that were used.

    Raises:
        Fault: A value does not have its member's type, or a name is misspelled (``MalformedInput``).
    """
    # moto is slow to import, so it is imported only when it is needed.
    load("moto.core.parse")
    load("moto.core.utils")
    from moto.core.parse import QueryParser
    from moto.core.utils import get_service_model

    form = _Form(pairs)
    model = get_service_model(operation.service_model.service_name).operation_model(operation.name)
    try:
        members: dict[str, Any] = QueryParser(model).parse({"values": form})  # type: ignore[typeddict-item]
    except (ValueError, OverflowError, AttributeError, TypeError) as error:
        raise Fault("MalformedInput", f"A parameter of {operation.name} has the wrong type: {error}") from error
    known = set(operation.input_shape.members) if operation.input_shape else set()
    for name in pairs.keys() - form.used.keys():
        if name.split(".")[0] in known:
            # Unused names, such as those of a list that starts at index 2, must not be ignored silently.
            raise Fault("MalformedInput", f"{operation.name} has no parameter named {name}.")
    return members, form.used


def answer(operation: OperationModel, result: Mapping[str, Any]) -> Answer:
    """Serialize a result according to the operation's output shape."""
    load("moto.core.serialize")
    load("moto.core.utils")
    from moto.core.serialize import QuerySerializer, SerializationContext
    from moto.core.utils import get_service_model

    # moto's serializers use a different representation of the same models.
    model = get_service_model(operation.service_model.service_name).operation_model(operation.name)
    written = QuerySerializer(model, SerializationContext(str(uuid.uuid4()))).serialize(dict(result))
    return xml(200, str(written["body"]))
