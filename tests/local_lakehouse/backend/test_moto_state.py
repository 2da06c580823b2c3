"""Tests that the state of every service is the same after it is written and read back."""

import contextlib
import hashlib
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.base_backend import BaseBackend

from local_lakehouse.backend import moto_classes
from local_lakehouse.backend.moto_backend import SERVICES, Backend
from local_lakehouse.backend.moto_state import backends_of
from local_lakehouse.store.database import Database, StorageError
from tests.local_lakehouse.backend.moto_scenarios import SCENARIOS

pytestmark = pytest.mark.once

_USED_WITHIN_REQUESTS = {
    "_VersionedKeyStore", "EventMessageFilter", "EventMessageType", "EventTemplateParser", "FilterPattern",
    "QuotedTermFilterPattern", "SingleTermFilterPattern", "UnsupportedFilterPattern",
}  # fmt: skip


@contextmanager
def opened(directory: Path) -> Iterator[Backend]:
    database = Database(directory)
    backend = Backend("us-east-1", database)
    try:
        yield backend
    finally:
        backend.close()
        database.close()


# The objects of these moto modules exist only during one request, or are not used here.
_NOT_KEPT = re.compile(
    r"responses|exceptions|urls|access_control|policy_(conditions|validation)|config|comparisons|parsing\..*"
    r"|models\.(utilities|table_export|table_import)|logs_query(\..*)?"
)


def test_every_moto_module_with_classes_is_listed() -> None:
    for service in SERVICES:
        package = importlib.import_module(f"moto.{service}")
        for module in pkgutil.walk_packages(package.__path__, f"moto.{service}."):
            own = module.name.removeprefix(f"moto.{service}.")
            if _NOT_KEPT.fullmatch(own) or module.name in moto_classes.MODULES[service]:
                continue
            defined = [
                name
                for name, class_ in vars(importlib.import_module(module.name)).items()
                if inspect.isclass(class_) and class_.__module__ == module.name and not issubclass(class_, BaseBackend)
            ]
            assert set(defined) <= _USED_WITHIN_REQUESTS, module.name


def test_every_service_has_a_scenario_and_classes() -> None:
    assert SCENARIOS.keys() == set(SERVICES) == moto_classes.MODULES.keys()


@pytest.mark.parametrize("service", sorted(SCENARIOS))
def test_service_state_survives_a_restart(service: str, tmp_path: Path) -> None:
    with opened(tmp_path) as backend:
        look = SCENARIOS[service](backend.clients.client)
        before = _comparable(look())

    with opened(tmp_path) as backend:
        for cell in inspect.getclosurevars(look).nonlocals:
            _replace_client(look, cell, backend)
        assert _comparable(look()) == before


def test_restart_writes_nothing(tmp_path: Path) -> None:
    def rows(backend: Backend) -> list[Any]:
        with backend.database.snapshot() as connection:
            return connection.execute("SELECT * FROM moto ORDER BY root, id").fetchall()

    with opened(tmp_path) as backend:
        for service, scenario in SCENARIOS.items():
            if service not in ("resourcegroupstaggingapi", "sts"):
                scenario(backend.clients.client)
        written = rows(backend)
    with opened(tmp_path) as backend:
        with backend.database.transaction():
            for service in ("cloudwatch", "events", "glue", "kms", "lakeformation", "logs", "sns"):
                backends_of(service)["123456789012"]["us-east-1"]
            for service in ("iam", "s3"):
                backends_of(service)["123456789012"]["aws"]
        assert rows(backend) == written


def test_new_table_version_adds_one_row(tmp_path: Path) -> None:
    with opened(tmp_path) as backend:
        glue = backend.clients.client("glue")
        glue.create_database(DatabaseInput={"Name": "d"})
        glue.create_table(DatabaseName="d", TableInput={"Name": "t"})
        for number in range(20):
            glue.update_table(DatabaseName="d", TableInput={"Name": "t", "Description": str(number)})
        writes: list[str] = []
        backend.database._writer.set_trace_callback(lambda text: writes.append(text) if "moto" in text else None)
        glue.update_table(DatabaseName="d", TableInput={"Name": "t", "Description": "last"})
        # One insert stores the new version, and the other stores the table, which contains the number of its versions.
        assert len([text for text in writes if text.startswith("INSERT")]) == 2


def test_change_that_cannot_be_stored_is_rolled_back(tmp_path: Path) -> None:
    with opened(tmp_path) as backend:
        s3, glue = backend.clients.client("s3"), backend.clients.client("glue")
        s3.create_bucket(Bucket="kept")
        glue.create_database(DatabaseInput={"Name": "kept"})
        pages = backend.database._writer.execute("PRAGMA page_count").fetchone()[0]
        backend.database._writer.execute(f"PRAGMA max_page_count = {pages}")
        for number in range(100):
            try:
                glue.create_database(DatabaseInput={"Name": f"lost{number}", "Description": "x" * 2000})
            except StorageError:
                break
        known = {each["Name"] for each in glue.get_databases()["DatabaseList"]}
        assert f"lost{number}" not in known
        backend.database._writer.execute("PRAGMA max_page_count = 1000000")
        s3.put_object(Bucket="kept", Key="later", Body=b"again")
        glue.create_database(DatabaseInput={"Name": f"lost{number}"})

    with opened(tmp_path) as backend:
        found = {each["Name"] for each in backend.clients.client("glue").get_databases()["DatabaseList"]}
        assert found == known | {f"lost{number}"}
        assert backend.clients.client("s3").get_object(Bucket="kept", Key="later")["Body"].read() == b"again"


@pytest.mark.parametrize("operation", ["create_bucket", "delete_bucket"])
def test_bucket_is_usable_after_a_rolled_back_request(tmp_path: Path, operation: str) -> None:
    class AbandonedError(Exception):
        pass

    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="kept")
        if operation == "delete_bucket":
            s3.create_bucket(Bucket="bkt")
        with contextlib.suppress(AbandonedError), backend.database.transaction():
            getattr(s3, operation)(Bucket="bkt")
            raise AbandonedError
        if operation == "create_bucket":
            with pytest.raises(s3.exceptions.NoSuchBucket):
                s3.list_objects_v2(Bucket="bkt")
            s3.create_bucket(Bucket="bkt")
        for bucket in ("kept", "bkt"):
            s3.put_object(Bucket=bucket, Key="k", Body=b"content")
        assert backends_of("s3").bucket_accounts.keys() == {"kept", "bkt"}
        assert s3.list_objects_v2(Bucket="bkt")["KeyCount"] == 1


def test_object_files_are_deleted_with_their_objects(tmp_path: Path) -> None:
    def files() -> int:
        return len(list((tmp_path / "objects").glob("*/*")))

    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="bkt")
        s3.put_object(Bucket="bkt", Key="k", Body=b"one")
        s3.put_object(Bucket="bkt", Key="k", Body=b"two")
        path = backend.objects.path_of("bkt", "k")
        assert path is not None
        assert path.read_bytes() == b"two"
        assert files() == 1
        with pytest.raises(ClientError):
            s3.put_object(Bucket="none", Key="k", Body=b"lost")
        s3.delete_object(Bucket="bkt", Key="k")
        assert files() == 0
        assert backend.objects.path_of("bkt", "k") is None


@pytest.mark.parametrize("operation", ["put_object", "upload_part"])
def test_body_is_written_and_hashed_before_the_lock_is_acquired(tmp_path: Path, operation: str) -> None:
    content = b"content"
    with opened(tmp_path) as backend, ThreadPoolExecutor() as pool:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="bkt")
        more: dict[str, Any] = {}
        if operation == "upload_part":
            more = {"UploadId": s3.create_multipart_upload(Bucket="bkt", Key="k")["UploadId"], "PartNumber": 1}
        with backend.lock:
            answer = pool.submit(lambda: getattr(s3, operation)(Bucket="bkt", Key="k", Body=content, **more))
            while not backend.lock.waiting():
                pass
            [path] = (tmp_path / "objects").glob("*/*")
            assert path.read_bytes() == content
            # If the lakehouse hashed the file again, the result would be the hash of this content.
            path.write_bytes(b"CONTENT")
        assert answer.result()["ETag"] == f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        assert list((tmp_path / "objects").glob("*/*")) == [path]


def test_get_object_rejects_a_damaged_file(tmp_path: Path) -> None:
    with opened(tmp_path) as backend:
        s3 = backend.clients.client("s3")
        s3.create_bucket(Bucket="bkt")
        s3.put_object(Bucket="bkt", Key="k", Body=b"content")
        path = backend.objects.path_of("bkt", "k")
        assert path is not None
        path.write_bytes(b"CONTENT")
        with pytest.raises(StorageError, match="is damaged"):
            s3.get_object(Bucket="bkt", Key="k")


def _replace_client(look: Any, name: str, backend: Backend) -> None:
    """Replace a client in a closure with a client of a different backend."""
    cells = dict(zip(look.__code__.co_freevars, look.__closure__, strict=True))
    client = cells[name].cell_contents
    if hasattr(client, "meta"):
        names = {"tagging": "resourcegroupstaggingapi", "monitoring": "cloudwatch"}
        service = client.meta.service_model.service_name
        cells[name].cell_contents = backend.clients.client(names.get(service, service))


def _comparable(value: Any) -> Any:
    return json.loads(json.dumps(_without_metadata(value), default=str, sort_keys=True))


def _without_metadata(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_metadata(member) for key, member in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list | tuple):
        return [_without_metadata(element) for element in value]
    return value
