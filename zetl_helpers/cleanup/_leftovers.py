"""What clean-up works with: the lab's leftovers, and whose a thing is that has one of the lab's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from zetl_helpers._aws import absent, error_code, tag_dict
from zetl_helpers.integration import tags
from zetl_helpers.lab import TAG_KEY, Lab

TAGGED = "carries the lab's tag"


@dataclass(frozen=True)
class Leftover:
    """One thing of the lab that is still there.

    Args:
        kind: What it is, such as ``DynamoDB table``.
        name: Its name.
        why: What it costs or opens when it stays.
        known_by: What shows that it is the lab's: its tag or, where AWS offers no tags, what it belongs to.
        delete: Deletes it, and waits until it is gone.
        begin: Asks for the deletion without waiting; given for what AWS takes minutes over.
    """

    kind: str
    name: str
    why: str
    known_by: str
    delete: Callable[[], Any]
    begin: Callable[[], Any] = lambda: None


@dataclass(frozen=True)
class Foreign:
    """One thing that has a name of the lab and is not the lab's: clean-up leaves it alone.

    Args:
        kind: What it is.
        name: Its name.
        why: Why it stays.
    """

    kind: str
    name: str
    why: str


Found = Iterator[Leftover | Foreign]


class Belongings:
    """Whose those things are that have the lab's names and can carry tags; each is looked up once.

    Args:
        lab: The lab.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def owns(self, tags: dict[str, str] | None) -> bool:
        """Tell whether tags are those of this lab; None stands for a thing that is not there."""
        return tags is not None and tags.get(TAG_KEY) == self.lab.tags[TAG_KEY]

    def is_foreign(self, tags: dict[str, str] | None) -> bool:
        """Tell whether there is a thing with these tags and it is somebody else's."""
        return tags is not None and not self.owns(tags)

    def foreign(self, kind: str, name: str, tags: dict[str, str]) -> Foreign:
        """Say why a thing with these tags is left alone."""
        tag = tags.get(TAG_KEY)
        found = f"carries {TAG_KEY}={tag}, another lab's tag" if tag else f"does not carry the tag {TAG_KEY}"
        return Foreign(kind, name, f"it {found}: it is not this lab's")

    @property
    def anything(self) -> bool:
        """Whether one thing at least carries the lab's tag."""
        return any(map(self.owns, (self.database, self.bucket, self.role, *self.tables.values())))

    @property
    def database_is_ours_or_gone(self) -> bool:
        """Whether what has the database's name in it, and no tag of its own, can be told to be the lab's.

        It is when the database carries the tag, or when there is no such database and another thing of the lab is
        there: the database was deleted by hand. A database of somebody else makes what names it theirs.
        """
        return self.owns(self.database) or (self.database is None and self.anything)

    @cached_property
    def tables(self) -> dict[str, dict[str, str] | None]:
        """Tags of the lab's DynamoDB tables by their names; None for one that is not there."""
        return {lab.table: self.table_tags(lab.table) for lab in self.lab.everywhere}

    def table_tags(self, name: str) -> dict[str, str] | None:
        """Tags of a DynamoDB table; None when there is none of that name."""
        dynamodb = self.lab.client("dynamodb")
        with absent("ResourceNotFoundException"):
            arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
            pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
            return tag_dict([tag for page in pages for tag in page.get("Tags", [])])
        return None

    @cached_property
    def database(self) -> dict[str, str] | None:
        """Marks of the Glue database, kept in its parameters; None when there is none."""
        with absent("EntityNotFoundException"):
            database = self.lab.client("glue").get_database(Name=self.lab.database)["Database"]
            return dict(database.get("Parameters", {}))
        return None

    @cached_property
    def bucket(self) -> dict[str, str] | None:
        """Tags of the bucket; None when there is none; empty when it is another account's."""
        s3 = self.lab.client("s3")
        try:
            s3.head_bucket(Bucket=self.lab.bucket, ExpectedBucketOwner=self.lab.account)
            return tag_dict(s3.get_bucket_tagging(Bucket=self.lab.bucket)["TagSet"])
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchBucket"):
                return None
            # Forbidden is what AWS says of somebody else's bucket, and of one's own without the right to look.
            mine = [one["Name"] for one in s3.list_buckets()["Buckets"]] if error_code(error) == "403" else []
            if error_code(error) == "NoSuchTagSet" or (error_code(error) == "403" and self.lab.bucket not in mine):
                return {}
            raise

    @cached_property
    def role(self) -> dict[str, str] | None:
        """Tags of the target role; None when there is none."""
        with absent("NoSuchEntity"):
            return tag_dict(self.lab.client("iam").get_role(RoleName=self.lab.role)["Role"].get("Tags", []))
        return None

    @cached_property
    def integrations(self) -> list[dict[str, Any]]:
        """All integrations of the account and Region."""
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
        """Tags of an integration as `integrations` lists it."""
        return tags(self.lab, integration)

    @cached_property
    def tables_in_database(self) -> list[dict[str, Any]]:
        """The Glue tables of the lab's database; none when the database is not the lab's."""
        if not self.owns(self.database):
            return []
        pages = self.lab.client("glue").get_paginator("get_tables").paginate(DatabaseName=self.lab.database)
        return [table for page in pages for table in page["TableList"]]
