"""Tests that the code on a helper's card has the same effect as the helper."""

import io
import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zetl_helpers as zetl
from local_lakehouse.lakehouse import Lakehouse, Settings
from tests.conftest import connect_to
from zetl_helpers._calls import Call, boto3_code, changing, cli_commands
from zetl_helpers._steps import Step
from zetl_helpers.course import chapters
from zetl_helpers.lab import Lab, local_environment

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.fixture
def second_lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Provide a lab on a second, empty lakehouse, which boto3 and the CLI use by default."""
    lakehouse = Lakehouse(Settings(refresh_seconds=3600))
    lakehouse.start()
    for name, value in local_environment(lakehouse.url, "us-east-1").items():
        monkeypatch.setenv(name, value)
    yield connect_to(lakehouse.url)
    lakehouse.stop()


@pytest.fixture
def steps(lab: Lab) -> list[Step]:
    """Provide the recorded steps from an empty account to an integration. Each step changed something."""
    return chapters.catch_up_steps(lab, 3)


def run_code(text: str) -> None:
    exec(text, {})  # noqa: S102


def run_commands(text: str) -> None:
    from awscli.clidriver import create_clidriver

    for line in re.split(r"\n(?=aws )", text.replace("\\\n", " ")):
        arguments = shlex.split(line)
        assert arguments[0] == "aws"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdout", io.StringIO())
            status = create_clidriver().main(arguments[1:])
        assert status == 0, line


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("lakehouse_ticks")
@pytest.mark.parametrize("way", ["boto3", "the AWS CLI"])
def test_code_on_cards_creates_the_same_lab(way: str, steps: list[Step], second_lab: Lab) -> None:
    assert not zetl.source.exists(second_lab)
    for step in steps:
        shown = changing(step.calls)
        assert shown, step
        if way == "boto3":
            run_code(boto3_code(shown))
        else:
            run_commands(cli_commands(shown))
    # The helpers find that all resources already exist and match what the helpers would create.
    again = [
        *chapters._source(second_lab),
        *chapters._target(second_lab),
        zetl.integration.set_target_role(second_lab),
        zetl.integration.set_table_properties(second_lab, unnest="TOPLEVEL", partition_by=chapters.PARTITION_BY),
        zetl.integration.create(second_lab),
    ]
    assert {step.did for step in again} == {"already there"}


@pytest.mark.usefixtures("lakehouse_ticks")
def test_lines_on_cards_have_at_most_120_characters(steps: list[Step]) -> None:
    for step in steps:
        shown = changing(step.calls)
        for text in (boto3_code(shown), cli_commands(shown)):
            assert max(map(len, text.splitlines())) <= 120, step


@given(st.dictionaries(st.text(), VALUES, min_size=1))
def test_cli_argument_preserves_json_value(value: dict[str, Any]) -> None:
    parts = shlex.split(cli_commands([Call("glue.PutThing", {"Value": value})]).replace("\\\n", " "))
    assert parts[:-1] == ["aws", "glue", "put-thing", "--value"]
    assert json.loads(parts[-1]) == value


def test_card_shows_boto3_and_cli_code(lab: Lab) -> None:
    page = zetl.source.create_table(lab)._repr_html_()
    assert "<summary>The same with boto3</summary>" in page
    assert "dynamodb.create_table(" in page
    assert "<summary>The same with the AWS CLI</summary>" in page
    assert "aws dynamodb create-table" in page


def test_unchanged_step_shows_read_calls(lab: Lab) -> None:
    zetl.source.create_table(lab)
    again = changing(zetl.source.create_table(lab).calls)
    assert {call.operation for call in again} >= {"DescribeTable"}


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Za-z]{0,10}", fullmatch=True), VALUES, max_size=4))
def test_boto3_code_preserves_parameters(parameters: dict[str, Any]) -> None:
    seen = {}

    class Client:
        def put_thing(self, **given: Any) -> None:
            seen.update(given)

    class Boto3:
        def client(self, _: str) -> Client:
            return Client()

    text = boto3_code([Call("glue.PutThing", parameters)]).replace("import boto3", "")
    exec(text, {"boto3": Boto3()})  # noqa: S102
    assert seen == parameters


def test_records_parameters_of_first_call_per_operation(lab: Lab) -> None:
    with lab.recording() as calls:
        for _ in range(3):
            lab.client("sts").get_caller_identity()
    assert [call.parameters is not None for call in calls if isinstance(call, Call)] == [True, False, False]
