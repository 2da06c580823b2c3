"""Tests that the commands in the documents exist and accept their arguments."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from zetl_helpers import cli, source
from zetl_helpers.lab import Lab

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
TEXTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "policies").glob("*.md")]
# A changelog can name commands that no longer exist.
TEXTS = sorted(path for path in TEXTS if path.name != "CHANGELOG.md")


def commands(path: Path) -> Iterator[str]:
    """Yield the lines of a document's code blocks, and the inline code in its sentences."""
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def words(program: str) -> list[str]:
    """Return the arguments that the commands in the documents pass to a program."""
    begin = re.compile(rf"^(?:[\w./\\-]*[/\\])?{program} (?=[a-z-])(.*)")
    found = (begin.match(command) for path in TEXTS for command in commands(path))
    return sorted({match[1] for match in found if match and "…" not in match[1]})


@pytest.mark.parametrize("command", words("zetl"))
def test_zetl_commands_are_valid(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status: object = 0
    try:
        cli.parser().parse_args(shlex.split(command))
    except SystemExit as ended:
        status = ended.code
    printed = capsys.readouterr().err
    # A sentence can name a command without its arguments.
    assert status == 0 or re.search(r"arguments .* (is|are) required|the following arguments are required", printed), (
        printed
    )


@pytest.mark.parametrize("command", words("make"))
def test_make_targets_exist(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {
        *re.findall(r"^([a-z-]+):", makefile, re.MULTILINE),
        *re.findall(r"^\$\((\w+)\):", makefile, re.MULTILINE),
    }
    named_targets = re.sub(r"""\w+=("[^"]*"|\S*)""", "", command).split()
    assert set(named_targets) <= {*targets, ".venv/.pages", ".venv-dbt/.ready"}


def test_commands_are_found_in_documents() -> None:
    assert "local start" in words("zetl")
    assert {"tutorial", "test"} <= {command.split()[0] for command in words("make")}


@pytest.mark.usefixtures("no_waiting")
def test_sample_data_code_is_repeatable(lab: Lab) -> None:
    text = (ROOT / "sample_data" / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    source.create_table(lab)
    source.put_items(lab, source.items())
    client, changes = lab.client("dynamodb"), source.changes()
    found = []
    for _ in range(2):
        exec(code, {"client": client, "changes": changes})  # noqa: S102  (The code is part of this project.)
        found.append(sorted(map(str, client.scan(TableName="CustomerAccounts")["Items"])))
    assert found[0] == found[1]
    assert "CUST0002" not in str(found[0])
