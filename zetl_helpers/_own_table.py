"""Tables whose keys are derived from their items, and items read from a file."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from zetl_helpers import _documents
from zetl_helpers._errors import UserError
from zetl_helpers.lab import Lab
from zetl_helpers.preflight._items import read

_ROLES = ("HASH", "RANGE")


class OtherKeysError(UserError):
    """The table exists, but its keys differ from the items' keys. The message lists both."""


def definition(keys: Mapping[str, str]) -> dict[str, Any]:
    """Return the ``CreateTable`` arguments for a table with these keys, except the table's name and tags.

    Args:
        keys: The type (``S``, ``N`` or ``B``) of each key attribute, with the partition key first.
    """
    return {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": tag} for name, tag in keys.items()],
        "KeySchema": [
            {"AttributeName": name, "KeyType": role} for name, role in zip(keys, _ROLES[: len(keys)], strict=True)
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }


def require_keys(lab: Lab, keys: Mapping[str, str]) -> None:
    """Check that the lab's existing table has key attributes with these names.

    Raises:
        OtherKeysError: The table has different keys.
    """
    found = key_names(lab)
    if found != list(keys):
        raise OtherKeysError(
            f"Table {lab.table} exists with the key {', '.join(found)}, but the key of these items is "
            f"{', '.join(keys)}. First delete the table: zetl.cleanup.apply(zetl.cleanup.plan(lab, only=[...])), as "
            "shown at the end of chapter 13."
        )


def key_names(lab: Lab) -> list[str]:
    """Return the names of the lab table's key attributes, with the partition key first."""
    table = lab.client("dynamodb").describe_table(TableName=lab.table)["Table"]
    return [element["AttributeName"] for element in table["KeySchema"]]


def key_of(item: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    """Return the values of an item's key, with numbers normalized because DynamoDB returns 1.0 as 1."""
    return tuple(_comparable(item[name]) for name in names)


def _comparable(value: Mapping[str, Any]) -> Any:
    ((tag, content),) = value.items()
    return Decimal(content) if tag == "N" else content


def sample_file(name: str) -> Path:
    """Return the path of a file with sample items.

    Args:
        name: The file's name, such as ``movies.json``.

    Raises:
        UserError: The file does not exist.
    """
    folder = Path(str(importlib.resources.files("zetl_helpers.sample_data")))
    if not (folder / name).is_file():
        found = ", ".join(sorted(path.name for path in folder.glob("*.json")))
        raise UserError(f"There is no sample file {name}. Use one of {found}.")
    return folder / name


def file_items(path: str | Path) -> list[dict[str, Any]]:
    """Return a file's items in boto3 format, with binary values as bytes.

    Args:
        path: A file or an export folder, as for `preflight.of_file`.

    Raises:
        UnreadableItemsError: The file contains no items in DynamoDB JSON.
    """
    return [{name: _documents.with_bytes(value) for name, value in item.items()} for item in read(Path(path))]
