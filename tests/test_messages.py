"""Tests that the calls in messages work in a notebook."""

import ast
import re
from pathlib import Path

import zetl_helpers

PACKAGE = Path(zetl_helpers.__file__).parent
# A notebook imports only `zetl`, so a call without the `zetl.` prefix raises a NameError.
UNREACHABLE = re.compile(rf"(?<![.\w`])(?:{'|'.join(sorted(zetl_helpers.__all__))})\.[a-z_]+\(lab\b")


def messages(path: Path) -> list[str]:
    """Return the strings in a module, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents
    ]


def test_calls_in_messages_can_run_in_notebooks() -> None:
    found = {
        str(path.relative_to(PACKAGE)): calls
        for path in sorted(PACKAGE.rglob("*.py"))
        if (calls := [call for text in messages(path) for call in UNREACHABLE.findall(text)])
    }
    assert found == {}
