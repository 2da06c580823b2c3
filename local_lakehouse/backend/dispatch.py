"""Execution of requests by moto, which receives exactly the authorized operation and parameters.

moto's server would parse each request again from its query string, form, body and headers, which can contradict each
other. It could execute an operation other than the authorized one, or access a different resource, Region or account.
In this module, moto receives only the contents of the `Request`.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlparse
from xml.etree import ElementTree

from botocore.exceptions import ClientError
from moto.core import responses
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request as MotoRequest
from moto.core.utils import camelcase_to_underscores, get_service_model, method_names_from_class
from werkzeug.datastructures import Headers as WerkzeugHeaders
from werkzeug.datastructures import ImmutableMultiDict

from local_lakehouse.backend import moto_classes, object_checks, object_conditions, preparations
from local_lakehouse.backend.moto_state import peek, prepare_moto
from local_lakehouse.loading import load
from local_lakehouse.protocol.faults import Answer, Fault, fail
from local_lakehouse.protocol.reader import copy_source, xml_tree
from local_lakehouse.protocol.request import Request
from local_lakehouse.protocol.services import PROTOCOLS, partition_of

# The moto classes, keyed by botocore's service names. The classes are imported when they are first needed.
HANDLERS: Mapping[str, tuple[str, str]] = {
    "athena": ("moto.athena.responses", "AthenaResponse"),
    "cloudwatch": ("moto.cloudwatch.responses", "CloudWatchResponse"),
    "dynamodb": ("moto.dynamodb.responses", "DynamoHandler"),
    "events": ("moto.events.responses", "EventsHandler"),
    "glue": ("moto.glue.responses", "GlueResponse"),
    "iam": ("moto.iam.responses", "IamResponse"),
    "kms": ("moto.kms.responses", "KmsResponse"),
    "lakeformation": ("moto.lakeformation.responses", "LakeFormationResponse"),
    "logs": ("moto.logs.responses", "LogsResponse"),
    "resourcegroupstaggingapi": ("moto.resourcegroupstaggingapi.responses", "ResourceGroupsTaggingAPIResponse"),
    "s3": ("moto.s3.responses", "S3Response"),
    "sns": ("moto.sns.responses", "SNSResponse"),
    "sts": ("moto.sts.responses", "TokenResponse"),
}

# The S3 operations that moto supports, with their moto methods. For the operations in `_S3_WRITES`, moto derives the
# Python method from the HTTP method and the query.
_S3_METHODS: Mapping[str, str] = {
    "GetBucketAccelerateConfiguration": "get_bucket_accelerate_configuration",
    "GetBucketAcl": "get_bucket_acl",
    "GetBucketCors": "get_bucket_cors",
    "GetBucketEncryption": "get_bucket_encryption",
    "GetBucketInventoryConfiguration": "get_bucket_inventory_configuration",
    "GetBucketLifecycle": "get_bucket_lifecycle",
    "GetBucketLifecycleConfiguration": "get_bucket_lifecycle",
    "GetBucketLocation": "get_bucket_location",
    "GetBucketLogging": "get_bucket_logging",
    "GetBucketNotification": "get_bucket_notification",
    "GetBucketNotificationConfiguration": "get_bucket_notification",
    "GetBucketOwnershipControls": "get_bucket_ownership_controls",
    "GetBucketPolicy": "get_bucket_policy",
    "GetBucketPolicyStatus": "get_bucket_policy_status",
    "GetBucketReplication": "get_bucket_replication",
    "GetBucketTagging": "get_bucket_tags",
    "GetBucketVersioning": "get_bucket_versioning",
    "GetBucketWebsite": "get_bucket_website",
    "GetObject": "get_object",
    "GetObjectAcl": "get_object_acl",
    "GetObjectAttributes": "get_object_attributes",
    "GetObjectLegalHold": "get_object_legal_hold",
    "GetObjectLockConfiguration": "get_object_lock_configuration",
    "GetObjectTagging": "get_object_tagging",
    "GetPublicAccessBlock": "get_public_access_block",
    "HeadBucket": "head_bucket",
    "ListBucketInventoryConfigurations": "list_bucket_inventory_configurations",
    "ListBuckets": "all_buckets",
    "ListMultipartUploads": "list_multipart_uploads",
    "ListObjects": "list_objects",
    "ListObjectsV2": "list_objects_v2",
    "ListObjectVersions": "list_object_versions",
    "ListParts": "list_parts",
    "DeleteBucket": "delete_bucket",
    "DeleteBucketCors": "delete_bucket_cors",
    "DeleteBucketEncryption": "delete_bucket_encryption",
    "DeleteBucketLifecycle": "delete_bucket_lifecycle",
    "DeleteBucketOwnershipControls": "delete_bucket_ownership_controls",
    "DeleteBucketPolicy": "delete_bucket_policy",
    "DeleteBucketReplication": "delete_bucket_replication",
    "DeleteBucketTagging": "delete_bucket_tagging",
    "DeleteBucketWebsite": "delete_bucket_website",
    "DeletePublicAccessBlock": "delete_public_access_block",
    "AbortMultipartUpload": "abort_multipart_upload",
    "DeleteObject": "delete_object",
    "DeleteObjectTagging": "delete_object_tagging",
}
_S3_WRITES = frozenset(
    {
        "CompleteMultipartUpload", "CopyObject", "CreateBucket", "CreateMultipartUpload", "DeleteObjects", "HeadObject",
        "PutBucketAccelerateConfiguration", "PutBucketAcl", "PutBucketCors", "PutBucketEncryption",
        "PutBucketInventoryConfiguration", "PutBucketLifecycle", "PutBucketLifecycleConfiguration", "PutBucketLogging",
        "PutBucketNotification", "PutBucketNotificationConfiguration", "PutBucketOwnershipControls", "PutBucketPolicy",
        "PutBucketReplication", "PutBucketTagging", "PutBucketVersioning", "PutBucketWebsite", "PutObject",
        "PutObjectAcl", "PutObjectLegalHold", "PutObjectLockConfiguration", "PutObjectRetention", "PutObjectTagging",
        "PutPublicAccessBlock", "RestoreObject", "UploadPart", "UploadPartCopy",
    }
)  # fmt: skip
_EXPECTED_OWNERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")
# The headers that could make moto use a different account, host or framing than the authorized request.
_WITHHELD = re.compile(
    r"authorization|connection|content-encoding|content-length|content-type|cookie|expect|host|origin"
    r"|transfer-encoding|user-agent|x-moto-.*|x-forwarded-.*"
)


class NotOfferedError(Exception):
    """moto does not implement the operation."""


def prepare(request: Request) -> None:
    """Import moto's modules for a request. The import takes up to half a second, so the caller must not hold a lock."""
    if request.service in HANDLERS:
        load(HANDLERS[request.service][0])
        moto_classes.load_modules(request.service)
        preparations.load_modules(request.service)
    if request.service == "s3" and request.operation != "ListBuckets":
        # For each request to a bucket, moto evaluates the bucket's policy with classes from IAM.
        load("moto.iam.access_control")


def serve(request: Request, account: str) -> Answer:
    """Execute a request.

    Args:
        request: The request.
        account: The account of the request.

    Raises:
        NotOfferedError: moto does not implement the operation.
    """
    if request.service not in HANDLERS or not request.operation:
        raise NotOfferedError
    handler = _handler(request.service)
    try:
        status, headers, body = handler(request, account).answer()
    except NotImplementedError as error:
        raise NotOfferedError from error
    except ClientError as error:
        status, headers, body = 400, {}, error.response["Error"]["Message"]
    except Fault as fault:
        if request.service != "s3":
            raise
        # The lakehouse's services call this function through boto3, which raises an error for the response.
        return fail("s3", request.method, fault)
    if isinstance(body, memoryview):
        return Answer(int(status), _written(headers, request.method, len(body)), b"", body)
    content = body.encode() if isinstance(body, str) else bytes(body or b"")
    return Answer(int(status), _written(headers, request.method, len(content)), content)


def _written(headers: Mapping[str, Any], method: str, size: int) -> list[tuple[str, str]]:
    found = {str(name).lower(): (str(name), str(value)) for name, value in headers.items() if value is not None}
    for name in [name for name in found if name in ("status", "server") or name.startswith("access-control-")]:
        del found[name]
    if method != "HEAD" or "content-length" not in found:
        found["content-length"] = ("Content-Length", str(size))
    found.setdefault("content-type", ("Content-Type", "text/html; charset=utf-8"))
    return list(found.values())


@functools.cache
def _handler(service: str) -> type[Any]:
    """Return a subclass of moto's class for a service. The subclass does not parse requests."""
    module, name = HANDLERS[service]
    moto_class = getattr(load(module), name)
    preparations.carry_out(service)
    told = _ToldS3 if service == "s3" else _Told
    return type(f"Told{name}", (told, moto_class), {})


class _CanonicalRequest(MotoRequest):
    """A request whose body is not parsed as a form or files, regardless of its content type."""

    from_wsgi_server = True
    form = ImmutableMultiDict()
    files = ImmutableMultiDict()

    def __init__(self, environ: dict[str, Any], headers: WerkzeugHeaders, content: bytes) -> None:
        super().__init__(environ)
        self.headers = headers
        self.content = content

    @property
    def data(self) -> bytes:
        return self.content

    @property
    def raw_url(self) -> str:
        # moto would derive the same URL from the host, the scheme and the port.
        return f"http://127.0.0.1{self.environ['RAW_URI']}"


def _canonical(request: Request, content: bytes, headers: list[tuple[str, str]]) -> _CanonicalRequest:
    query = urlencode(request.query) if request.protocol == "rest-xml" else ""
    path = quote(request.path, safe="/~") if request.protocol.startswith("rest-") else "/"
    environ = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": path,
        "RAW_URI": f"{path}?{query}" if query else path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.url_scheme": "http",
    }
    return _CanonicalRequest(environ, WerkzeugHeaders(headers), content)


def _headers(request: Request, content: bytes) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in request.headers.written() if not _WITHHELD.fullmatch(name.lower())]
    protocol = PROTOCOLS[request.service]
    content_type = {
        "json": f"application/x-amz-json-{protocol.version}",
        "query": "application/x-www-form-urlencoded; charset=utf-8",
        "rest-json": "application/json",
    }.get(request.protocol, request.headers.get("content-type"))
    kept += [("Host", "127.0.0.1"), ("Content-Length", str(len(content)))]
    if content_type:
        kept.append(("Content-Type", content_type))
    encoding = request.headers.get("content-encoding", "").removeprefix("aws-chunked").lstrip(", ")
    if encoding and request.service == "s3":
        kept.append(("Content-Encoding", encoding))
    if request.credential:
        scope = f"{request.credential.access_key}/20260101/{request.region}/{request.credential.service}/aws4_request"
        kept.append(("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"))
    return kept


class _Told:
    """A mixin that initializes a moto response class from a `Request` and calls the request's operation."""

    body: Any
    automated_parameter_parsing: bool
    PROTOCOL_PARSER_MAP_TYPE: Any
    boto3_service_name: str
    call_action: Callable[[], Any]

    def __init__(self, request: Request, account: str) -> None:
        super().__init__()
        self.told = request
        content = self.content()
        headers = self.given_headers(content)
        canonical = _canonical(request, content, headers)
        self.is_werkzeug_request = True
        self.normalized_request = self.request = canonical
        self.uri = canonical.raw_url
        self.parsed_url = urlparse(self.uri)
        self.path, self.raw_path, self.method = self.parsed_url.path, canonical.raw_path, request.method
        self.form_data: Mapping[str, Any] = {}
        self.raw_body, self.body = content, self.shown_body(content)
        form = request.query if request.protocol in ("query", "rest-xml") else {}
        self.querystring = self.data = {name: [value] for name, value in form.items()}
        self.region, self.partition = request.region, partition_of(request.region)
        self.uri_match: dict[str, Any] = {}
        self.headers = canonical.headers
        self.response_headers: dict[str, Any] = {}
        self.access_key = self.get_access_key()
        self.current_account = account
        if self.automated_parameter_parsing:
            self.params = self.parsed()
        self.note_visit()

    def answer(self) -> Any:
        """Execute the operation."""
        return self.call_action()

    def content(self) -> bytes:
        """Return the request body for moto."""
        return urlencode(self.told.query).encode() if self.told.protocol == "query" else self.told.body

    def given_headers(self, content: bytes) -> list[tuple[str, str]]:
        """Return the headers for moto."""
        return _headers(self.told, content)

    def shown_body(self, content: bytes) -> Any:
        """Return the body in the form that moto's class expects."""
        return content.decode()

    def parsed(self) -> Any:
        """Return the parameters, keyed by their names in moto's models."""
        model = get_service_model(self.boto3_service_name).operation_model(self.told.operation)
        parser = PROTOCOL_PARSERS["query" if self.told.protocol == "query" else "json"](
            model, map_type=self.PROTOCOL_PARSER_MAP_TYPE
        )
        if self.told.protocol == "query":
            return parser.parse({"values": self.told.query})  # type: ignore[typeddict-item]
        return {} if model.input_shape is None else parser._parse_shape(model.input_shape, self.told.parameters)  # type: ignore[no-untyped-call]

    def note_visit(self) -> None:
        """Record the use of a user's access key in IAM, as moto's own request parsing does."""
        iam = sys.modules.get("moto.iam.models")
        if iam is None or self.told.credential is None:
            return
        # If a transaction looks up a backend, the commit must compare the backend with its stored form. `peek` avoids
        # this comparison for most requests.
        identities = peek("iam", self.current_account, self.partition)
        if identities is not None and self.access_key in identities.access_keys:
            iam.mark_account_as_visited(
                account_id=self.current_account,
                access_key=self.access_key,
                service=self.told.service,
                region=self.region,
            )

    def get_access_key(self) -> str:
        """Return the access key in the request's signature, or a placeholder if the request is not signed."""
        return self.told.credential.access_key if self.told.credential else "AKIAEXAMPLE"

    def get_current_account(self) -> str:
        """Return the account of the request."""
        return self.current_account

    def _get_action(self) -> str:
        return self.told.operation

    def _authenticate_and_authorize_normal_action(self, *_: Any) -> None:
        """Do nothing, because the endpoint has authorized the request. moto's method would import moto's S3 modules."""

    def _authenticate_and_authorize_s3_action(self, *_: Any, **__: Any) -> None:
        """Do nothing, because the endpoint has authorized the request."""


class _ToldS3(_Told):
    """A mixin for moto's S3 responses, which would otherwise derive the bucket, key and operation from URLs."""

    _send_response: Callable[[Any], Any]
    backend: Any
    bucket_response: Callable[..., Any]
    key_response: Callable[..., Any]
    bucket_name: str

    def answer(self) -> Any:
        if self.told.operation not in _S3_METHODS and self.told.operation not in _S3_WRITES:
            raise NotOfferedError
        if self.told.operation == "PutBucketPolicy" and not _is_json_object(self.told.body):
            raise Fault("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
        owners = {self.told.headers.get(name, self.current_account) for name in _EXPECTED_OWNERS}
        if owners != {self.current_account}:
            raise Fault("AccessDenied", "Access Denied", status=403)
        object_checks.check(self.told)
        object_conditions.check(self.told, self.backend)
        respond = self.key_response if "Key" in self.told.parameters else self.bucket_response
        return respond(self.request, self.uri, self.headers)

    def setup_class(self, *_: Any, **__: Any) -> None:
        """Set the bucket's name, which moto would parse from the URL."""
        self.bucket_name = self.told.parameters.get("Bucket", "")

    def _get_action(self) -> str:
        # moto's S3 handler sets the operation's name for its serializer.
        return str(self.data.get("Action", self.told.operation))

    def content(self) -> bytes:
        if self.told.operation == "DeleteObjects":
            return _delete_objects(self.told)
        if self.told.operation == "CreateBucket" and self.told.body:
            return _create_bucket(self.told)
        return self.told.body

    def shown_body(self, content: bytes) -> Any:
        return content

    def given_headers(self, content: bytes) -> list[tuple[str, str]]:
        headers = super().given_headers(content)
        if self.told.operation in ("GetObject", "HeadObject"):
            hidden = object_conditions.ineffective(self.told.headers)
            headers = [each for each in headers if each[0].lower() not in hidden]
        if "x-amz-copy-source" not in self.told.headers:
            return headers
        bucket, key, version = copy_source(self.told.headers["x-amz-copy-source"])
        source = f"{quote(bucket)}/{quote(key, safe='/~')}" + (f"?versionId={quote(version)}" if version else "")
        return [(name, source if name.lower() == "x-amz-copy-source" else value) for name, value in headers]

    def parse_bucket_name_from_url(self, *_: Any) -> str:
        return str(self.told.parameters.get("Bucket", ""))

    def parse_key_name(self) -> str:
        return str(self.told.parameters.get("Key", ""))

    def subdomain_based_buckets(self, *_: Any) -> bool:
        return False

    @property
    def is_access_point(self) -> bool:
        return False

    def is_delete_keys(self) -> bool:
        return self.told.operation == "DeleteObjects"

    def _bucket_response_get(self, *_: Any) -> Any:
        return self._method()

    def _bucket_response_delete(self, *_: Any) -> Any:
        return self._method()

    def _key_response_get(self, *_: Any) -> Any:
        return self._method()

    def _key_response_delete(self, *_: Any) -> Any:
        return self._method()

    def _method(self) -> Any:
        return getattr(self, _S3_METHODS[self.told.operation])()


def _is_json_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def _delete_objects(request: Request) -> bytes:
    """Return a ``Delete`` XML document that lists the objects in the authorized request."""
    root = ElementTree.Element("Delete")
    entries = request.parameters.get("Objects", [])
    if not entries or not all(entry.get("Key") for entry in entries):
        raise Fault("MalformedXML", "The XML you provided does not name the objects to delete.")
    for entry in entries:
        if further := sorted(entry.keys() - {"Key", "VersionId"}):
            message = f"The local lakehouse does not support {', '.join(further)} in DeleteObjects; AWS does."
            raise Fault("NotImplemented", message, status=501)
        element = ElementTree.SubElement(root, "Object")
        for name in ("Key", "VersionId"):
            if entry.get(name):
                ElementTree.SubElement(element, name).text = entry[name]
    quiet = next((each for each in xml_tree(request.body) if each.tag.rpartition("}")[2] == "Quiet"), None)
    if quiet is not None:
        ElementTree.SubElement(root, "Quiet").text = quiet.text
    return ElementTree.tostring(root)


def _create_bucket(request: Request) -> bytes:
    """Return a ``CreateBucketConfiguration`` XML document with the location and tags in the authorized request."""
    root = ElementTree.Element("CreateBucketConfiguration")
    for each in xml_tree(request.body):
        if each.tag.rpartition("}")[2] == "LocationConstraint":
            ElementTree.SubElement(root, "LocationConstraint").text = each.text
    tags = request.parameters.get("Tags", [])
    if tags:
        holder = ElementTree.SubElement(root, "Tags")
        for tag in tags:
            element = ElementTree.SubElement(holder, "Tag")
            for name in ("Key", "Value"):
                ElementTree.SubElement(element, name).text = tag.get(name, "")
    return ElementTree.tostring(root)


# Without these caches, moto would convert the operation's name and list a class's methods for every request.
responses.camelcase_to_underscores = functools.cache(camelcase_to_underscores)  # type: ignore[attr-defined]
responses.method_names_from_class = functools.cache(method_names_from_class)  # type: ignore[attr-defined]
prepare_moto()
