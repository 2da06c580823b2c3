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
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Provide a second, empty lakehouse, which boto3 and the CLI find automatically."""
    lakehouse = Lakehouse(Settings(refresh_seconds=3600))
    lakehouse.start()
    for name, value in local_environment(lakehouse.url, "us-east-1").items():
        monkeypatch.setenv(name, value)
    yield connect_to(lakehouse.url)
    lakehouse.stop()


@pytest.fixture
def steps(lab: Lab) -> list[Step]:
    """Provide the steps from an empty account to an integration, each of which changed something."""
    return chapters.catch_up_steps(lab, 3)


def code(text: str) -> None:
    exec(text, {})  # noqa: S102


def commands(text: str) -> None:
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
def test_what_the_cards_unfold_to_makes_the_same_lab(way: str, steps: list[Step], elsewhere: Lab) -> None:
    assert not zetl.source.exists(elsewhere)
    for step in steps:
        shown = changing(step.calls)
        assert shown, step
        if way == "boto3":
            code(boto3_code(shown))
        else:
            commands(cli_commands(shown))
    # The helpers find that everything exists in the state in which they would create it.
    again = [
        *chapters._source(elsewhere),
        *chapters._target(elsewhere),
        zetl.integration.set_target_role(elsewhere),
        zetl.integration.set_table_properties(elsewhere, unnest="TOPLEVEL", partition_by=chapters.PARTITION_BY),
        zetl.integration.create(elsewhere),
    ]
    assert {step.did for step in again} == {"already there"}


@pytest.mark.usefixtures("lakehouse_ticks")
def test_no_line_of_a_card_is_long(steps: list[Step]) -> None:
    for step in steps:
        shown = changing(step.calls)
        for text in (boto3_code(shown), cli_commands(shown)):
            assert max(map(len, text.splitlines())) <= 120, step


@given(st.dictionaries(st.text(), VALUES, min_size=1))
def test_a_long_argument_of_the_cli_is_the_same_json(value: dict[str, Any]) -> None:
    parts = shlex.split(cli_commands([Call("glue.PutThing", {"Value": value})]).replace("\\\n", " "))
    assert parts[:-1] == ["aws", "glue", "put-thing", "--value"]
    assert json.loads(parts[-1]) == value


def test_the_card_shows_both(lab: Lab) -> None:
    page = zetl.source.create_table(lab)._repr_html_()
    assert "<summary>The same with boto3</summary>" in page
    assert "dynamodb.create_table(" in page
    assert "<summary>The same with the AWS CLI</summary>" in page
    assert "aws dynamodb create-table" in page


def test_a_step_that_changed_nothing_shows_how_it_looked(lab: Lab) -> None:
    zetl.source.create_table(lab)
    again = changing(zetl.source.create_table(lab).calls)
    assert {call.operation for call in again} >= {"DescribeTable"}


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Za-z]{0,10}", fullmatch=True), VALUES, max_size=4))
def test_the_code_has_the_values_of_the_call(parameters: dict[str, Any]) -> None:
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


def test_of_many_calls_of_an_operation_one_is_kept_with_its_arguments(lab: Lab) -> None:
    with lab.recording() as calls:
        for _ in range(3):
            lab.client("sts").get_caller_identity()
    assert [call.parameters is not None for call in calls if isinstance(call, Call)] == [True, False, False]
