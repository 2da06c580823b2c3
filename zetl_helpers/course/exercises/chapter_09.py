"""The exercises for chapter 9, about final states, error messages and escalation."""

from __future__ import annotations

from zetl_helpers.course.exercises.answers import Each, Value
from zetl_helpers.course.exercises.api import judge_on_call_tag
from zetl_helpers.course.exercises.engine import Exercise
from zetl_helpers.course.exercises.readings import Action, Name, Word

_STATE = Word(
    dict.fromkeys(("CREATING", "ACTIVE", "MODIFYING", "SYNCING", "NEEDS_ATTENTION", "FAILED", "DELETING"), ())
)


EXERCISES = (
    Exercise(
        title="Repaired too late",
        kind="predict",
        judge=Value(
            _STATE,
            lambda _: "FAILED",
            wrong={
                "ACTIVE": "The status would be ACTIVE if the permission had been restored within seven days.",
                "NEEDS_ATTENTION": "That was the status for seven days. On the eighth day, it changes.",
                "SYNCING": "The status becomes SYNCING after a data type changes. Here, nothing could be written.",
            },
            otherwise="Look at the diagram again, and at how long the permission was missing.",
        ),
        hints=(
            "How long does an integration wait for a fix?",
            "From Monday to the Tuesday of the following week is eight days. The arrow in the diagram says 7 days.",
        ),
        answer='answer = "FAILED"',
        why="After seven days, the status is FAILED, which is final. A fix no longer helps: you must delete the "
        "integration and create it again. An alarm warns you in time.",
    ),
    Exercise(
        title="Read the error",
        kind="complete",
        judge=Each(
            {
                "who": Name("the role's name", case=True, strip=(r"^arn:.*:role/", r"^role/")),
                "action": Action("s3"),
                "bucket": Name("the bucket's name", strip=(r"^arn:[\w-]+:s3:::", r"^s3://", r"/$")),
            },
            lambda lab: {"who": lab.role, "action": "s3:PutObject", "bucket": lab.bucket},
            wrong={
                "who": "It is the name of the role in the message: the part of the ARN after role/.",
                "action": "It is the action that the role is not allowed to perform. "
                "It follows the role in the message.",
                "bucket": "It is the part of the resource between ::: and the first slash.",
            },
        ),
        hints=(
            "The message names the role, the action that it is not allowed to perform, and the resource.",
            "An S3 ARN has the form arn:aws:s3:::bucket/key.",
        ),
        answer='answer = {"who": lab.role, "action": "s3:PutObject", "bucket": lab.bucket}',
        why="The message names the role, the action and the resource of the missing permission.",
    ),
    Exercise(
        title="Whom to call",
        kind="use the API",
        judge=judge_on_call_tag,
        hints=(
            "Call tag_resource on boto3.client('glue'), or run aws glue tag-resource in the AWS CLI.",
            "The ARN is IntegrationArn in the response from describe_integrations.",
            "glue.tag_resource(ResourceArn=arn, TagsToAdd={'on-call': '…'})",
        ),
        answer="""import boto3

glue = boto3.client("glue")
filters = [{"Name": "IntegrationName", "Values": [lab.integration]}]
(found,) = glue.describe_integrations(Filters=filters)["Integrations"]
glue.tag_resource(ResourceArn=found["IntegrationArn"], TagsToAdd={"on-call": "data-platform@example.com"})
# With the CLI: aws glue tag-resource --resource-arn ARN --tags-to-add on-call=data-platform@example.com
ex.q3.check()""",
        why="An error says what failed and why. A tag on the integration says whom to call.",
        by_state=True,
        by_api=True,
    ),
)
