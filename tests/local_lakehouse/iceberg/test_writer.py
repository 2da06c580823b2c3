"""Tests of the object that a Parquet writer writes to."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local_lakehouse.iceberg.file_io import SMALL_BYTES
from local_lakehouse.iceberg.writer import Sink


@pytest.mark.parametrize("size", [1, SMALL_BYTES + 1])
def test_a_writer_of_discarded_data_ends_quietly(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", problems.append)
    sink = Sink(cast("Any", SimpleNamespace(local=SimpleNamespace(new_path=lambda: tmp_path / "data"))))
    table = pa.table({"a": [bytes(size)]})
    writer = pq.ParquetWriter(sink, table.schema, compression="none", use_dictionary=False)
    writer.write_table(table)
    written = sink.size

    sink.discard()
    del writer
    gc.collect()

    assert problems == []
    assert sink.size == written
    assert list(tmp_path.iterdir()) == []
