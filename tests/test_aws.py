import pytest
from botocore.exceptions import ClientError

from zetl_helpers import _next_steps, source
from zetl_helpers._aws import absent, make, one_of, settled
from zetl_helpers._wait import without_waiting
from zetl_helpers.lab import Lab


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "told to"}}, "CreateThing")


def refused(*codes: str) -> None:
    raise error(codes[0])


def test_only_the_named_absence_is_passed_over() -> None:
    with absent("NoSuchEntity"):
        refused("NoSuchEntity")
    with pytest.raises(ClientError), absent("NoSuchEntity"):
        refused("AccessDenied")


def test_what_is_there_after_all_is_looked_at() -> None:
    make(lambda: refused("AlreadyExists"), lambda: True, "AlreadyExists")
    with pytest.raises(ClientError, match="AlreadyExists"):
        make(lambda: refused("AlreadyExists"), lambda: False, "AlreadyExists")


def test_what_settles_is_done_in_the_end() -> None:
    answers = iter([error("Busy"), error("Busy"), None])

    def act() -> str:
        if answer := next(answers):
            raise answer
        return "done"

    with without_waiting():
        assert settled("it", act, one_of("Busy")) == "done"


def test_what_does_not_settle_ends_in_the_words_of_aws() -> None:
    with without_waiting(), pytest.raises(ClientError, match="Busy"):
        settled("it", lambda: refused("Busy"), one_of("Busy"), timeout=60)


def test_another_error_is_not_waited_for() -> None:
    waited: list[bool] = []
    with without_waiting(lambda: waited.append(True)), pytest.raises(ClientError, match="AccessDenied"):
        settled("it", lambda: refused("AccessDenied"), one_of("Busy"))
    assert waited == []


def test_a_skipped_step_is_named(lab: Lab) -> None:
    for act in (source.load_items, source.enable_pitr, source.put_policy, lambda lab: source.get_item(lab, "a", "b")):
        with pytest.raises(ClientError, match=r"create it with zetl\.source\.create_table\(lab\)"):
            act(lab)
    with pytest.raises(ClientError, match=r"create it with zetl\.target\.create_bucket\(lab\)"):
        lab.client("s3").list_objects_v2(Bucket=lab.bucket)


def test_the_next_step_is_added_once_and_the_code_stays(lab: Lab) -> None:
    parsed = {"Error": {"Code": "ExpiredToken", "Message": "The token is expired."}}
    model = lab.client("sts").meta.service_model.operation_model("GetCallerIdentity")
    for _ in range(2):
        _next_steps.add(parsed, model)
    assert parsed["Error"]["Code"] == "ExpiredToken"
    assert parsed["Error"]["Message"].count("Sign in again") == 1
    assert parsed["Error"]["Message"].startswith("The token is expired.")
