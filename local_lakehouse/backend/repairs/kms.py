"""A fix for AWS KMS that adds the ID of the current key material to key descriptions.

AWS: https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Any

from moto.kms.models import Key


def apply() -> None:
    """Apply the fix to moto, once per process."""
    if not hasattr(Key.to_dict, "__repaired__"):
        Key.to_dict = _with_material(Key.to_dict)  # type: ignore[method-assign]


def _with_material(to_dict: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(to_dict)
    def with_material(self: Key) -> dict[str, Any]:
        found = to_dict(self)
        if self.key_spec == "SYMMETRIC_DEFAULT":
            # The local lakehouse never rotates a key, so its key material does not change.
            found["KeyMetadata"]["CurrentKeyMaterialId"] = hashlib.sha256(self.id.encode()).hexdigest()
        return found

    with_material.__repaired__ = True  # type: ignore[attr-defined]
    return with_material
