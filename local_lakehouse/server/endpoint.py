"""One address for all of AWS: our services by service and operation, the rest to moto."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from botocore.model import OperationModel
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from local_lakehouse.backend.clients import Judge, in_the_name_of
from local_lakehouse.backend.moto_backend import ACCOUNT, LEARNER_ACCESS_KEY, SERVICES, Backend
from local_lakehouse.iam.enforcement import Guard
from local_lakehouse.protocol import query_wire, wire
from local_lakehouse.protocol.routing import Call, find_credential, identify, read_body
from local_lakehouse.protocol.wire import Answer, Caller, Fault, Service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_LOG = logging.getLogger(__name__)

_LOOPBACK = re.compile(r"^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$")
_CONTROL = "/_zetl/"
_IN_THE_CALLERS_NAME = ("athena",)

Observer = Callable[[str, dict[str, Any]], None]
Control = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Endpoint:
    """The WSGI application behind the lakehouse's address.

    Args:
        backend: Moto, for all that is not ours.
        services: Our services.
        observers: Told of every DynamoDB request that succeeded, with operation and body, before anything else
            happens.
        controls: What ``POST /_zetl/<name>`` does, by name; not part of AWS.
        guard: Checks each request of AWS first; None lets everybody do everything.
    """

    def __init__(
        self,
        backend: Backend,
        services: Sequence[Service],
        observers: Sequence[Observer],
        controls: Mapping[str, Control],
        guard: Guard | None = None,
    ) -> None:
        self._backend = backend
        self._observers = observers
        self._controls = controls
        self._guard = guard
        self._services: dict[tuple[str, str], Service] = {
            (service.name, operation): service for service in services for operation in service.operations
        }
        self._targets = {
            wire.service_model(name).metadata["targetPrefix"]: name
            for name in (*SERVICES, *(service.name for service in services))
            if "targetPrefix" in wire.service_model(name).metadata
        }
        self._routes = {
            service.name: _routes(service)
            for service in services
            if wire.service_model(service.name).metadata["protocol"] == "rest-json"
        }
        self._queried = {
            service.name for service in services if wire.service_model(service.name).metadata["protocol"] == "query"
        }
        self._names = sorted({*SERVICES, *(service.name for service in services)})

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if not _LOOPBACK.match(environ.get("HTTP_HOST", "")):
            # A page elsewhere that lets its own name point to this machine must not reach the lakehouse.
            return _send(Answer(403, [], b"This address answers to 127.0.0.1 and localhost only.\n"), start_response)
        if environ["PATH_INFO"].startswith(_CONTROL):
            return _send(self._control(environ), start_response)
        return self._aws(environ, start_response)

    def _control(self, environ: WSGIEnvironment) -> Answer:
        name = environ["PATH_INFO"].removeprefix(_CONTROL)
        control = self._controls.get(name)
        if control is None or environ["REQUEST_METHOD"] != "POST":
            return Answer(404, [], f"There is no control {name!r}.\n".encode())
        try:
            result = control(wire.parse_json(read_body(environ)))
        except Fault as fault:
            return wire.fail(fault, None)
        return Answer(200, [("Content-Type", "application/json")], json.dumps(result).encode())

    def _aws(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        service, operation = self._identify(environ)
        if service not in self._names:
            return _send(self._refuse_service(service), start_response)
        refused = self._guard.refuse(service, environ) if self._guard else None
        if refused is not None:
            return _send(refused, start_response)
        ours = self._services.get((service, operation))
        if ours is not None:
            return _send(self._answer(ours, operation, environ), start_response)
        if service in self._queried:
            call = identify(service, environ)
            if call is not None and (service, call.operation) in self._services:
                return _send(self._answer_query(call, environ), start_response)
        if service in self._routes:
            matched = self._match(service, environ)
            if matched is not None:
                return _send(self._answer_rest(service, *matched, environ), start_response)
            if service not in SERVICES:
                return _send(_refuse_operation(service, environ["PATH_INFO"]), start_response)
        return self._forward(service, operation, environ, start_response)

    def _identify(self, environ: WSGIEnvironment) -> tuple[str, str]:
        """Return the service and, where the request names it, the operation."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target:
            prefix, _, operation = target.rpartition(".")
            return self._targets.get(prefix, prefix), operation
        credential = find_credential(environ)
        if credential:
            return credential.service, ""
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            return "sts", ""
        return "s3", ""

    def _caller(self, environ: WSGIEnvironment) -> Caller:
        credential = find_credential(environ)
        access_key = credential.access_key if credential else LEARNER_ACCESS_KEY
        region = (credential.region if credential else None) or self._backend.region
        if region != self._backend.region:
            raise Fault(
                "ValidationException",
                f"This local lakehouse is in {self._backend.region}, and the request is for {region}. "
                f"Use a client of {self._backend.region}, or start a lakehouse with AWS_DEFAULT_REGION={region}.",
            )
        return Caller(ACCOUNT, region, self._backend.caller_arn(access_key))

    def _answer(self, service: Service, operation: str, environ: WSGIEnvironment) -> Answer:
        model = wire.service_model(service.name).operation_model(operation)
        version = wire.service_model(service.name).metadata.get("jsonVersion", "1.1")
        return self._call(service, model, version, environ, lambda: wire.parse_json(read_body(environ)))

    def _match(self, service: str, environ: WSGIEnvironment) -> tuple[str, Mapping[str, Any]] | None:
        """Return which of our REST-JSON operations a request is for, and what its path says."""
        try:
            operation, path = self._routes[service].bind_to_environ(environ).match()
        except HTTPException:
            return None
        return operation, path

    def _answer_rest(self, name: str, operation: str, path: Mapping[str, Any], environ: WSGIEnvironment) -> Answer:
        model = wire.service_model(name).operation_model(operation)
        service = self._services[name, operation]
        return self._call(service, model, None, environ, lambda: _rest_document(model, path, environ))

    def _answer_query(self, call: Call, environ: WSGIEnvironment) -> Answer:
        model = wire.service_model(call.service).operation_model(call.operation)
        service = self._services[call.service, call.operation]
        try:
            request = wire.parse(model, query_wire.typed(model.input_shape, call.parameters))
            return query_wire.answer(model, service.call(call.operation, request, self._caller(environ)))
        except Fault as fault:
            return query_wire.fail(fault)

    def _call(
        self,
        service: Service,
        model: OperationModel,
        version: str | None,
        environ: WSGIEnvironment,
        document: Callable[[], Any],
    ) -> Answer:
        try:
            request = wire.parse(model, document())
            with in_the_name_of(self._judge(service, environ)):
                result = service.call(model.name, request, self._caller(environ))
        except Fault as fault:
            return wire.fail(fault, version)
        except Exception:  # noqa: BLE001  (the process's edge: logged, and answered as AWS answers its own failures)
            _LOG.exception("%s.%s failed", service.name, model.name)
            return wire.fail(_internal_failure(model.name), version)
        self._backend.clients.touch(model.name)
        return wire.answer(model, result, version)

    def _judge(self, service: Service, environ: WSGIEnvironment) -> Judge | None:
        """Return by whose rights a service works, if not by its own."""
        return self._guard.caller(environ) if self._guard and service.name in _IN_THE_CALLERS_NAME else None

    def _forward(
        self, service: str, operation: str, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        body = read_body(environ) if service == "dynamodb" else b""
        statuses: list[str] = []

        def record(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, headers, *rest)

        with self._backend.lock:
            try:
                chunks = self._backend(environ, record)
            except NotImplementedError:
                return _send(_refuse_operation(service, operation), start_response)
            except Exception:  # noqa: BLE001  (moto's failures, too, are logged and answered)
                _LOG.exception("%s %s failed", service, operation)
                return _send(wire.fail(_internal_failure(service), "1.1"), start_response)
            if service == "dynamodb" and statuses[0].startswith("200"):
                request = wire.parse_json(body)
                for observe in self._observers:
                    observe(operation, request)
        self._backend.clients.touch(operation or environ["REQUEST_METHOD"].capitalize())
        return chunks

    def _refuse_service(self, service: str) -> Answer:
        offered = ", ".join(self._names)
        return wire.fail(
            Fault("UnknownOperationException", f"The local lakehouse has no {service!r}. It offers: {offered}."), "1.1"
        )


def _internal_failure(what: str) -> Fault:
    return Fault("InternalFailure", f"{what} failed in the local lakehouse; its log says why.", status=500)


def _refuse_operation(service: str, operation: str) -> Answer:
    message = f"The local lakehouse does not offer {service} {operation or 'this operation'}; AWS does."
    return wire.fail(Fault("UnknownOperationException", message), "1.1")


def _routes(service: Service) -> Map:
    """Route the operations of a REST-JSON service as its model says."""
    routes = Map(strict_slashes=False)
    for name in sorted(service.operations):
        http = wire.service_model(service.name).operation_model(name).http
        path = re.sub(r"\{(\w+)\+?\}", r"<\1>", http["requestUri"].split("?")[0])
        routes.add(Rule(path, methods=[http["method"]], endpoint=name))
    return routes


def _rest_document(model: OperationModel, path: Mapping[str, Any], environ: WSGIEnvironment) -> dict[str, Any]:
    """Gather the members of a REST-JSON request from path, query and body under their names on the wire."""
    document = dict(wire.parse_json(read_body(environ)))
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    shape = model.input_shape
    for member in shape.members.values() if shape else ():
        location, name = member.serialization.get("location"), member.serialization.get("name", "")
        if location == "uri":
            document[name] = path[name]
        elif location == "querystring" and name in query:
            document[name] = wire.from_query(member, query[name])
    return document


def _send(answer: Answer, start_response: StartResponse) -> Iterable[bytes]:
    start_response(f"{answer.status} {'OK' if answer.status < 300 else 'Error'}", answer.headers)
    return [answer.body]
