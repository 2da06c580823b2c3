"""The names of partitions and of their folders, such as ``year=2024/city=a%2Fb``."""

from __future__ import annotations

import re
from collections.abc import Sequence

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# https://github.com/apache/hive/blob/rel/release-3.1.3/common/src/java/org/apache/hadoop/hive/common/FileUtils.java
_SPECIAL = re.compile("[\x01-\x1f\x7f\"#%'*/:=?\\\\{\\[\\]^]")
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")


def partition_name(keys: Sequence[str], values: Sequence[str | None]) -> str:
    """Return a partition's name, in which Hive escapes special characters. Hive doesn't distinguish '' from NULL."""
    return "/".join(f"{key}={_escaped(value or NULL_PARTITION)}" for key, value in zip(keys, values, strict=True))


def partition_values(name: str) -> list[str]:
    """Return the values in a partition's name."""
    return [_ESCAPE.sub(_unescaped, part.partition("=")[2]) for part in name.split("/")]


def _escaped(value: str) -> str:
    return _SPECIAL.sub(lambda match: f"%{ord(match[0]):02X}", value)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
