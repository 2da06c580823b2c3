"""The instructor's kit as Markdown pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from zetl_helpers import cost
from zetl_helpers.course import exercises
from zetl_helpers.course.kit import chapters as reading
from zetl_helpers.course.kit.chapters import Chapter, Section
from zetl_helpers.course.kit.material import Material, load
from zetl_helpers.course.kit.plans import FEEDBACK, checkpoints, cuts, plan

_PLANS = {"Two hours": 120, "Half a day": 240, "A day": 420}
_MOST_LINES = 14


def write(notebooks: Sequence[Path], out: Path) -> list[Path]:
    """Write the kit.

    Args:
        notebooks: The notebooks, with their outputs.
        out: The output folder. Existing pages in it are replaced.

    Returns:
        The pages, starting with the overview.

    Raises:
        MaterialError: A chapter has no material, or its talking points do not match the notebook.
        PlanError: A plan is too short for the core of the course.
    """
    out.mkdir(parents=True, exist_ok=True)
    read = [reading.read(path) for path in notebooks]
    pages = {"index": _overview(read)}
    pages |= {entry.name: _chapter(entry, load(entry)) for entry in read}
    pages["checklist"] = _checklist(read)
    for name, lines in pages.items():
        (out / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [out / f"{name}.md" for name in pages]


def _overview(chapters: Sequence[Chapter]) -> Iterator[str]:
    yield "# Instructor's kit"
    yield ""
    yield "This kit is generated from the notebooks, with their times, outputs and answers. `zetl kit` updates it."
    yield ""
    yield "## Chapters"
    yield ""
    yield "| chapter | teaching | exercises | needs | cost on AWS |"
    yield "| --- | ---: | ---: | --- | --- |"
    for chapter in chapters:
        needs = ", ".join(f"{number:02}" for number in chapter.needs) or "–"
        times = f"{chapter.teaching} min | {chapter.practice} min"
        yield f"| [{chapter.title}]({chapter.name}.md) | {times} | {needs} | {chapter.cost} |"
    for name, minutes in _PLANS.items():
        yield from ("", f"## {name}", "", "| at | minutes | part | exercises |", "| --- | ---: | --- | --- |")
        slots = plan(chapters, minutes)
        for slot in slots:
            at = f"{slot.start // 60}:{slot.start % 60:02}"
            yield f"| {at} | {slot.minutes} | {slot.what} | {slot.exercises} |"
        slack = sum(slot.minutes for slot in slots if slot.what.startswith("Slack"))
        yield from ("", f"{slack} of {minutes} minutes are slack ({slack / minutes:.0%}).")
        late = [f"{number}. {what}, {saved} min" for number, (what, saved) in enumerate(cuts(chapters, slots), start=1)]
        yield from ("", "**If time runs short**, skip in this order:", "", *late) if late else ()
    yield from ("", "At the end of the day: [the checklist](checklist.md).")


def _chapter(chapter: Chapter, material: dict[str, Material]) -> Iterator[str]:
    yield f"# Teaching {chapter.title}"
    yield ""
    practice = f"{chapter.practice} minutes of exercises" if chapter.practice else "no exercises"
    yield f"{chapter.teaching} minutes of teaching and {practice}. **Cost on AWS:** {chapter.cost}."
    yield ""
    yield "| section | minutes |"
    yield "| --- | ---: |"
    for section in chapter.sections:
        yield f"| {section.heading} | {section.minutes} |"
    yield from ("", "**Checkpoints**: continue when everybody has finished.", "", "| at | after | everybody sees |")
    yield "| ---: | --- | --- |"
    for checkpoint in checkpoints(chapter):
        yield f"| {checkpoint.minute} min | {checkpoint.heading} | {_in_a_cell(checkpoint.sees)} |"
    answers = iter(exercises.ALL.get(chapter.number, ()))
    for section in chapter.sections:
        yield from ("", f"## {section.heading}", "", f"*{section.minutes} min*", "")
        if section.kind == "section":
            yield from _section(section, material[section.heading])
        elif section.kind == "exercise":
            yield from _exercise(section, next(answers))
        else:
            yield from map(_between_pages, section.texts)
            yield from _list("Say, for each point", material[section.heading].say)


def _section(section: Section, material: Material) -> Iterator[str]:
    yield f"The notebook begins: {_between_pages(_first_sentence(section.texts[0]))}"
    yield from _list("Say", material.say)
    yield from _list("Common failures and their symptoms", material.breaks)
    yield from _list("Learners ask", [f"*{question}* {answer}" for question, answer in material.asked])
    if section.outputs:
        yield from ("", "**Expected outputs**")
    for output in section.outputs:
        lines = output.splitlines()
        more = [f"… {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
        yield from ("", "```text", *lines[:_MOST_LINES], *more, "```")


def _exercise(section: Section, exercise: exercises.Exercise) -> Iterator[str]:
    yield from map(_between_pages, section.texts)
    yield from _list("Hints", list(map(_plain, exercise.hints)))
    yield from ("", "**A right answer**", "", "```", exercise.answer.strip("\n"), "```", "", _plain(exercise.why))


def _in_a_cell(text: str) -> str:
    return "`" + text.replace("|", "¦")[:60].strip() + "`" if text and text != FEEDBACK else text or "–"


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from ("", f"**{title}**", "", *(f"- {line}" for line in lines))


def _plain(text: str) -> str:
    """Escape plain text for Markdown, where `item["S"]` would otherwise be a link."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)


def _between_pages(text: str) -> str:
    """Rewrite links to chapters as links to their pages in the kit."""
    return re.sub(r"\]\((\d\d_\w+)\.ipynb", r"](\1.md", text)


def _first_sentence(text: str) -> str:
    paragraph = next(
        (entry for entry in text.strip().split("\n\n") if not entry.startswith(("|", "!"))), "with a table."
    )
    return re.split(r"(?<=[.?!])\s", paragraph, maxsplit=1)[0]


def _checklist(chapters: Sequence[Chapter]) -> Iterator[str]:
    yield "# Checklist for the end of the day"
    yield ""
    yield "A class should cost nothing after the day ends. The local lakehouse is free. On AWS, follow these steps:"
    yield ""
    yield "1. `zetl class status`: check who has an integration, and whether any integration needs attention."
    yield "2. Ask whether anybody wants to keep any data, and save that data elsewhere."
    yield "3. `zetl class cleanup`: review what would be deleted for each learner. The command changes nothing."
    yield "4. `zetl class cleanup --yes`: delete the resources. The command continues after failures and checks again."
    yield "5. The last line of the output should say that no resources remain. If not, fix the cause and repeat step 4."
    yield "6. `zetl cleanup`: delete your own lab, which has no prefix."
    yield "7. Repeat steps 1 to 6 in every other Region that was used: cleanup covers one Region."
    yield "8. The next day: check Cost Explorer, filtered by the tag `zetl-lab`. The costs can take a day to appear."
    yield ""
    idle = cost.idle_cost(15)
    yield f"A forgotten integration costs about ${idle:.2f} a month per table until it is deleted."
    yield from ("", "## Cost of each chapter", "", "| chapter | cost on AWS |", "| --- | --- |")
    for chapter in chapters:
        yield f"| {chapter.title} | {chapter.cost} |"
