"""The lab's leftovers, and the owners of resources that have one of the lab's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers._aws import absent, error_code, tag_dict
from zetl_helpers._role_tags import REGION_TAG, other_region
from zetl_helpers.integration import tags
from zetl_helpers.lab import TAG_KEY, Lab

TAGGED = "has the lab's tag"


class StillThereError(Exception):
    """A deletion left resources behind or must wait for other resources.

    The message names the resources and the reason.
    """


@dataclass(frozen=True)
class Leftover:
    """One remaining resource of the lab.

    Args:
        kind: The kind of resource, such as ``DynamoDB table``.
        name: The resource's name.
        why: The cost or risk of keeping the resource.
        known_by: The evidence that the resource belongs to the lab, such as the lab's tag or the bucket that contains
            the resource.
        delete: A function that deletes the resource and waits until it is gone.
        begin: A function that requests the deletion without waiting, for deletions that take minutes.
        table: The `Lab.source` of the only table that uses the resource, or an empty string if the lab's tables share
            the resource.
        is_being_deleted: Whether AWS reports that the resource is being deleted.
    """

    kind: str
    name: str
    why: str
    known_by: str
    delete: Callable[[], Any]
    begin: Callable[[], Any] = lambda: None
    table: str = ""
    is_being_deleted: bool = False


@dataclass(frozen=True)
class Foreign:
    """A resource that has one of the lab's names but does not belong to the lab, so cleanup keeps it.

    Args:
        kind: The kind of resource.
        name: The resource's name.
        why: The reason for keeping the resource.
    """

    kind: str
    name: str
    why: str


Found = Iterator[Leftover | Foreign]


class Ownership:
    """The owners of taggable resources that have the lab's names. Each resource is looked up only once.

    Args:
        lab: The lab.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def owns(self, tags: dict[str, str] | None) -> bool:
        """Return whether a resource's tags show that it belongs to this lab.

        None means that the resource does not exist. A role that is tagged with another Region belongs to a lab in that
        Region.
        """
        if tags is None or other_region(self.lab, tags):
            return False
        return tags.get(TAG_KEY) == self.lab.tags[TAG_KEY]

    def is_foreign(self, tags: dict[str, str] | None) -> bool:
        """Return whether a resource with these tags exists and does not belong to the lab."""
        return tags is not None and not self.owns(tags)

    def foreign(self, kind: str, name: str, tags: dict[str, str]) -> Foreign:
        """Return a `Foreign` for a resource with these tags."""
        tag = tags.get(TAG_KEY)
        if tag == self.lab.tags[TAG_KEY] and (region := other_region(self.lab, tags)):
            why = (
                f"it has {REGION_TAG}={region}, so it belongs to the lab in {region}, and this lab is in "
                f"{self.lab.region}; to clean up that lab, set AWS_REGION={region}"
            )
            return Foreign(kind, name, why)
        found = f"has {TAG_KEY}={tag}, another lab's tag" if tag else f"doesn't have the tag {TAG_KEY}"
        return Foreign(kind, name, f"it {found}, so it isn't this lab's")

    def source_of(self, name: str) -> str:
        """Return the source whose table, target table or integration has this name, or an empty string."""
        return next((lab.source for lab in self.lab.everywhere if name in _names(lab)), "")

    @property
    def anything(self) -> bool:
        """Whether the lab's database, bucket, role or any of the lab's DynamoDB tables has the lab's tag."""
        return any(map(self.owns, (self.database, self.bucket, self.role, *self.tables.values())))

    @property
    def database_is_ours_or_gone(self) -> bool:
        """Whether resources that are named after the database and have no tags can be identified as the lab's.

        They can be identified if the database has the lab's tag. They can also be identified if the database was
        deleted manually, but another resource of the lab exists. If the database does not belong to the lab, neither do
        the resources that refer to it.
        """
        return self.owns(self.database) or (self.database is None and self.anything)

    @cached_property
    def tables(self) -> dict[str, dict[str, str] | None]:
        """The tags of the lab's DynamoDB tables, keyed by table name, with None for a table that does not exist."""
        return {lab.table: self.table_tags(lab.table) for lab in self.lab.everywhere}

    def table_tags(self, name: str) -> dict[str, str] | None:
        """Return the tags of a DynamoDB table, or None if the table does not exist."""
        dynamodb = self.lab.client("dynamodb")
        with absent("ResourceNotFoundException"):
            arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
            pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
            return tag_dict([tag for page in pages for tag in page.get("Tags", [])])
        return None

    @cached_property
    def database(self) -> dict[str, str] | None:
        """The tags of the Glue database, which are stored in its parameters, or None if the database does not exist."""
        with absent("EntityNotFoundException"):
            database = self.lab.client("glue").get_database(Name=self.lab.database)["Database"]
            return dict(database.get("Parameters", {}))
        return None

    @cached_property
    def bucket(self) -> dict[str, str] | None:
        """The bucket's tags: None if there is no bucket, and empty if it has no tags or another account owns it."""
        s3 = self.lab.client("s3")
        try:
            s3.head_bucket(Bucket=self.lab.bucket, ExpectedBucketOwner=self.lab.account)
            return tag_dict(s3.get_bucket_tagging(Bucket=self.lab.bucket)["TagSet"])
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchBucket"):
                return None
            # AWS returns 403 for another account's bucket, and for a bucket that the caller is not allowed to read.
            mine = [entry["Name"] for entry in s3.list_buckets()["Buckets"]] if error_code(error) == "403" else []
            if error_code(error) == "NoSuchTagSet" or (error_code(error) == "403" and self.lab.bucket not in mine):
                return {}
            raise

    @cached_property
    def role(self) -> dict[str, str] | None:
        """The tags of the target role, or None if the role does not exist."""
        with absent("NoSuchEntity"):
            return tag_dict(self.lab.client("iam").get_role(RoleName=self.lab.role)["Role"].get("Tags", []))
        return None

    @cached_property
    def integrations(self) -> list[dict[str, Any]]:
        """All integrations in the account and Region."""
        glue = self.lab.client("glue")
        found: list[dict[str, Any]] = []
        marker: dict[str, str] = {}
        while True:
            answer = glue.describe_integrations(**marker)
            found += answer["Integrations"]
            if not answer.get("Marker"):
                return found
            marker = {"Marker": answer["Marker"]}

    def integration_tags(self, integration: dict[str, Any]) -> dict[str, str]:
        """Return the tags of an integration that `integrations` lists."""
        return tags(self.lab, integration)

    @cached_property
    def tables_in_database(self) -> list[dict[str, Any]]:
        """The Glue tables in the lab's database, or an empty list if the database does not belong to the lab."""
        if not self.owns(self.database):
            return []
        pages = self.lab.client("glue").get_paginator("get_tables").paginate(DatabaseName=self.lab.database)
        return [table for page in pages for table in page["TableList"]]


def _names(lab: Lab) -> tuple[str, str, str]:
    return lab.table, lab.target_table, lab.integration
