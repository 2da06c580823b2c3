"""The prefixes in use in an account, derived from the names of its resources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from zetl_helpers import _settings
from zetl_helpers._role_tags import other_region
from zetl_helpers.cleanup._leftovers import Ownership
from zetl_helpers.lab import Lab


def learners(lab: Lab) -> list[Lab]:
    """Find all labs in an account and Region.

    A lab is included if at least one table, database, bucket, role or integration with one of the lab's names exists.
    This function reads names and the tags of roles, so a resource can still have a different owner. Operations that
    make changes check the tags. An account's roles are shared by all Regions, so a lab that is found only by its role
    is not included if the role is tagged with another Region.

    Args:
        lab: Any lab in the account.

    Returns:
        One lab per prefix, sorted by prefix, starting with the lab without a prefix.

    See https://docs.aws.amazon.com/glue/latest/webapi/API_DescribeIntegrations.html
    """
    bare = replace(lab, prefix="")
    found = {prefix for names, pattern in _places(bare) for prefix in _prefixes(pattern, names)}
    roles = _names(bare, "iam", "list_roles", "Roles", "RoleName")
    by_role = set(_prefixes(f"((?P<prefix>.+)_)?{re.escape(bare.role)}", roles)) - found
    found |= {prefix for prefix in by_role if _has_role_here(replace(bare, prefix=prefix))}
    return [replace(bare, prefix=prefix) for prefix in sorted(found)]


def _places(bare: Lab) -> Iterator[tuple[Iterator[str], str]]:
    """Yield, for each kind of regional resource, the names in use and a pattern that matches the names in any lab."""
    prefix = "(?P<prefix>.+)"
    tables = "|".join(re.escape(entry.table) for entry in bare.everywhere)
    integrations = "|".join(re.escape(item.integration) for item in bare.everywhere)
    yield _names(bare, "dynamodb", "list_tables", "TableNames", None), f"({prefix}_)?({tables})"
    yield _names(bare, "glue", "get_databases", "DatabaseList", "Name"), f"({prefix}_)?{re.escape(bare.database)}"
    yield _names(bare, "s3", "list_buckets", "Buckets", "Name"), f"{re.escape(bare.bucket)}(-{prefix})?"
    made = (integration["IntegrationName"] for integration in Ownership(bare).integrations)
    yield made, f"({prefix}-)?({integrations})"


def _names(lab: Lab, service: str, operation: str, key: str, name: str | None) -> Iterator[str]:
    for page in lab.client(service).get_paginator(operation).paginate():
        for entry in page.get(key, []):
            yield str(entry if name is None else entry[name])


def _has_role_here(lab: Lab) -> bool:
    tags = Ownership(lab).role
    return tags is not None and other_region(lab, tags) is None


def _prefixes(pattern: str, names: Iterator[str]) -> Iterator[str]:
    for name in names:
        prefix = _prefix(pattern, name)
        if prefix is not None:
            yield prefix


def _prefix(pattern: str, name: str) -> str | None:
    """Return the prefix in a name, or None if no lab uses such a name."""
    matched = re.fullmatch(pattern, name)
    if matched is None:
        return None
    try:
        return _settings.prefix({"ZETL_PREFIX": matched["prefix"] or ""})
    except _settings.SettingsError:
        return None
