import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.store import folder
from local_lakehouse.store.database import FILE, StorageError, UnreadableStateError
from local_lakehouse.store.maintenance import Maintenance, Work

pytestmark = pytest.mark.once


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def lakehouse(state: Path) -> Iterator[Lakehouse]:
    lakehouse = Lakehouse(Settings(state, paused=True))
    lakehouse.start()
    s3 = lakehouse.backend.clients.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="k", Body=b"content")
    yield lakehouse
    lakehouse.stop()


def content(state: Path) -> bytes:
    lakehouse = Lakehouse(Settings(state, paused=True))
    try:
        found: bytes = lakehouse.backend.clients.client("s3").get_object(Bucket="kept", Key="k")["Body"].read()
    finally:
        lakehouse.start()
        lakehouse.stop()
    return found


def archive(path: Path, **members: bytes) -> Path:
    with tarfile.open(path, "w:gz") as written:
        for name, body in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            written.addfile(member, io.BytesIO(body))
    return path


def test_running_lakehouse_can_be_exported(lakehouse: Lakehouse, state: Path, tmp_path: Path) -> None:
    folder.export(state, tmp_path / "state.tar.gz")
    lakehouse.backend.clients.client("s3").delete_object(Bucket="kept", Key="k")
    folder.bring(tmp_path / "other", tmp_path / "state.tar.gz")

    assert content(tmp_path / "other") == b"content"


def test_import_into_a_folder_that_contains_saved_state_is_rejected(
    lakehouse: Lakehouse, state: Path, tmp_path: Path
) -> None:
    folder.export(state, tmp_path / "state.tar.gz")
    with pytest.raises(StorageError, match="already contains saved state"):
        folder.bring(state, tmp_path / "state.tar.gz")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "objects/ab/../../x", "objects/ab/" + "c" * 32, "other"])
def test_import_with_unexpected_archive_members_is_rejected(tmp_path: Path, name: str) -> None:
    source = archive(tmp_path / "a.tar.gz", **{name: b"x"})
    with pytest.raises(UnreadableStateError, match="not an export"):
        folder.bring(tmp_path / "new", source)
    assert list((tmp_path / "new").iterdir()) == []


def test_damaged_archive_does_not_leave_state_behind(lakehouse: Lakehouse, state: Path, tmp_path: Path) -> None:
    folder.export(state, tmp_path / "state.tar.gz")
    whole = (tmp_path / "state.tar.gz").read_bytes()
    (tmp_path / "half.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises((StorageError, UnreadableStateError)):
        folder.bring(tmp_path / "new", tmp_path / "half.tar.gz")
    assert not folder.has_state(tmp_path / "new")


@pytest.mark.parametrize("part", [0.2, 0.4, 0.6, 0.8])
def test_archive_with_damaged_compression_is_rejected(
    lakehouse: Lakehouse, state: Path, tmp_path: Path, part: float
) -> None:
    folder.export(state, tmp_path / "state.tar.gz")
    damaged = bytearray((tmp_path / "state.tar.gz").read_bytes())
    at = int(len(damaged) * part)
    damaged[at : at + 32] = b"\xff" * 32
    (tmp_path / "damaged.tar.gz").write_bytes(damaged)
    with pytest.raises((StorageError, UnreadableStateError)):
        folder.bring(tmp_path / "new", tmp_path / "damaged.tar.gz")
    assert not folder.has_state(tmp_path / "new")


def test_returning_to_backup_restores_the_state(lakehouse: Lakehouse, state: Path) -> None:
    lakehouse._back_up()
    s3 = lakehouse.backend.clients.client("s3")
    s3.put_object(Bucket="kept", Key="k", Body=b"later")
    lakehouse.stop()
    (state / FILE).write_bytes(b"damaged")

    assert folder.return_to_backup(state)
    assert content(state) == b"content"
    lakehouse.database.close()


def test_sweep_deletes_only_unreferenced_files(lakehouse: Lakehouse, state: Path) -> None:
    s3 = lakehouse.backend.clients.client("s3")
    upload = s3.create_multipart_upload(Bucket="kept", Key="big")["UploadId"]
    s3.upload_part(Bucket="kept", Key="big", UploadId=upload, PartNumber=1, Body=b"part")
    lakehouse._back_up()
    s3.put_object(Bucket="kept", Key="k", Body=b"named by the database")
    orphan = state / "objects" / "ab" / ("ab" + "0" * 30)
    # The objects' files have random names, so the folder can exist already.
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"orphan")
    with lakehouse.database.snapshot() as connection:
        named = folder.named_files(connection) | folder.files_of_backup(state)

    assert lakehouse.backend.objects.sweep(named, float("inf")) == 1
    assert len(list((state / "objects").glob("*/*"))) == 3


def test_sweep_ignores_files_that_a_request_deletes(
    lakehouse: Lakehouse, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = (state / "objects").glob("??/*")
    glob = Path.glob

    def found(path: Path, pattern: str) -> list[Path]:
        return [*glob(path, pattern), file.with_name("deleted")]

    monkeypatch.setattr(Path, "glob", found)
    assert lakehouse.backend.objects.sweep({file.name}, float("inf")) == 0
    assert file.exists()


def test_failed_maintenance_is_reported_and_retried() -> None:
    answers = iter([OSError("no space left"), OSError("no space left"), None])

    def act() -> None:
        answer = next(answers)
        if answer:
            raise answer

    work, now = Work("backup", act, 1.0), [0.0]
    maintenance = Maintenance([work], lambda: now[0])
    seen = []
    for _ in range(3):
        now[0] += 1
        maintenance.step()
        seen.append(maintenance.health()["backup"])

    assert seen == [
        {"ok": False, "failures": 1, "problem": "OSError: no space left"},
        {"ok": False, "failures": 2, "problem": "OSError: no space left"},
        {"ok": True, "failures": 2, "problem": None},
    ]
