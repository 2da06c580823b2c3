"""Functions that belong nowhere else."""

from __future__ import annotations

from zetl_helpers.local.athena.dialect.registry import define

define("uuid", "", "uuid", "uuid()")
define("version", "", "varchar", "'Athena engine version 3'")
