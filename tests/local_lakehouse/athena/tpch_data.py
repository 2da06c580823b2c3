"""TPC-H rows, which tpchgen generates without network access. The rows are the same in every run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SCALE = 0.1


def generate(folder: Path, scale: float = SCALE) -> dict[str, Path]:
    """Write the eight tables as Parquet files, and return the path of each file.

    Args:
        folder: The folder to write the files to.
        scale: The TPC-H scale factor, where 1 means 6 million line items.
    """
    command = str(Path(sys.executable).with_name("tpchgen-cli"))
    subprocess.run([command, "parquet", "-s", str(scale), "--output-dir", str(folder)], check=True, capture_output=True)
    return {path.stem: path for path in sorted(folder.glob("*.parquet"))}


def read(path: Path) -> pa.Table:
    """Read a table, and convert its columns to types that Iceberg supports."""
    rows = pq.read_table(path)
    plain = {pa.string_view(): pa.string(), pa.large_string(): pa.string()}
    return rows.cast(pa.schema([(field.name, plain.get(field.type, field.type)) for field in rows.schema]))
