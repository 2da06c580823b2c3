"""AWS API calls that the console checks and makes for the page, and the equivalent code."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from zetl_helpers.console import same_as, values
from zetl_helpers.console.link import Link

# The console calls only the services whose AWS consoles the tutorial uses. The lakehouse decides which operations it
# supports.
SERVICES = frozenset(
    ("athena", "cloudwatch", "datazone", "dynamodb", "glue", "iam", "kms", "lakeformation", "logs", "s3", "sts")
)


class CallError(Exception):
    """A call failed.

    Args:
        code: The error code from AWS, or one of the console's error codes.
        message: The problem, and what the user can do about it.
        status: The HTTP status of the response to the page.
        same: The equivalent code and command.
    """

    def __init__(self, code: str, message: str, status: int = 400, same: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.same = dict(same or {})


def describe(service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the boto3 code and the AWS CLI command for a call, without making the call.

    Args:
        service: The service's name in boto3.
        operation: The operation's name in the API, such as ``CreateIntegration``.
        parameters: The operation's parameters, in the page's JSON format.

    Raises:
        CallError: The service is not supported, the operation does not exist, or a parameter is malformed.
    """
    model = _operation(service, operation)
    return _same(service, model, parameters, _python(model, parameters))


def call(link: Link, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Make a call, and return its response as ``answer`` and the equivalent code and command as ``same``.

    Args:
        link: The connection to the lakehouse.
        service: The service's name in boto3.
        operation: The operation's name in the API, such as ``CreateIntegration``.
        parameters: The operation's parameters, in the page's JSON format.

    Raises:
        CallError: The call is not supported, was rejected or failed.
        StoppedError: The lakehouse is not running.
    """
    from botocore import xform_name
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    model = _operation(service, operation)
    arguments = _python(model, parameters)
    same = _same(service, model, parameters, arguments)
    method = getattr(link.client(service), xform_name(model.name))
    try:
        with link.answered():
            answer = method(**arguments)
            return {"answer": values.to_json(answer), "same": same}
    except ClientError as error:
        raise refused(error, same) from error
    except ParamValidationError as error:
        raise CallError("ParamValidation", str(error), 400, same) from error
    except BotoCoreError as error:
        raise CallError(type(error).__name__, str(error), 400, same) from error


def refused(error: Any, same: Mapping[str, str] | None = None) -> CallError:
    """Return the error that the page receives for a call that the lakehouse rejected.

    Args:
        error: The ``ClientError`` from botocore.
        same: The equivalent code and command.
    """
    found = error.response.get("Error", {})
    return CallError(str(found.get("Code", "Unknown")), str(found.get("Message") or error), 400, same)


def _operation(service: str, operation: str) -> Any:
    if service not in SERVICES:
        raise CallError("ServiceNotOffered", f"The practice console does not call {service!r}.", 403)
    model = _service_model(service)
    if operation not in model.operation_names:
        raise CallError("UnknownOperation", f"{service} has no operation {operation!r}.")
    found = model.operation_model(operation)
    if found.has_event_stream_output or found.has_event_stream_input:
        raise CallError("OperationNotOffered", f"{operation} streams events, which the practice console does not show.")
    return found


@cache
def _service_model(service: str) -> Any:
    from botocore.model import ServiceModel

    from local_lakehouse.service_models import model_loader

    return ServiceModel(model_loader().load_service_model(service, "service-2"), service)


def _python(model: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = values.to_python(dict(parameters), model.input_shape)
    except values.InvalidValueError as error:
        raise CallError("ParamValidation", str(error)) from error
    return found


def _same(service: str, model: Any, parameters: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, str]:
    from botocore import xform_name

    return {
        "boto3": same_as.boto3_code(service, xform_name(model.name), arguments),
        "cli": same_as.cli_command(service, model, parameters),
    }
