"""Miscellaneous functions."""

from __future__ import annotations

from local_lakehouse.sql.functions.registry import define

define("uuid", "", "uuid", "uuid()", volatile=True)
define("version", "", "varchar", "'Athena engine version 3'")
