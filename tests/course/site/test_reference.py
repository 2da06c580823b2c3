"""Tests for the reference pages, and for the docstrings on these pages."""

import argparse
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import zetl_helpers
from zetl_helpers import cli
from zetl_helpers.course.site import reference

pytestmark = pytest.mark.once

# Docstrings need not describe these parameters, which have the same meaning in every function.
OBVIOUS = {"self", "cls", "lab"}


def public_functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the names and functions in the reference, including the methods of public classes."""
    found: dict[str, Any] = {name: getattr(zetl_helpers, name) for name in reference.FUNCTIONS}
    for page, module_name in reference.modules().items():
        module = importlib.import_module(module_name)
        names = getattr(module, "__all__", None) or [
            name for name, thing in vars(module).items() if getattr(thing, "__module__", "") == module_name
        ]
        found |= {f"{page}.{name}": getattr(module, name) for name in names if not name.startswith("_")}
    for name, thing in found.items():
        if inspect.isclass(thing):
            ours = thing.__module__.partition(".")[0] in ("zetl_helpers", "local_lakehouse")
            for member, method in vars(thing).items() if ours else ():
                if inspect.isfunction(method) and not member.startswith("_") and method.__name__ != "<lambda>":
                    yield f"{name}.{member}", method
        elif inspect.isfunction(thing):
            yield name, thing


FUNCTIONS = dict(public_functions())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_describe_arguments_and_result(name: str) -> None:
    function = FUNCTIONS[name]
    text = inspect.getdoc(function) or ""
    assert text, "the function has no docstring"
    described = set(re.findall(r"^    \*{0,2}(\w+): ", text.partition("Args:\n")[2], re.MULTILINE))
    parameters = {each for each in inspect.signature(function).parameters if not each.startswith("_")}
    assert parameters - OBVIOUS - described == set(), "Args: does not describe these arguments"
    returns = inspect.signature(function).return_annotation
    if returns not in (None, "None", inspect.Signature.empty):
        first = text.partition("\n")[0]
        assert "Returns:" in text or re.match(r"(Return|Yield|Tell|Describe|Draw|Open|Connect|Run)\b", first), (
            "Returns: is missing"
        )


def test_every_public_name_has_a_page() -> None:
    assert set(zetl_helpers.__all__) == {*reference.FUNCTIONS, *reference.modules()} - {"local_lakehouse.testing"}


def test_command_page_contains_help_for_every_command() -> None:
    page = reference.command(cli.parser())
    for words in ("zetl run", "zetl local start", "zetl class status", "zetl cleanup"):
        assert f"\n## {words}\n\n```text\nusage: {words}" in page
    assert page.count("\n## ") == len(list(reference.parsers(cli.parser())))


def test_nested_commands_are_found() -> None:
    top = argparse.ArgumentParser(prog="a")
    middle = top.add_subparsers().add_parser("b")
    middle.add_subparsers().add_parser("c")
    assert [each.prog for each in reference.parsers(top)] == ["a", "a b", "a b c"]
