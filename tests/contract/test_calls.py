"""Tests that every AWS call from the helpers and notebooks conforms to the AWS service models.

The models come from the installed botocore. CI runs these tests with both sets of versions in constraints/.
"""

import re
from collections.abc import Iterator, Mapping

import pytest
from botocore.model import OperationModel

from local_lakehouse.lakehouse import Lakehouse, Settings
from local_lakehouse.protocol import wire
from tests.contract import call_sites, calls_table
from tests.contract.actions_outside_notebooks import run_actions_outside_notebooks
from tests.contract.constraints import unreadable_patterns, violations
from tests.contract.recorder import Recorder, recorded_lab
from tests.contract.tutorial import run_notebooks
from zetl_helpers._wait import without_waiting

pytestmark = pytest.mark.long

# S3 documents its errors on this page, and its model contains only a few of them:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
S3_ERRORS = {
    "404", "BucketAlreadyExists", "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration", "NoSuchTagSet",
}  # fmt: skip
# AWS returns these errors, although they are not in the models of the operations.
COMMON_ERRORS = {
    "AccessDeniedException", "ExpiredTokenException", "IllegalLocationConstraintException", "LimitExceededFault",
    "RequestLimitExceeded", "ThrottlingException", "UnknownOperationException", "UnrecognizedClientException",
}  # fmt: skip


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """Provide a recorder of all calls from the notebooks and from `actions_outside_notebooks`."""
    lakehouse = Lakehouse(Settings(paused=True))
    lakehouse.start()
    lab, recorder = recorded_lab(lakehouse.url)
    # Refresh whenever a helper waits, and retry without delay.
    with without_waiting(lakehouse.zero_etl.refresh_now):
        first_calls: dict[str, int] = {}
        run_notebooks(lab, lambda name: first_calls.setdefault(name, len(recorder.calls)))
        recorder.chapters = _by_chapter(recorder, first_calls)
        run_actions_outside_notebooks(lab, tmp_path_factory.mktemp("policies"))
    yield recorder
    lakehouse.stop()


def _by_chapter(recorder: Recorder, first_calls: Mapping[str, int]) -> dict[str, set[str]]:
    ends = [*list(first_calls.values())[1:], len(recorder.calls)]
    return {
        name: {call.name for call in recorder.calls[start:end]}
        for (name, start), end in zip(first_calls.items(), ends, strict=True)
    }


def test_table_of_calls_matches_chapters(recorder: Recorder, request: pytest.FixtureRequest) -> None:
    text = calls_table.render(recorder.chapters)
    if request.config.getoption("--rewrite-golden"):
        calls_table.TABLE.write_text(text, encoding="utf-8")
    assert text == calls_table.TABLE.read_text(encoding="utf-8")


def test_calls_conform_to_service_models(recorder: Recorder) -> None:
    broken = {call.name: found for call in recorder.calls if (found := violations(call.model, call.parameters))}
    assert broken == {}


def test_all_patterns_are_readable(recorder: Recorder) -> None:
    unread = {
        call.name: found for call in recorder.calls if (found := unreadable_patterns(call.model, call.parameters))
    }
    assert unread == {}


def test_returned_errors_are_in_service_models(recorder: Recorder) -> None:
    returned_errors = {(call.name, call.error, call.model) for call in recorder.calls if call.error}
    assert returned_errors
    unknown_errors = [
        (name, error)
        for name, error, model in returned_errors
        if error not in modeled(model) | S3_ERRORS | COMMON_ERRORS
    ]
    assert unknown_errors == []


def test_every_aws_call_in_code_is_exercised(recorder: Recorder) -> None:
    """Every AWS call in the code is also made by a test, so that the call is checked against its model.

    Add a missing call to tests/contract/actions_outside_notebooks.py.
    """
    operations = call_sites.operations()
    missed = {name: places for name, places in call_sites.calls().items() if not operations[name] & recorder.names}
    assert not missed, "\n".join(f"{name}: {', '.join(places)}" for name, places in missed.items())


def test_error_codes_used_in_code_exist() -> None:
    known = set(COMMON_ERRORS | S3_ERRORS)
    for service in call_sites.SERVICES:
        model = wire.service_model(service)
        known |= {code for name in model.operation_names for code in modeled(model.operation_model(name))}
    unknown = {code: places for code, places in call_sites.error_codes().items() if code not in known}
    assert unknown == {}


def modeled(operation: OperationModel) -> set[str]:
    """Return an operation's error codes: the names of the error shapes, and the codes in responses."""
    return {shape.name for shape in operation.error_shapes} | {shape.error_code for shape in operation.error_shapes}


def test_table_of_calls_names_existing_test_files() -> None:
    tests = calls_table.TABLE.parents[1]
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", calls_table.TABLE.read_text(encoding="utf-8")))
    assert named
    assert {name for name in named if not (tests / name).is_file()} == set()
