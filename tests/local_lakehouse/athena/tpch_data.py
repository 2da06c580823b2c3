"""The rows of TPC-H, made by tpchgen: the same ones at each run, without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SCALE = 0.1


def generate(folder: Path) -> dict[str, Path]:
    """Write the eight tables as Parquet files and return where each is."""
    command = str(Path(sys.executable).with_name("tpchgen-cli"))
    subprocess.run([command, "parquet", "-s", str(SCALE), "--output-dir", str(folder)], check=True, capture_output=True)
    return {path.stem: path for path in sorted(folder.glob("*.parquet"))}


def read(path: Path) -> pa.Table:
    """Read one of them as Iceberg knows its types."""
    rows = pq.read_table(path)
    plain = {pa.string_view(): pa.string(), pa.large_string(): pa.string()}
    return rows.cast(pa.schema([(field.name, plain.get(field.type, field.type)) for field in rows.schema]))
