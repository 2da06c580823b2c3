"""Short excerpts from a notebook's texts, code and results."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.filters import markdown2html

from zetl_helpers.course._notebook_figures import PICTURE

__all__ = ["further_items", "given", "lead", "pages", "picture", "plain", "result", "tables", "without_checks", "words"]

_MOST_ROWS, _MOST_LINES, _LINE_LENGTH = 9, 9, 90
_FEWEST_ROWS, _MOST_CODE_AND_ROWS = 5, 14
# A row with more characters would be too small to read. Longer type names wrap within their cell.
_ROW_LENGTH, _CELL_LENGTH = 84, 30
# References to a cell, or to something above or below, make no sense on a slide.
_POINTS_ELSEWHERE = re.compile(r"\b(?:above|below)\b")
_NEXT_CELL = re.compile(r"\b([Tt]he) (?:next )?cell\b")


def words(markdown: str) -> int:
    """Return the number of words in Markdown text."""
    return len(re.findall(r"\w[\w'’.-]*", plain(markdown)))


def plain(markdown: str) -> str:
    """Return text without Markdown formatting. Links are replaced by their link text."""
    return re.sub(r"[`*]|\[|\]\([^)]*\)", "", markdown)


def lead(text: str, most_words: int) -> str:
    """Return the first sentences of Markdown text, as many as a word limit allows.

    A list continues the sentence that introduces it.
    """
    kept, items, fitting = _lead(text, most_words)
    if fitting:
        more = ["- …"] if len(fitting) < len(items) else []
        return kept + "\n\n" + "\n".join([*fitting, *more])
    return re.sub(r":$", ".", kept)


def further_items(text: str, most_words: int) -> list[str]:
    """Return the list items that `lead` omits, in lists that each fit within the word limit."""
    _, items, fitting = _lead(text, most_words)
    left = items[len(fitting) :] if fitting else []
    lists = []
    while left:
        part = _fitting(left, most_words) or left[:1]
        lists.append("\n".join(part))
        left = left[len(part) :]
    return lists


def _lead(text: str, most_words: int) -> tuple[str, list[str], list[str]]:
    """Return the first sentences, all items of the list that follows them, and the leading items that fit."""
    blocks = [block for block in text.strip().split("\n\n") if block and not block.startswith(("|", "!", "#", "```"))]
    if not blocks:
        return "", [], []
    paragraph, _, attached = blocks[0].partition("\n- ")
    paragraph = re.split(r"\n(?=[|!])", paragraph)[0]
    after = f"- {attached}" if attached else (blocks[1] if len(blocks) > 1 else "")
    sentences = re.split(r"(?<=[.?!:])\s+|(?<=[.?!][)*])\s+", _without_links(_NEXT_CELL.sub(r"\1 code", paragraph)))
    sentences = [found for found in sentences if not _POINTS_ELSEWHERE.search(found)] or sentences
    kept = _fitting(sentences, most_words)
    if not kept:
        return _shortened(sentences[0], most_words), [], []
    items = _items(after) if len(kept) == len(sentences) else []
    return " ".join(kept), items, _fitting(items, most_words - words(" ".join(kept)))


def _fitting(parts: list[str], most_words: int) -> list[str]:
    """Return the leading parts that fit within a word limit."""
    kept: list[str] = []
    for part in parts:
        if words(" ".join([*kept, part])) > most_words:
            break
        kept.append(part)
    return kept


def _items(block: str) -> list[str]:
    """Return the first sentence of each list item, except for items about cells."""
    found = re.findall(r"^(?:- |\d+\. )(.+)$", block, flags=re.MULTILINE)
    sentences = [re.split(r"(?<=[.?!])\s+", _without_links(item))[0] for item in found]
    return [f"- {found}" for found in sentences if not re.search(r"\bex\.q|\bcell\b", found)]


def _shortened(sentence: str, most_words: int) -> str:
    for boundary in (r"(?<=[,;])\s+|\n", r"\s+"):
        kept = " ".join(_fitting(re.split(boundary, sentence), most_words))
        # A shortened sentence must not end inside a code span.
        whole = kept if kept.count("`") % 2 == 0 else kept.rpartition("`")[0]
        if whole:
            return f"{whole.rstrip(',; ')} …"
    return ""


def picture(text: str, folder: Path) -> str:
    """Return the first drawing in Markdown text as HTML."""
    found = re.search(r"!\[([^\]]*)\]\(([^)]+\.svg)\)", text)
    if not found:
        return ""
    drawing = base64.b64encode((folder / found[2]).read_bytes()).decode()
    return f"<img src='data:image/svg+xml;base64,{drawing}' alt='{html.escape(found[1], quote=True)}'>"


def tables(text: str) -> list[str]:
    """Return the first table in Markdown text as HTML, in parts that each fit on a slide."""
    head, *rows = [_without_links(line) for line in text.splitlines() if line.startswith("|")] or [""]
    count = -(-len(rows[1:]) // _MOST_ROWS)
    size = -(-len(rows[1:]) // count) if count else 1
    return [
        markdown2html("\n".join([head, rows[0], *rows[start : start + size]])) for start in range(1, len(rows), size)
    ]


def given(source: str) -> str:
    """Return the code that an answer cell gives the learner, such as names or the start of a list."""
    code = without_checks(source)
    is_empty = re.fullmatch(r"answer = (?:\.\.\.(?:  #.*)?|f?\"\"\"\n-- your SQL\n\"\"\")", code)
    return "" if is_empty else code


def without_checks(source: str) -> str:
    """Return code without the lines that start or check an exercise."""
    code = "\n".join(line for line in source.strip().splitlines() if not line.startswith("ex."))
    return re.sub(r"\n{3,}", "\n\n", code).strip()


def pages(code: str, most_lines: int) -> list[str]:
    """Return code in parts that each fit on a slide, split at blank lines if possible."""
    parts: list[str] = []
    for block in code.split("\n\n"):
        lines = block.splitlines()
        if parts and len(parts[-1].splitlines()) + 1 + len(lines) <= most_lines:
            parts[-1] = f"{parts[-1]}\n\n{block}"
        else:
            parts += ["\n".join(lines[at : at + most_lines]) for at in range(0, len(lines), most_lines)]
    return parts


def result(cell: nbformat.NotebookNode) -> str:
    """Return a cell's output as HTML that fits on a slide: a picture, or else a table or the first lines of text.

    The longer the cell's code, the fewer rows of a table fit.
    """
    outputs = cell.get("outputs", [])
    most_rows = min(_MOST_ROWS, max(_FEWEST_ROWS, _MOST_CODE_AND_ROWS - len(cell.source.splitlines())))
    return next(_pictures(outputs), "") or next(_tables_and_texts(outputs, most_rows), "")


def _pictures(outputs: list[Any]) -> Iterator[str]:
    for output in outputs:
        data: dict[str, Any] = output.get("data", {})
        if PICTURE in data:
            alternative = html.escape("".join(data.get("text/plain", "")), quote=True)
            yield f"<img src='data:{PICTURE};base64,{''.join(data[PICTURE]).strip()}' alt='{alternative}'>"


def _tables_and_texts(outputs: list[Any], most_rows: int) -> Iterator[str]:
    for output in reversed(outputs):
        data: dict[str, Any] = output.get("data", {})
        text = "".join(output.get("text", "") or data.get("text/plain", "")).strip("\n")
        found = "".join(data.get("text/html", ""))
        if "dataframe" in found:
            yield _first_rows(found, most_rows)
        elif text.strip():
            yield f"<pre class='result'>{html.escape(_first_lines(text))}</pre>"


def _first_rows(table: str, most_rows: int) -> str:
    """Return a table with as many rows as fit on a slide, without the sentence about its size."""
    rows = re.findall(r"<tr.*?</tr>", table, flags=re.DOTALL)
    more = "<p>…</p>" if len(rows) > most_rows + 1 else ""
    return f"<table class='dataframe'>{_first_columns(rows[: most_rows + 1])}</table>{more}"


def _first_columns(rows: list[str]) -> str:
    """Return rows without a numeric index and, if they are too wide for a slide, without some columns."""
    cells = [re.findall(r"<t[hd][^>]*>.*?</t[hd]>", row, flags=re.DOTALL) for row in rows]
    if len({len(row) for row in cells}) > 1:
        return "".join(rows)
    columns = list(zip(*cells, strict=True))
    texts = [[re.sub(r"<[^>]*>", "", cell) for cell in column] for column in columns]
    numbers = [str(number) for number in range(len(rows) - 1)]
    shown = list(range(1 if texts[0] == ["", *numbers] else 0, len(columns)))
    left_out = False
    # The first columns identify a row, and the last column often shows the result.
    while sum(min(max(map(len, texts[column])), _CELL_LENGTH) + 2 for column in shown) > _ROW_LENGTH and len(shown) > 2:
        del shown[-2]
        left_out = True
    if left_out:
        gap = ["<th>…</th>"] + ["<td>…</td>"] * (len(rows) - 1)
        kept = [*(columns[column] for column in shown[:-1]), gap, columns[shown[-1]]]
    else:
        kept = [columns[column] for column in shown]
    return "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*kept, strict=True))


def _first_lines(text: str) -> str:
    """Return the first lines of text that fit on a slide. A long line counts as several lines."""
    kept: list[str] = []
    space = _MOST_LINES
    for line in text.splitlines():
        space -= 1 + len(line) // _LINE_LENGTH
        if space < 0:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)


def _without_links(text: str) -> str:
    return re.sub(r"(?<!!)\[([^\]]+)\]\([^)]+\)", r"\1", text)
