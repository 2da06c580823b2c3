"""The endpoint that passes each request to one of the lakehouse's services or to moto."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_lakehouse.backend.clients import Actor, CallerRights, acting_for, asked_by, reads
from local_lakehouse.backend.moto_backend import ACCOUNT, LEARNER_ACCESS_KEY, Backend
from local_lakehouse.dynamodb.api import is_read, is_write
from local_lakehouse.iam.enforcement import PolicyEnforcer
from local_lakehouse.loading import load
from local_lakehouse.protocol import query_wire, reader, wire
from local_lakehouse.protocol.faults import Answer, Fault, fail
from local_lakehouse.protocol.reader import Head, UnreadableRequestError
from local_lakehouse.protocol.request import Body, Caller, Request
from local_lakehouse.protocol.services import PROTOCOLS, service_model
from local_lakehouse.protocol.wire import Service
from local_lakehouse.server import admission
from local_lakehouse.server.on_demand import OnDemand
from local_lakehouse.store.database import StorageError
from local_lakehouse.store.locks import urgently

_LOG = logging.getLogger(__name__)

_CONTROL = "/_zetl/"
_LARGEST_CONTROL = 64 * 1024
_ACTING_FOR_CALLERS = ("athena",)
# The first two operations wait for statements, which send requests to the lakehouse. The third writes a table in many
# transactions.
_IN_STEPS = ("StartQueryExecution", "StopQueryExecution", "ImportTable")

# The error codes that clients of these services treat as internal errors. Other services use ``InternalFailure``.
_UNAVAILABLE = {
    "athena": "InternalServerException", "dynamodb": "InternalServerError", "glue": "InternalServiceException",
    "iam": "ServiceFailure", "kms": "KMSInternalException", "lakeformation": "InternalServiceException",
    "logs": "ServiceUnavailableException", "s3": "InternalError", "sns": "InternalError",
}  # fmt: skip

Observer = Callable[[str, Mapping[str, Any]], None]
Control = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Prepare = Callable[[str, str], None]


@dataclass(frozen=True)
class Controls:
    """The controls at ``POST /_zetl/<name>``, which are not part of AWS.

    Args:
        token: The required value of ``X-Zetl-Token``.
        actions: The actions, keyed by name.
    """

    token: str
    actions: Mapping[str, Control]


class Endpoint:
    """The endpoint that responds to requests sent to the lakehouse's address.

    Args:
        backend: The moto backend, which executes the requests that none of the services handles.
        services: The lakehouse's services.
        observers: The functions that receive the operation and members of each successful DynamoDB request, except for
            item reads, before the next request is executed.
        controls: The controls, which are not part of AWS.
        enforcer: The enforcer that checks each AWS request against policies, or None to disable the checks.
        prepare: A function that receives the service and operation of each authorized request before its transaction
            begins. It creates the other services that the request needs, because a failed transaction would delete
            their database tables.
    """

    def __init__(
        self,
        backend: Backend,
        services: Sequence[Service],
        observers: Sequence[Observer],
        controls: Controls,
        enforcer: PolicyEnforcer | None = None,
        prepare: Prepare = lambda _service, _operation: None,
    ) -> None:
        self._backend = backend
        self._observers = observers
        self._controls = controls
        self._enforcer = enforcer
        self._prepare = prepare
        # IAM always controls access to the data of tables in locations that Lake Formation does not manage.
        self._data_rights = enforcer or PolicyEnforcer(backend, services)
        self._services = {
            (service.name, operation): service for service in services for operation in service.operations
        }

    def __call__(self, head: Head, body: Body) -> Answer:
        """Answer one request."""
        turned_away = admission.turn_away(head.headers)
        if turned_away is not None:
            return turned_away
        if head.target.startswith(_CONTROL):
            return self._control(head, body)
        try:
            request = reader.read(head, body, self._backend.region)
        except UnreadableRequestError as error:
            queried = not any(name.lower() == "x-amz-target" for name, _ in head.headers)
            return fail(error.service, head.method, error.fault, queried=queried)
        try:
            _require_post(request)
            # Operations that run in steps have no priority, because their clients do not wait for each step.
            with urgently(request.operation not in _IN_STEPS):
                return self._aws(request)
        except Fault as fault:
            return _failed(request, fault)
        except StorageError as error:
            _LOG.error("%s %s was not saved: %s", request.service, request.operation, error)
            return _failed(request, Fault(_UNAVAILABLE.get(request.service, "InternalFailure"), str(error), status=500))
        except Exception:  # noqa: BLE001  (top-level handler of a request: logged, and reported as AWS reports its failures)
            _LOG.exception("%s %s failed", request.service, request.operation)
            message = f"{request.service} {request.operation} failed in the local lakehouse; see its log."
            return _failed(request, Fault("InternalFailure", message, status=500))

    def _control(self, head: Head, body: Body) -> Answer:
        if not admission.has_token(head.headers, self._controls.token):
            return Answer(403, [], b"A control requires the token in the lakehouse's state folder.\n")
        name = head.target.removeprefix(_CONTROL)
        action = self._controls.actions.get(name)
        if action is None or head.method != "POST":
            return Answer(404, [], f"The control does not exist: {name!r}.\n".encode())
        try:
            result = action(wire.parse_json(body.read(_LARGEST_CONTROL)))
        except Fault as fault:
            return fail("", "", fault)
        except Exception as error:  # noqa: BLE001  (top-level handler of a request, as above)
            _LOG.exception("the control %s failed", name)
            return fail("", "", Fault("InternalFailure", f"The control {name} failed: {error}", status=500))
        return Answer(200, [("Content-Type", "application/json")], json.dumps(result).encode())

    def _aws(self, request: Request) -> Answer:
        if self._enforcer is not None:
            refused = self._enforcer.refuse(request)
            if refused is not None:
                return refused
        elif request.credential and not self._backend.knows(request.credential.access_key):
            # Without IAM enforcement, an unknown key belongs to the administrator.
            request = request.signed_with(LEARNER_ACCESS_KEY)
        if not request.operation:
            raise _not_offered(request)
        self._prepare(request.service, request.operation)
        service = self._services.get((request.service, request.operation))
        if isinstance(service, OnDemand):
            service = service.get()
        return self._forward(request) if service is None else self._call(service, request)

    def _call(self, service: Service, request: Request) -> Answer:
        """Execute a request with one of the lakehouse's services."""
        model = service_model(request.service).operation_model(request.operation)
        rights, actor = self._rights(service, request), self._actor(request)
        try:
            with acting_for(rights), asked_by(actor), self._kept(service, request):
                result = service.call(request.operation, _members(request), self._caller(request))
        finally:
            # A request that fails may still have changed the state.
            self._backend.clients.touch(request.service, request.operation)
        if request.protocol == "query":
            return query_wire.answer(model, result)
        protocol = PROTOCOLS[request.service]
        return wire.answer(model, result, protocol.version if protocol.name == "json" else None)

    @contextlib.contextmanager
    def _kept(self, service: Service, request: Request) -> Iterator[None]:
        """Save the request's changes, unless the service saves them in several steps."""
        if reads(request.operation) or request.operation in _IN_STEPS:
            yield
            return
        refused: Fault | None = None
        with self._backend.database.transaction():
            try:
                yield
            except Fault as fault:
                # An error is a normal response, so the changes made before the error are kept.
                refused = fault
            finally:
                # The service may have been created for this request.
                made = service.made if isinstance(service, OnDemand) else service
                self._backend.documents.changed(self._backend.documents.names_of(made))
                self._backend.clients.unsettle(request.service, request.operation)
        if refused is not None:
            raise refused

    def _rights(self, service: Service, request: Request) -> CallerRights | None:
        """Return the caller's permissions if the service acts on the caller's behalf, as Athena does."""
        return self._enforcer.rights_of(request) if self._enforcer and service.name in _ACTING_FOR_CALLERS else None

    def _actor(self, request: Request) -> Actor | None:
        """Return the caller whose permissions Lake Formation checks.

        For services other than Glue and Athena, return None.
        """
        if request.service not in ("athena", "glue") or request.credential is None:
            return None
        principal = self._backend.principal_arn(request.credential.access_key)
        return Actor(principal, functools.partial(self._data_rights.rights_of, request))

    def _caller(self, request: Request) -> Caller:
        if request.region != self._backend.region:
            raise Fault(
                "ValidationException",
                f"This local lakehouse is in {self._backend.region}, but the request is for {request.region}. "
                f"Use a client for {self._backend.region}, or start a lakehouse with AWS_REGION={request.region}.",
            )
        access_key = request.credential.access_key if request.credential else LEARNER_ACCESS_KEY
        arn, principal = self._backend.caller_arn(access_key), self._backend.principal_arn(access_key)
        return Caller(ACCOUNT, request.region, arn, principal)

    def _forward(self, request: Request) -> Answer:
        """Execute a request with moto or the data plane, and notify the observers immediately."""
        if is_read(request):
            # A read request does not wait for a lock.
            return self._backend.serve(request)
        load("local_lakehouse.backend.dispatch")
        from local_lakehouse.backend.dispatch import NotOfferedError, prepare

        prepare(request)
        model = service_model(request.service).operation_model(request.operation)
        if is_write(request):
            # The request is parsed here, outside the lock, and the data plane validates it.
            _ = request.parameters
        elif request.protocol in ("json", "rest-json"):
            wire.check_types(model, request.parameters)
        elif request.protocol == "query":
            wire.check_required(model, request.parameters)
        # The body is read before the lock is acquired, so that a slow body does not block other requests.
        _ = request.body
        with self._backend.transaction(request):
            try:
                with asked_by(self._actor(request)):
                    answer = self._backend.serve(request)
            except NotOfferedError:
                raise _not_offered(request) from None
            except (Fault, StorageError):
                raise
            except Exception as error:
                # moto trusts its input, so an unsupported request can fail anywhere in moto. None of the
                # request's changes are kept.
                _LOG.exception("moto failed to execute %s %s", request.service, request.operation)
                raise _not_understood(request) from error
            if request.service == "dynamodb" and answer.status == 200:
                for observe in self._observers:
                    observe(request.operation, request.parameters)
                if not reads(request.operation) and not is_write(request):
                    self._backend.documents.changed(["zero_etl", "exports"])
        self._backend.clients.touch(request.service, request.operation)
        return answer


def _members(request: Request) -> dict[str, Any]:
    """Return the members of a request to one of the lakehouse's services, and validate them."""
    model = service_model(request.service).operation_model(request.operation)
    if request.protocol != "query":
        return wire.parse(model, request.parameters)
    members = dict(request.parameters)
    wire.check(model, members)
    return members


def _require_post(request: Request) -> None:
    """Reject a change whose parameters are in a URL, because a web page can redirect a browser to any URL.

    If the user started the navigation, the browser's request has neither an ``Origin`` nor a ``Sec-Fetch-Site`` that
    shows the redirect. The SDKs and the AWS CLI use POST for these protocols.

    Raises:
        Fault: ``MethodNotAllowed``.
    """
    if request.protocol not in ("query", "json") or request.method == "POST" or not request.operation:
        return
    if not reads(request.operation):
        message = f"The local lakehouse accepts {request.service} {request.operation} only by POST."
        raise Fault("MethodNotAllowed", message, status=405)


def _not_offered(request: Request) -> Fault:
    message = f"The local lakehouse does not support {request.service} {request.operation}; AWS does."
    if not request.operation:
        message = f"{request.method} {request.path} is not a known operation of {request.service}."
    if request.protocol == "rest-xml":
        return Fault("NotImplemented", message, status=501)
    return Fault("UnknownOperationException" if request.protocol != "query" else "InvalidAction", message)


def _not_understood(request: Request) -> Fault:
    code = {"rest-xml": "InvalidRequest", "query": "ValidationError"}.get(request.protocol, "ValidationException")
    return Fault(
        code,
        f"The local lakehouse cannot execute {request.service} {request.operation} with these parameters; AWS may "
        "support them. The lakehouse's log contains the error.",
    )


def _failed(request: Request, fault: Fault) -> Answer:
    return fail(request.service, request.method, fault, queried=request.protocol == "query")
