"""A generator that creates the table in docs/aws-calls.md from the chapters' AWS calls."""

from collections.abc import Mapping, Set
from pathlib import Path

from zetl_helpers import _rights

TABLE = Path(__file__).parents[2] / "docs" / "aws-calls.md"
_TESTS = {
    "athena": "test_lakehouse.py",
    "cloudwatch": "test_monitoring.py",
    "datazone": "test_studio.py",
    "dynamodb": "test_source.py",
    "glue": "test_target.py",
    "iam": "test_permissions.py",
    "lakeformation": "test_studio.py",
    "logs": "test_monitoring.py",
    "resourcegroupstaggingapi": "test_cleanup.py",
    "s3": "test_target.py",
    "sts": "test_lab.py",
}
_PAGES = {
    "athena": "athena/latest/APIReference",
    "cloudwatch": "AmazonCloudWatch/latest/APIReference",
    "datazone": "datazone/latest/APIReference",
    "dynamodb": "amazondynamodb/latest/APIReference",
    "glue": "glue/latest/webapi",
    "iam": "IAM/latest/APIReference",
    "lakeformation": "lake-formation/latest/APIReference",
    "logs": "AmazonCloudWatchLogs/latest/APIReference",
    "resourcegroupstaggingapi": "resourcegroupstagging/latest/APIReference",
    "s3": "AmazonS3/latest/API",
    "sts": "STS/latest/APIReference",
}
_HEAD = """\
# AWS calls by chapter

`tests/contract/test_calls.py` generates this table from the chapters' calls. To update the table, run the test with
`--rewrite-golden`. The test also validates each request and error against the AWS service model.
`tests/permissions/test_tutorial.py` shows that the learner's policies allow these calls and grant no other permissions,
apart from the exceptions in `policies/README.md`. The last column names the tests for the helper that makes the call.

| chapter | call | permission | test |
| --- | --- | --- | --- |
"""


def render(calls: Mapping[str, Set[str]]) -> str:
    """Return the table in Markdown.

    Args:
        calls: The calls in each chapter as ``service.Operation``, keyed by the notebook's name.
    """
    lines = [
        f"| {chapter.partition('_')[0]} | [{name}]({_page(name)}) | {_permission(name)} | {_test_of(name)} |"
        for chapter, names in sorted(calls.items())
        for name in sorted(names)
    ]
    return _HEAD + "\n".join(lines) + "\n"


def _page(name: str) -> str:
    service, operation = name.split(".")
    return f"https://docs.aws.amazon.com/{_PAGES[service]}/API_{operation}.html"


def _permission(name: str) -> str:
    service, operation = name.split(".")
    if name == "sts.GetCallerIdentity":
        return "none, because everyone can make this call"
    return f"`{_rights.action_of(service, operation)}`"


def _test_of(name: str) -> str:
    """Return the path of the test that covers the helpers' use of a call."""
    service, operation = name.split(".")
    zero_etl = service == "glue" and "Integration" in operation
    return f"`tests/{'test_integration.py' if zero_etl else _TESTS[service]}`"
