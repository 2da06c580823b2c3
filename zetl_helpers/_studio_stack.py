"""Lookup, display and deletion of the CloudFormation stack that created a Studio domain's VPC."""

from __future__ import annotations

from typing import Any

from zetl_helpers._aws import absent, tag_dict
from zetl_helpers._errors import StudioSetupError, as_sentence
from zetl_helpers._steps import Step
from zetl_helpers._wait import wait_for
from zetl_helpers.lab import TAG_KEY, Lab

# This tag on the lab's role contains the stack's name. Cleanup does not examine any other stack.
STACK_TAG = "zetl-lab-vpc-stack"


def find_stack(lab: Lab, name: str) -> dict[str, Any] | None:
    """Return a stack as ``DescribeStacks`` returns it. Return None if the stack does not exist.

    Args:
        lab: The lab.
        name: The stack's name or, for a deleted stack, its ID.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    # CloudFormation has no specific error code for a stack that does not exist.
    with absent("ValidationError"):
        return dict(lab.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])
    return None


def tags_of(stack: dict[str, Any]) -> dict[str, str]:
    """Return a stack's tags."""
    return tag_dict(stack.get("Tags", []))


def what_clean_up_does(lab: Lab, name: str) -> str:
    """Return a line that says whether cleanup deletes a stack and, if not, how to change that.

    Args:
        lab: The lab.
        name: The stack's name.

    Raises:
        StudioSetupError: The stack does not exist.
    """
    found = find_stack(lab, name)
    if found is None:
        raise StudioSetupError(
            f"There is no CloudFormation stack {name} in {lab.region}. Check the name in the CloudFormation console, "
            "or omit stack if no stack created the VPC."
        )
    if tags_of(found).get(TAG_KEY) == lab.tags[TAG_KEY]:
        return f"stack {name} of the VPC: cleanup deletes it after the domain"
    return (
        f"stack {name} of the VPC: cleanup keeps it, because it doesn't have the tag {TAG_KEY}={lab.tags[TAG_KEY]}; "
        "add the tag in the CloudFormation console (Update) if the VPC is for this tutorial only"
    )


def delete_stack(lab: Lab, name: str, *, timeout: float = 1800) -> Step:
    """Delete the stack that created the VPC, if the stack has the lab's tag.

    Before calling this function, delete the domain.

    Args:
        lab: The lab.
        name: The stack's name.
        timeout: Maximum seconds to wait.

    Returns:
        The step and its outcome.

    Raises:
        StudioSetupError: The stack doesn't have the lab's tag, or CloudFormation could not delete it.

    See https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
    """
    with lab.recording() as calls:
        found = find_stack(lab, name)
        if found is not None:
            if tags_of(found).get(TAG_KEY) != lab.tags[TAG_KEY]:
                raise StudioSetupError(f"Stack {name} doesn't have the lab's tag {TAG_KEY}, so it is kept.")
            lab.client("cloudformation").delete_stack(StackName=found["StackId"])
            wait_for(
                f"stack {name} to be deleted",
                lambda: _is_deleted(lab, found["StackId"]),
                timeout=timeout,
                hint="Check the stack in the CloudFormation console.",
                usual="2 to 10 minutes",
            )
        with absent("NoSuchEntity"):
            lab.client("iam").untag_role(RoleName=lab.role, TagKeys=[STACK_TAG])
    return Step(f"stack {name}", "deleted" if found else "already gone", calls)


def _is_deleted(lab: Lab, stack_id: str) -> bool | None:
    found = find_stack(lab, stack_id)
    if found is not None and found["StackStatus"] == "DELETE_FAILED":
        why = found.get("StackStatusReason", "check the stack's events in the CloudFormation console")
        raise StudioSetupError(
            f"Stack {found['StackName']} could not be deleted: {as_sentence(why)} Delete the resources that still use "
            "the VPC, and run cleanup again."
        )
    return True if found is None or found["StackStatus"] == "DELETE_COMPLETE" else None
