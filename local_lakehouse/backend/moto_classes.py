"""The moto classes whose objects are stored, with their special cases."""

from __future__ import annotations

import datetime
import functools
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from local_lakehouse.backend.object_store import body_document, body_file, keys_of
from local_lakehouse.loading import load
from local_lakehouse.store.codec import ClassRules, Codec, Decode, Encode, Known, Plain

# Objects of all classes in these modules can be stored, except for backends, threads, exceptions and objects of the
# classes in `NEVER`. The modules are imported when their service is needed.
MODULES: Mapping[str, tuple[str, ...]] = {
    "athena": ("moto.athena.models",),
    "cloudwatch": ("moto.cloudwatch.models",),
    "dynamodb": ("moto.dynamodb.models.dynamo_type", "moto.dynamodb.models.table"),
    "events": ("moto.events.models",),
    "glue": ("moto.glue.models", "moto.glue.utils"),
    "iam": ("moto.iam.models",),
    "kms": ("moto.kms.models", "moto.kms.utils"),
    "lakeformation": ("moto.lakeformation.models",),
    "logs": ("moto.logs.metric_filters", "moto.logs.models"),
    "resourcegroupstaggingapi": (),
    "s3": ("moto.s3.models", "moto.s3.notifications"),
    "sns": ("moto.sns.models", "moto.sns.utils"),
    "sts": ("moto.iam.models", "moto.sts.models"),
}
_SHARED = ("moto.utilities.tagging_service",)
NEVER = frozenset({"EventPatternParser", "MultipartChecksumBuilder"})

# Objects of these classes are stored inside their parent, because they have no identity or must be complete before they
# are added to a set.
INLINE = frozenset(
    {
        "moto.cloudwatch.models.Dimension", "moto.cloudwatch.models.MetricAggregatedDatum",
        "moto.cloudwatch.models.MetricDatum", "moto.dynamodb.models.dynamo_type.DynamoType",
        "moto.dynamodb.models.dynamo_type.Item", "moto.lakeformation.models.Permission", "moto.logs.models.LogEvent",
        "moto.s3.models.FakeAcl", "moto.s3.models.FakeDeleteMarker", "moto.s3.models.FakeGrant",
        "moto.s3.models.FakeGrantee",
    }
)  # fmt: skip

# The growing collections, with their initial values. Each member is stored in a separate row and never changes, so
# adding a member writes only one row.
SPLIT: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    "moto.cloudwatch.models.CloudWatchBackend": {"metric_data": list},
    "moto.glue.models.FakeTable": {"partitions": OrderedDict, "versions": dict},
    "moto.logs.models.LogStream": {"events": list},
    "moto.sns.models.Topic": {"sent_notifications": list},
    "moto.sts.models.STSBackend": {"assumed_roles": list},
}

# The fields that a backend creates itself or needs only during a request.
_OMITTED: Mapping[str, frozenset[str]] = {
    "moto.cloudwatch.models.CloudWatchBackend": frozenset({"paged_metric_data"}),
    "moto.glue.models.GlueBackend": frozenset({"paginator"}),
    "moto.iam.models.IAMBackend": frozenset(
        {"account_summary", "aws_managed_policies", "managed_policies", "policy_arn_regex"}
    ),
    "moto.resourcegroupstaggingapi.models.ResourceGroupsTaggingAPIBackend": frozenset({"_pages"}),
    "moto.s3.models.S3Backend": frozenset({"_pagination_tokens"}),
}

# The fields of an S3 key that are created again when the key is restored.
_KEY_OMITTED = frozenset({"lock", "_value_buffer", "_max_buffer_size", "disposed", "_time_progressed"})


def load_modules(service: str) -> None:
    """Import the modules that define a service's classes."""
    for module in (*MODULES[service], *_SHARED):
        load(module)


def classes_of(service: str) -> dict[str, type]:
    """Return the classes of a service whose objects can be stored, keyed by name."""
    return {name: class_ for module in (*MODULES[service], *_SHARED) for name, class_ in _defined(module).items()}


def class_name(value: Any) -> str:
    """Return the name under which an object's class is stored."""
    class_ = type(value)
    return f"{class_.__module__}.{class_.__qualname__}"


def known(service: str, root: Any = None) -> Known:
    """Return the classes whose objects can be stored and restored.

    Args:
        service: The service's name in moto.
        root: The objects' backend, or None for objects without a backend.
    """
    classes = classes_of(service)
    if root is not None:
        classes[class_name(root)] = type(root)
    rules = {classes[name]: rules for name, rules in _RULES.items() if name in classes}
    rules |= {
        classes[name]: ClassRules(omit=_OMITTED.get(name, frozenset()) | frozenset(SPLIT.get(name, ())))
        for name in (_OMITTED.keys() | SPLIT.keys()) - _RULES.keys()
        if name in classes
    }
    if service == "iam" and root is not None:
        rules[classes["moto.iam.models.AWSManagedPolicy"]] = ClassRules(
            encode=lambda policy, _: policy.arn, decode=lambda arn, _: _aws_managed_policy(root, arn)
        )
    utilities = load("moto.utilities.utils")
    mappings = {name: getattr(utilities, name) for name in ("CaseInsensitiveDict", "LowercaseDict")}
    mappings["OrderedDict"] = OrderedDict
    mappings["RequestHeaders"] = load("requests.structures").CaseInsensitiveDict
    factories: dict[str, Callable[[], Any]] = {"dict": dict, "list": list}
    for name in [name for name, class_ in classes.items() if issubclass(class_, dict)]:
        mappings[name] = classes.pop(name)
    if service == "lakeformation":
        factories["default_settings"] = load(MODULES[service][0]).default_settings
    return Known(classes, rules, mappings, factories)


def _defined(module_name: str) -> dict[str, type]:
    load("moto.core.base_backend")
    from moto.core.base_backend import BaseBackend

    module = load(module_name)
    return {
        f"{module_name}.{name}": class_
        for name, class_ in vars(module).items()
        if inspect.isclass(class_)
        and class_.__module__ == module_name
        and not issubclass(class_, BaseBackend | threading.Thread | BaseException)
        and name not in NEVER
    }


def _encode_key(key: Any, encode: Encode) -> Plain:
    usual = _usual_key(encode)
    fields = {name: encode(value) for name, value in vars(key).items() if name not in _KEY_OMITTED}
    kept = {name: plain for name, plain in fields.items() if name not in usual or usual[name] != plain}
    # The fields are sorted, because the fields of a stored key and of a new key are in different orders.
    return {**dict(sorted(kept.items())), "$body": body_document(key)}


def _decode_key(plain: Plain, decode: Decode) -> Any:
    key = _blank_key()
    fields = {**_usual_key(_of_s3().encode), **plain}
    vars(key).update({name: decode(value) for name, value in fields.items() if name != "$body"})
    vars(key).update(
        _value_buffer=body_file(plain["$body"]),
        lock=threading.Lock(),
        disposed=False,
        _max_buffer_size=0,
        _time_progressed=datetime.datetime.now(),
    )
    return key


def _blank_key() -> Any:
    return object.__new__(load("moto.s3.models").FakeKey)


@functools.cache
def _of_s3() -> Codec:
    return Codec(known("s3"))


_USUAL: dict[str, Plain] = {}


def _usual_key(encode: Encode) -> Mapping[str, Plain]:
    """Return the stored form of the field values that most S3 keys share."""
    if not _USUAL:
        models = load("moto.s3.models")
        key = models.FakeKey("", b"", account_id="", region_name="us-east-1", version_id="null")
        kept = {name: encode(value) for name, value in vars(key).items() if name not in _KEY_OMITTED}
        for name in ("name", "account_id", "_etag", "last_modified", "bucket_name", "contentsize"):
            del kept[name]
        _USUAL.update(kept)
    return _USUAL


def _restore_bucket(bucket: Any) -> None:
    bucket.keys = keys_of(bucket.name)
    load("moto.s3.models").s3_backends.bucket_accounts[bucket.name] = (
        bucket.partition,
        bucket.account_id,
    )


def _restore_object_tags(backend: Any) -> None:
    """Remove the empty tag entries that earlier versions of the lakehouse stored for objects without tags."""
    backend.tagger.tags = {arn: tags for arn, tags in backend.tagger.tags.items() if tags}


def _item_tables() -> Any:
    return load("local_lakehouse.backend.item_tables")


def _private_key(key: Any) -> Mapping[str, Any]:
    load("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives import serialization

    der = key.private_key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"der": der}


def _restore_private_key(key: Any) -> None:
    load("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives import serialization

    key.private_key = serialization.load_der_private_key(vars(key).pop("der"), password=None)


def _iam_policies(backend: Any) -> Mapping[str, Any]:
    of_aws = {policy.arn for policy in backend.aws_managed_policies}
    return {
        "own_policies": {arn: policy for arn, policy in backend.managed_policies.items() if arn not in of_aws},
        "attachments": {
            policy.arn: policy.attachment_count for policy in backend.aws_managed_policies if policy.attachment_count
        },
    }


def _restore_iam_policies(backend: Any) -> None:
    own, attachments = vars(backend).pop("own_policies"), vars(backend).pop("attachments")
    backend.managed_policies = {policy.arn: policy for policy in backend.aws_managed_policies} | own
    for arn, count in attachments.items():
        _aws_managed_policy(backend, arn).attachment_count = count


def _aws_managed_policy(backend: Any, arn: str) -> Any:
    return load("local_lakehouse.backend.repairs.iam").managed_policy(backend, arn)


def _restore_event_ids(backend: Any) -> None:
    """Ensure that the IDs of new events differ from the IDs of stored events."""
    events = load("moto.logs.models").LogEvent
    last = max(
        (
            event.event_id
            for group in backend.groups.values()
            for stream in group.streams.values()
            for event in stream.events
        ),
        default=-1,
    )
    events._event_id = max(events._event_id, last + 1)


_IAM = "moto.iam.models.IAMBackend"
_S3 = "moto.s3.models.S3Backend"
_KEY = ClassRules(omit=frozenset({"private_key"}), added=_private_key, restore=_restore_private_key)
_TABLE = ClassRules(
    omit=frozenset({"items"}),
    added=lambda table: _item_tables().added(table),
    restore=lambda table: _item_tables().restore(table),
)
_RULES: Mapping[str, ClassRules] = {
    **{f"moto.dynamodb.models.table.{name}": _TABLE for name in ("Table", "RestoredTable", "RestoredPITTable")},
    _IAM: ClassRules(omit=_OMITTED[_IAM], added=_iam_policies, restore=_restore_iam_policies),
    "moto.kms.utils.ECDSAPrivateKey": _KEY,
    "moto.kms.utils.RSAPrivateKey": _KEY,
    "moto.logs.models.LogsBackend": ClassRules(restore=_restore_event_ids),
    "moto.s3.models.FakeBucket": ClassRules(omit=frozenset({"keys"}), restore=_restore_bucket),
    "moto.s3.models.S3Backend": ClassRules(omit=_OMITTED[_S3], restore=_restore_object_tags),
    "moto.s3.models.FakeKey": ClassRules(encode=_encode_key, decode=_decode_key),
}
