import pytest
from botocore.exceptions import ClientError

from zetl_helpers import _next_steps, source
from zetl_helpers._aws import absent, make, one_of, settled
from zetl_helpers._wait import without_waiting
from zetl_helpers.lab import Lab


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "simulated"}}, "CreateThing")


def raise_error(*codes: str) -> None:
    raise error(codes[0])


def test_only_named_errors_are_suppressed() -> None:
    with absent("NoSuchEntity"):
        raise_error("NoSuchEntity")
    with pytest.raises(ClientError), absent("NoSuchEntity"):
        raise_error("AccessDenied")


def test_existing_resource_is_accepted() -> None:
    make(lambda: raise_error("AlreadyExists"), lambda: True, "AlreadyExists")
    with pytest.raises(ClientError, match="AlreadyExists"):
        make(lambda: raise_error("AlreadyExists"), lambda: False, "AlreadyExists")


def test_call_is_retried_until_success() -> None:
    answers = iter([error("Busy"), error("Busy"), None])

    def act() -> str:
        if answer := next(answers):
            raise answer
        return "done"

    with without_waiting():
        assert settled("it", act, one_of("Busy")) == "done"


def test_aws_error_is_raised_after_timeout() -> None:
    with without_waiting(), pytest.raises(ClientError, match="Busy"):
        settled("it", lambda: raise_error("Busy"), one_of("Busy"), timeout=60)


def test_other_errors_are_not_retried() -> None:
    waited: list[bool] = []
    with without_waiting(lambda: waited.append(True)), pytest.raises(ClientError, match="AccessDenied"):
        settled("it", lambda: raise_error("AccessDenied"), one_of("Busy"))
    assert waited == []


def test_error_names_skipped_step(lab: Lab) -> None:
    for act in (source.load_items, source.enable_pitr, source.put_policy, lambda lab: source.get_item(lab, "a", "b")):
        with pytest.raises(ClientError, match=r"create it with zetl\.source\.create_table\(lab\)"):
            act(lab)
    with pytest.raises(ClientError, match=r"create it with zetl\.target\.create_bucket\(lab\)"):
        lab.client("s3").list_objects_v2(Bucket=lab.bucket)


def test_next_step_is_appended_once(lab: Lab) -> None:
    parsed = {"Error": {"Code": "ExpiredToken", "Message": "The token is expired."}}
    model = lab.client("sts").meta.service_model.operation_model("GetCallerIdentity")
    for _ in range(2):
        _next_steps.add(parsed, model)
    assert parsed["Error"]["Code"] == "ExpiredToken"
    assert parsed["Error"]["Message"].count("Sign in again") == 1
    assert parsed["Error"]["Message"].startswith("The token is expired.")
