"""Tests that services are created on demand, and support the operations that they declare."""

from __future__ import annotations

import subprocess
import sys

from local_lakehouse.lakehouse import Lakehouse
from local_lakehouse.protocol.services import operation_names
from local_lakehouse.server import on_demand

HEAVY = ("awswrangler", "boto3", "duckdb", "flask", "moto", "numpy", "pandas", "pyarrow", "pyiceberg")


def test_declared_operations_match_those_of_the_services(lakehouse: Lakehouse) -> None:
    assert lakehouse.athena.operations == on_demand.ATHENA
    # Older botocore models have fewer operations.
    assert lakehouse.zero_etl.operations == on_demand.ZERO_ETL & operation_names("glue")
    assert lakehouse._exports.get().operations == on_demand.EXPORTS
    assert lakehouse._imports.get().operations == on_demand.IMPORTS


def test_lakehouse_starts_without_heavy_imports() -> None:
    program = (
        "import sys\n"
        "from local_lakehouse.lakehouse import Lakehouse, Settings\n"
        "lakehouse = Lakehouse(Settings()); lakehouse.start(); lakehouse.stop()\n"
        f"raise SystemExit([name for name in {HEAVY} if name in sys.modules] or 0)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_status_command_runs_without_heavy_imports() -> None:
    program = (
        "import sys\n"
        "from zetl_helpers.cli import main\n"
        "main(['local', 'status', '--state', '/nowhere'])\n"
        f"raise SystemExit([name for name in {(*HEAVY, 'botocore')} if name in sys.modules] or 0)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_helpers_are_listed_before_they_are_imported() -> None:
    program = (
        "import sys, zetl_helpers as zetl\n"
        "assert 'pandas' not in sys.modules\n"
        "assert set(zetl.__all__) <= set(dir(zetl))\n"
        "assert all(getattr(zetl, name) is not None for name in zetl.__all__)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
