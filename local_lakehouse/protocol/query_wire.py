"""AWS's query protocol over botocore's service models: forms in, XML out.

AWS: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, OperationModel, Shape, StructureShape
from moto.core.serialize import QuerySerializer, SerializationContext
from moto.core.utils import get_service_model

from local_lakehouse.protocol.wire import Answer, Fault


def typed(shape: Shape | None, value: Any) -> Any:
    """Give a form's texts the types of a shape, as a JSON body would have them; what does not fit stays a text.

    Args:
        shape: What the value should be.
        value: What the form said: texts, lists and mappings.
    """
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        return {name: typed(shape.members.get(name), one) for name, one in value.items()}
    if isinstance(shape, ListShape) and (isinstance(value, list) or value == ""):
        # An empty list is written as an empty text.
        return [typed(shape.member, one) for one in value]
    if shape is not None and shape.type_name in ("integer", "long") and str(value).isdecimal():
        return int(value)
    return value


def answer(operation: OperationModel, result: Mapping[str, Any]) -> Answer:
    """Serialise a result by the operation's output shape."""
    # Moto's serialisers walk moto's own reading of the same models.
    model = get_service_model(operation.service_model.service_name).operation_model(operation.name)
    written = QuerySerializer(model, SerializationContext(str(uuid.uuid4()))).serialize(dict(result))
    return _xml(200, str(written["body"]))


def fail(fault: Fault) -> Answer:
    """Serialise an error."""
    error = f"<Error><Type>Sender</Type><Code>{fault.code}</Code><Message>{escape(fault.message)}</Message></Error>"
    return _xml(fault.status, f"<ErrorResponse>{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>")


def _xml(status: int, document: str) -> Answer:
    declared = document if document.startswith("<?xml") else f'<?xml version="1.0" encoding="UTF-8"?>\n{document}'
    body = declared.encode()
    return Answer(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))], body)
