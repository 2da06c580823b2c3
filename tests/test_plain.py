"""Tests that documents are plain and accessible, with valid links, headings, descriptions and spelling."""

import ast
import functools
import io
import itertools
import json
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / folder / "README.md" for folder in ("policies", "sample_data", "local_lakehouse/zero_etl")),
]
TEXTS = [*DOCUMENTS, *NOTEBOOKS]
PLOTLY = "application/vnd.plotly.v1+json"
# These words blame a reader who is stuck.
_BELITTLING = r"\b(simply|obviously|trivial(ly)?|of course|as everyone knows)\b"
_IDIOMS = (
    r"\b(out of the box|under the hood|rule of thumb|piece of cake|on the fly|low-hanging|boil(s|ed)? down|"
    r"in a nutshell|heavy lifting|silver bullet|from scratch|at the end of the day|think outside)\b"
)

# These phrases sound translated, and a native reader notices them.
_TRANSLATED = (
    r"\b(anew|in spite of|for good|whoever|looks? whether|in the hands of|in the name of (who|the caller)|"
    r"as (it|AWS|Athena|Trino|Hive|DuckDB|Iceberg) has it)\b|(?<!there\s)\b(is|was) no (?!longer\b|more\b|fewer\b)\w+"
    r"|\brefus(es?|ed|ing) by name\b|\d %(?= of\b|[.,;)])"
)
# Docstrings and comments are read out of context, so they repeat the noun instead of using "one".
_WITHOUT_NOUN = (
    r"\b(first|next|last|given|known|missing|suitable|deleted|enclosing|original|new|old|other|right|wrong|previous|"
    r"current|remaining|existing|earlier|later|latest|newest|oldest|default|unknown|correct|larger|smaller) ones?\b"
)
# AWS does not use these British spellings, alone or in compounds.
_BRITISH = (
    r"\b(behaviours?|colours?|coloured|favours?|honours?|neighbours?|neighbouring|"
    r"(model|label|cancel|signal|travel)l(ed|ing)|analys(e|ed|ing)|(initial|optim|organ|recogn|serial|"
    r"vector)is(e|ed|es|ing)|centred|grey(scale)?|licences?|metres?|practis(e|ed|ing)|towards|afterwards|"
    r"full stop|misspelt|enrol|clean-ups?|set-ups?|look-ups?|back-off|(lower|upper)-case|in (lower|upper) case)\b"
)
# A docstring opens with a noun or an imperative.
_OPENING = r"(What|Where|Who|Whose|How)\b"
# A function's docstring does not open with an article.
_ARTICLE = r"(A|An|The|Its)\b"
# A singular noun at the start of a class's docstring needs an article.
_BARE_NOUN = r"[A-Z][A-Za-z]*[^s\W] (that|whose|who|of|with|without|in) "
# A docstring contains no fragment after a semicolon, and no description of an argument that starts with "Its".
_FRAGMENT = r"; (empty|None|True|False|0) if\b|(?m:^\s+\w+: Its\b)"


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def prose(path: Path) -> str:
    """Return a document's Markdown without its code. For a notebook, this is the Markdown of all cells."""
    text = (
        path.read_text(encoding="utf-8")
        if path.suffix == ".md"
        else "\n\n".join("".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "markdown")
    )
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Return a document's explicit anchors, and the anchors that GitHub and the site create for headings."""
    found: set[str] = set(re.findall(r"<a id=\"([^\"]+)\"", prose(path)))
    for heading in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


@pytest.mark.parametrize("path", TEXTS, ids=name)
class TestText:
    def test_links_are_valid(self, path: Path) -> None:
        for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", prose(path)):
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.exists(), link
            assert not anchor or target.is_dir() or anchor in anchors(target), link

    def test_headings_are_in_order(self, path: Path) -> None:
        levels = [len(marks) for marks in re.findall(r"^(#+) ", prose(path), re.MULTILINE)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))

    def test_pictures_have_alternative_text(self, path: Path) -> None:
        for words, picture in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", prose(path)):
            assert len(words) > 20, picture
        assert not re.search(r"<img(?![^>]*\balt=)", prose(path))

    def test_link_text_is_descriptive(self, path: Path) -> None:
        assert not re.search(r"\[(here|this|link|click here)\]\(", prose(path), re.IGNORECASE)

    def test_words_are_plain_and_polite(self, path: Path) -> None:
        words = re.sub(r"\]\([^)]*\)", "]", prose(path))
        found = re.search(f"{_BELITTLING}|{_IDIOMS}|{_TRANSLATED}|{_BRITISH}", words, re.IGNORECASE)
        assert found is None, found


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@functools.cache
def documented(path: Path) -> list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return a module's nodes that can have docstrings."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(tree(path)) if isinstance(node, kinds)]


@functools.cache
def written(path: Path) -> list[tuple[int, str]]:
    """Return the docstrings and comments of a module, with their line numbers."""
    return list(_written(path))


def _written(path: Path) -> Iterator[tuple[int, str]]:
    for node in documented(path):
        if text := ast.get_docstring(node):
            yield node.body[0].lineno, " ".join(text.split())
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.mark.parametrize("folder", ["local_lakehouse", "zetl_helpers", "tests"])
def test_docstrings_and_comments_use_idiomatic_american_english(folder: str) -> None:
    found = [
        f"{name(path)}:{line}: {match[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in written(path)
        if (match := re.search(f"{_TRANSLATED}|{_WITHOUT_NOUN}|{_BRITISH}", text, re.IGNORECASE))
    ]
    assert found == []


def test_finds_translated_phrase() -> None:
    assert re.search(_TRANSLATED, "The file is written " + "an" + "ew.")
    assert re.search(_TRANSLATED, "The answer is " + "no number.")
    assert re.search(_TRANSLATED, "A statement is refused" + " by name.")
    assert re.search(_TRANSLATED, "NV uses 86 " + "% of its credit.")
    assert not re.search(_TRANSLATED, "NV uses 86% of its credit, and 7 % 4 is 3.")
    assert not re.search(_TRANSLATED, "There is no number, and it is no longer needed.", re.IGNORECASE)
    assert re.search(_WITHOUT_NOUN, "It compares the failures with the known" + " ones.")
    assert not re.search(_WITHOUT_NOUN, "Only one of the last three requests is sent at once.")


def test_finds_british_spelling() -> None:
    for word in ("behavi" + "our", "cancel" + "led", "Clean" + "-up", "in lower" + " case"):
        assert re.search(_BRITISH, f"The {word} is described.", re.IGNORECASE), word
    assert not re.search(_BRITISH, "Clean up the lab, set up the table, and analyze its analyses.", re.IGNORECASE)


@pytest.mark.parametrize("folder", ["local_lakehouse", "zetl_helpers"])
def test_docstrings_start_with_noun_or_imperative(folder: str) -> None:
    found = [
        f"{name(path)}:{line}: {text}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in written(path)
        if re.match(_OPENING, text)
    ]
    assert found == []


def _functions(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the docstrings of a module's functions, except properties and tests, with their line numbers."""
    for node in documented(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("test_"):
            decorators = [ast.unparse(entry) for entry in node.decorator_list]
            text = ast.get_docstring(node)
            if text and not any(entry.endswith(("property", "lazy")) for entry in decorators):
                yield node.body[0].lineno, text


@pytest.mark.parametrize("folder", ["local_lakehouse", "tests", "zetl_helpers"])
def test_docstrings_of_functions_start_with_imperative(folder: str) -> None:
    found = [
        f"{name(path)}:{line}: {text}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in _functions(path)
        if re.match(_ARTICLE, text)
    ]
    assert found == []


def _classes(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the docstrings of a module's classes, with their line numbers."""
    for node in documented(path):
        if isinstance(node, ast.ClassDef):
            yield node.lineno, ast.get_docstring(node) or ""


@pytest.mark.parametrize("folder", ["local_lakehouse", "tests", "zetl_helpers"])
def test_docstrings_of_classes_start_with_article(folder: str) -> None:
    found = [
        f"{name(path)}:{line}: {text}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in _classes(path)
        if re.match(_BARE_NOUN, text)
    ]
    assert found == []


def test_docstrings_of_tests_contain_no_fragments() -> None:
    found = [
        f"{name(path)}:{line}: {text}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line, text in _functions(path)
        if re.search(_FRAGMENT, text)
    ]
    assert found == []


def test_finds_fragments_and_articles() -> None:
    assert re.match(_ARTICLE, "A running lakehouse.")
    assert re.match(_BARE_NOUN, "Recorder" + " of calls.")
    assert not re.match(_BARE_NOUN, "A recorder of calls.")
    assert re.search(_FRAGMENT, "Return the names" + "; empty if there are none.")
    assert re.search(_FRAGMENT, "Args:\n    name: Its name.")


def _loop_variables(code: ast.AST) -> Iterator[ast.Name]:
    loops = (node.target for node in ast.walk(code) if isinstance(node, ast.For | ast.comprehension))
    return (name for target in loops for name in ast.walk(target) if isinstance(name, ast.Name))


@pytest.mark.parametrize("folder", ["local_lakehouse", "tests", "zetl_helpers"])
def test_loop_variables_are_descriptive(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{name.lineno}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in _loop_variables(tree(path))
        if name.id == "one"
    ]
    assert found == []


def test_finds_meaningless_loop_variable() -> None:
    assert [name.id for name in _loop_variables(ast.parse("[one for _, one in pairs]"))] == ["_", "one"]


def test_talking_points_are_plain() -> None:
    files = sorted((ROOT / "zetl_helpers" / "course" / "kit" / "material").glob("*.toml"))
    assert files
    found = [
        f"{name(path)}: {match[0]}"
        for path in files
        for match in re.finditer(
            f"{_BELITTLING}|{_IDIOMS}|{_TRANSLATED}|{_BRITISH}", path.read_text("utf-8"), re.IGNORECASE
        )
    ]
    assert found == []


def figures() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in NOTEBOOKS:
        for cell in cells(path):
            for output in cell.get("outputs", []):
                if PLOTLY in output.get("data", {}):
                    yield path.stem, output["data"][PLOTLY]


def test_figures_do_not_rely_on_color_alone() -> None:
    seen = list(figures())
    assert seen
    for chapter, figure in seen:
        for trace in figure["data"]:
            if trace["type"] in ("pie", "heatmap"):
                assert trace.get("texttemplate") or trace.get("text"), chapter
        points = [
            entry for entry in figure["data"] if entry["type"] == "scatter" and entry.get("showlegend") is not False
        ]
        marks = [(point.get("marker", {}).get("symbol"), point.get("line", {}).get("dash")) for point in points]
        assert len(marks) == len(set(marks)), chapter
        bars = [item for item in figure["data"] if item["type"] == "bar"]
        assert len({bar.get("name") for bar in bars}) == len(bars), chapter


class TestSpelling:
    def test_files_contain_no_known_misspellings(self) -> None:
        folders = ["console_web/src", "docs", "local_lakehouse", "policies", "sample_data", "tests", "zetl_helpers"]
        files = [str(path) for path in (*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "mkdocs.yml")]
        done = self.codespell(*files, *(str(ROOT / folder) for folder in folders))
        assert done.stdout == ""

    def test_notebooks_contain_no_known_misspellings(self) -> None:
        text = "\n".join("".join(cell["source"]) for path in NOTEBOOKS for cell in cells(path))
        assert self.codespell("-", text=text).stdout == ""

    def test_documents_and_notebooks_use_american_spelling(self) -> None:
        text = "\n".join("".join(cell["source"]) for path in NOTEBOOKS for cell in cells(path))
        american = ("--builtin", "en-GB_to_en-US")
        assert self.codespell(*american, "-", text=text).stdout == ""
        documents = [str(path) for path in (*ROOT.glob("*.md"), ROOT / "docs", *ROOT.glob("*/README.md"))]
        assert self.codespell(*american, *documents).stdout == ""

    def test_codespell_finds_misspelling(self) -> None:
        assert "receive" in self.codespell("-", text="to rec" + "ieve").stdout

    def codespell(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "codespell_lib", "--skip", "*.pyc,*/golden/*,*/console/static/*", *arguments]
        return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False)
