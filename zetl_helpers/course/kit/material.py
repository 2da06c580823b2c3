"""Talking points, common failures and common questions for each section of a chapter."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from zetl_helpers.course.kit.chapters import Chapter


class MaterialError(Exception):
    """A chapter and its material do not match. The message names the section and the file."""


@dataclass(frozen=True)
class Material:
    """The material for one section.

    Args:
        say: Talking points.
        breaks: Common failures and their symptoms.
        asked: Common questions with their answers.
    """

    say: Sequence[str]
    breaks: Sequence[str] = ()
    asked: Sequence[tuple[str, str]] = ()


def load(chapter: Chapter) -> dict[str, Material]:
    """Read the material of a chapter.

    Args:
        chapter: The chapter.

    Returns:
        The material, keyed by section heading.

    Raises:
        MaterialError: A section has no material, the material has a section that is not in the chapter, or the numbers
            of key points and talking points differ.
    """
    file = resources.files(__package__) / "material" / f"{chapter.name}.toml"
    if not file.is_file():
        raise MaterialError(f"Chapter {chapter.name} has no material. Write kit/material/{chapter.name}.toml.")
    found = tomllib.loads(file.read_text(encoding="utf-8")).get("section", {})
    headings = [section.heading for section in chapter.sections if section.kind != "exercise"]
    missing = [heading for heading in headings if not found.get(heading, {}).get("say")]
    orphaned = [heading for heading in found if heading not in headings]
    if missing or orphaned:
        raise MaterialError(
            f"kit/material/{chapter.name}.toml does not match the notebook. "
            f"Sections without talking points: {missing or 'none'}; material without a section: {orphaned or 'none'}."
        )
    for section in chapter.sections:
        said = len(found[section.heading]["say"]) if section.kind == "key-points" else 0
        if said and said != len(section.points):
            raise MaterialError(
                f"kit/material/{chapter.name}.toml has {said} talking points for {len(section.points)} key points. "
                "Write one for each, in the same order."
            )
    return {
        heading: Material(
            entry["say"], entry.get("breaks", ()), [(asked[0], asked[1]) for asked in entry.get("asked", ())]
        )
        for heading, entry in found.items()
    }
